// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcebergCatalog
import Maintenance
import NativeEngine
import ObjectStorage
import SQLCatalog
import StorageTestSupport
import Synchronization
import TestSupport
import Testing
import WireFormat

/// PyIceberg appends five times a second while manifests are rewritten in a loop.
///
/// Ten seconds of it; `make soak` does it for a minute with the product itself.
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct StreamingWriterTests {
    private static let seconds = 10
    private static let identifier = TableIdentifier(namespace: ["demo"], name: "events")

    /// What became of our tries.
    private struct Tries {
        var committed = 0
        var hadNothingToDo = 0
        var conflicts = 0
    }

    @Test(.timeLimit(.minutes(10)))
    func `a writer that commits all the time is not disturbed, and rewrites get through`()
        async throws
    {
        let folder = try ScratchFolder()
        let made = try await Oracles.run(
            "make_table.py",
            [
                "--warehouse", folder.path, "--commits", "4", "--no-refs",
                // Who commits five times a second does not wait its 100 ms and more.
                "--property", "commit.retry.min-wait-ms=10",
            ])
        let uri = try #require(made.objectValue?["catalog_uri"]?.stringValue)
        let before = try #require(try await rows(uri, engines: "pyiceberg").first)

        let isDone = Mutex(false)
        async let appended = append(uri) { isDone.withLock { $0 = true } }
        var tries = Tries()
        while !isDone.withLock({ $0 }) { try await rewrite(uri, counting: &tries) }
        let counts = try #require(try await appended.objectValue)

        let committed = try #require(counts["committed"]?.intValue)
        let failed = try #require(counts["failed"]?.intValue)
        #expect(committed > Self.seconds, "the writer hardly wrote")
        #expect(failed <= 1, "of \(committed + failed) appends")
        #expect(tries.committed > 0)
        #expect(tries.committed * 10 >= tries.committed + tries.conflicts)
        let after = try await rows(uri, engines: "duckdb,datafusion,pyiceberg")
        #expect(Set(after).count == 1, "no append was lost, whoever reads: \(after)")
        #expect(after.first == before + committed * 5)
    }

    private func append(_ uri: String, _ ended: @Sendable () -> Void) async throws -> JSONValue {
        defer { ended() }
        return try await Oracles.run(
            "append_loop.py", ["--catalog-uri", uri, "--seconds", "\(Self.seconds)"])
    }

    private func rewrite(_ uri: String, counting tries: inout Tries) async throws {
        let storage = LocalStorage()
        let engine = NativeEngine(
            catalog: try SQLCatalog(name: "default", uri: uri, storage: storage), storage: storage)
        let request = ActionRequest(
            table: Self.identifier, action: .rewriteManifests, options: .none, now: TestTable.now)
        do throws(MaintenanceError) {
            let report = try await engine.run(
                request, in: TestTable.context(MemoryJournal()))
            if report.manifestCounts == [0, 0] {
                tries.hadNothingToDo += 1
            } else {
                tries.committed += 1
            }
        } catch {
            guard case .conflict = error else { throw error }
            tries.conflicts += 1
        }
    }

    /// The number of rows in the current snapshot, by engine.
    private func rows(_ uri: String, engines: String) async throws -> [Int] {
        let snapshots = try await Oracles.run(
            "read_rows.py", ["--catalog-uri", uri, "--refs-only"])
        let location = try #require(
            snapshots.objectValue?["metadata_location"]?.stringValue)
        let entries = try await Oracles.run(
            "live_entries.py", ["--metadata-location", location, "--engines", engines])
        let rows = try #require(entries.objectValue?["rows"]?.objectValue?.members)
        return rows.compactMap { $0.value.objectValue?["rows"]?.intValue }
    }
}
