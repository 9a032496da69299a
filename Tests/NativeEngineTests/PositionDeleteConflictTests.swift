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

/// Rewrites of position deletes while others write, and runs that die.
@Suite struct PositionDeleteConflictTests {
    typealias Row = ManifestTable.Row

    /// Two data files and three delete files in each of two partitions.
    private func table(_ version: FormatVersion = .v2) async throws -> ManifestTable {
        let table = try await ManifestTable(.v2, properties: ManifestTable.quickRetries)
        for (index, region) in ["a", "b"].enumerated() {
            let start = Int64(index * 100)
            let first = try await table.addRows(start..<start + 20, region: region)
            let second = try await table.addRows(start + 20..<start + 40, region: region)
            for step in 0..<3 {
                try await table.deleteRows(
                    [(first, Int64(step)), (second, Int64(5 + step))], region: region)
            }
        }
        return version == .v2 ? table : try await table.upgrade(to: version)
    }

    @Test func `P-40: deletes that come meanwhile stay beside those that are rewritten`()
        async throws
    {
        let table = try await table()
        let path = try await table.dataPath(region: "a")
        let before = try await table.rows()
        let report = try await table.rewriteDeletes {
            try await table.deleteRows([(path, 17)], region: "a")
        }
        #expect(report.deleteCounts == [6, 2])
        #expect(try await table.rows().count == before.count - 1)
        #expect(try await table.deleteEntries().count == 3)
    }

    @Test func `P-43: deletes that come meanwhile cost a group that becomes vectors`()
        async throws
    {
        let table = try await table(.v3)
        let path = try await table.dataPath(region: "a")
        let before = try await table.rows()
        let journal = MemoryJournal()
        let report = try await table.rewriteDeletes(journal: journal) {
            try await table.append(
                [try await table.vectorFile(path, [0, 1, 2, 5, 6, 7, 17], region: "a")],
                content: .deletes)
        }
        #expect(report.deleteCounts == [3, 2])
        #expect(report.metrics["conflicting_groups_count"] == 1)
        #expect(report.message.contains("partition region=a are left for the next run"))
        #expect(journal.open.isEmpty)
        #expect(Set(try await table.rows()).isSubset(of: before))
        let after = try await table.rows()
        #expect(try await table.rewriteDeletes().deleteCounts == [3, 1])
        #expect(try await table.rows() == after)
    }

    @Test func `P-43: no vector comes for a data file that was replaced meanwhile`()
        async throws
    {
        let table = try await table(.v3)
        let report = try await table.rewriteDeletes {
            try await table.compact(["min-input-files": 2, "max-files-to-rewrite": 2])
        }
        #expect(report.deleteCounts == [3, 2])
        #expect(report.metrics["conflicting_groups_count"] == 1)
        let live = try await table.entries()
        for entry in try await table.deleteEntries() {
            #expect(live[entry.entry.dataFile.referencedDataFile ?? ""] != nil)
        }
    }

