// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import S3Storage
import Testing

@testable import IcepackRuntime

@Suite struct S3ConfigurationTests {
    private func settings(_ environment: [String: String]) throws -> S3Settings {
        let configuration = try Configuration(ConfigurationValues(environment: environment))
        return try configuration.s3Settings(
            CredentialsEnvironment(variables: configuration.values.aws))
    }

    @Test func `Amazon's endpoint of the region is used where nothing is said`() throws {
        let settings = try settings([:])

        #expect(settings.endpoint == S3Endpoint(region: "us-east-1"))
        #expect(settings.region == "us-east-1" && settings.conditionalWrites == .proven)
        let other = try self.settings(["AWS_REGION": "eu-west-1", "ICEPACK_S3_PATH_STYLE": "1"])
        #expect(other.endpoint == S3Endpoint(region: "eu-west-1", style: .path))
    }

    @Test func `an endpoint of one's own has the bucket in the path unless told otherwise`() throws
    {
        let url = "http://127.0.0.1:9000"
        let own = try settings(["ICEPACK_S3_ENDPOINT": url, "AWS_ENDPOINT_URL": "http://other"])
        let hosts = try settings(["ICEPACK_S3_ENDPOINT": url, "ICEPACK_S3_PATH_STYLE": "false"])
        let amazon = try settings(["AWS_ENDPOINT_URL_S3": url, "AWS_ENDPOINT_URL": "http://other"])

        #expect(try own.endpoint == S3Endpoint(url: url, style: .path))
        #expect(try hosts.endpoint == S3Endpoint(url: url, style: .virtualHost))
        #expect(try amazon.endpoint == S3Endpoint(url: url, style: .path))
    }

    @Test func `conditional writes and certificates are taken from the environment`() throws {
        let settings = try settings([
            "ICEPACK_S3_CONDITIONAL_WRITES": "look-first", "AWS_CA_BUNDLE": "/etc/ca.pem",
        ])

        #expect(settings.conditionalWrites == .lookFirst)
        #expect(settings.trustedCertificates == "/etc/ca.pem")
    }

    @Test(arguments: [
        ("ICEPACK_S3_ENDPOINT", "localhost:9000"), ("ICEPACK_S3_PATH_STYLE", "maybe"),
        ("ICEPACK_S3_CONDITIONAL_WRITES", "always"), ("ICEPACK_S3_ENDPONT", "http://x"),
    ])
    func `a wrong setting is named`(name: String, value: String) {
        let error = #expect(throws: ConfigurationProblems.self) {
            _ = try Configuration(ConfigurationValues(environment: [name: value]))
        }
        #expect(error?.problems.first?.key == name)
    }

    @Test func `files that AWS's environment names must be there`() {
        #expect(throws: StartupFailure.self) {
            _ = try settings(["AWS_CONFIG_FILE": "/no/such/file"])
        }
        #expect(throws: StartupFailure.self) {
            _ = try settings(["AWS_ENDPOINT_URL": "nowhere"])
        }
    }

    @Test func `the three schemes of S3 are served, and the secrets stay out of sight`()
        async throws
    {
        let configuration = try Configuration(
            ConfigurationValues(environment: [
                "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "very-hidden",
                "ICEPACK_S3_ENDPOINT": "http://127.0.0.1:1",
            ]))
        let storage = try configuration.makeStorage()

        for scheme in ["s3", "s3a", "s3n"] {
            // Taken for a bucket's name: the store is asked about none.
            await #expect(throws: StorageError.self) {
                _ = try await storage.stat(Location("\(scheme)://bucket/"))
            }
            #expect(
                try await storage.exclusiveCreation(at: Location("/tmp/x")) == .guaranteed)
        }
        var dumped = ""
        dump(configuration.values.shown, to: &dumped)
        dump(storage, to: &dumped)
        #expect(!dumped.contains("very-hidden"))
    }
}
