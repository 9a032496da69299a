// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import SQLCatalog
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// Tables that PyIceberg wrote, whose manifests are rewritten, and that it goes on writing to.
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct PyIcebergRewriteTests {
    private static let identifier = TableIdentifier(namespace: ["demo"], name: "events")

    private struct Made {
        let folder: ScratchFolder
        let uri: String

        func engine() throws -> NativeEngine<SQLCatalog<LocalStorage>, LocalStorage> {
            let storage = LocalStorage()
            return NativeEngine(
                catalog: try SQLCatalog(name: "default", uri: uri, storage: storage),
                storage: storage)
        }
    }

    private func make(_ arguments: [String]) async throws -> Made {
        let folder = try ScratchFolder()
        let made = try await Oracles.run(
            "make_table.py", ["--warehouse", folder.path] + arguments)
        return Made(
            folder: folder,
            uri: try #require(made.objectValue?["catalog_uri"]?.stringValue))
    }

    private func rewrite(_ made: Made) async throws -> ActionReport {
        try await made.engine().run(
            ActionRequest(
                table: Self.identifier, action: .rewriteManifests, options: .none,
                now: TestTable.now), in: TestTable.context(MemoryJournal()))
    }

    private func snapshots(_ made: Made) async throws -> JSONObject {
        try #require(
            try await Oracles.run("read_rows.py", ["--catalog-uri", made.uri]).objectValue)
    }

    private func entries(_ made: Made, engines: String) async throws -> JSONObject {
        let location = try #require(
            try await snapshots(made)["metadata_location"]?.stringValue)
        return try #require(
            try await Oracles.run(
                "live_entries.py", ["--metadata-location", location, "--engines", engines]
            ).objectValue)
    }

    @Test(arguments: [
        ["--commits", "12"], ["--commits", "12", "--partitioned", "--seed", "2"],
        ["--commits", "8", "--format-version", "1", "--seed", "3"],
    ])
    func `P-60: DuckDB, DataFusion and PyIceberg read the same rows, fastavro the same entries`(
        arguments: [String]
    ) async throws {
        let made = try await make(arguments)
        let before = try await entries(made, engines: "duckdb,datafusion,pyiceberg")
        let rowsBefore = try await snapshots(made)

        let report = try await rewrite(made)

        let after = try await entries(made, engines: "duckdb,datafusion,pyiceberg")
        #expect(after["entries"] == before["entries"])
        #expect(after["rows"] == before["rows"])
        let sizes = try #require(after["sizes"]?.arrayValue)
        let manifests = try #require(after["manifests"]?.arrayValue)
        #expect(manifests.count == report.manifestCounts[1])
        for (manifest, size) in zip(manifests, sizes) {
            #expect(manifest.objectValue?["manifest_length"] == size, "P-62")
        }
        // Every older snapshot, and every branch and tag, reads as it did.
        let rowsAfter = try await snapshots(made)
        let old = try #require(rowsBefore["snapshots"]?.objectValue)
        let new = try #require(rowsAfter["snapshots"]?.objectValue)
        #expect(new.members.count == old.members.count + 1)
        for member in old.members { #expect(new[member.key] == member.value) }
        let current = try #require(rowsAfter["current_snapshot_id"]?.int64Value)
        let parent = try #require(rowsBefore["current_snapshot_id"]?.int64Value)
        #expect(new["\(current)"] == old["\(parent)"])
        #expect(try await rewrite(made).manifestCounts == [0, 0])

        // PyIceberg goes on writing.
        let appended = try await Oracles.run(
            "append_loop.py", ["--catalog-uri", made.uri, "--commits", "2", "--interval", "0"])
        #expect(appended == ["committed": 2, "failed": 0, "refused": 0])
        #expect(try await rewrite(made).manifestCounts == [3, 1])
        let last = try await entries(made, engines: "duckdb,datafusion,pyiceberg")
        let rows = try #require(last["rows"]?.objectValue?.members.map(\.value))
        #expect(Set(rows).count == 1, "the engines agree")
    }
}
