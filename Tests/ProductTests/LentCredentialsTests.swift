// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import WireFormat

/// A table in a bucket that only the catalog can open: it lends credentials of a role, table by
/// table, and our own are wrong.
@Suite(.enabled(if: S3Server.isAvailable(.moto), "\(Oracles.reason)"))
struct LentCredentialsTests {
    private static let expiry = [
        "--action", "expire_snapshots", "--option", "older_than=2100-01-01T00:00:00Z",
        "--option", "retain_last=2",
    ]

    /// The database of PyIceberg's catalog behind a REST server that lends for so long.
    private func lending(
        _ bucket: TableBucket, seconds: Int
    ) async throws -> RESTServer.Catalog {
        try await RESTServer.shared().makeCatalog(
            database: String(bucket.catalog.dropFirst("sqlite:///".count)),
            options: JSONObject([
                .init(key: "name", value: "default"),
                .init(
                    key: "lend",
                    value: [
                        "endpoint": .string(bucket.server.endpoint),
                        "access_key": .string(bucket.server.accessKeyID),
                        "secret_key": .string(bucket.server.secretAccessKey),
                        "seconds": .integer(seconds),
                    ]),
            ]))
    }

    private func product(_ bucket: TableBucket, _ catalog: RESTServer.Catalog) -> Product {
        var product = bucket.product
        product.environment["ICEPACK_CATALOG_TYPE"] = "rest"
        product.environment["ICEPACK_CATALOG_URI"] = catalog.uri
        product.environment["ICEPACK_S3_ENDPOINT"] = nil
        product.environment["AWS_SECRET_ACCESS_KEY"] = "our-own-is-wrong"
        return product
    }

    /// How often the table was loaded with a request for credentials.
    private func loans(_ catalog: RESTServer.Catalog) async throws -> Int {
        try await catalog.calls().count { call in
            call["method"] == "GET" && call["path"]?.stringValue?.contains("/tables/") == true
                && call["headers"]?.objectValue?["x-iceberg-access-delegation"]
                    == "vended-credentials"
        }
    }

    @Test(.timeLimit(.minutes(15)))
    func `a table is maintained with what the catalog lends, which is renewed before it ends`()
        async throws
    {
        let folder = try Product.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let bucket = try await TableBucket(scheme: "s3", catalog: nil, folder: folder)
        _ = try await bucket.oracle("make")
        let before = try await bucket.oracle("read")
        let lasting = try await lending(bucket, seconds: 3600)
        let ending = try await lending(bucket, seconds: 20)
        let look = [
            "maintain", "demo.events", "--json", "--dry-run", "--action", "remove_orphan_files",
        ]

        let first = try await product(bucket, lasting).run(look)
        let second = try await product(bucket, ending).run(look)
        #expect(try await loans(ending) > loans(lasting))
        let expired = try await product(bucket, ending).run(
            ["maintain", "demo.events", "--json"] + Self.expiry)

        for finished in [first, second, expired] {
            #expect(finished.code == 0, "\(finished.errors)\(finished.output)")
            #expect(!(finished.errors + finished.output).contains("our-own-is-wrong"))
        }
        try await bucket.expectExpired(since: before)
        var own = product(bucket, lasting)
        own.environment["ICEPACK_CATALOG_ACCESS_DELEGATION"] = "none"
        own.environment["ICEPACK_S3_ENDPOINT"] = bucket.server.endpoint
        let refused = try await own.run(look)
        #expect((refused.output + refused.errors).contains("SignatureDoesNotMatch"))
    }
}
