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

/// Rewrites of the data files that `where` selects.
@Suite struct CompactionFilterTests {
    typealias Row = ManifestTable.Row

    /// A table with bounds of `id` for each file: four files of ten rows in each of two regions.
    private func table(_ version: FormatVersion = .v2) async throws -> ManifestTable {
        let table = try await ManifestTable(version, properties: ManifestTable.quickRetries)
        for start in stride(from: Int64(0), to: 40, by: 10) {
            for (region, first) in [("a", start), ("b", start + 100)] {
                try await add(first..<first + 10, region, to: table)
            }
        }
        return table
    }

    @discardableResult
    private func add(
        _ ids: Range<Int64>, _ region: String, to table: ManifestTable
    ) async throws -> String {
        var entry = try await table.dataFile(ids, region: region)
        entry.metrics.valueCounts = [ColumnFact(id: 1, value: 10)]
        entry.metrics.nullValueCounts = [ColumnFact(id: 1, value: 0)]
        entry.metrics.lowerBounds = [
            ColumnFact(id: 1, value: PartitionValue.long(ids.lowerBound).serialized)
        ]
        entry.metrics.upperBounds = [
            ColumnFact(id: 1, value: PartitionValue.long(ids.upperBound - 1).serialized)
        ]
        try await table.append([entry])
        return entry.entry.dataFile.filePath
    }

    private func counts(_ plan: ActionPlan) -> [Int?] {
        let left = plan.summary["left_alone"]?.objectValue?["outside_where"]?.objectValue
        return [
            plan.summary["data_files_count"]?.intValue,
            plan.summary["rewritten_data_files_count"]?.intValue, left?["files"]?.intValue,
        ]
    }

    private func plan(_ table: ManifestTable, _ options: JSONValue) async throws -> ActionPlan {
        try await NativeEngine(catalog: table.catalog, storage: table.storage).plan(
            ActionRequest(
                table: ManifestTable.identifier, action: .rewriteDataFiles,
                options: try ActionOptions.validating(options, for: .rewriteDataFiles),
                now: TestTable.now))
    }

    @Test(arguments: [
        ("region = 'a'", [4, 4, 4]), ("id < 20", [2, 2, 6]), ("id <= 20", [3, 3, 5]),
        ("region = 'b' AND id NOT BETWEEN 100 AND 119", [2, 2, 6]),
        ("region = 'b' AND id >= 120", [2, 2, 6]), ("id IN (5, 15, 105)", [3, 2, 5]),
        ("id IS NULL OR region > 'b'", [0, 0, 8]), ("TRUE", [8, 8, 0]),
    ])
    func `P-55: the files that may hold rows that pass are planned and rewritten, no others`(
        condition: String, expected: [Int]
    ) async throws {
        let table = try await table()
        let before = try await table.rows()
        let options: JSONValue = ["where": .string(condition), "min-input-files": 2]

        let planned = try await plan(table, options)
        let report = try await table.compact(options)

        #expect(counts(planned) == expected)
        #expect(report.metrics["rewritten_data_files_count"]?.intValue == expected[1])
        #expect(try await table.rows() == before)
        #expect(try await table.compact(options).fileCounts == [0, 0], "P-50")
    }

    @Test(arguments: FormatVersion.allCases)
    func `all others stay as they were, with their own sequence numbers and row ids`(
        version: FormatVersion
    ) async throws {
        let table = try await table(version)
        let before = try await table.entries()

        try await table.compact(["where": "region = 'a'", "min-input-files": 2])

        let after = try await table.entries()
        for (path, entry) in before where entry.partition == [.string("b")] {
            #expect(after[path] == entry)
        }
        #expect(after.values.count { $0.partition == [.string("a")] } == 1)
    }

    @Test func `deletes that others still need stay, and what they delete stays deleted`()
        async throws
    {
        let table = try await table()
        let first = try await add(200..<210, "a", to: table)
        let second = try await add(210..<220, "a", to: table)
        let outside = try await add(300..<310, "a", to: table)
        try await table.deleteRows([(first, 1), (second, 2), (outside, 3)], region: "a")
        let before = try await table.rows()

        let report = try await table.compact([
            "where": "id BETWEEN 200 AND 299", "min-input-files": 2,
        ])

        #expect(report.fileCounts == [2, 1])
        #expect(report.metrics["removed_delete_files_count"] == 0)
        #expect(try await table.rows() == before)
        let rest = try await table.compact([
            "where": "id BETWEEN 300 AND 399", "delete-file-threshold": 1,
        ])
        #expect(rest.metrics["removed_delete_files_count"] == 1)
        #expect(try await table.rows() == before)
    }

    @Test func `manifests that certainly have no file that is wanted are not read`() async throws {
        let table = try await table()
        let metadata = try await table.load().metadata
        let snapshot = try #require(metadata.currentSnapshot)
        let filter = try RowFilter(Condition(parsing: "region = 'a'"), metadata: metadata)
        let others = try await table.manifests().filter {
            $0.partitions?.first?.lowerBound == Array("b".utf8)
        }
        _ = await table.storage.remove(others.map { Location($0.path) })

        #expect(others.count == 4)
        _ = try await SnapshotScan(storage: table.storage, metadata: metadata, filter: filter)
            .collect(snapshot, into: Nothing())
        await #expect(throws: ScanError.self) {
            try await SnapshotScan(storage: table.storage, metadata: metadata)
                .collect(snapshot, into: Nothing())
        }
    }

    @Test(arguments: [
        ("amount = 1", "invalid_option", "which the table does not have"),
        ("id = 'x'", "invalid_option", "write a number"),
        ("id = 1 OR upper(region) = 'A'", "unsupported_option", "run it with the Spark engine"),
    ])
    func `what is not understood, or does not fit, is refused before anything is read`(
        condition: String, code: String, reason: String
    ) async throws {
        let table = try await table()

        let error = try await #require(throws: MaintenanceError.self) {
            try await table.compact(["where": .string(condition)])
        }

        guard case .refused(let found, let message) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(found == code)
        #expect(message.contains("where ") && message.contains(reason))
    }
}

private struct Nothing: LiveFileCollector {
    mutating func add(manifests: [ManifestFile]) {}
    mutating func add(deleteFiles index: DeleteFileIndex) {}
    mutating func add(_ file: LiveFile, _ deletes: AppliedDeletes) {}
}
