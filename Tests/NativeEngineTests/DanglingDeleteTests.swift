// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// Rewrites of data files that also remove deletes which apply to nothing.
@Suite struct DanglingDeleteTests {
    static let options: JSONValue = ["min-input-files": 2, "remove-dangling-deletes": true]
    /// With so few files there is nothing to rewrite.
    private static let alone: JSONValue = ["remove-dangling-deletes": true]

    @Test func `P-53: dangling deletes go with the commit of the rewrite`() async throws {
        let table = try await ManifestTable.withDanglingDeletes()
        let before = try await table.rows()
        let snapshots = try await table.load().metadata.snapshots.count
        let plan = try await table.planned(Self.options)

        let report = try await table.compact(Self.options)

        #expect(report.fileCounts == [2, 1])
        #expect(report.removedDeletes == 2)
        #expect(plan.summary["removed_delete_files_count"] == 2)
        #expect(report.metrics["commits_count"] == 1)
        #expect(report.message.contains("removed 2 delete files"))
        let metadata = try await table.load().metadata
        #expect(metadata.snapshots.count == snapshots + 1)
        #expect(metadata.currentSnapshot?.summary["removed-position-delete-files"] == "2")
        #expect(try await table.rows() == before)
        #expect(try await table.deleteEntries().map(\.partition) == [[.string("b")]])
        let after = try await table.load().metadataLocation
        #expect(try await table.planned(Self.options).hasWork == false)
        #expect(try await table.compact(Self.options).removedDeletes == 0, "P-50")
        #expect(try await table.load().metadataLocation == after)
    }

    @Test func `without the option they stay`() async throws {
        let table = try await ManifestTable.withDanglingDeletes()
        #expect(try await table.compact().fileCounts == [2, 1])
        #expect(try await table.deleteEntries().count == 3)
        #expect(try await table.compact(["remove-dangling-deletes": false]).removedDeletes == 0)
    }

    @Test func `P-53: where nothing is rewritten there is a commit that only removes them`()
        async throws
    {
        let table = try await ManifestTable.withDanglingDeletes()
        let before = try await table.rows()
        let files = try table.dataFolder()
        let plan = try await table.planned(Self.alone)
        let journal = MemoryJournal()

        let report = try await table.compact(Self.alone, journal: journal)

        #expect(plan.hasWork)
        #expect(plan.summary["removed_delete_files_count"] == 2)
        #expect(report.fileCounts == [0, 0])
        #expect(report.removedDeletes == 2)
        #expect(report.message == "No data file is due to be rewritten; removed 2 delete files")
        #expect(report.impact == "2 delete files removed")
        let snapshot = try #require(try await table.load().metadata.currentSnapshot)
        #expect(snapshot.summary.operation == "replace")
        #expect(snapshot.summary["removed-delete-files"] == "2")
        #expect(snapshot.summary["changed-partition-count"] == "1")
        #expect(snapshot.summary["added-data-files"] == nil)
        #expect(try await table.rows() == before)
        #expect(try table.dataFolder() == files, "older snapshots need them")
        #expect(journal.open.isEmpty)
        #expect(try await table.planned(Self.alone).hasWork == false)
        #expect(try await table.compact(Self.alone).metrics["commits_count"] == 0)
    }

    @Test func `P-53: branch + dangling: the branch's deletes go, and those of main stay`()
        async throws
    {
        let table = try await ManifestTable.withDanglingDeletes()
        let head = try #require(try await table.load().metadata.currentSnapshotID)
        try await table.set("audit", to: head, keeping: 7)
        try await table.addRows(100..<110, region: "a")
        let main = try #require(try await table.load().metadata.currentSnapshotID)
        let before = try await table.rows()
        let options: JSONValue = [
            "min-input-files": 2, "remove-dangling-deletes": true, "branch": "audit",
        ]
        let catalog = InterferingCatalog(base: table.catalog) { moment, commit in
            // What happens on main is no conflict.
            guard moment == .beforeCommit, commit == 1 else { return }
            try await table.addRows(110..<120, region: "a")
        }

        let report = try await table.compact(options, catalog: catalog, storage: table.storage)

        #expect(report.fileCounts == [2, 1])
        #expect(report.removedDeletes == 2)
        let metadata = try await table.load().metadata
        let audit = try #require(metadata.head(ofBranch: "audit"))
        #expect(audit.parentID == head)
        #expect(audit.summary["removed-delete-files"] == "2")
        #expect(metadata.refs["audit"]?.minSnapshotsToKeep == 7)
        #expect(metadata.currentSnapshot?.parentID == main)
        #expect(try await table.rows().count == before.count + 10)
        #expect(try await table.deleteEntries().count == 3, "main has its own")
        #expect(try await table.planned(options).hasWork == false)
        try await table.set("main", to: audit.id)
        #expect(try await table.rows() == before.filter { $0.id < 100 })
        #expect(try await table.deleteEntries().count == 1)
    }