    @Test func `P-51: what another rewrite of deletes replaced is left alone`() async throws {
        let table = try await table()
        let before = try await table.rows()
        let journal = MemoryJournal()
        await #expect {
            _ = try await table.rewriteDeletes(journal: journal) {
                try await table.rewriteDeletes()
            }
        } throws: { error in
            if case .conflict? = error as? MaintenanceError { true } else { false }
        }
        #expect(try await table.rows() == before)
        #expect(journal.open.isEmpty)
        #expect(try await table.deleteEntries().count == 2)
    }

    @Test func `deletes that were dropped do not come to life with their data file`()
        async throws
    {
        let table = try await ManifestTable(.v2, properties: ManifestTable.quickRetries)
        let entry = try await table.dataFile(0..<10, region: "a")
        let path = entry.entry.dataFile.filePath
        for step in 0..<2 {
            try await table.deleteRows([(path, Int64(step))], region: "a")
        }
        // As a rollback brings a file back: as old as it was.
        await #expect {
            try await table.rewriteDeletes {
                var old = entry
                old.entry.sequenceNumber = 1
                try await table.append([old])
            }
        } throws: { "\($0)".contains("came back meanwhile") }
        #expect(try await table.rows().count == 8)
    }

    @Test func `a table whose version is raised meanwhile gets no position delete file`()
        async throws
    {
        let table = try await table()
        await #expect {
            _ = try await table.rewriteDeletes {
                let upgraded = try await table.upgrade(to: .v3)
                try await upgraded.addRows(900..<910, region: "c")
            }
        } throws: { "\($0)".contains("format version changed") }
    }

    @Test(arguments: 0..<Schedules.count)
    func `P-40: no row is lost or resurrected, whatever another writer does`(
        seed: Int
    ) async throws {
        let version: FormatVersion = seed % 2 == 0 ? .v2 : .v3
        let table = try await table(version)
        let random = Mutex(SeededGenerator(seed: UInt64(seed)))
        let next = Counter()
        try await table.expectRowsKept {
            try await Self.act(on: table, random, next)
        } _: { round, journal, catalog in
            try await table.rewriteDeletes(
                [
                    "min-input-files": 2, "rewrite-all": .bool(round == 1),
                    "partial-progress.enabled": .bool(seed % 3 == 0),
                    "partial-progress.max-commits": 2,
                ], journal: journal, catalog: catalog, storage: table.storage)
        }
        let rows = try await table.rows()
        try await table.rewriteDeletes()
        #expect(try await table.rows() == rows)
        #expect(try await table.rewriteDeletes().deleteCounts == [0, 0], "P-50")
    }

    /// What another writer does: appends, deletes, or compacts.
    private static func act(
        on table: ManifestTable, _ random: borrowing Mutex<SeededGenerator>,
        _ next: Counter
    ) async throws {
        let kind = random.withLock { Int.random(in: 0..<4, using: &$0) }
        let region = random.withLock { ["a", "b"].randomElement(using: &$0) ?? "a" }
        let position = random.withLock { UInt16.random(in: 8..<20, using: &$0) }
        switch kind {
        case 0:
            // Ids of their own: rows are compared in the order of their ids.
            let start = 5000 + 20 * Int64(next.next())
            try await table.addRows(start..<start + 20, region: region)
        case 1, 2:
            let path = try await table.dataPath(region: region)
            if table.version == .v2 {
                try await table.deleteRows([(path, Int64(position))], region: region)
            } else {
                try await table.replaceVector(of: path, adding: position, region: region)
            }
        default:
            do {
                try await table.compact(["min-input-files": 2, "max-files-to-rewrite": 2])
            } catch let error as MaintenanceError {
                guard case .conflict = error else { throw error }
            }
        }
    }

    @Test(arguments: Share.of(1...16, 6), CrashPoint.Moment.allCases)
    func `after a crash at any step the next run leaves nothing behind and loses nothing`(
        step: Int, moment: CrashPoint.Moment
    ) async throws {
        let table = try await table(step % 2 == 0 ? .v2 : .v3)
        let journal = MemoryJournal()
        try await CrashPoint(at: step, moment).survive(
            then: CrashPoint(at: 5, moment), seeing: { try await table.rows() },
            run: { crash in
                try await table.rewriteDeletes(
                    journal: CrashingJournal(base: journal, crash: crash),
                    catalog: CrashingCatalog(base: table.catalog, crash: crash),
                    storage: DyingStorage(base: table.storage, crash: crash))
            })
        #expect(journal.open.isEmpty)
        #expect(try await table.deleteEntries().count == (step % 2 == 0 ? 2 : 4))
        let unknown = journal.all.filter {
            $0.state == .unknown && $0.kind == FileKind.positionDeleteFile.rawValue
        }.count
        // Four data files, the old deletes, which older snapshots need, and one new file for each
        // partition: nothing else is left.
        #expect(try table.dataFolder(ending: [".parquet", ".puffin"]).count == 4 + 6 + 2 + unknown)
    }

    @Test func `P-32: what was written goes after a refusal`() async throws {
        let table = try await table()
        try await table.expectNothingLeft { journal, catalog in
            try await table.rewriteDeletes(
                journal: journal, catalog: catalog, storage: table.storage)
        }
    }

    @Test func `P-30: nothing goes while the outcome is unknown, then or later`() async throws {
        let table = try await table()
        try await table.expectAllKept(2) { journal, catalog in
            try await table.rewriteDeletes(
                journal: journal, catalog: catalog, storage: table.storage)
        } then: { journal in
            try await table.rewriteDeletes(journal: journal)
        }
    }
}

extension ManifestTable {
    /// The first data file of a partition, in the order of their names.
    fileprivate func dataPath(region: String) async throws -> String {
        try await entries().values.filter {
            $0.entry.dataFile.content == .data && $0.partition == [.string(region)]
        }.map(\.entry.dataFile.filePath).min() ?? ""
    }

    /// Deletes a row of a data file as a writer of version 3 does: in a vector that has all older
    /// deletes, in place of the vector that there is.
    fileprivate func replaceVector(
        of path: String, adding position: UInt16, region: String
    ) async throws {
        var positions: Set<UInt16> = [position]
        var replaced: String?
        for entry in try await deleteEntries() {
            let file = entry.entry.dataFile
            for delete in try await deletes(in: entry) where delete.path == path {
                positions.insert(UInt16(delete.position))
            }
            if file.fileFormat == .puffin, file.referencedDataFile == path {
                replaced = try await manifest(of: entry)
            }
        }
        let vector = try await vectorFile(path, positions.sorted(), region: region)
        // A manifest with other vectors keeps them in a new one.
        var entries = [vector]
        if let replaced {
            for entry in try await deleteEntries(in: replaced)
            where entry.entry.dataFile.referencedDataFile != path {
                entries.append(entry)
            }
        }
        try await append(
            entries, content: .deletes, removing: Set([replaced].compactMap(\.self)))
    }

    private func manifest(of wanted: CompleteEntry) async throws -> String? {
        for manifest in try await manifests() where manifest.content == .deletes {
            let found = try await deleteEntries(in: manifest.path)
            if found.contains(where: { $0.entry.dataFile == wanted.entry.dataFile }) {
                return manifest.path
            }
        }
        return nil
    }

    /// The live delete entries of a manifest, with what they inherit, as ones that are added.
    private func deleteEntries(in path: String) async throws -> [CompleteEntry] {
        let metadata = try await load().metadata
        guard let manifest = try await manifests(of: metadata).first(where: { $0.path == path }),
            let spec = metadata.partitionSpec(Int(manifest.partitionSpecID))
        else { return [] }
        let reader = CompleteManifestReader(
            storage: storage, partition: try metadata.partitionType(of: spec))
        return try await reader.entries(in: manifest).filter(\.entry.isLive).map { entry in
            var entry = entry
            entry.entry.status = .added
            entry.entry.snapshotID = nil
            entry.entry.fileSequenceNumber = nil
            return entry
        }
    }
}
