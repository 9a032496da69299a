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

/// Rewrites of data files while others write, and commits that fail or whose reply is lost.
@Suite struct CompactionConflictTests {
    typealias Row = ManifestTable.Row

    private func table() async throws -> ManifestTable {
        try await ManifestTable.inTwoPartitions(files: 3)
    }

    @Test(arguments: [true, false])
    func `P-40: deletes that come meanwhile cost only their group`(names: Bool) async throws {
        let table = try await table()
        let path = try await table.dataPaths(region: "a")[1]
        let before = try await table.rows()
        let journal = MemoryJournal()
        let report = try await table.compact(journal: journal) {
            try await table.deleteRows([(path, 4)], region: "a", names: names)
        }
        #expect(report.fileCounts == [3, 1])
        #expect(report.metrics["conflicting_groups_count"] == 1)
        #expect(report.message.contains("partition region=a are left for the next run"))
        let after = try await table.rows()
        #expect(after.count == before.count - 1)
        #expect(Set(after).isSubset(of: before))
        #expect(journal.open.isEmpty)
        // The new file of the group that was dropped is gone.
        #expect(try table.dataFolder().count == 6 + 1 + 1)
        #expect(try await table.compact().fileCounts == [3, 1])
        #expect(try await table.rows() == after)
    }

    @Test func `P-40: a delete file of the partition that is about other files is no conflict`()
        async throws
    {
        let table = try await table()
        let report = try await table.compact {
            let entry = try await table.dataFile(50..<60, region: "a")
            try await table.append([entry])
            try await table.deleteRows(
                [(entry.entry.dataFile.filePath, 4)], region: "a")
        }
        #expect(report.fileCounts == [6, 2])
        #expect(try await table.rows().count == 69)
    }

