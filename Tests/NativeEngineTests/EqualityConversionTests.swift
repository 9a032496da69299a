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

/// Equality deletes that become position deletes, beside a reader that compares each row with each
/// delete.
@Suite struct EqualityConversionTests {
    typealias Row = KeyedTable.Row

    static let options: JSONValue = ["convert-equality-deletes": true]

    @Test(arguments: 0..<Schedules.count)
    func `P-42: rows are the same, and no equality delete is left`(seed: Int) async throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let version: FormatVersion = seed % 2 == 0 ? .v3 : .v2
        let keyed = try await KeyedTable.random(version, partitioned: seed % 5 != 0, &random)
        let before = try await keyed.rows()
        let files = try await keyed.dataPaths()
        let equality = try await keyed.deleteCounts()[.equalityDeletes] ?? 0

        let report = try await keyed.convert()

        #expect(try await keyed.rows() == before)
        #expect(report.metrics["refused_groups_count"] == 0)
        #expect(report.metrics["converted_equality_delete_files_count"] == .integer(equality))
        #expect(try await keyed.deleteCounts()[.equalityDeletes] == nil)
        #expect(try await keyed.dataPaths() == files, "no data file is rewritten")
        try await keyed.checkDeleteFiles()
        let snapshot = try await keyed.table.load().metadata.currentSnapshotID
        let again = try await keyed.convert()
        #expect(again.metrics["commits_count"] == 0, "P-50")
        #expect(try await keyed.table.load().metadata.currentSnapshotID == snapshot)
    }

    @Test func `nothing is turned unless that is asked for`() async throws {
        var random = SeededGenerator(seed: 1)
        let keyed = try await KeyedTable(.v2)
        let rows = keyed.rows(4, &random)
        try await keyed.addRows(rows, region: "a")
        try await keyed.delete(rows, by: [.id], region: "a")
        for options: JSONValue in [[:], ["convert-equality-deletes": false]] {
            let report = try await keyed.table.rewriteDeletes(options)
            #expect(report.metrics["converted_equality_delete_files_count"] == 0)
            #expect(try await keyed.deleteCounts() == [.equalityDeletes: 1])
        }
    }

    @Test(arguments: [FormatVersion.v2, .v3])
    func `P-41: rows that came with their delete, or later, stay`(
        version: FormatVersion
    ) async throws {
        var random = SeededGenerator(seed: 2)
        let keyed = try await KeyedTable(version)
        let rows = keyed.rows(4, &random)
        let old = try await keyed.addRows(rows, region: "a")
        try await keyed.delete(rows, by: [.id], region: "a")
        try await keyed.addRows(rows, region: "a")

        let report = try await keyed.convert()

        #expect(try await keyed.rows().count == 4)
        #expect(report.metrics["converted_rows_count"] == 4)
        #expect(report.deleteCounts == [0, 1])
        #expect(report.message.contains("turned 1 equality delete file into positions of 4 rows"))
        let snapshot = try #require(try await keyed.table.load().metadata.currentSnapshot)
        #expect(snapshot.summary.operation == "replace")
        #expect(snapshot.summary["removed-equality-delete-files"] == "1")
        #expect(snapshot.summary["removed-equality-deletes"] == "4")
        #expect(snapshot.summary["added-delete-files"] == "1")
        #expect(snapshot.summary["added-position-deletes"] == "4")
        let delete = try #require(try await keyed.table.deleteEntries().first)
        #expect(delete.entry.sequenceNumber == 2, "as new as the equality delete")
        #expect(delete.partition == [.string("a")])
        #expect(try await keyed.table.deletes(in: delete).allSatisfy { $0.path == old })
        // Rows that come under the same keys, now and after, are none of its business.
        try await keyed.addRows(rows, region: "a")
        #expect(try await keyed.rows().count == 8)
    }

    @Test func `P-43: a vector has what was deleted before, by files and by a vector`()
        async throws
    {
        var random = SeededGenerator(seed: 3)
        let old = try await KeyedTable(.v2)
        let first = old.rows(10, &random)
        let second = old.rows(10, &random)
        let paths = [
            try await old.addRows(first, region: "a"), try await old.addRows(second, region: "a"),
        ]
        let filed = try await old.table.deleteFile(
            [(paths[0], 1), (paths[1], 2)], region: "a")
        try await old.table.append([filed], content: .deletes)
        let keyed = KeyedTable(upgrading: old, to: try await old.table.upgrade(to: .v3))
        try await keyed.table.append(
            [try await keyed.table.vectorFile(paths[1], [2, 3], region: "a")], content: .deletes)
        try await keyed.delete([first[0], second[0], second[3]], by: [.id], region: "a")
        let before = try await keyed.rows()
        #expect(before.count == 15)

        let report = try await keyed.convert()

        #expect(try await keyed.rows() == before)
        // The vector that there was, and the file, which the new vectors made useless.
        #expect(report.deleteCounts == [2, 2])
        #expect(report.metrics["converted_rows_count"] == 2)
        try await keyed.checkDeleteFiles()
        let found = try await keyed.table.deletes()
        #expect(found == [paths[0]: [0, 1], paths[1]: [0, 2, 3]])
    }

    @Test func `P-42: deletes of the whole table go when every partition and spec is done`()
        async throws
    {
        var random = SeededGenerator(seed: 4)
        let keyed = try await KeyedTable(.v2)
        let rows = keyed.rows(30, &random)
        try await keyed.addRows(Array(rows[0..<10]), region: "a")
        try await keyed.addRows(Array(rows[10..<20]), region: "b")
        try await keyed.addRows(Array(rows[20..<30]), region: nil)
        try await keyed.delete([rows[3], rows[13], rows[23]], by: [.id], region: nil)
        try await keyed.delete([rows[14], rows[24]], by: [.id], region: "b")
        // Newer than all that it could delete from.
        try await keyed.delete([rows[5]], by: [.id], region: "c")
        let before = try await keyed.rows()
        #expect(before.count == 26)

        let engine = NativeEngine(catalog: keyed.table.catalog, storage: keyed.table.storage)
        let plan = try await engine.plan(try keyed.table.deleteRequest(Self.options))
        #expect(plan.hasWork)
        let conversion = try #require(plan.summary["conversion"]?.objectValue)
        #expect(conversion["groups_count"] == 2)
        #expect(conversion["equality_delete_files_count"] == 3)
        #expect(conversion["data_files_count"] == 3)
        let report = try await keyed.convert()

        #expect(report.metrics["converted_equality_delete_files_count"] == 3)
        #expect(report.metrics["rewritten_groups_count"] == 2)
        #expect(try await keyed.rows() == before)
        let entries = try await keyed.table.deleteEntries()
        #expect(
            Set(entries.map(\.partition)) == [[.string("a")], [.string("b")], []],
            "each where its data file is")
        try await keyed.checkDeleteFiles()
    }

    @Test func `P-42: if one data file cannot be read, no delete that applies to it goes`()
        async throws
    {
        var random = SeededGenerator(seed: 5)
        let keyed = try await KeyedTable(.v2)
        let rows = keyed.rows(20, &random)
        try await keyed.addRows(Array(rows[0..<10]), region: "a")
        var entry = try await keyed.dataEntry(Array(rows[10..<20]), region: "b")
        entry.entry.dataFile.fileFormat = .orc
        try await keyed.table.append([entry])
        try await keyed.delete([rows[3]], by: [.id], region: nil)
        let metadata = try await keyed.table.load().metadataLocation
        await #expect {
            try await keyed.convert()
        } throws: { error in
            guard case .refused("unsupported_files", let reason)? = error as? MaintenanceError
            else { return false }
            return reason.contains("is a file of ORC") && reason.contains("rewrite_data_files")
        }
        #expect(try await keyed.table.load().metadataLocation == metadata)
        // Deletes of the other partition alone are turned.
        let other = try await KeyedTable(.v2)
        try await other.addRows(Array(rows[0..<10]), region: "a")
        try await other.table.append([entry])
        for region in ["a", "b"] {
            try await other.delete([rows[3], rows[13]], by: [.id], region: region)
        }
        let report = try await other.convert()
        #expect(report.metrics["refused_groups_count"] == 1)
        #expect(report.metrics["failed_delete_files_count"] == 1)
        #expect(report.metrics["converted_equality_delete_files_count"] == 1)
        #expect(try await other.deleteCounts() == [.equalityDeletes: 1, .positionDeletes: 1])
    }

    @Test func `deletes of nothing go, and nothing comes in their place`() async throws {
        var random = SeededGenerator(seed: 6)
        let keyed = try await KeyedTable(.v2)
        let rows = keyed.rows(5, &random)
        var orc = try await keyed.deleteEntry(rows, by: [.id], region: "b")
        orc.entry.dataFile.fileFormat = .orc
        try await keyed.table.append([orc], content: .deletes)
        try await keyed.delete(rows, by: [.id], region: "a")
        try await keyed.addRows(rows, region: "a")
        let report = try await keyed.convert()
        #expect(report.metrics["converted_equality_delete_files_count"] == 2)
        #expect(report.deleteCounts == [0, 0])
        #expect(try await keyed.deleteCounts() == [:])
        #expect(try await keyed.rows().count == 5)
    }

    @Test func `where chooses partitions, and leaves what reaches beyond them`() async throws {
        var random = SeededGenerator(seed: 7)
        let keyed = try await KeyedTable(.v2)
        let rows = keyed.rows(20, &random)
        for (region, part) in [("a", rows[0..<10]), ("b", rows[10..<20])] {
            try await keyed.addRows(Array(part), region: region)
            try await keyed.delete([part[part.startIndex]], by: [.id], region: region)
        }
        let before = try await keyed.rows()
        let options: JSONValue = ["convert-equality-deletes": true, "where": "region = 'a'"]
        let report = try await keyed.table.rewriteDeletes(options)
        #expect(report.metrics["converted_equality_delete_files_count"] == 1)
        #expect(try await keyed.rows() == before)
        try await keyed.delete([rows[5]], by: [.id], region: nil)
        let more = try await keyed.table.rewriteDeletes(options)
        #expect(more.metrics["converted_equality_delete_files_count"] == 0)
        #expect(try await keyed.deleteCounts() == [.equalityDeletes: 2, .positionDeletes: 1])
    }

    @Test(arguments: [FormatVersion.v2, .v3])
    func `P-49: keys and rows past the budget are taken in parts`(
        version: FormatVersion
    ) async throws {
        var random = SeededGenerator(seed: 8)
        let keyed = try await KeyedTable(version)
        var rows = keyed.rows(4000, &random)
        for index in rows.indices {
            let text = "\(index)-" + String(repeating: "k", count: 60)
            rows[index][.blob] = .bytes(Array(text.utf8))
        }
        // More rows than are taken at a time, and more keys than are held.
        for start in stride(from: 0, to: 4000, by: 1000) {
            try await keyed.addRows(Array(rows[start..<start + 1000]), region: "a")
        }
        try await keyed.delete(
            rows.enumerated().filter { $0.offset % 4 == 0 }.map(\.element), by: [.blob],
            region: "a")
        try await keyed.delete(Array(rows[20...30]), by: [.id], region: "a")
        let before = try await keyed.rows()
        let report = try await keyed.table.rewriteDeletes(
            Self.options, settings: NativeEngineSettings(memoryBytes: 256 << 10))
        #expect(report.metrics["converted_equality_delete_files_count"] == 2)
        #expect(report.metrics["added_delete_files_count"] == 4)
        #expect(try await keyed.rows() == before)
        #expect(try await keyed.deleteCounts() == [.positionDeletes: 4])
    }

    @Test func `what deletes become is merged with the rest in the same run`() async throws {
        var random = SeededGenerator(seed: 9)
        let keyed = try await KeyedTable(.v2)
        let rows = keyed.rows(40, &random)
        let path = try await keyed.addRows(rows, region: "a")
        for position in 0..<4 {
            try await keyed.table.deleteRows([(path, Int64(position))], region: "a")
        }
        try await keyed.delete([rows[0], rows[9]], by: [.id], region: "a")
        let before = try await keyed.rows()
        let report = try await keyed.table.rewriteDeletes(Self.options)
        #expect(try await keyed.rows() == before)
        #expect(report.metrics["commits_count"] == 2)
        #expect(report.metrics["rewritten_delete_files_count"] == 5)
        #expect(report.metrics["kept_deletes_count"] == 5)
        #expect(report.metrics["dropped_deletes_count"] == 1)
        #expect(try await keyed.deleteCounts() == [.positionDeletes: 1])
    }

    @Test func `a difference between the two ways to find deleted rows stops the commit`()
        async throws
    {
        try await KeyedTable.expectDifferenceStops(seed: 10) { keyed, storage in
            try await keyed.table.rewriteDeletes(
                Self.options, catalog: keyed.table.catalog, storage: storage)
        }
    }
}
