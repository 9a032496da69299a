// SPDX-License-Identifier: Apache-2.0

import Maintenance
import NativeEngine
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// Inventories in Parquet, written by PyArrow.
@Suite(.enabled(if: Oracles.isAvailable, "\(Oracles.reason)"))
struct OrphanInventoryTests {
    /// Ten days before now, in milliseconds.
    private static var old: Int64 { TestTable.presentTime.milliseconds - 10 * 86_400_000 }

    private func inventory(
        _ rows: [(String, Int64?)], in table: TestTable, _ more: [String]
    ) async throws -> String {
        let file = table.folder.appending("inventory.parquet").rawValue
        let rows: [JSONValue] = rows.map { [.string($0), $1.map { .integer($0) } ?? .null] }
        _ = try await Oracles.run(
            "make_inventory.py", [file, "--rows", JSONValue.array(rows).text()] + more)
        return file
    }

    @Test(arguments: ["milliseconds", "microseconds", "nanoseconds", "int96", "integer", "text"])
    func `an inventory in Parquet stands in for the listing, however it writes times`(
        way: String
    ) async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let live = Array(try await table.everything().keys)
        let orphan = try await table.stray("data/ä orphan")
        let unlisted = try await table.stray("data/unlisted")
        let timeless = try await table.stray("data/timeless")
        let young = try await table.stray("data/young")
        let now = TestTable.presentTime.milliseconds
        let file = try await inventory(
            live.map { ($0, Self.old) }
                + [(orphan, Self.old), (timeless, nil), (young, now - 86_400_000)],
            in: table, ["--way", way])

        let report = try await table.removeOrphans(["inventory": .string(file)])

        let left = Set(try await table.everything().keys)
        #expect(left == Set(live + [unlisted, timeless, young]))
        #expect(report.metrics["young_files_count"] == 2)
    }

    @Test func `a bucket and a key are a path`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let orphan = try await table.stray("data/orphan")
        let file = try await inventory(
            [("s3://shelf\(orphan)", Self.old)], in: table, ["--split"])

        // Of another store than the table: passed over, and so nothing of the table is listed.
        try await refusal("incomplete_listing") {
            try await table.removeOrphans(["inventory": .string(file)])
        }

        #expect(try await table.everything()[orphan] != nil)
    }

    @Test(arguments: ["", "PAR1", "path\n/a/b\n"])
    func `what is no Parquet stops`(text: String) async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let file = table.folder.appending("inventory.PARQUET")
        try await LocalStorage().write(Array(text.utf8), to: file, condition: .none)

        try await refusal("unusable_inventory") {
            try await table.removeOrphans(["inventory": .string(file.rawValue)])
        }
        try await refusal("unusable_inventory") {
            try await table.removeOrphans(["inventory": .string(file.rawValue + ".parquet")])
        }
    }
}
