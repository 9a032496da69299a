// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import Maintenance
import ObjectStorage
import StorageTestSupport
import Testing
import WireFormat

/// Files that were given up, could not be removed, and outlive commits of the same run.
@Suite struct LeftoverTests {
    /// Three files and two delete files in each of two partitions.
    private func table(_ properties: [String: String] = [:]) async throws -> ManifestTable {
        let table = try await ManifestTable(
            .v2, properties: ManifestTable.quickRetries.merging(properties) { _, new in new })
        for (index, region) in ["a", "b"].enumerated() {
            let first = Int64(index) * 100
            for start in stride(from: first, to: first + 30, by: 10) {
                try await table.addRows(start..<start + 10, region: region)
            }
            let path = try await table.dataPaths(region: region)[0]
            for position in 0..<2 {
                try await table.deleteRows([(path, Int64(position))], region: region)
            }
        }
        return table
    }

    @Test func `P-32: a file of a dropped group that stays is in the journal after the commit`()
        async throws
    {
        let table = try await table()
        let path = try await table.dataPaths(region: "a")[1]
        let journal = MemoryJournal()
        let storage = FaultyStorage(table.storage)
        storage.inject(StorageFault(.remove, .before, of: "region=a"))
        let catalog = InterferingCatalog(base: table.catalog) { moment, commit in
            guard moment == .beforeCommit, commit == 1 else { return }
            try await table.deleteRows([(path, 4)], region: "a")
        }
        let report = try await table.compact(journal: journal, catalog: catalog, storage: storage)
        #expect(report.fileCounts == [3, 1])
        try await expectNextRun(of: table, removes: "region=a", journal)
    }

    @Test func `P-32: a file of a refused group that stays is in the journal after the commit`()
        async throws
    {
        let keyed = try await KeyedTable.withLyingDelete()
        let journal = MemoryJournal()
        let storage = FaultyStorage(keyed.table.storage)
        storage.inject(StorageFault(.remove, .before, of: "region=a"))
        let report = try await keyed.table.compact(
            ["rewrite-all": true], journal: journal, catalog: keyed.table.catalog,
            storage: storage)
        #expect(report.metrics["refused_groups_count"] == 1)
        #expect(report.fileCounts == [1, 1])
        try await expectNextRun(of: keyed.table, removes: "region=a", journal)
    }

    @Test(arguments: MaintenanceAction.leavers)
    func `P-32: a manifest of an earlier try that stays is in the journal after the commit`(
        action: MaintenanceAction
    ) async throws {
        let table = try await table()
        let journal = MemoryJournal()
        let storage = FaultyStorage(table.storage)
        let name = action == .rewriteManifests ? "/snap-" : "-m1-0.avro"
        storage.inject(StorageFault(.remove, .before, of: name))
        let catalog = InterferingCatalog(base: table.catalog) { moment, commit in
            guard moment == .beforeCommit, commit == 1 else { return }
            try await table.addRows(500..<510, region: "c")
        }
        let before = try await table.load().metadata.snapshots.count
        switch action {
        case .rewriteManifests:
            try await table.rewrite(journal: journal, catalog: catalog, storage: storage)
        case .rewritePositionDeleteFiles:
            try await table.rewriteDeletes(journal: journal, catalog: catalog, storage: storage)
        default: try await table.compact(journal: journal, catalog: catalog, storage: storage)
        }
        #expect(try await table.load().metadata.snapshots.count == before + 2)
        try await expectNextRun(of: table, removes: name, journal)
    }

    /// One file is left and in the journal, and goes with the next run.
    private func expectNextRun(
        of table: ManifestTable, removes name: String, _ journal: MemoryJournal
    ) async throws {
        let left = try #require(journal.open.first)
        #expect(journal.open.count == 1)
        #expect(left.contains(name))
        #expect(try await table.storage.stat(Location(left)) != nil)
        let rows = try await table.entries().count
        let report = try await table.rewrite(journal: journal)
        #expect(report.metrics["replayed_files_count"] == 1)
        #expect(journal.open.isEmpty)
        #expect(try await table.storage.stat(Location(left)) == nil)
        #expect(try await table.entries().count == rows)
    }

    @Test func `P-32: a file that may still arrive is in the journal after it was removed`()
        async throws
    {
        let table = try await table()
        let before = try await table.rows()
        let journal = MemoryJournal()
        let storage = FaultyStorage(table.storage)
        storage.inject(StorageFault(.write, .after, of: "region=a"))
        await #expect(throws: MaintenanceError.self) {
            try await table.compact(journal: journal, catalog: table.catalog, storage: storage)
        }
        #expect(journal.open.count == 1)
        #expect(journal.open.allSatisfy { $0.contains("region=a") })
        try await table.compact(journal: journal, catalog: table.catalog, storage: table.storage)
        #expect(journal.open.isEmpty)
        #expect(try await table.rows() == before)
    }

    @Test func `P-54: a group in conflict counts once when its commit then fails`() async throws {
        let table = try await table(["commit.retry.num-retries": "1"])
        for start in [Int64(200), 210] {
            try await table.addRows(start..<start + 10, region: "c")
        }
        let path = try await table.dataPaths(region: "a")[1]
        let journal = MemoryJournal()
        let catalog = AnsweringCatalog(base: table.catalog) { commit in
            if commit == 1 { try await table.deleteRows([(path, 4)], region: "a") }
            return commit == 2 ? .refused(.conflict(reason: "somebody was faster")) : nil
        }
        let report = try await table.compact(
            [
                "min-input-files": 2, "partial-progress.enabled": true,
                "partial-progress.max-commits": 2,
            ], journal: journal, catalog: catalog, storage: table.storage)
        #expect(report.metrics["failed_commits_count"] == 1)
        #expect(report.metrics["rewritten_groups_count"] == 1)
        #expect(report.metrics["conflicting_groups_count"] == 2, "partitions a and b")
        #expect(report.fileCounts == [2, 1])
        #expect(journal.open.isEmpty)
    }
}

extension MaintenanceAction {
    /// Those that write new files and commit them.
    fileprivate static let leavers: [MaintenanceAction] = [
        .rewriteDataFiles, .rewritePositionDeleteFiles, .rewriteManifests,
    ]
}

/// A catalog of which a test answers some commits.
private struct AnsweringCatalog<Base: Catalog>: ForwardingCatalog {
    let base: Base
    /// Nil for a commit that goes on to the base.
    let answer: @Sendable (_ commit: Int) async throws -> CommitOutcome?
    private let commits = Counter()

    init(
        base: Base, answer: @escaping @Sendable (_ commit: Int) async throws -> CommitOutcome?
    ) {
        self.base = base
        self.answer = answer
    }

    func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement], to identifier: TableIdentifier,
        base table: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome {
        do {
            if let outcome = try await answer(commits.next()) { return outcome }
        } catch {
            return .refused(.rejected(reason: "the test's answer failed: \(error)"))
        }
        return await base.commit(
            updates, requirements: requirements, to: identifier, base: table, under: commitGuard)
    }
}
