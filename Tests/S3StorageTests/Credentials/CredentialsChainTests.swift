// SPDX-License-Identifier: Apache-2.0

import AWSSigning
import Foundation
import NIOHTTP1
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing

@testable import S3Storage

@Suite struct CredentialsChainTests {
    let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    static let lent = #"""
        {"Code": "Success", "AccessKeyId": "LENT", "SecretAccessKey": "secret", "Token": "token",
         "Expiration": "2013-05-24T00:00:00Z"}
        """#
    static let lentCredentials = AWSCredentials(
        accessKeyID: "LENT", secretAccessKey: "secret", sessionToken: "token",
        expiresAtMilliseconds: 1_369_353_600_000)

    private func file(_ name: String, _ text: String) throws -> String {
        let path = "\(scratch.path)/\(name)"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    /// Nothing of the machine's own is looked at.
    private func chain(_ variables: [String: String]) -> CredentialsChain {
        var all = ["AWS_EC2_METADATA_DISABLED": "true", "HOME": scratch.path]
        all.merge(variables) { _, new in new }
        let retry = RetryPolicy(
            attempts: 2, firstDelay: .milliseconds(1), longestDelay: .milliseconds(1))
        return CredentialsChain(CredentialsEnvironment(variables: all), retry: retry)
    }

    @Test func `the environment comes first`() async throws {
        let path = try file(
            "credentials", "[default]\naws_access_key_id = F\naws_secret_access_key = G")
        let variables = [
            "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B", "AWS_SESSION_TOKEN": "C",
            "AWS_SHARED_CREDENTIALS_FILE": path,
        ]

        #expect(
            try await chain(variables).credentials()
                == AWSCredentials(accessKeyID: "A", secretAccessKey: "B", sessionToken: "C"))
    }

    @Test func `a profile is found in either file, and wins where it was named`() async throws {
        let credentials = try file(
            "credentials",
            """
            [default]
            aws_access_key_id = D
            aws_secret_access_key = E
            [dev]
            aws_access_key_id = F
            """)
        let config = try file("config", "[profile dev]\naws_secret_access_key = G\nregion = r-1")
        var variables = [
            "AWS_SHARED_CREDENTIALS_FILE": credentials, "AWS_CONFIG_FILE": config,
        ]
        #expect(try await chain(variables).credentials().accessKeyID == "D")
        variables["AWS_PROFILE"] = "dev"
        variables["AWS_ACCESS_KEY_ID"] = "A"
        variables["AWS_SECRET_ACCESS_KEY"] = "B"

        #expect(
            try await chain(variables).credentials()
                == AWSCredentials(accessKeyID: "F", secretAccessKey: "G"))
        #expect(try CredentialsEnvironment(variables: variables).region() == "r-1")
    }

    @Test func `files in the home folder are found, and their absence is no error`() async throws {
        await #expect(throws: CredentialsError.self) { _ = try await chain([:]).credentials() }
        try FileManager.default.createDirectory(
            atPath: "\(scratch.path)/.aws", withIntermediateDirectories: true)
        _ = try file(
            ".aws/credentials", "[default]\naws_access_key_id = H\naws_secret_access_key = I")

        #expect(try await chain([:]).credentials().accessKeyID == "H")
    }

    @Test(arguments: [
        ["AWS_ACCESS_KEY_ID": "A"], ["AWS_SECRET_ACCESS_KEY": "A"], ["AWS_PROFILE": "nobody"],
        ["AWS_SHARED_CREDENTIALS_FILE": "/no/such/file"],
        ["AWS_WEB_IDENTITY_TOKEN_FILE": "/no/such/file"],
        ["AWS_WEB_IDENTITY_TOKEN_FILE": "/no/such/file", "AWS_ROLE_ARN": "r"],
        ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.org/"],
        ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost.example.org/"],
        ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost@example.org/"],
        ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "no-slash"],
    ])
    func `a source that is there and cannot be used is an error`(variables: [String: String])
        async throws
    {
        let error = await #expect(throws: CredentialsError.self) {
            _ = try await chain(variables).credentials()
        }
        guard case .unusable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: [
        "[default]\naws_access_key_id = A", "[default]\ncredential_process = /bin/true",
        "[default]\nsso_session = x", "[default]\nrole_arn = r",
        "[default]\nrole_arn = r\nsource_profile = nobody",
        "[default]\nrole_arn = r\ncredential_source = Moon",
        "[default]\nrole_arn = r\nsource_profile = a\n[a]\nrole_arn = s\nsource_profile = default",
    ])
    func `a profile that cannot be used says why`(text: String) async throws {
        let path = try file("credentials", text)

        let error = await #expect(throws: CredentialsError.self) {
            _ = try await chain(["AWS_SHARED_CREDENTIALS_FILE": path]).credentials()
        }
        guard case .unusable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a container's service is asked with its token, read each time`() async throws {
        let token = try file("token", "Bearer one\n")
        let scratch = scratch
        try await FaultProxy.run(to: 0) { proxy in
            proxy.inject(.answer(500), "GET", "/creds")
            proxy.inject(.answer(200, body: Self.lent), "GET", "/creds", times: 2)
            let chain = self.chain([
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:\(proxy.port)/creds",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": token,
            ])

            #expect(try await chain.credentials() == Self.lentCredentials)
            try "two".write(
                toFile: "\(scratch.path)/token", atomically: true, encoding: .utf8)
            _ = try await chain.credentials()

            let tokens = proxy.seen("GET").map { $0.headers.first(name: "authorization") }
            #expect(tokens == ["Bearer one", "Bearer one", "two"])
        }
    }

    @Test func `an instance's service is asked in its second version`() async throws {
        try await FaultProxy.run(to: 0) { proxy in
            let roles = "/latest/meta-data/iam/security-credentials/"
            proxy.inject(.answer(200, body: "session"), "PUT", "/latest/api/token")
            proxy.inject(.answer(200, body: "my role\n"), "GET", roles)
            proxy.inject(.answer(200, body: Self.lent), "GET", roles)

            let found = try await self.instance(proxy).credentials()

            #expect(found == Self.lentCredentials)
            #expect(proxy.seen("GET").map(\.uri) == [roles, roles + "my%20role"])
            #expect(
                proxy.seen("GET").allSatisfy {
                    $0.headers.first(name: "x-aws-ec2-metadata-token") == "session"
                })
            let lifetime = "x-aws-ec2-metadata-token-ttl-seconds"
            #expect(proxy.seen("PUT").first?.headers.first(name: lifetime) == "21600")
        }
    }

    @Test func `an instance without a role has no credentials, and a failing one says so`()
        async throws
    {
        try await FaultProxy.run(to: 0) { proxy in
            proxy.inject(.answer(200, body: "session"), "PUT", times: 2)
            proxy.inject(.answer(404), "GET")
            proxy.inject(
                .answer(200, body: #"{"Code": "AssumeRoleUnauthorizedAccess"}"#), "GET", times: 9)

            let missing = await #expect(throws: CredentialsError.self) {
                _ = try await self.instance(proxy).credentials()
            }
            let failing = await #expect(throws: CredentialsError.self) {
                _ = try await self.instance(proxy).credentials()
            }

            guard case .missing = missing, case .unavailable = failing else {
                Issue.record("\(String(describing: (missing, failing)))")
                return
            }
            #expect("\(String(describing: failing))".contains("AssumeRoleUnauthorizedAccess"))
        }
    }

    private func instance(_ proxy: FaultProxy) -> CredentialsChain {
        chain([
            "AWS_EC2_METADATA_DISABLED": "false",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:\(proxy.port)/",
        ])
    }

    @Test(.enabled(if: S3Server.isAvailable(.moto)))
    func `roles are assumed by web identity and through profiles`() async throws {
        let server = try await S3Server.shared(.moto)
        let token = try file("token", "e30.e30.x\n")
        let role = "arn:aws:iam::123456789012:role/tables"
        let profiles = try file(
            "credentials",
            """
            [default]
            role_arn = \(role)
            source_profile = base
            role_session_name = tests
            [base]
            aws_access_key_id = \(server.accessKeyID)
            aws_secret_access_key = \(server.secretAccessKey)
            """)
        let endpoint = ["AWS_ENDPOINT_URL_STS": server.endpoint, "AWS_REGION": "us-east-1"]

        let byProfile = try await chain(
            endpoint.merging(["AWS_SHARED_CREDENTIALS_FILE": profiles]) { $1 }
        ).credentials()
        let byIdentity = try await chain(
            endpoint.merging(["AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_ARN": role]) { $1 }
        ).credentials()

        for lent in [byProfile, byIdentity] {
            #expect(lent.accessKeyID.hasPrefix("ASIA"))
            #expect(lent.sessionToken?.isEmpty == false)
            #expect((lent.expiresAtMilliseconds ?? 0) > systemMilliseconds())
            let storage = S3Storage(
                try TestStore.settings(server), credentials: CredentialsCache(lent),
                logger: TestStore.logger)
            let store = try await TestStore(.moto)
            try await storage.write([1], to: store.root.appending("o"), condition: .absent)
        }
    }

    @Test func `STS's refusal is passed on without the token`() async throws {
        let token = try file("token", "very-secret-token")
        try await FaultProxy.run(to: 0) { proxy in
            let refusal = """
                <ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>no</Message></Error>
                </ErrorResponse>
                """
            proxy.inject(.answer(400, body: refusal), "POST", times: 9)

            let error = await #expect(throws: CredentialsError.self) {
                _ = try await self.chain([
                    "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:\(proxy.port)", "AWS_ROLE_ARN": "r",
                    "AWS_WEB_IDENTITY_TOKEN_FILE": token,
                ]).credentials()
            }

            #expect("\(String(describing: error))".contains("InvalidIdentityToken"))
            #expect(!"\(String(describing: error))".contains("very-secret"))
            #expect(proxy.seen("POST").first?.body.contains("very-secret-token") == true)
        }
    }
}
