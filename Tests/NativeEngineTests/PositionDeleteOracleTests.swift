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

/// Other engines read the same rows before and after position deletes were rewritten.
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct PositionDeleteOracleTests {
    enum Shape: CaseIterable, Sendable {
        case partition, file, vectors, manyVectors

        var version: FormatVersion { self == .partition || self == .file ? .v2 : .v3 }
    }

    private func table(_ shape: Shape) async throws -> ManifestTable {
        let table = try await ManifestTable(
            .v2,
            properties: ManifestTable.quickRetries.merging(
                shape == .file ? ["write.delete.granularity": "file"] : [:]
            ) { _, new in new })
        var paths: [String] = []
        // Rows enough for containers of every form: single ones, a run, and many.
        let rows: Int64 = shape == .manyVectors ? 20_000 : 50
        for index in 0..<4 {
            let start = Int64(index) * 100_000
            paths.append(
                try await table.addRows(
                    start..<start + rows, region: index < 2 ? "a" : "b"))
        }
        for step in 0..<3 {
            for (index, path) in paths.enumerated() {
                var positions = Set<Int64>([Int64(step), 10 + Int64(step * 7)])
                if shape == .manyVectors {
                    positions.formUnion(index == 0 ? Set(100..<9000) : [])
                    positions.formUnion(
                        index == 1 ? Set(stride(from: Int64(step), to: rows, by: 4)) : [])
                }
                try await table.deleteRows(
                    positions.map { (path, $0) } + [("/gone.parquet", 1)],
                    region: index < 2 ? "a" : "b")
            }
        }
        return shape.version == .v2 ? table : try await table.upgrade(to: .v3)
    }

    @Test(arguments: Shape.allCases)
    func `P-53: every engine reads the same rows before and after`(shape: Shape) async throws {
        let table = try await table(shape)
        let rows = try await table.look(["duckdb", "datafusion", "pyiceberg"], ifAble: true)
        #expect(rows.keys.contains("duckdb"))
        #expect(rows.keys.count > 1)

        let report = try await table.rewriteDeletes()

        let perPartition = shape == .partition ? 1 : 2
        #expect(report.deleteCounts == [12, 2 * perPartition])
        #expect(try #require(report.metrics["dropped_deletes_count"]?.intValue) > 0)
        #expect(try await table.look(rows.keys) == rows)
        #expect(try await table.rewriteDeletes().deleteCounts == [0, 0], "P-50")
    }
}
