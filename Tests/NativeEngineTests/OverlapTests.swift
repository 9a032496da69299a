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
        // One file may have nulls alone, and so no bounds.
        #expect(
            again.message.contains("no file shares a range of its keys with another")
                || again.message.contains("bounds do not tell of 1 file"))
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

    /// Files of numbers, of which bounds tell.
    private func table(_ ranges: [Range<Int64>]) async throws -> ManifestTable {
        let table = try await ManifestTable(.v2, properties: ManifestTable.quickRetries)
        for ids in ranges {
            var entry = try await table.dataFile(ids, region: "a")
            entry.metrics.lowerBounds = [
                ColumnFact(id: 1, value: PartitionValue.long(ids.lowerBound).serialized)
            ]
            entry.metrics.upperBounds = [
                ColumnFact(id: 1, value: PartitionValue.long(ids.upperBound - 1).serialized)
            ]
            try await table.append([entry])
        }
        return table
    }

    @Test func `one late file is sorted with all that it overlaps with`() async throws {
        let sorted = (0..<Int64(6)).map { $0 * 1000..<$0 * 1000 + 1000 }
        let table = try await table(sorted + [500..<5500])
        let before = try await table.rows()
        let sizes = try await table.entries().values.map(\.entry.dataFile.fileSizeInBytes)
        let options = options("id", threshold: 6, target: try #require(sizes.max()))
        // None but the late file shares keys with as many others.
        #expect(try await table.compact(.object(options)).fileCounts.first == 7)
        #expect(try await table.rows() == before)
        #expect(try await table.compact(.object(options)).fileCounts == [0, 0])
    }

    @Test func `files that overlap with their neighbours alone are sorted, or it is said why not`()
        async throws
    {
        let chain = (0..<Int64(6)).map { $0 * 1000..<$0 * 1000 + 1500 }
        let table = try await table(chain)
        let before = try await table.rows()
        let sizes = try await table.entries().values.map(\.entry.dataFile.fileSizeInBytes)
        let size = try #require(sizes.max())
        let report = try await table.compact(
            .object(options("id", threshold: 3, target: size)))
        #expect(report.fileCounts == [0, 0])
        #expect(
            report.message.contains(
                "the keys of files overlap with those of up to 2 others, and overlap-threshold is 3"
            )
        )
        let options = options("id", threshold: 2, target: size)
        #expect(try await table.compact(.object(options)).fileCounts.first == 6)
        #expect(try await table.rows() == before)
        #expect(try await table.compact(.object(options)).fileCounts == [0, 0])
    }

    @Test func `a limit takes files that overlap, not those that come first`() async throws {
        // The same keys twice, each time in files that do not overlap among themselves.
        let load = (0..<Int64(6)).map { $0 * 1000..<$0 * 1000 + 1000 }
        let table = try await table(load + load)
        let before = try await table.rows()
        let sizes = try await table.entries().values.map(\.entry.dataFile.fileSizeInBytes)
        var options = options("id", threshold: 1, target: try #require(sizes.max()) * 2)
        options["max-files-to-rewrite"] = 6
        var runs = 0
        while runs < 9, try await table.compact(.object(options)).fileCounts != [0, 0] {
            runs += 1
            #expect(try await table.rows() == before)
        }
        #expect((2...4).contains(runs), "\(runs)")
        let overlap = try await plan(table, .object(options)).summary["largest_overlap"]?.intValue
        #expect(overlap == 0)
        options["overlap-threshold"] = 6
        await #expect {
            try await table.compact(.object(options))
        } throws: { error in
            "\(error)".contains("raise max-files-to-rewrite above overlap-threshold")
        }
    }

    @Test func `files of which bounds have the beginning alone are not said to be apart`()
        async throws
    {
        let keyed = try await KeyedTable(.v2)
        for file in 0..<Int64(3) {
            let rows = (0..<Int64(4)).map { row in
                [
                    KeyColumn.id: KeyCell.integer(file * 4 + row),
                    .name: .bytes(Array("https://www.example.com/\(file + row)".utf8)),
                ]
            }
            try await keyed.addRows(rows, region: "a", hasBounds: true)
        }
        let report = try await keyed.table.compact(
            .object(options("name", threshold: 1, target: 9000)))
        #expect(report.fileCounts == [0, 0])
        #expect(
            report.message.contains(
                "bounds do not tell of 3 files whether others share a range of their keys: "
                    + "rewrite-all sorts every file"))
    }

    @Test func `a partition of several groups is sorted in a few runs, and no more`() async throws {
        let table = try await table((0..<Int64(9)).map { $0 * 100..<$0 * 100 + 4000 })
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

    @Test(arguments: ["zorder(name, count)", "bucket(4, id), name", "uid, id"])
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
