// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import ParquetFormat
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// Rewrites of data files that put rows in order.
@Suite struct SortedCompactionTests {
    /// Files of two ages in two partitions, some rows deleted.
    private func table(_ version: FormatVersion = .v3, seed: UInt64) async throws -> KeyedTable {
        var random = SeededGenerator(seed: seed)
        let keyed = try await KeyedTable(version)
        for step in 0..<6 {
            let rows = keyed.rows(Int.random(in: 5..<40, using: &random), &random)
            try await keyed.addRows(
                rows, region: step % 2 == 0 ? "a" : "b", isOld: Bool.random(using: &random))
        }
        let keys = keyed.rows(2, &random)
        try await keyed.delete(keys, by: [.count, .day], region: "a")
        return keyed
    }

    /// The rows of each data file, in their order.
    private func files(_ keyed: KeyedTable) async throws -> [[KeyedTable.Row]] {
        var files: [[KeyedTable.Row]] = []
        for entry in try await keyed.table.entries().values.map(\.entry.dataFile)
        where entry.content == .data {
            files.append(try await keyed.rows(of: entry.filePath))
        }
        return files
    }

    private static func precedes(_ left: KeyCell, _ right: KeyCell) -> Bool {
        switch (left, right) {
        case (.boolean(let left), .boolean(let right)): !left && right
        case (.integer(let left), .integer(let right)): left < right
        case (.decimal(let left), .decimal(let right)): left < right
        case (.number, .number):
            (left.double ?? 0).isTotallyOrdered(belowOrEqualTo: right.double ?? 0) && left != right
        case (.bytes(let left), .bytes(let right)): left.lexicographicallyPrecedes(right)
        default: false
        }
    }

    /// Whether a value may come right before another.
    private static func isOrdered(
        _ left: KeyCell, _ right: KeyCell, isDescending: Bool, nullsFirst: Bool
    ) -> Bool {
        if left == .null || right == .null {
            return left == right || (left == .null) == nullsFirst
        }
        return isDescending ? !precedes(left, right) : !precedes(right, left)
    }

