// SPDX-License-Identifier: Apache-2.0

import AWSSigning
import Testing

@testable import S3Storage

@Suite struct CatalogPropertiesTests {
    private let settings = S3Settings(
        endpoint: S3Endpoint(region: "us-east-1"), region: "us-east-1")

    @Test func `lent credentials are taken with their end`() throws {
        let properties = S3CatalogProperties([
            "s3.access-key-id": "A", "s3.secret-access-key": "hidden", "s3.session-token": "hidden",
            "s3.session-token-expires-at-ms": "1700000000000", "owner": "somebody",
        ])

        #expect(
            try properties.credentials()
                == AWSCredentials(
                    accessKeyID: "A", secretAccessKey: "hidden", sessionToken: "hidden",
                    expiresAtMilliseconds: 1_700_000_000_000))
        var dumped = "\(properties)\(String(reflecting: properties))"
        dump(properties, to: &dumped)
        #expect(!dumped.contains("hidden"))
    }

    @Test(arguments: [["s3.region": "x"], ["s3.access-key-id": "", "s3.secret-access-key": ""]])
    func `a catalog may lend none`(properties: [String: String]) throws {
        #expect(try S3CatalogProperties(properties).credentials() == nil)
    }

    @Test(arguments: ["s3.access-key-id", "s3.secret-access-key"])
    func `one half of a pair is refused`(name: String) {
        #expect(throws: CredentialsError.self) {
            _ = try S3CatalogProperties([name: "x"]).credentials()
        }
    }

    @Test func `the catalog's endpoint and region are used unless somebody set them`() throws {
        let said = S3CatalogProperties([
            "s3.endpoint": "http://127.0.0.1:9", "client.region": "eu-west-1",
        ])

        let applied = try said.applied(to: settings, keepingEndpoint: false)
        let kept = try said.applied(to: settings, keepingEndpoint: true)

        #expect(try applied.endpoint == S3Endpoint(url: "http://127.0.0.1:9", style: .path))
        #expect(applied.region == "eu-west-1" && kept.region == "eu-west-1")
        #expect(kept.endpoint == settings.endpoint)
        let virtual = S3CatalogProperties([
            "s3.endpoint": "http://127.0.0.1:9", "s3.path-style-access": "false",
        ])
        #expect(
            try virtual.applied(to: settings, keepingEndpoint: false).endpoint
                == S3Endpoint(url: "http://127.0.0.1:9", style: .virtualHost))
        let region = S3CatalogProperties(["s3.region": "eu-west-1"])
        #expect(
            try region.applied(to: settings, keepingEndpoint: false).endpoint
                == S3Endpoint(region: "eu-west-1"))
    }

    @Test func `an endpoint that is none is refused`() {
        #expect(throws: S3Endpoint.Invalid.self) {
            _ = try S3CatalogProperties(["s3.endpoint": "nowhere"])
                .applied(to: settings, keepingEndpoint: false)
        }
    }
}
