// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import TestSupport
import Testing
import WireFormat

/// Orphan removal as a person runs it, on a table that PyIceberg wrote.
@Suite(.enabled(if: Oracles.isAvailable, "\(Oracles.reason)"))
struct OrphanProductTests {
    @Test(.timeLimit(.minutes(15)), arguments: [true, false])
    func `orphans are moved, listed, brought back, moved again and purged`(
        hasStore: Bool
    ) async throws {
        let folder = try Product.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let warehouse = folder.appendingPathComponent("wh").path
        let made = try await Oracles.run(
            "make_table.py", ["--warehouse", warehouse, "--commits", "5"])
        let uri = try #require(made.objectValue?["catalog_uri"]?.stringValue)
        var environment = ["ICEPACK_CATALOG_TYPE": "sql", "ICEPACK_CATALOG_URI": uri]
        if hasStore {
            environment["ICEPACK_STORE"] = "sqlite:" + folder.appendingPathComponent("s.db").path
        }
        let product = Product(environment: environment, folder: folder)
        let rows = try await Oracles.run("read_rows.py", ["--catalog-uri", uri])
        let stray = warehouse + "/demo/events/data/stray.parquet"
        try Data("stray".utf8).write(to: URL(fileURLWithPath: stray))
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -10 * 86_400)], ofItemAtPath: stray)
        let remove = ["maintain", "demo.events", "--action", "remove_orphan_files", "--json"]

        let moved = try await product.run(remove)
        #expect(moved.code == 0, "\(moved.errors)")
        #expect(!FileManager.default.fileExists(atPath: stray))
        let held = try await holds(product)
        let job = try #require(held.first?.objectValue?["job_id"]?.stringValue)
        #expect(held.count == 1 && held.first?.objectValue?["files"] == 1)

        let restored = try await product.run(
            "quarantine", "restore", "demo.events", "--job", job, "--json")
        #expect(restored.code == 0, "\(restored.errors)")
        #expect(try String(contentsOfFile: stray, encoding: .utf8) == "stray")
        let again = try await product.run(
            "quarantine", "restore", "demo.events", "--job", job, "--json")
        #expect(again.code == 1)

        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -10 * 86_400)], ofItemAtPath: stray)
        #expect(try await product.run(remove).code == 0)
        let due = try await product.run("quarantine", "purge", "demo.events", "--due", "--json")
        #expect(try JSONValue(parsing: due.output).objectValue?["purged_files"] == 0)
        let purged = try await product.run("quarantine", "purge", "demo.events", "--all", "--json")
        #expect(try JSONValue(parsing: purged.output).objectValue?["purged_files"] == 1)
        #expect(try await holds(product).isEmpty)
        #expect(try await Oracles.run("read_rows.py", ["--catalog-uri", uri]) == rows)
    }

    private func holds(_ product: Product) async throws -> [JSONValue] {
        let listed = try await product.run("quarantine", "list", "demo.events", "--json")
        #expect(listed.code == 0, "\(listed.errors)")
        return try #require(try JSONValue(parsing: listed.output).arrayValue)
    }
}
