// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec

/// A catalog that hands every call to another, but for those that it answers itself.
protocol ForwardingCatalog: Catalog {
    associatedtype Base: Catalog
    var base: Base { get }
}

extension ForwardingCatalog {
    var name: String { base.name }

    func listTables() async throws(CatalogError) -> [TableIdentifier] {
        try await base.listTables()
    }

    func loadTable(_ identifier: TableIdentifier) async throws(CatalogError) -> LoadedTable {
        try await base.loadTable(identifier)
    }

    func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement], to identifier: TableIdentifier,
        base table: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome {
        await base.commit(
            updates, requirements: requirements, to: identifier, base: table, under: commitGuard)
    }
}