    @Test(arguments: [true, false])
    func `P-43: a delete stays for an older data file that another writer brings meanwhile`(
        names: Bool
    ) async throws {
        let table = try await ManifestTable(.v2, properties: ManifestTable.quickRetries)
        try await table.addRows(0..<10, region: "b")
        var late = try await table.dataFile(10..<20, region: "a")
        let path = late.entry.dataFile.filePath
        // Of the same age as the data, as a rewrite with its starting sequence number makes it.
        late.entry.sequenceNumber = 2
        try await table.deleteRows([(path, 4)], region: "a", names: names)
        try await table.addRows(20..<30, region: "a")
        try await table.addRows(30..<40, region: "a")
        #expect(try await table.planned(Self.options).summary["removed_delete_files_count"] == 1)

        let report = try await table.compact(Self.options) { [late] in
            try await table.append([late])
        }

        #expect(report.fileCounts == [2, 1])
        #expect(report.removedDeletes == 0)
        let rows = try await table.rows()
        #expect(rows.count == 39)
        #expect(!rows.contains { $0.id == 14 })
    }

    @Test(arguments: [true, false])
    func `P-42: so does an equality delete`(isGlobal: Bool) async throws {
        var random = SeededGenerator(seed: 1)
        let keyed = try await KeyedTable(.v2)
        let rows = keyed.rows(5, &random)
        var late = try await keyed.dataEntry(rows, region: "a")
        late.entry.sequenceNumber = 1
        try await keyed.delete([rows[2]], by: [.id], region: "c")
        try await keyed.delete([rows[3]], by: [.id], region: isGlobal ? nil : "a")
        try await keyed.addRows(keyed.rows(2, &random), region: "b")
        #expect(
            try await keyed.table.planned(Self.alone).summary["removed_delete_files_count"] == 2)
        let before = try await keyed.rows()

        let report = try await keyed.table.compact(Self.alone) { [late] in
            try await keyed.table.append([late])
        }

