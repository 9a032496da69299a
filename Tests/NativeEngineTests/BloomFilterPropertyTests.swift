// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import ObjectStorage
import ParquetFormat
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// New files have the bloom filters that the table's properties ask for.
@Suite struct BloomFilterPropertyTests {
    private static let prefix = "write.parquet.bloom-filter-"

    /// The bytes of the filters of `id` and `region` in the one file that a rewrite makes.
    private func filters(
        _ properties: [String: String], rows: Int64 = 3000
    ) async throws -> [Int?] {
        var all = ManifestTable.quickRetries
        for (key, value) in properties { all[Self.prefix + key] = value }
        let table = try await ManifestTable(.v2, properties: all)
        for start in stride(from: Int64(0), to: rows, by: Int(rows / 3)) {
            try await table.addRows(start..<start + rows / 3, region: "a")
        }
        let before = try await table.rows()

        let report = try await table.compact()

        #expect(report.fileCounts == [3, 1])
        #expect(try await table.rows() == before)
        let entry = try #require(try await table.entries().values.first?.entry)
        let bytes = try await table.storage.read(
            Location(entry.dataFile.filePath), limit: 1 << 24)
        let file = try await ParquetFile(opening: ParquetMemorySource(bytes))
        var sizes: [Int?] = []
        for column in 0..<2 {
            let found = try await file.bloomFilter(rowGroup: 0, column: column)
            sizes.append(found?.bits.count)
        }
        return sizes
    }

    @Test func `the columns that are named have filters, and others have none`() async throws {
        let found = try await filters([
            "enabled.column.id": "TRUE", "enabled.column.region": "false",
            "enabled.column.gone": "true", "ndv.column.id": "10",
        ])
        #expect(found[0] ?? 0 > 1000)
        #expect(found[1] == nil)
        #expect(try await filters([:]) == [nil, nil])
    }

    @Test func `the share of false positives and the most bytes are heeded`() async throws {
        let names = ["enabled.column.id": "true", "enabled.column.region": "true"]
        let usual = try await filters(names)
        let precise = try await filters(
            names.merging(["fpp.column.region": "0.000001"]) { $1 })
        #expect(precise[0] == usual[0])
        #expect(precise[1] ?? 0 >= 2 * (usual[1] ?? .max))
        let small = try await filters(names.merging(["max-bytes": "1024"]) { $1 })
        #expect(small == [1024, 1024])
    }
}
