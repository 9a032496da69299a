// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import StorageTestSupport
import Synchronization
import TestSupport
import Testing
import WireFormat

/// Rewrites of manifests while others commit, and commits that fail or whose reply is lost.
@Suite struct RewriteConflictTests {
    private func table(commits: Int = 4) async throws -> ManifestTable {
        let table = try await ManifestTable(
            .v2,
            properties: [
                "commit.retry.min-wait-ms": "1", "commit.retry.max-wait-ms": "2",
                "commit.status-check.min-wait-ms": "1", "commit.status-check.max-wait-ms": "2",
            ])
        for _ in 0..<commits { try await table.append([ManifestTable.entry([.string("a")])]) }
        for _ in 0..<commits { try await table.append([ManifestTable.entry()], specID: 0) }
        return table
    }

    /// The manifests that were written, by how often.
    private func manifests(in journal: MemoryJournal) -> [MemoryJournal.Row] {
        journal.all.filter { $0.kind == FileKind.manifest.rawValue }
    }

    @Test func `P-32: after a conflict the manifests are kept and only the list is written anew`()
        async throws
    {
        let table = try await table()
        let catalog = InterferingCatalog(base: table.catalog) { moment, commit in
            guard moment == .beforeCommit, commit == 1 else { return }
            try await table.append([ManifestTable.entry([.string("b")])])
        }
        let journal = MemoryJournal()

        let report = try await table.rewrite(
            journal: journal, catalog: catalog, storage: table.storage)

        #expect(report.manifestCounts == [8, 2])
        #expect(manifests(in: journal).count == 2)
        #expect(journal.all.filter { $0.kind == FileKind.manifestList.rawValue }.count == 2)
        #expect(try await table.manifests().count == 3)
        #expect(try await table.entries().count == 9)
        #expect(journal.open.isEmpty)
        // The list of the try that failed is gone.
        let lists = try table.metadataFiles().filter { $0.hasPrefix("snap-") }
        #expect(lists.count == 8 + 1 + 1)
    }

    @Test func `what another writer changed is done anew, and nothing else`() async throws {
        let table = try await table()
        let first = try await table.manifests().first { $0.partitionSpecID == 1 }
        let source = try #require(first)
        let catalog = InterferingCatalog(base: table.catalog) { moment, commit in
            guard moment == .beforeCommit, commit == 1 else { return }
            try await table.append(
                [ManifestTable.entry([.string("b")])], removing: [source.path])
        }
        let journal = MemoryJournal()
        let report = try await table.rewrite(
            journal: journal, catalog: catalog, storage: table.storage)

        #expect(report.manifestCounts == [8, 2])
        #expect(manifests(in: journal).count == 3, "one group twice, the other once")
        #expect(try await table.entries().count == 8)
        #expect(journal.open.isEmpty)
        let mine = try table.metadataFiles().filter {
            $0.contains("-m") && $0.contains(stem(journal))
        }
        #expect(mine.count == 2)
    }

    private func stem(_ journal: MemoryJournal) -> String {
        let path = manifests(in: journal).first?.path ?? ""
        return String(Location(path).lastComponent.prefix(36))
    }

