// SPDX-License-Identifier: Apache-2.0

import FileSystemCatalog
import Foundation
import IcebergCatalog
import IcebergSpec
import ObjectStorage
import SQLCatalog
import StorageTestSupport
import TestSupport
import Testing

/// Tables that other programs wrote, each through the catalog it belongs to.
@Suite(.enabled(if: Fixtures.isAvailable, Comment(rawValue: Fixtures.reason)))
struct FixtureTableTests {
    private static let folder = "iceberg-tables/data/persistent"

    private func storage() throws -> StorageRouter {
        let root = Location(try Fixtures.url("iceberg-tables").path)
        let local = try LocalStorage(relativeTo: root)
        return StorageRouter(plainPaths: local, schemes: ["file": local])
    }

    @Test(arguments: [
        ("add_columns_with_defaults/pyiceberg_catalog.db", "default"),
        ("case_sensitive_names/pyiceberg_catalog.db", "default"),
        ("column_mapping/catalog.sqlite", "my_catalog"),
        ("iceberg_v1_repro/catalog.db", "repro"),
        ("legacy_bare_deletion_vector/catalog.db", "persistent"),
        ("map_stats/pyiceberg_catalog.db", "default"),
        ("null_stats/pyiceberg_catalog.db", "local"),
        ("partition_timestamptz/pyiceberg_catalog.db", "default"),
    ])
    func `a table of PyIceberg loads through its own catalog`(
        database: String, name: String
    ) async throws {
        // Copied: opening a database may leave files beside it.
        let scratch = try ScratchFolder()
        let copy = scratch.path + "/catalog.db"
        try FileManager.default.copyItem(
            atPath: Fixtures.url("\(Self.folder)/\(database)").path, toPath: copy)
        let catalog = try SQLCatalog(name: name, uri: "sqlite:///" + copy, storage: storage())

        let tables = try await catalog.listTables()

        #expect(tables.count == 1)
        for table in tables {
            let loaded = try await catalog.loadTable(table)
            #expect(loaded.metadata.currentSnapshot != nil)
        }
    }

    @Test func `every table with versions or a hint loads through the file-system catalog`()
        async throws
    {
        let catalog = FileSystemCatalog(
            name: "fixtures", warehouse: Location("data/persistent"), storage: try storage())

        let tables = try await catalog.listTables()

        #expect(
            tables.map(\.description) == [
                "custom_write_paths", "hive_partitioned_table", "partition_binary",
                "partition_bool", "partition_decimal_hugeint", "partition_decimal_integer",
                "partition_double", "timestamptz_ns", "uuid",
                "equality_deletes.warehouse.mydb.mytable", "iceberg.lineitem_iceberg_gz",
                "iceberg_v1_deprecated.default.legacy_v1",
                "legacy_bare_deletion_vector.warehouse.default.legacy_bare_deletion_vector",
            ])
        for table in tables {
            let loaded = try await catalog.loadTable(table)
            #expect(!loaded.metadata.schemas.isEmpty, "\(table)")
        }
    }

    @Test(arguments: [
        ("equality_deletes.warehouse.mydb.mytable", "v7.metadata.json"),
        ("iceberg.lineitem_iceberg_gz", "v2.gz.metadata.json"),
        ("hive_partitioned_table", "v4.metadata.json"),
        ("timestamptz_ns", "v1.metadata.json"),
        ("uuid", "00001-43fda1f4-1c96-4376-ad16-91beb71d0759.metadata.json"),
    ])
    func `the current file of a table of Spark is the last one`(
        table: String, file: String
    ) async throws {
        let catalog = FileSystemCatalog(
            name: "fixtures", warehouse: Location("data/persistent"), storage: try storage())

        let loaded = try await catalog.loadTable(TableIdentifier(table))

        #expect(loaded.metadataLocation.lastComponent == file)
    }

    @Test func `every metadata file of the fixtures is read`() async throws {
        let files = try Fixtures.files(below: Self.folder).filter {
            MetadataFileName.isMetadata(Location($0)) && !$0.contains("/.")
        }
        let reader = MetadataFiles(storage: try storage())

        #expect(files.count > 40)
        // Somebody made up a snapshot id beyond the specification's 64 bits; Java refuses it too.
        let refused = "equality_delete_cross_partition/warehouse/ns/t/metadata/vfinal.metadata.json"
        for file in files where !file.hasSuffix(refused) {
            let location = Location(String(file.dropFirst("iceberg-tables/".count)))
            let loaded = try await reader.load(location, of: TableIdentifier("fixtures.table"))
            #expect(!loaded.metadata.schemas.isEmpty, "\(file)")
        }
        await #expect {
            try await reader.load(
                Location("data/persistent/" + refused), of: TableIdentifier("fixtures.table"))
        } throws: { error in
            "\(error)".contains("9876543210123456789")
        }
    }
}
