// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import TestSupport
import Testing
import WireFormat

/// Tables in buckets: PyIceberg writes them, the product maintains them, PyIceberg and DuckDB read
/// them, and boto3 lists what is left.
@Suite(.enabled(if: S3Server.isAvailable(.moto), "\(Oracles.reason)"))
struct S3ProductTests {
    @Test(.timeLimit(.minutes(12)))
    func `maintain expires snapshots in a bucket and leaves no object behind`() async throws {
        try await withBucket { bucket in
            let before = try await bucket.oracle("read")

            let finished = try await bucket.product.run(
                ["maintain", "demo.events", "--json"] + Self.expiry)

            #expect(finished.code == 0, "\(finished.errors)")
            try await bucket.expectExpired(since: before)
            let other = try await bucket.oracle("append")
            #expect(other["metadata_location"]?.stringValue?.hasPrefix("s3://") == true)
        }
    }

    @Test(.timeLimit(.minutes(12)))
    func `manifests are rewritten and orphans moved in a bucket, and every row stays`()
        async throws
    {
        try await withBucket { bucket in
            let before = try await bucket.oracle("read")
            let stray = try #require(try await bucket.oracle("age")["stray"])

            for action in ["rewrite_manifests", "remove_orphan_files"] {
                let finished = try await bucket.product.run(
                    "maintain", "demo.events", "--action", action, "--json")
                #expect(finished.code == 0, "\(action): \(finished.errors)")
                let after = try await bucket.oracle("read")
                #expect(
                    after["refs"]?.objectValue?.members.map(\.key)
                        == before["refs"]?.objectValue?.members.map(\.key))
                let rows = after["snapshots"]?.objectValue
                for snapshot in before["snapshots"]?.objectValue?.members ?? [] {
                    #expect(rows?[snapshot.key] == snapshot.value, "\(action)")
                }
                let list = try await bucket.oracle("list")
                #expect(list["missing"] == [])
                let unreferenced = try #require(list["unreferenced"]?.arrayValue)
                #expect(unreferenced.contains(stray) == (action == "rewrite_manifests"))
                let held = unreferenced.filter {
                    $0.stringValue?.hasSuffix("/files/data/nobody-names-it") == true
                }
                #expect(held.count == (action == "remove_orphan_files" ? 1 : 0))
            }
            _ = try await bucket.oracle("append")
            _ = try await bucket.oracle("read")
        }
    }

    @Test(.enabled(if: PostgresCluster.isAvailable), .timeLimit(.minutes(12)))
    func `a submitted expiry works on a table whose locations begin with s3a, P-04`()
        async throws
    {
        let catalog = try await PostgresCluster.shared().createDatabase()
        try await withBucket(scheme: "s3a", catalog: catalog) { bucket in
            let before = try await bucket.oracle("read")
            let service = try await bucket.product.start("serve", name: "serve")
            var client = bucket.product
            client.environment["ICEPACK_API_URL"] = try await client.address(of: service)

            let finished = try await client.run(
                ["submit", "demo.events", "--wait", "--json"] + Self.expiry)
            service.send(SIGTERM)

            #expect(try await service.wait() == .exited(0))
            #expect(finished.code == 0, "\(finished.errors)")
            try await bucket.expectExpired(since: before)
        }
    }

    @Test(.timeLimit(.minutes(12)))
    func `a table that cannot be reached says why, and is no other table's trouble`() async throws {
        try await withBucket { bucket in
            let nowhere = "s3://nobody-made-it/t/metadata/v1.metadata.json"
            _ = try await bucket.oracle(
                "alias", "--table", "demo.lost", "--metadata-location", nowhere)

            let lost = try await bucket.failure(of: "demo.lost")
            let found = try await bucket.product.run(
                ["maintain", "demo.events", "--json", "--dry-run"] + Self.expiry)

            #expect(lost.contains("NoSuchBucket"), "\(lost)")
            #expect(found.code == 0, "\(found.errors)")
            var wrong = bucket
            wrong.product.environment["AWS_SECRET_ACCESS_KEY"] = "not-the-secret"
            let denied = try await wrong.failure(of: "demo.events")
            #expect(denied.contains("SignatureDoesNotMatch"), "\(denied)")
            #expect(!denied.contains("not-the-secret"))
            var dead = bucket
            dead.product.environment["ICEPACK_S3_ENDPOINT"] = "http://127.0.0.1:1"
            let unreachable = try await dead.failure(of: "demo.events")
            #expect(unreachable.contains("no connection"), "\(unreachable)")
            var poor = bucket
            poor.product.environment["AWS_ACCESS_KEY_ID"] = nil
            poor.product.environment["AWS_SECRET_ACCESS_KEY"] = nil
            poor.product.environment["AWS_EC2_METADATA_DISABLED"] = "true"
            let missing = try await poor.failure(of: "demo.events")
            #expect(missing.contains("set AWS_ACCESS_KEY_ID"), "\(missing)")
        }
    }

    private static let expiry = [
        "--action", "expire_snapshots", "--option", "older_than=2100-01-01T00:00:00Z",
        "--option", "retain_last=2",
    ]

    private func withBucket(
        scheme: String = "s3", catalog: String? = nil,
        _ body: (TableBucket) async throws -> Void
    ) async throws {
        let folder = try Product.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let bucket = try await TableBucket(scheme: scheme, catalog: catalog, folder: folder)
        _ = try await bucket.oracle("make")
        try await body(bucket)
    }
}

