// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import TestSupport
import Testing
import WireFormat

/// Identity partition columns that data files lack, in rewrites and as keys of deletes.
@Suite struct PartitionColumnTests {
    @Test(arguments: [FileFormat.parquet, .avro])
    func `P-47: rows of a file without the partition's column are deleted by its value`(
        format: FileFormat
    ) async throws {
        var random = SeededGenerator(seed: 21)
        let keyed = try await KeyedTable(.v2)
        var rows = keyed.rows(8, &random)
        for index in rows.indices { rows[index][.region] = .bytes(Array("x".utf8)) }
        try await keyed.table.append([
            try await keyed.dataEntry(Array(rows[..<4]), region: "a", lacking: [.region]),
            try await keyed.dataEntry(Array(rows[4...]), region: "a"),
        ])
        var key = rows[0]
        key[.region] = .bytes(Array("a".utf8))
        try await keyed.delete([key], by: [.region], region: "a", format: format)
        let report = try await keyed.table.compact()
        #expect(report.fileCounts == [2, 1])
        #expect(report.metrics["deleted_records_count"] == 4)
        #expect(try await keyed.rows() == Array(rows[4...]))
    }

    @Test func `P-47: they have the partition's value and are not deleted by null`() async throws {
        var random = SeededGenerator(seed: 22)
        let keyed = try await KeyedTable(.v2)
        var rows = keyed.rows(4, &random)
        for (index, half) in [rows[..<2], rows[2...]].enumerated() {
            try await keyed.table.append([
                try await keyed.dataEntry(
                    Array(half), region: "a", lacking: index == 0 ? [.region] : [])
            ])
        }
        var key = rows[0]
        key[.region] = .null
        try await keyed.delete([key], by: [.region], region: "a")
        let report = try await keyed.table.compact()
        for index in 0..<2 { rows[index][.region] = .bytes(Array("a".utf8)) }
        let expected = rows.enumerated().filter { $0 < 2 || $1[.region] != .null }.map(\.element)
        #expect(report.metrics["deleted_records_count"] == .integer(4 - expected.count))
        #expect(try await keyed.rows() == expected)
    }

    /// A file without the struct `box`, in a partition of its member `inner`.
    private func tableWithoutStruct(
        _ value: PartitionValue?, _ random: inout SeededGenerator
    ) async throws -> (keyed: KeyedTable, rows: [KeyedTable.Row]) {
        let keyed = try await KeyedTable(.v2)
        try await keyed.table.changeMetadata { document in
            let spec: JSONValue = [
                "spec-id": 3,
                "fields": [
                    ["source-id": 15, "field-id": 1003, "name": "part", "transform": "identity"]
                ],
            ]
            document["partition-specs"] = .array(
                (document["partition-specs"]?.arrayValue ?? []) + [spec])
            document["default-spec-id"] = 3
            document["last-partition-id"] = 1003
        }
        let rows = keyed.rows(4, &random)
        var entry = try await keyed.dataEntry(rows, region: nil, lacking: [.inner])
        entry.partition = [value]
        try await keyed.table.append([entry], specID: 3)
        return (keyed, rows)
    }

    @Test(arguments: [false, true])
    func `P-47: a file that lacks the struct around its partition's column is left`(
        hasDeletes: Bool
    ) async throws {
        var random = SeededGenerator(seed: 23)
        let (keyed, rows) = try await tableWithoutStruct(.int(5), &random)
        if hasDeletes { try await keyed.delete([rows[0]], by: [.inner], region: nil) }
        let location = try await keyed.table.load().metadataLocation
        await #expect {
            try await keyed.table.compact(["rewrite-all": true])
        } throws: { error in
            "\(error)".contains("partition field part is in a struct that the file lacks")
        }
        #expect(try await keyed.table.load().metadataLocation == location)
    }

    @Test func `P-47: where the partition is null, so is the struct`() async throws {
        var random = SeededGenerator(seed: 24)
        let (keyed, _) = try await tableWithoutStruct(nil, &random)
        let before = try await keyed.rows()
        #expect(try await keyed.table.compact(["rewrite-all": true]).fileCounts == [1, 1])
        #expect(try await keyed.rows() == before)
    }
}