        // That of a partition without data goes.
        #expect(report.removedDeletes == 1)
        #expect(try await keyed.rows().count == before.count + 4)
    }

    @Test func `P-42: equality deletes of the whole table stay for older data anywhere`()
        async throws
    {
        var random = SeededGenerator(seed: 2)
        let keyed = try await KeyedTable(.v2)
        let rows = keyed.rows(6, &random)
        // Older than all data, one of everything and one of a partition that stays empty.
        try await keyed.delete(rows, by: [.id], region: nil)
        try await keyed.addRows(rows, region: "a")
        try await keyed.delete([rows[0]], by: [.id], region: nil)
        try await keyed.delete([rows[1]], by: [.id], region: "c")
        try await keyed.addRows(keyed.rows(4, &random), region: "b")
        try await keyed.addRows(keyed.rows(4, &random), region: "b")
        let before = try await keyed.rows()
        #expect(before.count == 13)

        // The file of partition a is left out by the condition, and counts all the same.
        let report = try await keyed.table.compact([
            "min-input-files": 2, "remove-dangling-deletes": true, "where": "region = 'b'",
        ])

        #expect(report.removedDeletes == 2)
        #expect(try await keyed.rows() == before)
        #expect(try await keyed.deleteCounts() == [.equalityDeletes: 1])
        try await keyed.table.compact(["rewrite-all": true, "remove-dangling-deletes": true])
        #expect(try await keyed.rows() == before)
        #expect(try await keyed.deleteCounts() == [:])
    }

    @Test func `P-43: vectors of data files that are gone go, and others stay`() async throws {
        let table = try await ManifestTable(.v3, properties: ManifestTable.quickRetries)
        let gone = try await table.addRows(0..<10, region: "a")
        let kept = try await table.addRows(30..<60, region: "b")
        try await table.append(
            [
                try await table.vectorFile(gone, [1, 2], region: "a"),
                try await table.vectorFile(kept, [3], region: "b"),
            ], content: .deletes)
        try await table.replace(gone, by: 20..<30, region: "a")
        let before = try await table.rows()
        #expect(before.count == 39)

        let report = try await table.compact(Self.alone)

        #expect(report.removedDeletes == 1)
        #expect(try await table.rows() == before)
        #expect(
            try await table.deleteEntries().map(\.entry.dataFile.referencedDataFile) == [kept])
        let snapshot = try #require(try await table.load().metadata.currentSnapshot)
        #expect(snapshot.summary["removed-dvs"] == "1")
    }

    @Test func `P-44: a commit that only removes deletes gives an upgraded table its row ids`()
        async throws
    {
        let old = try await ManifestTable.withDanglingDeletes()
        let before = try await old.rows()
        let table = try await old.upgraded()

        #expect(try await table.compact(Self.alone).removedDeletes == 2)

        let metadata = try await table.load().metadata
        #expect(try #require(metadata.nextRowID) >= 30)
        let data = try await table.manifests().filter { $0.content == .data }
        #expect(data.allSatisfy { $0.firstRowID != nil })
        #expect(try await table.rows() == before)
    }

    @Test func `P-43: what names a live file of another partition stays, as does what is not read`()
        async throws
    {
        let table = try await ManifestTable(.v2, properties: ManifestTable.quickRetries)
        let path = try await table.addRows(0..<10, region: "a")
        // By the specification they are of partition b alone, which has no data.
        try await table.deleteRows([(path, 4)], region: "b")
        var unread = try await table.deleteFile([("/gone.parquet", 1)], region: "b")
        unread.entry.dataFile.fileFormat = .orc
        let readable = try await table.deleteFile([("/gone.parquet", 1)], region: "b")
        try await table.append([unread, readable], content: .deletes)
        let before = try await table.rows(.byPath)
        #expect(before.count == 9)
        #expect(try await table.deleteEntries().count == 3)
        let plan = try await table.planned(Self.alone)

        let report = try await table.compact(Self.alone)

        #expect(plan.summary["removed_delete_files_count"] == 1)
        #expect(report.removedDeletes == 1)
        #expect(try await table.rows(.byPath) == before)
        let left = Set(try await table.deleteEntries().map(\.entry.dataFile.filePath))
        #expect(left.contains(unread.entry.dataFile.filePath))
        #expect(!left.contains(readable.entry.dataFile.filePath))
        #expect(try await table.planned(Self.alone).hasWork == false)
    }

    @Test func `P-54: with partial progress they go with the last commit`() async throws {
        let table = try await ManifestTable.withDanglingDeletes()
        for (first, region) in [(Int64(200), "c"), (300, "d")] {
            try await table.addRows(first..<first + 10, region: region)
            try await table.addRows(first + 10..<first + 20, region: region)
        }
        let before = try await table.rows()

        let report = try await table.compact([
            "min-input-files": 2, "remove-dangling-deletes": true,
            "partial-progress.enabled": true, "partial-progress.max-commits": 3,
        ])

        #expect(report.fileCounts == [6, 3])
        #expect(report.metrics["commits_count"] == 3)
        #expect(report.removedDeletes == 2)
        #expect(try await table.rows() == before)
        let removed = try await table.load().metadata.snapshots.suffix(3).map {
            $0.summary["removed-delete-files"]
        }
        #expect(removed == [nil, nil, "2"])
    }

    @Test func `they go as well where another writer is in the way of every group`() async throws {
        let table = try await ManifestTable.withDanglingDeletes()
        let path = try await table.dataPaths(region: "a")[0]
        let before = try await table.rows()

        let report = try await table.compact(Self.options) {
            try await table.deleteRows([(path, 4)], region: "a")
        }

        #expect(report.fileCounts == [0, 0])
        #expect(report.removedDeletes == 2)
        #expect(report.metrics["conflicting_groups_count"] == 1)
        #expect(report.message.contains("left for the next run"))
        #expect(try await table.rows().count == before.count - 1)
        #expect(try await table.deleteEntries().count == 2)
    }

    @Test func `a branch that is set back meanwhile keeps them`() async throws {
        let table = try await ManifestTable.withDanglingDeletes()
        let first = try #require(try await table.load().metadata.snapshots.first?.id)
        let report = try await table.compact(Self.alone) {
            try await table.set("main", to: first)
        }
        #expect(report.removedDeletes == 0)
        #expect(try await table.load().metadata.currentSnapshotID == first)
    }

    @Test func `a table of version 1 has none`() async throws {
        let table = try await ManifestTable(.v1)
        try await table.addRows(0..<10, region: "a")
        try await table.addRows(10..<20, region: "a")
        let report = try await table.compact(Self.options)
        #expect(report.fileCounts == [2, 1])
        #expect(report.removedDeletes == 0)
        #expect(try await table.compact(Self.options).metrics["commits_count"] == 0)
    }

    @Test(arguments: Share.of(1...10, 5), CrashPoint.Moment.allCases)
    func `after a crash at any step the next run removes them and leaves nothing behind`(
        step: Int, moment: CrashPoint.Moment
    ) async throws {
        let table = try await ManifestTable.withDanglingDeletes()
        let files = try table.dataFolder()
        let journal = MemoryJournal()
        try await CrashPoint(at: step, moment).survive(
            then: CrashPoint(at: 3, moment), seeing: { try await table.rows() },
            run: { crash in
                try await table.compact(
                    Self.alone, journal: CrashingJournal(base: journal, crash: crash),
                    catalog: CrashingCatalog(base: table.catalog, crash: crash),
                    storage: DyingStorage(base: table.storage, crash: crash))
            })
        #expect(journal.open.isEmpty)
        #expect(try await table.deleteEntries().count == 1)
        #expect(try table.dataFolder() == files)
    }

    /// By a reader and a search that compare each delete with each row and each file.
    @Test(arguments: 0..<Schedules.count, [true, false])
    func `P-53: rows stay, and every delete that is left can apply to something`(
        seed: Int, rewritesAll: Bool
    ) async throws {
        var random = SeededGenerator(seed: UInt64(seed) + 500)
        let keyed = try await KeyedTable.random(
            seed % 3 == 0 ? .v3 : .v2, partitioned: seed % 4 != 0, &random)
        let before = try await keyed.rows()
        let options: JSONValue = [
            "rewrite-all": .bool(rewritesAll), "remove-dangling-deletes": true,
            "delete-file-threshold": 1_000_000, "delete-ratio-threshold": 1,
            "use-starting-sequence-number": .bool(seed % 2 == 0),
        ]
        let dangling = try await keyed.danglingDeletes()
        let plan = try await keyed.table.planned(options)

        let report = try await keyed.table.compact(options)

        #expect(try await keyed.rows() == before)
        #expect(try await keyed.danglingDeletes() == 0)
        #expect(report.removedDeletes == plan.summary["removed_delete_files_count"]?.intValue)
        #expect(try #require(report.removedDeletes) >= dangling)
        if !rewritesAll { #expect(try await keyed.table.planned(options).hasWork == false) }
    }
}