/// A bucket with a table in it, a SQL catalog that names it, and the product set up for both.
struct TableBucket {
    let server: S3Server
    let name = "tables-\(UInt64.random(in: 0 ... .max))"
    let scheme: String
    /// As SQLAlchemy writes it.
    let catalog: String
    var product: Product

    init(scheme: String, catalog url: String?, folder: URL) async throws {
        server = try await S3Server.shared(.moto)
        self.scheme = scheme
        let file = "sqlite:///" + folder.appendingPathComponent("catalog.db").path
        catalog = url.map { "postgresql+psycopg2" + $0.dropFirst("postgres".count) } ?? file
        product = Product(
            environment: [
                "ICEPACK_CATALOG_TYPE": "sql", "ICEPACK_CATALOG_URI": url ?? file,
                "ICEPACK_STORE": "sqlite:\(folder.appendingPathComponent("store.db").path)",
                "ICEPACK_PORT": "0", "ICEPACK_S3_ENDPOINT": server.endpoint,
                "AWS_ACCESS_KEY_ID": server.accessKeyID,
                "AWS_SECRET_ACCESS_KEY": server.secretAccessKey,
            ], folder: folder)
    }

    /// What one of the commands of `s3_table.py` prints.
    func oracle(_ command: String, _ more: String...) async throws -> JSONObject {
        let answer = try await Oracles.run(
            "s3_table.py",
            [
                command, "--endpoint", server.endpoint, "--access-key", server.accessKeyID,
                "--secret-key", server.secretAccessKey, "--bucket", name, "--scheme", scheme,
                "--catalog-uri", catalog,
            ] + more)
        return try #require(answer.objectValue)
    }

    /// Compares with what both readers saw before: every snapshot that is left has the same rows,
    /// some are gone, and the bucket has exactly what the table names.
    func expectExpired(since before: JSONObject) async throws {
        let after = try await oracle("read")
        let old = try #require(before["snapshots"]?.objectValue)
        let kept = try #require(after["snapshots"]?.objectValue)
        #expect(after["refs"] == before["refs"])
        #expect(after["current_snapshot_id"] == before["current_snapshot_id"])
        #expect(kept.members.count < old.members.count)
        for snapshot in kept.members { #expect(old[snapshot.key] == snapshot.value) }
        let list = try await oracle("list")
        #expect(list["missing"] == [] && list["unreferenced"] == [])
    }

    /// Why an expiry of the table failed; it must fail.
    func failure(of table: String) async throws -> String {
        let finished = try await product.run(
            "maintain", table, "--action", "expire_snapshots", "--json")
        #expect(finished.code == 1, "\(finished.errors)")
        let results = try JSONValue(parsing: finished.output).objectValue?["results"]?.arrayValue
        let result = try #require(results?.first?.objectValue)
        return try #require(result["error"]?.stringValue)
    }
}