    @Test func `P-41: equality deletes that come meanwhile apply to the new files`() async throws {
        let table = try await table()
        var delete = ManifestTable.entry(
            [.string("a")], rows: 1, content: .equalityDeletes, path: "/data/equality.parquet")
        delete.entry.dataFile.equalityIDs = [1]
        let added = delete
        let report = try await table.compact {
            try await table.append([added], content: .deletes)
        }
        #expect(report.fileCounts == [6, 2])
        let entries = try await table.entries().values.map(\.entry)
        let sequence = try #require(
            entries.first { $0.dataFile.content == .equalityDeletes }?.sequenceNumber)
        for entry in entries where entry.dataFile.content == .data {
            #expect(try #require(entry.sequenceNumber) < sequence)
        }
    }

    @Test func `P-41: they are a conflict where new files count as new`() async throws {
        let table = try await table()
        var delete = ManifestTable.entry(
            [.string("a")], rows: 1, content: .equalityDeletes, path: "/data/equality.parquet")
        delete.entry.dataFile.equalityIDs = [1]
        let added = delete
        let options: JSONValue = ["min-input-files": 2, "use-starting-sequence-number": false]
        let report = try await table.compact(options) {
            try await table.append([added], content: .deletes)
        }
        #expect(report.fileCounts == [3, 1])
        let entry = try #require(
            try await table.entries().values.first {
                $0.partition == [.string("b")] && $0.entry.dataFile.content == .data
            })
        let current = try await table.load().metadata.lastSequenceNumber
        #expect(entry.entry.sequenceNumber == current)
        let row = try #require(
            try await table.manifests().first { $0.addedFilesCount == 1 && $0.content == .data })
        #expect(row.minSequenceNumber == current)
    }

    @Test func `P-51: files that another compaction replaced are left alone`() async throws {
        let table = try await table()
        let before = try await table.rows()
        let report = try await table.compact {
            try await table.compact(["min-input-files": 2, "max-files-to-rewrite": 3])
        }
        #expect(report.fileCounts == [3, 1])
        #expect(report.message.contains("was removed meanwhile"))
        #expect(try await table.rows() == before)
    }

    @Test func `a run whose every group is in conflict fails and leaves nothing behind`()
        async throws
    {
        let table = try await table()
        let journal = MemoryJournal()
        await #expect {
            _ = try await table.compact(journal: journal) { try await table.compact() }
        } throws: { error in
            if case .conflict? = error as? MaintenanceError { true } else { false }
        }
        #expect(journal.open.isEmpty)
        #expect(try table.dataFolder().count == 6 + 2)
    }

    @Test(arguments: 0..<Schedules.count)
    func `P-40: no row is lost, doubled or resurrected, whatever another writer does`(
        seed: Int
    ) async throws {
        let table = try await table()
        let neighbour = Neighbour(table, seed: UInt64(seed))
        try await neighbour.act()
        try await table.expectRowsKept(whileAnotherWriter: neighbour.act) {
            _, journal, catalog in
            try await table.compact(
                [
                    "min-input-files": 2, "partial-progress.enabled": .bool(seed % 2 == 0),
                    "partial-progress.max-commits": 2,
                    "remove-dangling-deletes": .bool(seed % 4 > 1),
                ], journal: journal, catalog: catalog, storage: table.storage)
        }
        let rows = try await table.rows()
        try await table.compact()
        #expect(try await table.rows() == rows)
        #expect(try await table.compact().fileCounts == [0, 0], "P-50")
    }

    @Test func `P-32: what was written goes after a refusal`() async throws {
        let table = try await table()
        try await table.expectNothingLeft { journal, catalog in
            try await table.compact(journal: journal, catalog: catalog, storage: table.storage)
        }
    }

    @Test func `P-30: nothing goes while the outcome is unknown, then or later`() async throws {
        let table = try await table()
        try await table.expectAllKept(2) { journal, catalog in
            try await table.compact(journal: journal, catalog: catalog, storage: table.storage)
        } then: { journal in
            try await table.compact(journal: journal)
        }
    }

    @Test func `P-30: a commit whose reply was lost is found in the table`() async throws {
        let table = try await table()
        let before = try await table.rows()
        let journal = MemoryJournal()
        let report = try await table.compact(
            journal: journal, catalog: LostReplyCatalog(base: table.catalog),
            storage: table.storage)
        #expect(report.fileCounts == [6, 2])
        #expect(journal.open.isEmpty)
        #expect(try await table.rows() == before)
    }

    @Test func `P-33: a closed guard leaves the table as it is and the files to the journal`()
        async throws
    {
        let table = try await table()
        let location = try await table.load().metadataLocation
        let journal = MemoryJournal()
        let context = RunContext(
            confirmLease: { _ in }, report: { _ in }, journal: journal,
            attempt: AttemptLabel(jobID: "job", attemptID: "a"),
            commitGuard: CommitGuard { false })
        await #expect(throws: MaintenanceError.fenceLost) {
            try await table.compact(
                catalog: table.catalog, storage: table.storage, context: context)
        }
        #expect(try await table.load().metadataLocation == location)
        #expect(!journal.open.isEmpty)
        // The next run removes them.
        try await table.compact(journal: journal)
        #expect(journal.open.isEmpty)
        #expect(try table.dataFolder().count == 6 + 2)
    }

    @Test(arguments: Share.of(1...12, 4))
    func `a cancelled run stops at once and removes what it wrote`(reads: Int) async throws {
        let table = try await table()
        let before = (try table.dataFolder(), try table.metadataFiles())
        let journal = MemoryJournal()
        let count = Counter()
        let cancelled = CancelledRun()
        let storage = WatchedStorage(base: table.storage) {
            if count.next() == reads { cancelled.cancel() }
        }
        await #expect(throws: MaintenanceError.cancelled) {
            try await cancelled.run {
                try await table.compact(
                    journal: journal, catalog: table.catalog, storage: storage)
            }
        }
        #expect(try table.dataFolder() == before.0)
        #expect(try table.metadataFiles() == before.1)
        #expect(journal.open.isEmpty)
    }

    @Test(arguments: Share.of(1...16, 6), CrashPoint.Moment.allCases)
    func `after a crash at any step the next run leaves nothing behind and loses nothing`(
        step: Int, moment: CrashPoint.Moment
    ) async throws {
        try await expectSurvival(at: step, moment, ["min-input-files": 2])
    }

    /// Each group has a commit of its own: a crash after the first leaves it done.
    @Test(arguments: Share.of(1...24, 8), CrashPoint.Moment.allCases)
    func `P-54: after a crash between two commits the next run leaves out what is done`(
        step: Int, moment: CrashPoint.Moment
    ) async throws {
        try await expectSurvival(
            at: step, moment,
            [
                "min-input-files": 2, "partial-progress.enabled": true,
                "partial-progress.max-commits": 2,
            ])
    }

    private func expectSurvival(
        at step: Int, _ moment: CrashPoint.Moment, _ options: JSONValue
    ) async throws {
        let table = try await table()
        let journal = MemoryJournal()
        try await CrashPoint(at: step, moment).survive(
            then: CrashPoint(at: 5, moment), seeing: { try await table.rows() },
            run: { crash in
                try await table.compact(
                    options, journal: CrashingJournal(base: journal, crash: crash),
                    catalog: CrashingCatalog(base: table.catalog, crash: crash),
                    storage: DyingStorage(base: table.storage, crash: crash))
            })
        #expect(journal.open.isEmpty)
        let live = try await table.entries().count
        #expect(live == 2)
        // Six old files, which older snapshots need, and two new ones: nothing else is left.
        let unknown = journal.all.filter {
            $0.state == .unknown && $0.kind == FileKind.dataFile.rawValue
        }.count
        #expect(try table.dataFolder().count == 6 + 2 + unknown)
    }

    @Test func `a failed write is cleaned up and can be tried again`() async throws {
        let table = try await table()
        let before = (try table.dataFolder(), try table.metadataFiles())
        let storage = FaultyStorage(table.storage)
        storage.inject(StorageFault(.write, .after, of: "00001-0-"))
        let journal = MemoryJournal()
        await #expect(throws: MaintenanceError.self) {
            try await table.compact(journal: journal, catalog: table.catalog, storage: storage)
        }
        #expect(try table.dataFolder() == before.0)
        #expect(try table.metadataFiles() == before.1)
        // Of this one nobody knows whether it still arrives; the next run looks once more.
        #expect(journal.open.count == 1)
        #expect(journal.open.allSatisfy { $0.contains("00001-0-") })
        #expect(try await table.compact(journal: journal).fileCounts == [6, 2])
        #expect(journal.open.isEmpty)
    }

    @Test func `a data file that is gone stays in the table, and others are rewritten`()
        async throws
    {
        let table = try await table()
        let path = try await table.dataPaths(region: "b")[0]
        _ = await table.storage.remove([Location(path)])
        let report = try await table.compact()
        #expect(report.fileCounts == [5, 2])
        #expect(report.message.contains("\(path) cannot be read: there is no object"))
        #expect(try await table.dataPaths(region: "b").contains(path))
    }

    @Test func `where every data file is gone nothing changes`() async throws {
        let table = try await table()
        let paths = try await table.dataPaths(region: "a") + table.dataPaths(region: "b")
        _ = await table.storage.remove(paths.map { Location($0) })
        let before = (try table.dataFolder(), try table.metadataFiles())
        await #expect(throws: MaintenanceError.self) { try await table.compact() }
        #expect(try table.dataFolder() == before.0)
        #expect(try table.metadataFiles() == before.1)
    }
}

