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

/// Conversions of equality deletes while others write, and runs that die.
@Suite struct EqualityConversionConflictTests {
    private static let options = EqualityConversionTests.options

    /// Two data files and two equality delete files in each of two partitions.
    private func table(_ version: FormatVersion = .v2) async throws -> KeyedTable {
        var random = SeededGenerator(seed: 1)
        let keyed = try await KeyedTable(version)
        for region in ["a", "b"] {
            let rows = keyed.rows(20, &random)
            let path = try await keyed.addRows(Array(rows[..<10]), region: region)
            try await keyed.addRows(Array(rows[10...]), region: region)
            try await keyed.deletePositions([1, 4], of: path, region: region)
            try await keyed.delete([rows[3], rows[12]], by: [.id], region: region)
            try await keyed.delete(
                [rows[4]], by: [.name, .at], region: region, format: .avro)
        }
        return keyed
    }

    private func run(
        _ keyed: KeyedTable, journal: MemoryJournal = MemoryJournal(),
        while act: @escaping @Sendable () async throws -> Void
    ) async throws -> ActionReport {
        try await keyed.table.rewriteDeletes(Self.options, journal: journal, while: act)
    }

    @Test(arguments: [FormatVersion.v2, .v3])
    func `P-40: rows and deletes that come meanwhile stay what they are`(
        version: FormatVersion
    ) async throws {
        let keyed = try await table(version)
        let live = try await keyed.rows()
        let report = try await run(keyed) {
            // The same keys come back, and another row goes by its key.
            try await keyed.addRows(Array(live[0..<5]), region: "a")
            try await keyed.delete([live[7]], by: [.id], region: "a")
        }
        #expect(report.metrics["converted_equality_delete_files_count"] == 4)
        #expect(try await keyed.rows().count == live.count + 4)
        #expect(try await keyed.deleteCounts()[.equalityDeletes] == 1, "the new one")
        try await keyed.checkDeleteFiles()
    }

    @Test func `P-42: a file that comes with an older number keeps its deletes`() async throws {
        let keyed = try await table()
        var random = SeededGenerator(seed: 2)
        let rows = try await keyed.rows()
        var late = keyed.rows(3, &random)
        // As a rewrite does that started before the deletes came.
        late[0][.id] = .integer(4)
        let entry = try await keyed.dataEntry(late, region: "a")
        let journal = MemoryJournal()
        let report = try await run(keyed, journal: journal) {
            var old = entry
            old.entry.sequenceNumber = 1
            try await keyed.table.append([old])
        }
        #expect(report.metrics["conflicting_groups_count"] == 1)
        #expect(report.message.contains("came meanwhile"))
        #expect(report.metrics["converted_equality_delete_files_count"] == 2)
        #expect(journal.open.isEmpty)
        let after = try await keyed.rows()
        #expect(after.count == rows.count + 2, "one of the three is deleted")
        try await keyed.convert()
        #expect(try await keyed.rows() == after)
        #expect(try await keyed.deleteCounts()[.equalityDeletes] == nil)
    }

    @Test func `P-43: a vector that comes meanwhile costs its group alone`() async throws {
        let keyed = try await table(.v3)
        let before = try await keyed.rows()
        let data = try await keyed.table.entries().values.filter {
            $0.entry.dataFile.content == .data && $0.partition == [.string("b")]
        }.sorted { $0.entry.sequenceNumber ?? 0 < $1.entry.sequenceNumber ?? 0 }
        let path = try #require(data.last).entry.dataFile.filePath
        let report = try await run(keyed) {
            try await keyed.deletePositions([9], of: path, region: "b")
        }
        #expect(report.metrics["conflicting_groups_count"] == 1)
        #expect(report.metrics["converted_equality_delete_files_count"] == 2)
        #expect(try await keyed.rows().count == before.count - 1)
        try await keyed.checkDeleteFiles()
        let after = try await keyed.rows()
        try await keyed.convert()
        #expect(try await keyed.rows() == after)
        try await keyed.checkDeleteFiles()
    }

