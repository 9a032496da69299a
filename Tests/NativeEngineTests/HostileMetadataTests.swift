// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import TestSupport
import Testing
import WireFormat

/// Manifests that lie about their files: a group is left with the reason, and nothing worse.
@Suite struct HostileMetadataTests {
    /// Two files in a partition, the second as the test has it.
    private func table(
        _ version: FormatVersion, _ change: (inout CompleteEntry) -> Void = { _ in }
    ) async throws -> (table: ManifestTable, first: String) {
        let table = try await ManifestTable(version, properties: ManifestTable.quickRetries)
        let first = try await table.addRows(0..<10, region: "a")
        var second = try await table.dataFile(10..<20, region: "a")
        change(&second)
        try await table.append([second])
        return (table, first)
    }

    @Test(arguments: [Int64.max, Int64.max - 1, -1])
    func `a deletion vector beyond the end of any file is refused`(offset: Int64) async throws {
        let (table, first) = try await table(.v3)
        var vector = try await table.vectorFile(first, [1, 2], region: "a")
        vector.entry.dataFile.contentOffset = offset
        try await table.append([vector], content: .deletes)
        await ManifestTable.expectFilesRefused("has no place that it can be at") {
            try await table.compact()
        }
    }

    @Test(arguments: ["partition", "vector's partition", "vector's age"])
    func `P-43: deletes that contradict the file they name cost that file alone`(
        fault: String
    ) async throws {
        let (table, first) = try await table(fault == "partition" ? .v2 : .v3)
        for start in [Int64(100), 110] {
            try await table.addRows(start..<start + 10, region: "b")
        }
        var delete =
            fault == "partition"
            ? try await table.deleteFile([(first, 3)], region: "c", names: true)
            : try await table.vectorFile(first, [3], region: fault.hasSuffix("age") ? "a" : "c")
        if fault.hasSuffix("age") { delete.entry.sequenceNumber = 0 }
        try await table.append([delete], content: .deletes)
        let report = try await table.compact()
        #expect(report.fileCounts == [2, 1])
        #expect(report.metrics["refused_groups_count"] == 1)
        #expect(report.message.contains("1 file of partition region=a was left as it is"))
        #expect(try await table.dataPaths(region: "a").contains(first))
    }

    @Test func `P-43: such deletes that come meanwhile are a conflict of that group`()
        async throws
    {
        let (table, first) = try await table(.v2)
        for start in [Int64(100), 110] {
            try await table.addRows(start..<start + 10, region: "b")
        }
        let catalog = InterferingCatalog(base: table.catalog) { moment, commit in
            guard moment == .beforeCommit, commit == 1 else { return }
            try await table.deleteRows([(first, 3)], region: "c", names: true)
        }
        let report = try await table.compact(catalog: catalog, storage: table.storage)
        #expect(report.fileCounts == [2, 1])
        #expect(report.metrics["conflicting_groups_count"] == 1)
        #expect(try await table.dataPaths(region: "a").contains(first))
    }

    @Test func `sizes that no sum holds stop nothing`() async throws {
        let (table, first) = try await table(.v2)
        for position in 0..<2 {
            var delete = try await table.deleteFile([(first, Int64(position))], region: "a")
            delete.entry.dataFile.fileSizeInBytes = 1 << 62
            try await table.append([delete], content: .deletes)
        }
        let before = try await table.rows()
        let report = try await table.compact()
        #expect(report.fileCounts == [2, 1])
        #expect(report.metrics["removed_delete_files_count"] == 2)
        #expect(try await table.rows() == before)
    }

    @Test(arguments: [Int64.max, Int64.max - 9, -1])
    func `row ids that cannot be counted on are refused`(first: Int64) async throws {
        let (table, _) = try await table(.v3) { $0.entry.dataFile.firstRowID = first }
        await ManifestTable.expectFilesRefused("its first row id is \(first)") {
            try await table.compact()
        }
    }

    @Test func `the last row ids that there are can be kept`() async throws {
        let (table, _) = try await table(.v3) { $0.entry.dataFile.firstRowID = .max - 10 }
        #expect(try await table.compact().fileCounts == [2, 1])
    }

    @Test(arguments: [FileFormat.parquet, .avro])
    func `equality deletes of more rows than they can have are refused at once`(
        format: FileFormat
    ) async throws {
        let keyed = try await KeyedTable.withLyingDelete(format: format)
        let before = try await keyed.rows()
        let report = try await keyed.table.compact(["rewrite-all": true])
        #expect(report.metrics["refused_groups_count"] == 1)
        #expect(report.message.contains("and its manifest says 4611686018427387904"))
        #expect(report.fileCounts == [1, 1])
        #expect(try await keyed.rows() == before)
    }
}

extension KeyedTable {
    /// A table with a file in each of two partitions and an equality delete file for the first, the
    /// manifest of which says that it has 2^62 rows with keys that no file has.
    static func withLyingDelete(format: FileFormat = .parquet) async throws -> KeyedTable {
        var random = SeededGenerator(seed: 11)
        let keyed = try await KeyedTable(.v2)
        for region in ["a", "b"] {
            try await keyed.addRows(keyed.rows(10, &random), region: region, hasBounds: true)
        }
        var delete = try await keyed.deleteEntry(
            keyed.rows(3, &random), by: [.id], region: "a", format: format, hasBounds: true)
        delete.entry.dataFile.recordCount = 1 << 62
        try await keyed.table.append([delete], content: .deletes)
        return keyed
    }
}
