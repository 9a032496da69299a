// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import TestSupport
import Testing
import WireFormat

/// The first promise: a person submits an expiry of somebody else's table over HTTP, and other
/// engines read the same rows as before.
@Suite(.enabled(if: Oracles.isAvailable, "\(Oracles.reason)"))
struct EndToEndTests {
    /// Where the job store is.
    enum StoreKind: CaseIterable {
        case sqlite
        case postgres
    }

    @Test(.timeLimit(.minutes(12)), arguments: StoreKind.allCases)
    func `an expiry over HTTP keeps every remaining row and leaves no file behind`(
        store: StoreKind
    ) async throws {
        let folder = try Product.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        // PyIceberg takes a second for a commit, and the longer the history, the more.
        let commits = Share.count(60, whole: 200)
        let made = try await Oracles.run(
            "make_table.py",
            ["--warehouse", folder.appendingPathComponent("wh").path, "--commits", "\(commits)"])
        let uri = try #require(made.objectValue?["catalog_uri"]?.stringValue)
        var environment = [
            "ICEPACK_CATALOG_TYPE": "sql", "ICEPACK_CATALOG_URI": uri, "ICEPACK_PORT": "0",
        ]
        if store == .postgres {
            environment["ICEPACK_STORE"] = try await PostgresCluster.shared().createDatabase()
        }
        let product = Product(environment: environment, folder: folder)
        let rows = ["--catalog-uri", uri, "--table", "demo.events"]
        // The heads of every branch and the tag; reading all snapshots twice takes minutes.
        let before = try #require(
            try await Oracles.run("read_rows.py", rows + ["--refs-only"]).objectValue)

        let service = try await product.start("serve", name: "serve")
        let url = try await product.address(of: service)
        var client = product
        client.environment["ICEPACK_API_URL"] = url
        let finished = try await client.run(
            "submit", "demo.events", "--action", "expire_snapshots", "--option",
            "older_than=2100-01-01T00:00:00Z", "--option", "retain_last=4", "--wait", "--json")
        let refused = try await client.run(
            "submit", "demo.events", "--action", "rewrite_position_delete_files", "--option",
            "where=upper(note) = 'X'", "--json")
        service.send(SIGTERM)
        #expect(try await service.wait() == .exited(0))

        #expect(finished.code == 0, "\(finished.errors)")
        let job = try #require(try JSONValue(parsing: finished.output).objectValue)
        let metrics = job["results"]?.arrayValue?.first?.objectValue?["metrics"]?.objectValue
        #expect((metrics?["expired_snapshots_count"]?.int64Value ?? 0) > Int64(commits) / 2)
        #expect(refused.code == 65)
        #expect(
            try JSONValue(parsing: refused.output).objectValue?["code"] == "no_engine_for_action")
        try await compare(before, with: rows, uri)
    }

    private func compare(_ before: JSONObject, with rows: [String], _ uri: String) async throws {
        let after = try #require(try await Oracles.run("read_rows.py", rows).objectValue)
        #expect(after["refs"] == before["refs"])
        #expect(after["current_snapshot_id"] == before["current_snapshot_id"])
        // Both readers read every snapshot that is left, and agree on it, or this throws.
        let kept = try #require(after["snapshots"]?.objectValue)
        for snapshot in try #require(before["snapshots"]?.objectValue).members {
            #expect(kept[snapshot.key] == snapshot.value, "snapshot \(snapshot.key)")
        }
        let files = try await Oracles.run(
            "references.py",
            ["--catalog-file", String(uri.dropFirst("sqlite:///".count)), "--strict"])
        #expect(files.objectValue?["missing"] == [])
        // Metadata files that fell out of the table's own log of 100 are orphan removal's to find.
        let left = (files.objectValue?["unreferenced"]?.arrayValue ?? [])
            .compactMap(\.stringValue).filter { !$0.hasSuffix(".metadata.json") }
        #expect(left == [])
    }
}
