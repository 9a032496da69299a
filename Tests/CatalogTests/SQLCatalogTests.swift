// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import IcebergCatalog
import IcebergSpec
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing

@testable import SQLCatalog

@Suite struct SQLiteCatalogTests {
    let storage = FaultyStorage(LocalStorage())
    let table = TableIdentifier("db.t")

    private func isDenied(_ error: any Error) -> Bool {
        if case .denied = error as? CatalogError { true } else { false }
    }

    @Test func `a row without a location is that table's error and not the listing's`() async throws
    {
        let bed = try SQLiteBed(.v1)
        for (name, value) in [("null", "NULL"), ("empty", "''"), ("nowhere", "'/none.json'")] {
            try bed.execute(
                """
                INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name,
                    metadata_location) VALUES ('test', 'db', '\(name)', \(value))
                """)
        }
        try bed.execute(
            """
            INSERT INTO iceberg_tables VALUES ('test', x'FF', x'FE', x'FD', 7, 'TABLE'),
                ('test', 'db', 'blob', x'FF', NULL, NULL)
            """)
        try await bed.add(table, SampleTable(location: bed.location(table)))
        let catalog = try bed.catalog(storage)

        let tables = try await catalog.listTables().map(\.description)

        #expect(tables == ["db.blob", "db.empty", "db.nowhere", "db.null", "db.t"])
        for name in ["blob", "empty", "nowhere", "null"] {
            let identifier = TableIdentifier(namespace: ["db"], name: name)
            await #expect {
                try await catalog.loadTable(identifier)
            } throws: { error in
                if case .unreadableTable(identifier, _) = error as? CatalogError {
                    true
                } else {
                    false
                }
            }
        }
    }

    @Test func `views and other catalogs' tables are not seen`() async throws {
        let bed = try SQLiteBed(.v1)
        try await bed.add(table, SampleTable(location: bed.location(table)))
        try bed.execute(
            """
            INSERT INTO iceberg_tables VALUES ('test', 'db', 'view', '/v', NULL, 'VIEW'),
                ('test', 'db', 'typed', '/t', NULL, 'TABLE'), ('other', 'db', 'x', '/x', NULL, NULL)
            """)
        let catalog = try bed.catalog(storage)

        #expect(try await catalog.listTables().map(\.description) == ["db.t", "db.typed"])
        await #expect(throws: CatalogError.noSuchTable(TableIdentifier("db.view"))) {
            try await catalog.loadTable(TableIdentifier("db.view"))
        }
    }

    @Test func `a namespace with odd dots leads back to its row`() async throws {
        let bed = try SQLiteBed(.v0)
        for namespace in ["a..b", ".a", ""] {
            try bed.execute(
                """
                INSERT INTO iceberg_tables VALUES ('test', '\(namespace)', 't', NULL, NULL)
                """)
        }
        let catalog = try bed.catalog(storage)

        let tables = try await catalog.listTables()

        #expect(Set(tables.map(\.namespace)) == [["a", "", "b"], ["", "a"], []])
        for identifier in tables {
            await #expect {
                try await catalog.loadTable(identifier)
            } throws: { error in
                if case .unreadableTable = error as? CatalogError { true } else { false }
            }
        }
    }

    @Test func `a database that is not there is not made`() async throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/none.db"
        let catalog = try SQLCatalog(name: "test", uri: "sqlite:///" + path, storage: storage)

        await #expect(performing: { try await catalog.listTables() }, throws: isDenied)

        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func `a file without the catalog's tables is named as such`() async throws {
        let scratch = try ScratchFolder()
        for (name, bytes) in [("empty.db", []), ("text.db", Array("no database at all".utf8))] {
            let location = scratch.appending(name)
            try await LocalStorage().write(bytes, to: location, condition: .none)
            let catalog = try SQLCatalog(
                name: "test", uri: "sqlite:\(location)", storage: storage)

            await #expect(performing: { try await catalog.listTables() }, throws: isDenied)
            #expect(try await LocalStorage().read(location, limit: 100) == bytes)
        }
    }

    @Test(arguments: ["delete", "wal"])
    func `the journal mode is left as it is`(mode: String) async throws {
        let bed = try SQLiteBed(.v1)
        let queue = try DatabaseQueue(path: bed.path)
        try queue.inDatabase { try $0.execute(sql: "PRAGMA journal_mode = \(mode)") }
        try await bed.add(table, SampleTable(location: bed.location(table)))
        let catalog = try bed.catalog(storage)
        let base = try await catalog.loadTable(table)

        let outcome = await catalog.commit(
            [.setProperties(TableProperties(["a": "1"]))], requirements: [], to: table, base: base)

        guard case .committed = outcome else {
            Issue.record("the commit was \(outcome)")
            return
        }
        let found = try queue.inDatabase {
            try String.fetchOne($0, sql: "PRAGMA journal_mode")
        }
        #expect(found == mode)
    }

    @Test func `a restored file is noticed, not written to unseen`() async throws {
        let bed = try SQLiteBed(.v1)
        try await bed.add(table, SampleTable(location: bed.location(table)))
        let catalog = try bed.catalog(storage)
        let base = try await catalog.loadTable(table)
        let manager = FileManager.default
        try manager.copyItem(atPath: bed.path, toPath: bed.path + ".backup")
        _ = await catalog.commit(
            [.setProperties(TableProperties(["a": "1"]))], requirements: [], to: table, base: base)
        try manager.removeItem(atPath: bed.path)
        try manager.moveItem(atPath: bed.path + ".backup", toPath: bed.path)

        #expect(try await catalog.loadTable(table).metadataLocation == base.metadataLocation)
    }

    @Test func `the previous location is kept beside the current one`() async throws {
        let bed = try SQLiteBed(.v0)
        try await bed.add(table, SampleTable(location: bed.location(table)))
        let catalog = try bed.catalog(storage)
        let base = try await catalog.loadTable(table)

        let outcome = await catalog.commit(
            [.setProperties(TableProperties(["a": "1"]))], requirements: [], to: table, base: base)

        guard case .committed(let after) = outcome else {
            Issue.record("the commit was \(outcome)")
            return
        }
        let row = try DatabaseQueue(path: bed.path).read {
            try Row.fetchOne($0, sql: "SELECT * FROM iceberg_tables")
        }
        #expect(row?["metadata_location"] == after.metadataLocation.rawValue)
        #expect(row?["previous_metadata_location"] == base.metadataLocation.rawValue)
        #expect(after.metadataLocation.lastComponent.hasPrefix("00001-"))
    }

    @Test(arguments: [
        ("sqlite:////a/b.db", "/a/b.db"), ("sqlite:///a/b.db", "a/b.db"),
        ("sqlite:a.db", "a.db"), ("sqlite:/a.db", "/a.db"), ("sqlite+pysqlite:///a.db", "a.db"),
    ])
    func `SQLite paths are read as SQLAlchemy spells them`(uri: String, path: String) throws {
        #expect(try CatalogURI(uri) == .sqlite(path: path))
    }

    @Test(arguments: [
        "", "catalog.db", "sqlite:", "sqlite://", "sqlite:///", "sqlite::memory:",
        "sqlite:///:memory:", "sqlite:///a.db?mode=ro", "sqlite://host/a.db", "mysql://h/d",
        "https://h/d",
    ])
    func `a URI that names no database is refused with the way to write one`(uri: String) {
        #expect {
            try SQLCatalog(name: "test", uri: uri, storage: storage)
        } throws: { error in
            isDenied(error) && "\(error)".contains("sqlite:////absolute/path")
        }
    }
}

