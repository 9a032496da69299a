// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import ObjectStorage
import StorageTestSupport

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
struct InterruptingCatalog<Base: Catalog>: ForwardingCatalog {
    let base: Base
    let beforeLoad: @Sendable () async throws -> Void

    func loadTable(_ identifier: TableIdentifier) async throws(CatalogError) -> LoadedTable {
        do { try await beforeLoad() } catch {
            throw .unavailable(reason: "the test's interruption failed: \(error)")
        }
        return try await base.loadTable(identifier)
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
struct PretendingStorage<Base: ObjectStorage>: ForwardingStorage {
    let base: Base

    func remove(_ locations: [Location]) async -> [RemovalOutcome] {
        locations.map { _ in .removed }
    }
}