/// Other engines read the same rows before and after.
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct DanglingDeleteOracleTests {
    @Test(arguments: [FormatVersion.v2, .v3])
    func `P-53: every engine reads the same rows before and after`(
        version: FormatVersion
    ) async throws {
        var table = try await ManifestTable.withDanglingDeletes()
        if version == .v3 {
            let gone = try await table.addRows(300..<310, region: "c")
            try await table.deleteRows([(gone, 1)], region: "c")
            table = try await table.upgrade(to: .v3)
            // Vectors for b and c; those of a are dropped.
            try await table.rewriteDeletes()
            try await table.replace(gone, by: 310..<320, region: "c")
        }
        let rows = try await table.look(["duckdb", "datafusion", "pyiceberg"], ifAble: true)
        #expect(rows.keys.contains("duckdb"))
        #expect(rows.keys.count > 1)

        let report = try await table.compact([
            "remove-dangling-deletes": true, "delete-ratio-threshold": 1,
        ])

        #expect(report.fileCounts == [0, 0])
        #expect(report.removedDeletes == (version == .v2 ? 2 : 1))
        #expect(try await table.look(rows.keys) == rows)
        let rewritten = try await table.compact(["rewrite-all": true])
        #expect(rewritten.metrics["failed_data_files_count"] == 0)
        #expect(try await table.look(rows.keys) == rows)
    }

    // PyIceberg reads no equality deletes, and DuckDB applies them to files that are newer, too.
    @Test(arguments: 0..<2)
    func `P-42: so it is with equality deletes`(seed: Int) async throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let keyed = try await KeyedTable(.v2, scheme: "file://")
        var rows = keyed.rows(20, &random)
        for index in rows.indices { rows[index][.region] = .bytes(Array("a".utf8)) }
        let some = Array(rows[0..<10])
        try await keyed.delete(some, by: [.id], region: "a")
        try await keyed.delete(some, by: [.id], region: nil)
        try await keyed.addRows(some, region: "a")
        try await keyed.delete([rows[4]], by: [.id], region: "a")
        try await keyed.addRows(Array(rows[10..<20]), region: "a")
        let before = try await keyed.table.look(["datafusion"])
        #expect(before["datafusion"]?.objectValue?["rows"] == 19)

        let report = try await keyed.table.compact(["remove-dangling-deletes": true])

        #expect(report.removedDeletes == 2)
        #expect(try await keyed.table.look(["datafusion"]) == before)
    }
}