@Suite(.enabled(if: PostgresCluster.isAvailable)) struct PostgresCatalogTests {
    let storage = FaultyStorage(LocalStorage())
    let table = TableIdentifier("db.t")

    @Test func `a reply that never came is unknown, and the new metadata file stays, P-30`()
        async throws
    {
        let bed = try await PostgresBed(.v1, cluster: .start(durability: .durable))
        try await bed.add(table, SampleTable(location: bed.location(table)))
        let catalog = try bed.catalog(storage)
        let base = try await catalog.loadTable(table)
        // A trigger holds the commit of the swap back until the server is stopped under it.
        try await bed.execute(
            """
            CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_advisory_xact_lock(7), pg_sleep(600); RETURN NEW; END $$;
            CREATE CONSTRAINT TRIGGER hold AFTER UPDATE ON iceberg_tables
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hold()
            """)

        async let committing = catalog.commit(
            [.setProperties(TableProperties(["a": "1"]))], requirements: [], to: table, base: base)
        try await eventually("the swap runs") {
            try await bed.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            ).contains("1")
        }
        try await bed.cluster.stop()
        let outcome = await committing

        guard case .unknown(_, let location?) = outcome else {
            Issue.record("the commit was \(outcome)")
            return
        }
        #expect(try await LocalStorage().stat(location) != nil)
        try await bed.cluster.resume()
        let found = try await bed.catalog(storage).loadTable(table)
        #expect(found.metadataLocation == base.metadataLocation)
        try await bed.cluster.stop()
    }

    @Test func `a database without the catalog's tables is named as such`() async throws {
        let url = try await PostgresCluster.shared().createDatabase()
        let catalog = try SQLCatalog(name: "test", uri: url, storage: storage)

        await #expect(throws: CatalogError.noCatalogTables) { try await catalog.listTables() }
        await #expect(throws: CatalogError.noCatalogTables) { try await catalog.loadTable(table) }
    }

    @Test func `a server that is away is a passing fault`() async throws {
        let catalog = try SQLCatalog(
            name: "test", uri: "postgres://x@127.0.0.1:1/x?connect_timeout=2", storage: storage)

        await #expect {
            try await catalog.listTables()
        } throws: { error in
            if case .unavailable = error as? CatalogError { true } else { false }
        }
    }

    @Test func `views and other catalogs' tables are not seen`() async throws {
        let bed = try await PostgresBed(.v1)
        try await bed.add(table, SampleTable(location: bed.location(table)))
        try await bed.execute(
            """
            INSERT INTO iceberg_tables VALUES ('test', 'db', 'view', '/v', NULL, 'VIEW'),
                ('test', 'db', 'null', NULL, NULL, 'TABLE'), ('other', 'db', 'x', '/x', NULL, NULL)
            """)
        let catalog = try bed.catalog(storage)

        #expect(try await catalog.listTables().map(\.description) == ["db.null", "db.t"])
        await #expect {
            try await catalog.loadTable(TableIdentifier("db.null"))
        } throws: { error in
            if case .unreadableTable = error as? CatalogError { true } else { false }
        }
    }
}
