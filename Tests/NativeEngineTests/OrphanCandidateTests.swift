// SPDX-License-Identifier: Apache-2.0

import Maintenance
import NativeEngine
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// Files that another engine takes for orphans, under our guards.
@Suite struct OrphanCandidateTests {
    @Test func `only what really is an orphan goes, however it is spelled`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let live = Array(try await table.everything().keys)
        let orphan = try await table.stray("data/orphan")
        let unnamed = try await table.stray("data/unnamed")
        let young = try await table.stray("data/young", days: 1)
        let outside = "\(table.location)2/data/file"
        try await LocalStorage().write([1], to: Location(outside), condition: .none)
        try TestTable.age(outside, days: 10)

        let report = try await table.removeOrphans(
            among: live + ["file:" + orphan, young, outside, "\(table.location)/data/never"])

        let left = try await table.everything()
        #expect(Set(left.keys) == Set(live + [unnamed, young]))
        #expect(try await LocalStorage().stat(Location(outside)) != nil)
        #expect(report.metrics["quarantined_files_count"] == 1)
        #expect(report.metrics["young_files_count"] == 1)
        // Nobody listed the table's files, so none is missed.
        #expect(report.metrics["missing_files_count"] == 0)
    }

    @Test func `nothing found is nothing to do`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let before = try await table.everything()

        let report = try await table.removeOrphans(among: [])

        #expect(report.message == "No orphan file was found")
        #expect(try await table.everything() == before)
    }

    @Test(arguments: [
        ("metadata/00001-x.metadata.json", "foreign_table_metadata"),
        ("data/inner/metadata/v1.metadata.json", "foreign_table_metadata"),
        ("data/_delta_log/0.json", "foreign_format"), (".hoodie/x", "foreign_format"),
    ])
    func `what lies around a candidate tells that it is not ours, P-01`(
        sign: String, code: String
    ) async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let candidate = try await table.stray("data/inner/file")
        // Too young for the other engine to name it.
        try await table.stray(sign, days: 0, bytes: Array(#"{"table-uuid": "dead"}"#.utf8))

        try await refusal(code) { try await table.removeOrphans(among: [candidate]) }

        #expect(try await table.everything()[candidate] != nil)
    }

    @Test func `a dry run names what would go and leaves it`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let orphan = try await table.stray("data/orphan")
        let engine = NativeEngine(catalog: table.catalog, storage: LocalStorage())

        let report = try await table.removeOrphans(among: [orphan], ["dry_run": true])
        let plan = try await engine.plan(table.orphanRequest(), among: [Location(orphan)])

        #expect(report.metrics["orphan_files_count"] == 1)
        #expect(plan.summary["orphan_file_location"] == [.string(orphan)])
        #expect(try await table.everything()[orphan] != nil)
    }

    @Test func `a view of the other engine is its own business`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let orphan = try await table.stray("data/orphan")

        try await table.removeOrphans(among: [orphan], ["file_list_view": "files"])

        #expect(try await table.everything()[orphan] == nil)
    }
}