extension ManifestTable {
    /// Three data files, a delete that applies to one, and two deletes of a file that is gone.
    fileprivate static func withDanglingDeletes() async throws -> ManifestTable {
        let table = try await ManifestTable(.v2, properties: quickRetries)
        let gone = try await table.addRows(0..<10, region: "a")
        try await table.deleteRows([(gone, 1)], region: "a")
        try await table.deleteRows([(gone, 2)], region: "a", names: true)
        try await table.replace(gone, by: 10..<20, region: "a")
        try await table.addRows(20..<30, region: "a")
        let kept = try await table.addRows(30..<40, region: "b")
        try await table.deleteRows([(kept, 1)], region: "b")
        return table
    }

    /// Commits a data file in the place of another one, as an overwrite does.
    @discardableResult
    fileprivate func replace(
        _ path: String, by ids: Range<Int64>, region: String
    ) async throws -> String {
        let metadata = try await load().metadata
        var manifest: String?
        for row in try await manifests(of: metadata) where row.content == .data {
            let spec = try #require(metadata.partitionSpec(Int(row.partitionSpecID)))
            let reader = CompleteManifestReader(
                storage: storage, partition: try metadata.partitionType(of: spec))
            let entries = try await reader.entries(in: row)
            if entries.map(\.entry.dataFile.filePath) == [path] { manifest = row.path }
        }
        let entry = try await dataFile(ids, region: region)
        try await append([entry], removing: [try #require(manifest)])
        return entry.entry.dataFile.filePath
    }

    fileprivate func planned(_ options: JSONValue) async throws -> ActionPlan {
        try await NativeEngine(catalog: catalog, storage: storage).plan(
            ActionRequest(
                table: Self.identifier, action: .rewriteDataFiles,
                options: try ActionOptions.validating(options, for: .rewriteDataFiles),
                now: TestTable.now))
    }
}

extension KeyedTable {
    /// How many delete files can apply to no data file.
    fileprivate func danglingDeletes() async throws -> Int {
        let entries = try await table.entries().values
        let data = entries.filter { $0.entry.dataFile.content == .data }
        return entries.count { delete in
            let age = delete.entry.sequenceNumber ?? 0
            let path = delete.entry.dataFile.referencedDataFile
            switch delete.entry.dataFile.content {
            case .data: return false
            case .positionDeletes:
                return !data.contains { path == nil || $0.entry.dataFile.filePath == path }
            case .equalityDeletes:
                return !data.contains {
                    $0.entry.sequenceNumber ?? 0 < age
                        && (delete.partition.isEmpty || delete.partition == $0.partition)
                }
            }
        }
    }
}

extension ActionReport {
    fileprivate var removedDeletes: Int? { metrics["removed_delete_files_count"]?.intValue }
}
