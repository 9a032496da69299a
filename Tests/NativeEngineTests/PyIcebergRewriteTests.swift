// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import SQLCatalog
import StorageTestSupport
import Synchronization
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
        #expect(appended == ["committed": 2, "failed": 0])
        #expect(try await rewrite(made).manifestCounts == [3, 1])
        let last = try await entries(made, engines: "duckdb,datafusion,pyiceberg")
        let rows = try #require(last["rows"]?.objectValue?.members.map(\.value))
        #expect(Set(rows).count == 1, "the engines agree")
    }

    @Test func `a writer that commits all the time is not disturbed, and rewrites get through`()
        async throws
    {
        let made = try await make(["--commits", "4", "--no-refs"])
        let before = try await entries(made, engines: "pyiceberg")
        let isDone = Flag()
        async let appended = append(made, isDone)
        var tries = 0
        var successes = 0
        while !isDone.isSet {
            tries += 1
            do {
                if try await rewrite(made).manifestCounts != [0, 0] { successes += 1 }
            } catch let error as MaintenanceError {
                guard case .conflict = error else { throw error }
            }
        }
        let counts = try #require(try await appended.objectValue)
        let committed = try #require(counts["committed"]?.intValue)
        let failed = try #require(counts["failed"]?.intValue)
        #expect(committed > 30)
        #expect(successes * 10 >= tries - successes)
        #expect(successes > 0)
        // PyIceberg loads and commits once; a rewrite in between is what it may lose to.
        #expect(failed <= committed)

        let after = try await entries(made, engines: "duckdb,datafusion,pyiceberg")
        let rows = try #require(after["rows"]?.objectValue?.members.map(\.value))
        #expect(Set(rows).count == 1)
        let count = rows.first?.objectValue?["rows"]?.intValue
        let countBefore =
            before["rows"]?.objectValue?["pyiceberg"]?.objectValue?["rows"]?.intValue ?? 0
        #expect(count == countBefore + committed * 5, "no append was lost")
    }

    private func append(_ made: Made, _ isDone: Flag) async throws -> JSONValue {
        defer { isDone.set() }
        return try await Oracles.run(
            "append_loop.py", ["--catalog-uri", made.uri, "--commits", "50"])
    }
}

/// Something that happened, seen from another task.
private final class Flag: Sendable {
    private let value = Mutex(false)

    var isSet: Bool { value.withLock { $0 } }

    func set() { value.withLock { $0 = true } }
}
