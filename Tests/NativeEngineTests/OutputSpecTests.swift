// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import TestSupport
import Testing
import WireFormat

/// Rewrites of data files into the partitions of another spec.
@Suite struct OutputSpecTests {
    /// Five files of spec 1, of which the table makes no new ones any more.
    private func table(_ version: FormatVersion = .v3) async throws -> ManifestTable {
        let table = try await ManifestTable(version, properties: ManifestTable.quickRetries)
        for start in stride(from: Int64(0), to: 50, by: 10) {
            try await table.addRows(start..<start + 10, region: start < 20 ? "a" : "b")
        }
        try await table.setDefaultSpec(2)
        return table
    }

    private static func regions(_ rows: [ManifestTable.Row]) -> Set<[PartitionValue?]> {
        Set(rows.map { [$0.region.map { .string($0) }] })
    }

    /// How many rows are in the data files of each partition.
    private func partitions(_ table: ManifestTable) async throws -> [[PartitionValue?]: Int64] {
        try await table.entries().values.reduce(into: [:]) { counts, entry in
            guard entry.entry.dataFile.content == .data else { return }
            counts[entry.partition, default: 0] += entry.entry.dataFile.recordCount
        }
    }

    @Test(arguments: FormatVersion.allCases)
    func `P-46: rows go into the partitions of the current spec, with what they were`(
        version: FormatVersion
    ) async throws {
        let table = try await table(version)
        let before = try await table.rows()
        let lineage = version == .v3 ? try await table.lineage() : [:]

        let report = try await table.compact(["min-input-files": 5])

        #expect(report.fileCounts == [5, 4])
        #expect(try await table.rows() == before)
        if version == .v3 { #expect(try await table.lineage() == lineage) }
        let found = try await partitions(table)
        // Murmur3 of 0 to 49 modulo 4, as PyIceberg has it.
        #expect(found == [[.int(0)]: 12, [.int(1)]: 16, [.int(2)]: 9, [.int(3)]: 13])
        let snapshot = try #require(try await table.load().metadata.currentSnapshot)
        #expect(snapshot.summary["changed-partition-count"] == "6")
        for entry in try await table.entries().values {
            #expect(entry.entry.dataFile.filePath.contains("id_bucket="))
        }
        #expect(try await table.compact().fileCounts == [0, 0], "P-50")
    }

    @Test func `deletes are applied, and go with the files`() async throws {
        let table = try await table(.v2)
        let path = try #require(
            try await table.entries().first { $0.value.partition == [.string("a")] }?.key)
        try await table.deleteRows([(path, 3), (path, 4)], region: "a")
        let before = try await table.rows()
        #expect(before.count == 48)
        let report = try await table.compact(["min-input-files": 5, "sort_order": "id DESC"])
        #expect(report.metrics["deleted_records_count"] == 2)
        #expect(report.metrics["removed_delete_files_count"] == 1)
        #expect(try await table.rows() == before)
    }

    @Test func `a spec may be asked for, and must be one of the table`() async throws {
        let table = try await table()
        let before = try await table.rows()
        // No row has the region of the partition that it was in, each another or none.
        for (spec, counts) in [(1, [5, 2]), (0, [2, 1]), (2, [1, 4]), (1, [4, 41])] {
            let report = try await table.compact([
                "rewrite-all": true, "output-spec-id": .integer(spec),
            ])
            #expect(report.fileCounts == counts.map { Int?($0) })
            #expect(try await table.rows() == before)
        }
        #expect(try await Set(partitions(table).keys) == Self.regions(before))
        await #expect {
            try await table.compact(["output-spec-id": 7])
        } throws: {
            "\($0)".contains("output-spec-id must be one of 0, 1, 2")
        }
    }

    @Test func `P-41: deletes that come for a partition that rows go into are a conflict`()
        async throws
    {
        var random = SeededGenerator(seed: 5)
        let keyed = try await KeyedTable(.v2)
        var rows = keyed.rows(8, &random)
        for index in rows.indices { rows[index][.region] = .bytes(Array("a".utf8)) }
        for half in [rows[..<4], rows[4...]] {
            var entry = try await keyed.dataEntry(Array(half), region: nil)
            entry.partition = [.int(1)]
            try await keyed.table.append([entry], specID: 2)
        }
        let key = rows[2]

        await #expect {
            try await keyed.table.compact {
                try await keyed.delete([key], by: [.id], region: "a")
            }
        } throws: { error in
            guard case .conflict? = error as? MaintenanceError else { return false }
            return "\(error)".contains("equality deletes came for a partition")
        }

        #expect(try await keyed.rows() == rows)
        #expect(try await keyed.table.compact().fileCounts == [2, 1])
        #expect(try await keyed.rows() == rows)
    }

    @Test func `a spec by which rows cannot be divided leaves the files`() async throws {
        let table = try await table()
        try await table.changeMetadata { document in
            let specs = document["partition-specs"]?.arrayValue ?? []
            let third: JSONValue = [
                "spec-id": 2,
                "fields": [
                    [
                        "source-id": 77, "field-id": 1001, "name": "gone",
                        "transform": "void",
                    ],
                    [
                        "source-id": 78, "field-id": 1002, "name": "dropped",
                        "transform": "bucket[4]",
                    ],
                ],
            ]
            document["partition-specs"] = .array(specs.dropLast() + [third])
        }
        await #expect {
            try await table.compact(["min-input-files": 5])
        } throws: { error in
            guard case .refused("unsupported_files", let reason)? = error as? MaintenanceError
            else { return false }
            return reason.contains("the field 78 is no column")
        }
    }
}
