// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import ObjectStorage

/// A catalog that shows tables as they were given.
struct ManyTables: Catalog {
    let tables: [TableIdentifier: LoadedTable]
    var unreadable: Set<TableIdentifier> = []
    let name = "many"

    init(tables: [TableIdentifier: LoadedTable]) { self.tables = tables }

    func listTables() async throws(CatalogError) -> [TableIdentifier] {
        (Array(tables.keys) + unreadable).sorted()
    }

    func loadTable(_ identifier: TableIdentifier) async throws(CatalogError) -> LoadedTable {
        if unreadable.contains(identifier) {
            throw .unreadableTable(identifier, reason: "broken")
        }
        guard let table = tables[identifier] else { throw .noSuchTable(identifier) }
        return table
    }

    func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement], to identifier: TableIdentifier,
        base: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome { .refused(.rejected(reason: "nobody commits here")) }
}

/// A catalog that does something before each load.
struct InterruptingCatalog<Base: Catalog>: Catalog {
    let base: Base
    let beforeLoad: @Sendable () async throws -> Void

    var name: String { base.name }

    func listTables() async throws(CatalogError) -> [TableIdentifier] {
        try await base.listTables()
    }

    func loadTable(_ identifier: TableIdentifier) async throws(CatalogError) -> LoadedTable {
        do { try await beforeLoad() } catch {
            throw .unavailable(reason: "the test's interruption failed: \(error)")
        }
        return try await base.loadTable(identifier)
    }

    func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement], to identifier: TableIdentifier,
        base: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome {
        await self.base.commit(
            updates, requirements: requirements, to: identifier, base: base, under: commitGuard)
    }
}

/// A table that a writer of another task commits to.
///
/// `@unchecked`: the test waits for the run that calls it, and touches the table at no other time.
struct UncheckedTable: @unchecked Sendable {
    let table: TestTable

    /// Commits a file that is there already.
    func append(_ path: String) async throws {
        try await table.commit(
            table.manifests() + [try await table.manifest([.init(path: path)])])
        try await table.write()
    }
}

/// A storage that says it removed, and keeps.
struct PretendingStorage<Base: ObjectStorage>: ObjectStorage {
    let base: Base

    func read(_ location: Location, limit: Int) async throws(StorageError) -> [UInt8] {
        try await base.read(location, limit: limit)
    }

    func read(_ location: Location, range: Range<Int64>) async throws(StorageError) -> [UInt8] {
        try await base.read(location, range: range)
    }

    func stat(_ location: Location) async throws(StorageError) -> ObjectInfo? {
        try await base.stat(location)
    }

    func write(
        _ bytes: [UInt8], to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo {
        try await base.write(bytes, to: location, condition: condition)
    }

    func list(_ prefix: Location) -> AsyncThrowingStream<ObjectInfo, any Error> {
        base.list(prefix)
    }

    func children(of prefix: Location) async throws(StorageError) -> [StorageChild] {
        try await base.children(of: prefix)
    }

    func exclusiveCreation(
        at location: Location
    ) async throws(StorageError) -> ExclusiveCreation {
        try await base.exclusiveCreation(at: location)
    }

    func remove(_ locations: [Location]) async -> [RemovalOutcome] {
        locations.map { _ in .removed }
    }
}
