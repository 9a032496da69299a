// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import SQLCatalog
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// Tables that PyIceberg wrote, whose data files are rewritten, and that it goes on writing to.
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct PyIcebergCompactionTests {
    private static let engines = "duckdb,datafusion,pyiceberg"

    @Test(
        arguments: Share.of(
            [
                ["--commits", "12"], ["--commits", "12", "--partitioned", "--seed", "2"],
                ["--commits", "8", "--format-version", "1", "--seed", "3"],
                [
                    "--commits", "9", "--partitioned", "--seed", "4", "--property",
                    "write.object-storage.enabled=true", "--property",
                    "write.parquet.compression-codec=snappy",
                ],
            ], 2))
    func `DuckDB, DataFusion and PyIceberg read the same rows, and PyIceberg goes on writing`(
        arguments: [String]
    ) async throws {
        let made = try await PyIcebergTable("make_table.py", arguments)
        let before = try await made.snapshots(engines: Self.engines)

        let report = try await made.run(.rewriteDataFiles, ["min-input-files": 2])

        try PyIcebergTable.expectSameRows(before, try await made.snapshots(engines: Self.engines))
        #expect(try #require(report.metrics["rewritten_data_files_count"]?.intValue) > 4)
        #expect(report.metrics["refused_groups_count"] == 0)
        let again = try await made.run(.rewriteDataFiles, ["min-input-files": 2])
        #expect(again.metrics["rewritten_data_files_count"] == 0, "P-50")

        try await made.append()
        let grown = try await made.snapshots(engines: Self.engines)
        _ = try await made.run(.rewriteDataFiles, ["min-input-files": 2])
        try PyIcebergTable.expectSameRows(grown, try await made.snapshots(engines: Self.engines))
    }

    @Test(
        arguments: Share.of(
            [
                ["--seed", "11"], ["--seed", "12", "--partitioned", "bucket"],
                ["--seed", "13", "--partitioned", "flag"],
                ["--seed", "14", "--partitioned", "dropped"],
                ["--seed", "15", "--format-version", "1"],
                [
                    "--seed", "16", "--property", "write.parquet.compression-codec=gzip",
                    "--property",
                    "write.metadata.metrics.default=full",
                ],
            ], 3))
    func `P-47: columns that were added, dropped, renamed, moved and widened keep their values`(
        arguments: [String]
    ) async throws {
        let made = try await PyIcebergTable("make_evolved.py", arguments)
        let before = try await made.snapshots()
        let report = try await made.run(.rewriteDataFiles, ["min-input-files": 2])
        try PyIcebergTable.expectSameRows(before, try await made.snapshots())
        #expect(try #require(report.metrics["rewritten_data_files_count"]?.intValue) >= 8)
        #expect(report.metrics["refused_groups_count"] == 0)
        let again = try await made.run(.rewriteDataFiles, ["min-input-files": 2])
        #expect(again.metrics["rewritten_data_files_count"] == 0, "P-50")
    }

    /// Files of PyIceberg say in their footers what their columns are for Arrow, and readers over
    /// arrow-rs refuse files whose columns are others.
    @Test(arguments: ["binpack", "sort"])
    func `P-47: DataFusion reads what becomes of files of an older schema`(
        strategy: String
    ) async throws {
        let made = try await PyIcebergTable("make_evolved.py", ["--seed", "18"])
        var options = JSONObject()
        options["strategy"] = .string(strategy)
        options["rewrite-all"] = true
        if strategy == "sort" { options["sort_order"] = "id DESC" }
        let report = try await made.run(.rewriteDataFiles, .object(options))
        #expect(report.metrics["refused_groups_count"] == 0)
        let read = try await made.currentRows(engines: Self.engines)
        #expect(read.count == 3 && Set(read).count == 1, "\(read)")
    }

    @Test(
        arguments: Share.of(
            [
                ["--into", "day"], ["--into", "identity"], ["--into", "truncate"],
                ["--into", "bucket"],
                ["--into", "hour"], ["--into", "day", "--format-version", "1"],
                ["--into", "bucket", "--format-version", "1"],
            ], 2))
    func `P-46: files of an older spec go into the partitions of the current one`(
        arguments: [String]
    ) async throws {
        let made = try await PyIcebergTable(
            "make_evolved.py", ["--seed", "17", "--partitioned", "evolved"] + arguments)
        let before = try await made.snapshots()
        let report = try await made.run(.rewriteDataFiles, ["rewrite-all": true])
        #expect(report.metrics["refused_groups_count"] == 0)
        try PyIcebergTable.expectSameRows(before, try await made.snapshots())
        let found = try #require(try await made.partitions().objectValue)
        #expect(found["wrong"] == [])
        #expect(found["specs"]?.arrayValue?.count == 1)
        #expect(try #require(found["partitions"]?.intValue) > 1)
        // What was divided may have come to partitions that had files.
        _ = try await made.run(.rewriteDataFiles, ["min-input-files": 2])
        let again = try await made.run(.rewriteDataFiles, ["min-input-files": 2])
        #expect(again.metrics["rewritten_data_files_count"] == 0, "P-50")
    }

    @Test func `P-46: rows are sorted within the partitions of another spec`() async throws {
        let made = try await PyIcebergTable(
            "make_evolved.py", ["--seed", "19", "--partitioned", "evolved"])
        let before = try await made.snapshots()
        let options: JSONValue = [
            "rewrite-all": true, "output-spec-id": 1,
            "sort_order": "truncate(3, words) DESC NULLS FIRST, ratio, place.title",
        ]
        let report = try await made.run(.rewriteDataFiles, options)
        #expect(report.metrics["refused_groups_count"] == 0)
        try PyIcebergTable.expectSameRows(before, try await made.snapshots())
        let found = try #require(try await made.partitions().objectValue)
        #expect(found["wrong"] == [])
        #expect(found["specs"] == [1])
    }

    @Test func `several small target files come out where rows are more than one holds`()
        async throws
    {
        let made = try await PyIcebergTable("make_evolved.py", ["--seed", "18", "--rows", "2000"])
        let before = try await made.snapshots()
        let options: JSONValue = [
            "target-file-size-bytes": 800_000, "min-input-files": 2,
            "partial-progress.enabled": true, "max-file-group-size-bytes": 1_500_000,
        ]
        let report = try await made.run(.rewriteDataFiles, options)
        #expect(try #require(report.metrics["added_data_files_count"]?.intValue) > 1)
        try expectSameRowsAtLast(before, try await made.snapshots())
        let again = try await made.run(.rewriteDataFiles, options)
        #expect(again.metrics["rewritten_data_files_count"] == 0, "P-50")
    }

    private func expectSameRowsAtLast(_ before: JSONObject, _ after: JSONObject) throws {
        let old = try #require(before["snapshots"]?.objectValue)
        let new = try #require(after["snapshots"]?.objectValue)
        let current = try #require(after["current_snapshot_id"]?.int64Value)
        let parent = try #require(before["current_snapshot_id"]?.int64Value)
        #expect(new["\(current)"] == old["\(parent)"])
    }
}