    @Test(arguments: Share.of(KeyColumn.allCases, 6))
    func `rows are in the order of a column of any type, with nulls where they should be`(
        column: KeyColumn
    ) async throws {
        let keyed = try await table(seed: UInt64(column.rawValue))
        let before = try await keyed.rows()
        let name = column == .inner ? "box.inner" : "\(column)"
        for (isDescending, nullsFirst) in [
            (false, true), (true, false), (false, false), (true, true),
        ] {
            let order =
                "\(name) \(isDescending ? "DESC" : "ASC") "
                + "NULLS \(nullsFirst ? "FIRST" : "LAST")"
            let report = try await keyed.table.compact([
                "rewrite-all": true, "sort_order": .string(order),
            ])
            #expect(report.metrics["refused_groups_count"] == 0)
            #expect(report.metrics["rewritten_groups_count"] == 2)
            #expect(try await keyed.rows() == before)
            for rows in try await files(keyed) {
                for (left, right) in zip(rows, rows.dropFirst()) {
                    let (left, right) = (left[column] ?? .null, right[column] ?? .null)
                    #expect(
                        Self.isOrdered(
                            left, right, isDescending: isDescending, nullsFirst: nullsFirst),
                        "\(order): \(left) before \(right)")
                }
            }
        }
    }

    @Test func `the second field counts where the first is the same, and then the old order`()
        async throws
    {
        let keyed = try await table(seed: 7)
        let old = try await files(keyed)
        try await keyed.table.compact([
            "rewrite-all": true, "sort_order": "flag, count DESC NULLS FIRST",
        ])
        var places: [KeyCell: (file: Int, row: Int)] = [:]
        for (file, rows) in old.enumerated() {
            for (row, cells) in rows.enumerated() { places[cells[.id] ?? .null] = (file, row) }
        }
        var ties = 0
        for rows in try await files(keyed) {
            for (left, right) in zip(rows, rows.dropFirst()) {
                func isOrdered(_ column: KeyColumn, _ isDescending: Bool) -> Bool {
                    Self.isOrdered(
                        left[column] ?? .null, right[column] ?? .null, isDescending: isDescending,
                        nullsFirst: true)
                }
                #expect(isOrdered(.flag, false))
                guard left[.flag] == right[.flag] else { continue }
                #expect(isOrdered(.count, true))
                guard left[.count] == right[.count],
                    let first = places[left[.id] ?? .null],
                    let second = places[right[.id] ?? .null], first.file == second.file
                else { continue }
                ties += 1
                #expect(first.row < second.row)
            }
        }
        #expect(ties > 0)
    }

    @Test(arguments: ["zorder(count, name, flag)", "zorder(weight, at, uid, box.inner, blob)"])
    func `rows along a curve are the same rows`(order: String) async throws {
        let keyed = try await table(.v2, seed: 9)
        let before = try await keyed.rows()
        let report = try await keyed.table.compact([
            "rewrite-all": true, "sort_order": .string(order), "var-length-contribution": 3,
            "max-output-size": 12,
        ])
        #expect(report.metrics["refused_groups_count"] == 0)
        #expect(try await keyed.rows() == before)
        for entry in try await keyed.table.entries().values.map(\.entry.dataFile) {
            #expect(entry.sortOrderID ?? 0 == 0)
        }
    }

    // MARK: With a small table

    private func small(_ version: FormatVersion = .v3, files: Int = 4) async throws
        -> ManifestTable
    {
        let table = try await ManifestTable(version, properties: ManifestTable.quickRetries)
        for file in (0..<Int64(files)).reversed() {
            try await table.addRows(file * 10..<file * 10 + 10, region: "a")
        }
        return table
    }

    private func setOrder(_ table: ManifestTable) async throws {
        try await table.changeMetadata { document in
            document["sort-orders"] = [
                ["order-id": 0, "fields": []],
                [
                    "order-id": 5,
                    "fields": [
                        [
                            "transform": "identity", "source-id": 1, "direction": "desc",
                            "null-order": "nulls-last",
                        ]
                    ],
                ],
            ]
            document["default-sort-order-id"] = 5
        }
    }

    private func ids(_ table: ManifestTable) async throws -> [Int64] {
        let path = try #require(try await table.entries().keys.first)
        let bytes = try await table.storage.read(Location(path), limit: 1 << 26)
        let file = try await ParquetFile(opening: ParquetMemorySource(bytes))
        var ids: [Int64] = []
        for group in file.rowGroups.indices {
            guard
                case .int64(let some) = try await file.readColumn(rowGroup: group, column: 0)
                    .values
            else { continue }
            ids += some
        }
        return ids
    }

    @Test func `without an order the table's own counts, and files are marked with it`()
        async throws
    {
        let table = try await small()
        try await setOrder(table)
        let report = try await table.compact(["strategy": "sort", "min-input-files": 2])
        #expect(report.fileCounts == [4, 1])
        #expect(try await ids(table) == (0..<40).reversed())
        let file = try #require(try await table.entries().values.first?.entry.dataFile)
        #expect(file.sortOrderID == 5)
        let again = try await table.compact(["strategy": "sort", "min-input-files": 2])
        #expect(again.fileCounts == [0, 0], "P-45, P-50")
        // Another order is not the table's.
        try await table.compact(["sort_order": "id", "rewrite-all": true])
        #expect(try await ids(table) == Array(0..<40))
        let other = try #require(try await table.entries().values.first?.entry.dataFile)
        #expect(other.sortOrderID == 0)
        #expect(try await table.rows() == ManifestTable.rows(0..<40, region: "a"))
    }

    @Test func `P-44: rows keep their ids and their last change`() async throws {
        let table = try await small()
        let lineage = try await table.lineage()
        #expect(Set(lineage.values.map(\.rowID)).count == 40)
        for order in ["id", "region DESC", "zorder(id)"] {
            let report = try await table.compact([
                "sort_order": .string(order), "rewrite-all": true,
            ])
            #expect(report.metrics["rewritten_groups_count"] == 1)
            #expect(try await table.lineage() == lineage)
        }
    }

    @Test func `a plan says by what rows are sorted, and a run follows it`() async throws {
        let table = try await small()
        let options: JSONValue = ["sort_order": "ID DESC, `region`", "min-input-files": 2]
        let plan = try await NativeEngine(catalog: table.catalog, storage: table.storage).plan(
            ActionRequest(
                table: ManifestTable.identifier, action: .rewriteDataFiles,
                options: try ActionOptions.validating(options, for: .rewriteDataFiles),
                now: TestTable.now))
        let settings = plan.summary["settings"]?.objectValue
        #expect(settings?["strategy"] == ["value": "sort", "origin": "request"])
        #expect(
            settings?["sort_order"] == [
                "value": "id DESC NULLS LAST, region ASC NULLS FIRST", "origin": "request",
            ])
        #expect(plan.summary["rewritten_data_files_count"] == 4)
        #expect(try await table.compact(options).fileCounts == [4, 1])
        #expect(try await ids(table) == (0..<40).reversed())
    }

    @Test(
        arguments: [
            (["strategy": "sort"], "has no sort order of its own"),
            (["sort_order": "idd"], "did you mean id?"),
            (["sort_order": "zorder(region)"], "only columns that the table is partitioned by"),
            (["sort_order": "hours(id)"], "not defined for it"),
        ] as [(JSONValue, String)])
    func `an order that does not fit the table is refused`(
        options: JSONValue, reason: String
    ) async throws {
        let table = try await small()
        await #expect {
            try await table.compact(options)
        } throws: { error in
            guard case .refused("invalid_option", let found)? = error as? MaintenanceError
            else { return false }
            return found.contains(reason)
        }
    }

    @Test func `a curve with places that are too long is refused`() async throws {
        let table = try await ManifestTable(.v2, properties: ManifestTable.quickRetries)
        try await table.setDefaultSpec(0)
        try await table.addRows(0..<10, region: "a", specID: 0)
        try await table.addRows(10..<20, region: "a", specID: 0)
        await #expect {
            try await table.compact([
                "min-input-files": 2, "sort_order": "zorder(id, region)",
                "var-length-contribution": 100_000,
            ])
        } throws: { error in
            "\(error)".contains("lower var-length-contribution")
        }
    }

    @Test func `where chooses the files of a branch that are sorted`() async throws {
        let table = try await small(.v2)
        try await table.addRows(100..<110, region: "b")
        try await table.addRows(90..<100, region: "b")
        let head = try #require(try await table.load().metadata.currentSnapshotID)
        try await table.set("audit", to: head)
        let report = try await table.compact([
            "sort_order": "id DESC", "branch": "audit", "where": "region = 'b'",
            "min-input-files": 2,
        ])
        #expect(report.fileCounts == [2, 1])
        #expect(try await table.load().metadata.currentSnapshotID == head)
        let audit = try #require(try await table.load().metadata.head(ofBranch: "audit"))
        #expect(audit.summary["changed-partition-count"] == "1")
        try await table.set("main", to: audit.id)
        let expected =
            ManifestTable.rows(0..<40, region: "a") + ManifestTable.rows(90..<110, region: "b")
        #expect(try await table.rows() == expected)
    }

    // MARK: More rows than memory holds

    @Test(arguments: [nil, "id DESC", "zorder(id, region)"])
    func `rows that are many times what memory holds are sorted on disk`(
        order: String?
    ) async throws {
        let table = try await ManifestTable(.v2, properties: ManifestTable.quickRetries)
        let count: Int64 = 12_000
        for start in stride(from: Int64(0), to: count, by: 4000) {
            try await table.addRows(start..<start + 4000, region: "a")
        }
        try await table.setDefaultSpec(2)
        let settings = NativeEngineSettings(memoryBytes: 1 << 20)
        var options = JSONObject()
        options["rewrite-all"] = true
        options["target-file-size-bytes"] = 10_000
        options["max-file-size-bytes"] = 40_000
        if let order { options["sort_order"] = .string(order) }

        let report = try await table.compact(
            .object(options), catalog: table.catalog, storage: table.storage, settings: settings)

        // 32 bytes of a row and more are put into runs of 64 KiB.
        let runs = try #require(report.metrics["spilled_runs_count"]?.intValue)
        #expect(Int64(runs) > count * 32 / (64 << 10))
        #expect(report.metrics["refused_groups_count"] == 0)
        #expect(try await table.rows() == ManifestTable.rows(0..<count, region: "a"))
        let entries = try await table.entries().values
        #expect(entries.count >= 4)
        #expect(Set(entries.map(\.partition)).count == 4)
        let sizes = entries.map(\.entry.dataFile.fileSizeInBytes)
        #expect(sizes.allSatisfy { $0 <= 40_000 }, "\(sizes)")
        options["rewrite-all"] = nil
        let next = try await table.compact(.object(options))
        #expect(next.fileCounts == [0, 0], "P-50")
    }

    @Test func `P-50: sorted files are no larger than they may be, however small that is`()
        async throws
    {
        let table = try await ManifestTable(.v2)
        for start in stride(from: Int64(0), to: 20_000, by: 5000) {
            try await table.addRows(start..<start + 5000, region: "a")
        }
        let options: JSONValue = [
            "strategy": "sort", "sort_order": "id DESC", "target-file-size-bytes": 20_000,
            "rewrite-all": true,
        ]
        let again: JSONValue = [
            "strategy": "sort", "sort_order": "id DESC", "target-file-size-bytes": 20_000,
        ]
        try await table.compact(options)
        let sizes = try await table.entries().values.map(\.entry.dataFile.fileSizeInBytes)
        #expect(sizes.count > 1)
        #expect(sizes.allSatisfy { $0 < 36_000 }, "\(sizes)")
        #expect(try await table.compact(again).fileCounts == [0, 0])
    }
}