/// A storage that tells of every read of a range.
private struct WatchedStorage<Base: ObjectStorage>: ForwardingStorage {
    let base: Base
    let onRead: @Sendable () -> Void

    func read(_ location: Location, range: Range<Int64>) async throws(StorageError) -> [UInt8] {
        onRead()
        return try await base.read(location, range: range)
    }
}

extension ManifestTable {
    /// The data files of a partition, in the order of their names.
    func dataPaths(region: String) async throws -> [String] {
        try await entries().values.filter {
            $0.entry.dataFile.content == .data && $0.partition == [.string(region)]
        }.map(\.entry.dataFile.filePath).sorted()
    }
}

/// Another writer, who does something at random whenever it is asked to.
private final class Neighbour: Sendable {
    private let table: ManifestTable
    private let random: Mutex<SeededGenerator>
    private let next = Mutex(Int64(1000))

    init(_ table: ManifestTable, seed: UInt64) {
        self.table = table
        random = Mutex(SeededGenerator(seed: seed))
    }

    func act() async throws {
        let kind = random.withLock { Int.random(in: 0..<5, using: &$0) }
        let region = random.withLock { ["a", "b"].randomElement(using: &$0) ?? "a" }
        let paths = try await table.dataPaths(region: region)
        let path = random.withLock { paths.randomElement(using: &$0) }
        switch (kind, path) {
        case (0, _), (_, nil):
            try await table.addRows(newRows(), region: region)
        case (1, let path?), (2, let path?), (3, let path?):
            let position = random.withLock { Int64.random(in: 0..<10, using: &$0) }
            try await table.deleteRows([(path, position)], region: region, names: kind == 1)
        case (_, let path?):
            try await overwrite(path, region: region)
        }
    }

    /// Takes a manifest with everything in it away, as an overwrite does.
    private func overwrite(_ path: String, region: String) async throws {
        let all = try await table.manifests()
        let kept = try await table.entries()[path]
        let manifest = all.first {
            $0.content == .data && $0.addedFilesCount == 1 && $0.existingFilesCount == 0
                && $0.sequenceNumber == kept?.entry.fileSequenceNumber
        }
        guard let manifest else { return }
        let entry = try await table.dataFile(newRows(), region: region)
        try await table.append([entry], removing: [manifest.path])
    }

    private func newRows() -> Range<Int64> {
        next.withLock { next in
            next += 10
            return next - 10..<next
        }
    }
}