    @Test func `P-32: what was written goes after a refusal`() async throws {
        let table = try await table()
        let before = try table.metadataFiles()
        let journal = MemoryJournal()
        let catalog = RefusingCatalog(
            base: table.catalog,
            outcome: {
                .refused(.rejected(reason: "no"))
            })
        await #expect(throws: MaintenanceError.refused(code: "commit_rejected", reason: "no")) {
            try await table.rewrite(journal: journal, catalog: catalog, storage: table.storage)
        }
        #expect(try table.metadataFiles() == before)
        #expect(journal.open.isEmpty)
    }

    @Test func `P-30: nothing goes while the outcome is unknown, then or later`() async throws {
        let table = try await table()
        let before = try table.metadataFiles()
        let journal = MemoryJournal()
        let catalog = RefusingCatalog(
            base: table.catalog,
            outcome: {
                .unknown(reason: "gone", metadataLocation: nil)
            })
        await #expect(throws: MaintenanceError.self) {
            try await table.rewrite(journal: journal, catalog: catalog, storage: table.storage)
        }
        let written = try table.metadataFiles().subtracting(before)
        #expect(written.count == 3)
        // A later run replays the journal and must not touch them.
        try await table.rewrite(journal: journal)
        #expect(try table.metadataFiles().isSuperset(of: written))
    }

    @Test func `P-30: a commit whose reply was lost is found in the table`() async throws {
        let table = try await table()
        let journal = MemoryJournal()
        let catalog = LostReplyCatalog(base: table.catalog)
        let report = try await table.rewrite(
            journal: journal, catalog: catalog, storage: table.storage)
        #expect(report.manifestCounts == [8, 2])
        #expect(try await table.manifests().count == 2)
        #expect(journal.open.isEmpty)
        #expect(try await table.entries().count == 8)
    }

    @Test func `P-33: a closed guard leaves the table as it is and the files to the journal`()
        async throws
    {
        let table = try await table()
        let before = try await table.load().metadataLocation
        let journal = MemoryJournal()
        let engine = NativeEngine(catalog: table.catalog, storage: table.storage)
        let context = RunContext(
            confirmLease: { _ in }, report: { _ in }, journal: journal,
            attempt: AttemptLabel(jobID: "job", attemptID: "a"),
            commitGuard: CommitGuard { false })
        await #expect(throws: MaintenanceError.fenceLost) {
            try await engine.run(table.request(), in: context)
        }
        #expect(try await table.load().metadataLocation == before)
        #expect(journal.open.count == 3)
        // The next run removes them.
        let files = try table.metadataFiles().count
        try await table.rewrite(journal: journal)
        #expect(journal.open.isEmpty)
        #expect(try table.metadataFiles().count == files - 3 + 3 + 1)
    }

    @Test(arguments: 1...12, CrashPoint.Moment.allCases)
    func `after a crash at any step the next run leaves nothing behind and loses nothing`(
        step: Int, moment: CrashPoint.Moment
    ) async throws {
        let table = try await table(commits: 2)
        let journal = MemoryJournal()
        try await CrashPoint(at: step, moment).survive(
            then: CrashPoint(at: 3, moment), seeing: { try await table.entries() },
            run: { crash in
                try await table.rewrite(
                    journal: CrashingJournal(base: journal, crash: crash),
                    catalog: CrashingCatalog(base: table.catalog, crash: crash),
                    storage: CrashingStorage(base: table.storage, crash: crash))
            })
        #expect(try await table.manifests().count == 2)
        #expect(journal.open.isEmpty)
        // Four appends, and one rewrite of two manifests and a list: nothing else is left.
        let avro = try table.metadataFiles().filter { $0.hasSuffix(".avro") }
        let unknown = journal.all.filter { $0.state == .unknown }.count
        #expect(avro.count == 4 * 2 + 3 + unknown)
    }

    @Test func `a failed write is cleaned up and can be tried again`() async throws {
        let table = try await table()
        let before = try table.metadataFiles()
        let storage = FaultyStorage(table.storage)
        storage.inject(StorageFault(.write, .after, of: "snap-"))
        let journal = MemoryJournal()
        await #expect(throws: MaintenanceError.self) {
            try await table.rewrite(journal: journal, catalog: table.catalog, storage: storage)
        }
        #expect(try table.metadataFiles() == before)
        // Of the list nobody knows whether it still arrives; the next run looks once more.
        #expect(journal.open.count == 1)
        #expect(journal.open.allSatisfy { $0.contains("/snap-") })
        #expect(try await table.rewrite(journal: journal).manifestCounts == [8, 2])
        #expect(journal.open.isEmpty)
    }

    @Test func `P-08: a manifest that cannot be read stops the run and changes nothing`()
        async throws
    {
        let table = try await table()
        let broken = try await table.manifests()[2].path
        try await table.storage.write([1, 2, 3], to: Location(broken), condition: .none)
        let before = try table.metadataFiles()
        await #expect(throws: MaintenanceError.self) { try await table.rewrite() }
        #expect(try table.metadataFiles() == before)
    }
}

/// A catalog that commits nothing and says something.
struct RefusingCatalog<Base: Catalog>: ForwardingCatalog {
    let base: Base
    let outcome: @Sendable () -> CommitOutcome

    func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement], to identifier: TableIdentifier,
        base table: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome { outcome() }
}

/// A catalog that commits and loses the reply.
struct LostReplyCatalog<Base: Catalog>: ForwardingCatalog {
    let base: Base

    func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement], to identifier: TableIdentifier,
        base table: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome {
        _ = await base.commit(
            updates, requirements: requirements, to: identifier, base: table, under: commitGuard)
        return .unknown(reason: "502 after success", metadataLocation: nil)
    }
}
