// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import IcebergCatalog
import IcebergSpec
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing

@testable import FileSystemCatalog
@testable import SQLCatalog

typealias TestStorage = FaultyStorage<LocalStorage>

/// One kind of catalog, and how a test puts tables into it without the catalog's help.
protocol CatalogBed: Sendable {
    associatedtype Tables: Catalog
    var scratch: ScratchFolder { get }
    /// A handle of its own, as another process would have.
    func catalog(_ storage: TestStorage) async throws -> Tables
    /// Adds a table with this metadata.
    func add(_ identifier: TableIdentifier, _ table: SampleTable) async throws
    /// Every metadata file of a table, by name.
    func metadataFiles(_ identifier: TableIdentifier) throws -> [String]
}

extension CatalogBed {
    func location(_ identifier: TableIdentifier) -> Location {
        (identifier.namespace + [identifier.name]).reduce(scratch.appending("wh")) {
            $0.appending($1)
        }
    }

    func metadataFiles(_ identifier: TableIdentifier) throws -> [String] {
        try FileManager.default.contentsOfDirectory(
            atPath: location(identifier).appending("metadata").rawValue
        ).filter { $0.contains("metadata.json") }.sorted()
    }
}

/// The catalogs that the contract is asked of.
enum CatalogKind: CaseIterable {
    case fileSystem
    case sqliteV0
    case sqliteV1
    case postgresV0
    case postgresV1
    case rest

    /// Those that write metadata files themselves; with REST the server does.
    static let writers = allCases.filter { $0 != .rest }

    /// Those whose metadata files are not the table before a pointer says so.
    static let pointers = writers.filter { $0 != .fileSystem }

    /// An empty one; cancels the test where what serves it is not installed.
    func bed() async throws -> any CatalogBed {
        switch self {
        case .fileSystem: return try FileSystemBed()
        case .sqliteV0: return try SQLiteBed(.v0)
        case .sqliteV1: return try SQLiteBed(.v1)
        case .postgresV0, .postgresV1:
            guard PostgresCluster.isAvailable else { try Test.cancel("no PostgreSQL") }
            return try await PostgresBed(self == .postgresV0 ? .v0 : .v1)
        case .rest:
            guard Oracles.isAvailable else { try Test.cancel(Comment(rawValue: Oracles.reason)) }
            return try await RESTBed()
        }
    }
}

struct FileSystemBed: CatalogBed {
    let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    func catalog(_ storage: TestStorage) -> FileSystemCatalog<TestStorage> {
        FileSystemCatalog(name: "test", warehouse: scratch.appending("wh"), storage: storage)
    }

    func add(_ identifier: TableIdentifier, _ table: SampleTable) async throws {
        let folder = location(identifier).appending("metadata")
        try await LocalStorage().write(
            table.bytes, to: folder.appending("v1.metadata.json"), condition: .none)
        try await LocalStorage().write(
            [0x31], to: folder.appending("version-hint.text"), condition: .none)
    }
}

/// The statements that PyIceberg and Java create their catalogs with, V1; V0 lacks the last column.
func catalogTable(_ schema: CatalogSchema) -> String {
    let type = schema == .v1 ? "iceberg_type VARCHAR(5)," : ""
    return """
        CREATE TABLE iceberg_tables (
            catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL,
            table_name VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000),
            previous_metadata_location VARCHAR(1000), \(type)
            PRIMARY KEY (catalog_name, table_namespace, table_name))
        """
}

struct SQLiteBed: CatalogBed {
    let scratch: ScratchFolder
    let schema: CatalogSchema

    init(_ schema: CatalogSchema) throws {
        scratch = try ScratchFolder()
        self.schema = schema
        try execute(catalogTable(schema))
    }

    var path: String { scratch.path + "/catalog.db" }

    func execute(_ sql: String, _ arguments: StatementArguments = []) throws {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        try DatabaseQueue(path: path, configuration: configuration).write {
            try $0.execute(sql: sql, arguments: arguments)
        }
    }

    func catalog(_ storage: TestStorage) throws -> SQLCatalog<TestStorage> {
        try SQLCatalog(name: "test", uri: "sqlite:///" + path, storage: storage)
    }

    func add(_ identifier: TableIdentifier, _ table: SampleTable) async throws {
        try await LocalStorage().write(table.bytes, to: table.firstFile, condition: .none)
        try execute(
            """
            INSERT INTO iceberg_tables
                (catalog_name, table_namespace, table_name, metadata_location)
            VALUES ('test', ?, ?, ?)
            """,
            [
                identifier.namespace.joined(separator: "."), identifier.name,
                table.firstFile.rawValue,
            ])
    }
}

struct PostgresBed: CatalogBed {
    let scratch: ScratchFolder
    let cluster: PostgresCluster
    let url: String

    init(_ schema: CatalogSchema, cluster: PostgresCluster? = nil) async throws {
        scratch = try ScratchFolder()
        if let cluster { self.cluster = cluster } else { self.cluster = try await .shared() }
        url = try await self.cluster.createDatabase()
        try await execute(catalogTable(schema))
    }

    @discardableResult
    func execute(_ sql: String) async throws -> String {
        try await cluster.execute(sql, database: String(url.split(separator: "/").last ?? ""))
    }

    func catalog(_ storage: TestStorage) throws -> SQLCatalog<TestStorage> {
        let rest = url.dropFirst("postgres://".count)
        return try SQLCatalog(
            name: "test", uri: "postgresql+psycopg2://" + rest, storage: storage)
    }

    func add(_ identifier: TableIdentifier, _ table: SampleTable) async throws {
        try await LocalStorage().write(table.bytes, to: table.firstFile, condition: .none)
        let namespace = identifier.namespace.joined(separator: ".")
        try await execute(
            """
            INSERT INTO iceberg_tables
                (catalog_name, table_namespace, table_name, metadata_location)
            VALUES ('test', '\(namespace)', '\(identifier.name)', '\(table.firstFile)')
            """)
    }
}
