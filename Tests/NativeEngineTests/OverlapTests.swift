// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import TestSupport
import Testing
import WireFormat

/// P-45: whether files are sorted goes by how far their keys overlap, and sorted files are left.
@Suite struct OverlapTests {
    /// Files of which none is out of size, each with keys from all over.
    private func table(seed: UInt64, files: Int = 8) async throws -> KeyedTable {
        var random = SeededGenerator(seed: seed)
        let keyed = try await KeyedTable(.v3)
        for _ in 0..<files {
            try await keyed.addRows(keyed.rows(60, &random), region: "a", hasBounds: true)
        }
        return keyed
    }

    private func options(
        _ order: String, threshold: Int64?, target: Int64
    ) -> JSONObject {
        var options = JSONObject()
        options["sort_order"] = .string(order)
        options["target-file-size-bytes"] = .integer(target)
        options["min-file-size-bytes"] = 0
        options["max-file-size-bytes"] = 1_000_000
        if let threshold { options["overlap-threshold"] = .integer(threshold) }
        return options
    }

    private func plan(_ table: ManifestTable, _ options: JSONValue) async throws -> ActionPlan {
        try await NativeEngine(catalog: table.catalog, storage: table.storage).plan(
            ActionRequest(
                table: ManifestTable.identifier, action: .rewriteDataFiles,
                options: try ActionOptions.validating(options, for: .rewriteDataFiles),
                now: TestTable.now))
    }

    @Test(
        arguments: [
            "count", "name DESC", "weight", "price DESC NULLS LAST", "blob", "code", "at, id",
            "day DESC, count", "truncate(5, count) DESC, name", "box.inner",
            "truncate(2, name), id",
            "days(at), id", "truncate(3, count), weight", "count, bucket(4, id)",
        ])
    func `P-45: files that overlap are sorted, and a second run has nothing to do`(
        order: String
    ) async throws {
        let keyed = try await table(seed: UInt64(order.utf8.count))
        let before = try await keyed.rows()
        let size = try #require(
            try await keyed.table.entries().values.map(\.entry.dataFile.fileSizeInBytes).max())
        let options = JSONValue.object(options(order, threshold: 1, target: size))

        let first = try await plan(keyed.table, options)
        let overlap = try #require(first.summary["largest_overlap"]?.intValue)
        #expect(overlap > 0)
        let report = try await keyed.table.compact(options)

        #expect(report.fileCounts.first == first.summary["rewritten_data_files_count"]?.intValue)
        #expect(report.fileCounts[0] ?? 0 > 1)
        #expect(try await keyed.rows() == before)
        let second = try await plan(keyed.table, options)
        #expect(second.summary["largest_overlap"] == 0, "\(order)")
        #expect(!second.hasWork)
        let again = try await keyed.table.compact(options)
        #expect(again.fileCounts == [0, 0])
        #expect(again.message.contains("no file shares a range of its keys with another"))
    }

    @Test func `P-45: a run that sorts nothing says what would be sorted`() async throws {
        let keyed = try await table(seed: 3)
        let report = try await keyed.table.compact(
            .object(options("id", threshold: nil, target: 9000)))
        #expect(report.fileCounts == [0, 0])
        // Ids are counted on from file to file.
        #expect(report.message.contains("no file shares a range of its keys with another"))
        let names = try await keyed.table.compact(
            .object(options("name", threshold: nil, target: 9000)))
        #expect(names.fileCounts == [0, 0])
        #expect(
            names.message.contains(
                "the keys of files overlap with those of up to 7 others: overlap-threshold sorts "
                    + "such files as well, and rewrite-all every file"))
        let curve = try await keyed.table.compact(
            .object(options("zorder(name, count)", threshold: nil, target: 9000)))
        #expect(curve.message.contains("rewrite-all sorts every file"))
    }

    @Test func `files that share keys with too few others stay, at the number itself`()
        async throws
    {
        let keyed = try await table(seed: 4, files: 4)
        #expect(
            try await keyed.table.compact(.object(options("name", threshold: 4, target: 9000)))
                .fileCounts
                == [0, 0])
        let report = try await keyed.table.compact(
            .object(options("name", threshold: 3, target: 9000)))
        #expect(report.fileCounts.first == 4)
    }

    @Test func `a partition of several groups is sorted in a few runs, and no more`() async throws {
        let table = try await ManifestTable(.v2, properties: ManifestTable.quickRetries)
        for index in 0..<Int64(9) {
            let ids = index * 100..<index * 100 + 4000
            var entry = try await table.dataFile(ids, region: "a")
            entry.metrics.lowerBounds = [
                ColumnFact(id: 1, value: PartitionValue.long(ids.lowerBound).serialized)
            ]
            entry.metrics.upperBounds = [
                ColumnFact(id: 1, value: PartitionValue.long(ids.upperBound - 1).serialized)
            ]
            try await table.append([entry])
        }
        let before = try await table.rows()
        let sizes = try await table.entries().values.map(\.entry.dataFile.fileSizeInBytes)
        let size = try #require(sizes.max())
        var options = options("id", threshold: 1, target: size)
        options["max-file-group-size-bytes"] = .integer(size * 3)
        var runs = 0
        while runs < 9, try await table.compact(.object(options)).fileCounts != [0, 0] {
            runs += 1
            #expect(try await table.rows() == before)
        }
        #expect((2...5).contains(runs), "\(runs)")
        // What is left is shared with files of other groups alone: of all eight at first.
        let overlap = try await plan(table, .object(options)).summary["largest_overlap"]?.intValue
        #expect((0...5).contains(overlap ?? -1))
    }

    @Test(arguments: ["zorder(name, count)", "bucket(4, id), name"])
    func `an order that bounds say nothing of is refused with what to change`(
        order: String
    ) async throws {
        let keyed = try await table(seed: 6, files: 2)
        await #expect {
            try await keyed.table.compact(.object(options(order, threshold: 1, target: 9000)))
        } throws: { error in
            "\(error)".contains("overlap-threshold goes by the bounds of columns")
                && "\(error)".contains("rewrite-all")
        }
    }
}
