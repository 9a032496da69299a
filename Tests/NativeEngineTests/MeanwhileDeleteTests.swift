// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import TestSupport
import Testing
import WireFormat

/// What a rewrite of data files reads of delete files, above all of those that come while it runs.
@Suite struct MeanwhileDeleteTests {
    /// Three files in each of two partitions.
    private func table() async throws -> ManifestTable {
        let table = try await ManifestTable(.v2, properties: ManifestTable.quickRetries)
        for start in stride(from: Int64(0), to: 30, by: 10) {
            try await table.addRows(start..<start + 10, region: "a")
            try await table.addRows(start + 100..<start + 110, region: "b")
        }
        return table
    }

    /// Runs with something that another writer does before the first commit.
    private func compact(
        _ table: ManifestTable, storage: some ObjectStorage,
        _ interfere: @escaping @Sendable () async throws -> Void
    ) async throws -> ActionReport {
        let catalog = InterferingCatalog(base: table.catalog) { moment, commit in
            if moment == .beforeCommit, commit == 1 { try await interfere() }
        }
        return try await table.compact(catalog: catalog, storage: storage)
    }

    @Test func `P-43: a delete file of another partition that comes for a file is a conflict`()
        async throws
    {
        let table = try await table()
        let path = try await table.dataPaths(region: "a")[1]
        let report = try await compact(table, storage: table.storage) {
            try await table.deleteRows([(path, 4), ("/b/other.parquet", 1)], region: "b")
        }
        #expect(report.fileCounts == [3, 1])
        #expect(report.metrics["conflicting_groups_count"] == 1)
        #expect(report.message.contains("partition region=a are left for the next run"))
        #expect(try await table.dataPaths(region: "a").contains(path))
    }

    @Test func `P-43: one whose bounds leave no doubt is not read and no conflict`()
        async throws
    {
        let table = try await table()
        let report = try await compact(table, storage: table.storage) {
            // It does not exist.
            var delete = ManifestTable.entry(
                [.string("b")], rows: 1, content: .positionDeletes, path: "/data/deletes.parquet")
            delete.metrics.lowerBounds = [
                ColumnFact(id: 2_147_483_546, value: Array("/b/1".utf8))
            ]
            delete.metrics.upperBounds = [
                ColumnFact(id: 2_147_483_546, value: Array("/b/2".utf8))
            ]
            try await table.append([delete], content: .deletes)
        }
        #expect(report.fileCounts == [6, 2])
    }

    @Test func `P-49: what comes for other files is read once for all files of its partition`()
        async throws
    {
        let table = try await table()
        let storage = ReadCounter(table.storage)
        let report = try await compact(table, storage: storage) {
            let entry = try await table.dataFile(50..<60, region: "a")
            try await table.append([entry])
            try await table.deleteRows([(entry.entry.dataFile.filePath, 4)], region: "a")
        }
        #expect(report.fileCounts == [6, 2])
        let counts = storage.counts.filter { $0.key.contains("/deletes-") }
        #expect(counts.map(\.value) == [1])
    }

    @Test func `P-40: a delete file that another manifest lists as it was is no conflict`()
        async throws
    {
        let table = try await table()
        let path = try await table.dataPaths(region: "a")[1]
        for position in 4..<6 {
            try await table.deleteRows([(path, Int64(position))], region: "a")
        }
        let rows = try await table.rows()
        let report = try await compact(table, storage: table.storage) {
            let report = try await table.rewrite()
            #expect(report.manifestCounts == [8, 2])
        }
        #expect(report.fileCounts == [6, 2])
        #expect(report.metrics["removed_delete_files_count"] == 2)
        #expect(try await table.rows() == rows)
    }

    @Test func `P-41: equality deletes that come meanwhile delete from the new files`()
        async throws
    {
        var random = SeededGenerator(seed: 12)
        let keyed = try await KeyedTable(.v2)
        for _ in 0..<2 { try await keyed.addRows(keyed.rows(10, &random), region: "a") }
        let before = try await keyed.rows()
        let report = try await compact(keyed.table, storage: keyed.table.storage) {
            try await keyed.delete([before[3], before[14]], by: [.id], region: "a")
        }
        #expect(report.fileCounts == [2, 1])
        let after = try await keyed.rows()
        let kept = before.enumerated().filter { ![3, 14].contains($0.offset) }
        #expect(after == kept.map(\.element))
        #expect(try await keyed.deleteCounts() == [.equalityDeletes: 1])
    }

    @Test func `P-49: no more delete files are read once a group has too many deletes`()
        async throws
    {
        let table = try await table()
        let path = try await table.dataPaths(region: "a")[1]
        for index in 0..<12 {
            // So far from each other that each takes some 100 bytes.
            let first = Int64(index) * 45
            try await table.deleteRows(
                (first..<first + 45).map { (path, $0 << 16) }, region: "a", names: true)
        }
        let storage = ReadCounter(table.storage)
        // An eighth of it is for deletes.
        let report = try await table.compact(
            catalog: table.catalog, storage: storage,
            settings: NativeEngineSettings(memoryBytes: 64 << 10, readWidth: 1))
        #expect(report.metrics["refused_groups_count"] == 1)
        #expect(report.message.contains("take more than the 8192 bytes"))
        #expect(storage.counts.keys.count { $0.contains("/deletes-") } == 2)
    }

    @Test func `P-50: a delete file that stays for another file does not cause rewrites for ever`()
        async throws
    {
        let table = try await ManifestTable(.v2, properties: ManifestTable.quickRetries)
        let first = try await table.addRows(0..<10, region: "a")
        let other = try await table.addRows(20..<30, region: "b")
        try await table.deleteRows([(first, 5), (other, 7)], region: "a")
        let options: JSONValue = ["delete-file-threshold": 1]
        let report = try await table.compact(options)
        #expect(report.fileCounts == [1, 1])
        #expect(report.metrics["removed_delete_files_count"] == 0)
        #expect(try await table.compact(options).fileCounts == [0, 0])
        // A delete that comes for the new file counts again.
        let path = try await table.dataPaths(region: "a")[0]
        try await table.deleteRows([(path, 0)], region: "a")
        #expect(try await table.compact(options).fileCounts == [1, 1])
    }
}
