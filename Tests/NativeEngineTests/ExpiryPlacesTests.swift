// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import StorageTestSupport
import Testing
import WireFormat

/// Files that a table names outside its own folders.
@Suite struct ExpiryPlacesTests {
    /// A table whose expired snapshot has a file of its own and one in another folder.
    private func table() async throws -> (TestTable, own: String, foreign: String) {
        let table = try TestTable()
        let own = try await table.file()
        let foreign = table.folder.appending("other/f").rawValue
        try await LocalStorage().write([1], to: Location(foreign), condition: .none)
        try await table.commit([
            try await table.manifest([.init(path: own), .init(path: foreign)])
        ])
        try await table.commit([try await table.manifest([.init(path: try await table.file())])])
        try await table.write()
        return (table, own, foreign)
    }

    private func engine(
        _ table: TestTable, _ allowed: AllowedPrefixes
    ) -> some MaintenanceEngine {
        NativeEngine(
            catalog: table.catalog, storage: LocalStorage(),
            settings: .init(allowedPrefixes: allowed))
    }

    private func exists(_ path: String) async throws -> Bool {
        try await LocalStorage().stat(Location(path)) != nil
    }

    @Test func `P-19: what lies outside the allowed prefixes stays, and the report says so`()
        async throws
    {
        let (table, own, foreign) = try await table()
        let engine = engine(table, AllowedPrefixes([table.location]))

        let plan = try await engine.plan(try table.request())
        let report = try await engine.run(
            try table.request(), in: TestTable.context(MemoryJournal()))

        #expect(report.metrics["deleted_data_files_count"] == 1)
        #expect(report.message.contains("kept 1 file outside ICEPACK_REMOVAL_PREFIXES"))
        #expect("\(plan.summary)".contains("1 file outside ICEPACK_REMOVAL_PREFIXES"))
        #expect(try await !exists(own))
        #expect(try await exists(foreign))
    }

    @Test func `P-19: a replay leaves what lies outside the allowed prefixes`() async throws {
        let (table, _, foreign) = try await table()
        let journal = MemoryJournal()
        let hostile = table.folder.appending("other/hostile").rawValue
        try await LocalStorage().write([1], to: Location(hostile), condition: .none)
        try await journal.plan([.init(path: hostile, kind: .dataFile)], tableUUID: TestTable.uuid)

        _ = try await engine(table, AllowedPrefixes([table.location]))
            .run(try table.request(), in: TestTable.context(journal))

        #expect(try await exists(hostile))
        #expect(try await exists(foreign))
        #expect(
            try await journal.openEntries(tableUUID: TestTable.uuid, after: .min, limit: 10)
                .isEmpty)
    }

    @Test func `P-15: files outside the table's own folders are warned of`() async throws {
        let (table, _, foreign) = try await table()
        let engine = engine(table, .everywhere)

        let plan = try await engine.plan(try table.request())
        let report = try await engine.run(
            try table.request(), in: TestTable.context(MemoryJournal()))

        #expect("\(plan.summary)".contains("1 file to delete lie outside"))
        #expect(report.message.contains("lay outside the table's own folders"))
        #expect(report.metrics["deleted_data_files_count"] == 2)
        #expect(try await !exists(foreign))
    }

    @Test func `P-15: a data path that the table sets is its own`() async throws {
        let (table, _, foreign) = try await table()
        table.properties["write.data.path"] = table.folder.appending("other").rawValue
        try await table.write()

        let report = try await engine(table, .everywhere)
            .run(try table.request(), in: TestTable.context(MemoryJournal()))

        #expect(!report.message.contains("outside"))
        #expect(try await !exists(foreign))
    }
}