    @Test(arguments: [FormatVersion.v2, .v3])
    func `P-51: what another rewrite did meanwhile is left alone`(
        version: FormatVersion
    ) async throws {
        let keyed = try await table(version)
        let before = try await keyed.rows()
        let journal = MemoryJournal()
        await #expect {
            _ = try await run(keyed, journal: journal) {
                try await keyed.table.compact(["rewrite-all": true])
            }
        } throws: { error in
            if case .conflict? = error as? MaintenanceError { true } else { false }
        }
        #expect(try await keyed.rows() == before)
        #expect(journal.open.isEmpty)
        try await keyed.checkDeleteFiles()
    }

    @Test(arguments: 0..<Schedules.count)
    func `P-40: no row is lost or resurrected, whatever another writer does`(
        seed: Int
    ) async throws {
        var random = SeededGenerator(seed: UInt64(seed) + 2000)
        let keyed = try await KeyedTable.random(seed % 2 == 0 ? .v2 : .v3, &random)
        let neighbour = Mutex(SeededGenerator(seed: UInt64(seed)))
        let expected = Mutex(try await keyed.rows())
        let catalog = InterferingCatalog(base: keyed.table.catalog) { moment, commit in
            guard moment == .beforeCommit, commit <= 3 else { return }
            var random = neighbour.withLock { $0 }
            if seed % 3 == 0, commit == 2 {
                try await keyed.table.compact(["rewrite-all": true])
            } else {
                try await keyed.interfere(&random)
            }
            neighbour.withLock { $0 = random }
            let rows = try await keyed.rows()
            expected.withLock { $0 = rows }
        }
        for round in 0..<2 {
            do {
                try await keyed.table.rewriteDeletes(
                    [
                        "convert-equality-deletes": true, "min-input-files": 2,
                        "partial-progress.enabled": .bool(round == seed % 2),
                        "partial-progress.max-commits": 3,
                    ], catalog: catalog, storage: keyed.table.storage)
            } catch let error as MaintenanceError {
                guard case .conflict = error else { throw error }
            }
            #expect(try await keyed.rows() == expected.withLock { $0 })
        }
        try await keyed.convert()
        #expect(try await keyed.rows() == expected.withLock { $0 })
        #expect(try await keyed.deleteCounts()[.equalityDeletes] == nil)
        try await keyed.checkDeleteFiles()
    }

    @Test(arguments: Share.of(1...16, 6), CrashPoint.Moment.allCases)
    func `after a crash at any step the next run leaves nothing behind and loses nothing`(
        step: Int, moment: CrashPoint.Moment
    ) async throws {
        let version: FormatVersion = step % 2 == 0 ? .v2 : .v3
        let keyed = try await table(version)
        let journal = MemoryJournal()
        let ending = [".parquet", ".puffin", ".avro"]
        let before = try keyed.table.dataFolder(ending: ending).count
        try await CrashPoint(at: step, moment).survive(
            then: CrashPoint(at: 5, moment), seeing: { try await keyed.rows() },
            run: { crash in
                try await keyed.table.rewriteDeletes(
                    Self.options, journal: CrashingJournal(base: journal, crash: crash),
                    catalog: CrashingCatalog(base: keyed.table.catalog, crash: crash),
                    storage: DyingStorage(base: keyed.table.storage, crash: crash))
            })
        #expect(journal.open.isEmpty)
        #expect(try await keyed.deleteCounts()[.equalityDeletes] == nil)
        let unknown = journal.all.filter {
            $0.state == .unknown && $0.kind == FileKind.positionDeleteFile.rawValue
        }.count
        // One new file for each partition, beside what older snapshots need.
        #expect(try keyed.table.dataFolder(ending: ending).count == before + 2 + unknown)
    }

    @Test func `P-32: what was written goes after a refusal`() async throws {
        let keyed = try await table()
        try await keyed.table.expectNothingLeft { journal, catalog in
            try await keyed.table.rewriteDeletes(
                Self.options, journal: journal, catalog: catalog, storage: keyed.table.storage)
        }
    }

    @Test func `P-30: nothing goes while the outcome is unknown, then or later`() async throws {
        let keyed = try await table()
        try await keyed.table.expectAllKept(2) { journal, catalog in
            try await keyed.table.rewriteDeletes(
                Self.options, journal: journal, catalog: catalog, storage: keyed.table.storage)
        } then: { journal in
            try await keyed.table.rewriteDeletes(Self.options, journal: journal)
        }
    }
}
