// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import ObjectStorage
import SQLCatalog
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// One catalog, two programs: PyIceberg makes a table, we commit to it, PyIceberg goes on.
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct PyIcebergTests {
    let table = TableIdentifier("db.t")

    @Test(arguments: ["v0", "v1"], ["/", "file:///"])
    func `PyIceberg and we commit to one table in SQLite in turns`(
        schema: String, root: String
    ) async throws {
        let scratch = try ScratchFolder()
        try await takeTurns(
            uri: "sqlite:///\(scratch.path)/catalog.db",
            warehouse: root + scratch.path.dropFirst() + "/wh", schema: schema)
    }

    @Test(
        .enabled(if: PostgresCluster.isAvailable), arguments: ["v0", "v1"])
    func `PyIceberg and we commit to one table in Postgres in turns`(schema: String) async throws {
        let scratch = try ScratchFolder()
        let url = try await PostgresCluster.shared().createDatabase()
        try await takeTurns(
            uri: "postgresql+psycopg2" + url.dropFirst("postgres".count),
            warehouse: scratch.path + "/wh", schema: schema)
    }

    private func takeTurns(uri: String, warehouse: String, schema: String) async throws {
        let made = try await oracle("create", uri, warehouse, schema)
        if uri.hasPrefix("sqlite") {
            #expect(made.texts("columns").contains("iceberg_type") == (schema == "v1"))
        }
        let catalog = try SQLCatalog(name: "shared", uri: uri, storage: Self.storage)
        let base = try await catalog.loadTable(table)
        let first = try #require(base.metadata.snapshots.first)

        let outcome = await catalog.commit(
            [
                .removeSnapshots([first.id]),
                .setProperties(TableProperties(["icepack.note": "caf\u{E9}"])),
            ],
            requirements: [
                .assertTableUUID(try #require(base.metadata.tableUUID)),
                .assertRefSnapshotID(ref: "main", snapshotID: base.metadata.currentSnapshotID),
            ], to: table, base: base)

        guard case .committed(let after) = outcome else {
            Issue.record("the commit was \(outcome)")
            return
        }
        let seen = try await oracle("look", uri, warehouse)
        let appended = try await oracle("append", uri, warehouse)
        let ours = try await catalog.loadTable(table)

        #expect(try await catalog.listTables() == [table])
        #expect(made["location"]?.stringValue == base.metadataLocation.rawValue)
        #expect(seen["location"]?.stringValue == after.metadataLocation.rawValue)
        #expect(seen["rows"] == made["rows"], "expiring an old snapshot removes no row")
        #expect(seen["snapshots"]?.arrayValue?.count == 2)
        #expect(seen["properties"]?.objectValue?["icepack.note"] == "caf\u{E9}")
        #expect(seen.texts("log").last == base.metadataLocation.rawValue)
        #expect(appended["rows"]?.arrayValue?.count == 40)
        #expect(appended.texts("log").last == after.metadataLocation.rawValue)
        #expect(ours.metadataLocation.rawValue == appended["location"]?.stringValue)
        #expect(ours.metadataLocation.lastComponent.hasPrefix("00005-"))
        #expect(ours.metadata.properties["icepack.note"] == "caf\u{E9}")
    }

    private static var storage: StorageRouter {
        StorageRouter(plainPaths: LocalStorage(), schemes: ["file": LocalStorage()])
    }

    private func oracle(_ arguments: String...) async throws -> JSONObject {
        try #require(try await Oracles.run("sql_catalog.py", arguments).objectValue)
    }
}

extension JSONObject {
    fileprivate func texts(_ key: String) -> [String] {
        self[key]?.arrayValue?.compactMap(\.stringValue) ?? []
    }
}
