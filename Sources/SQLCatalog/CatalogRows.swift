// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import ObjectStorage

/// The shape of `iceberg_tables`, which tells whether views share it with tables.
enum CatalogSchema: Hashable, Sendable {
    /// Without `iceberg_type`: tables only.
    case v0
    /// With it: rows of another type than `TABLE` or `NULL` are not tables.
    case v1

    /// What selects tables among rows.
    fileprivate var filter: String {
        switch self {
        case .v0: ""
        case .v1: " AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)"
        }
    }

    /// Every table of a catalog: `$1` is its name.
    var list: String {
        """
        SELECT table_namespace, table_name FROM iceberg_tables
        WHERE catalog_name = $1\(filter)
        """
    }

    /// One table's pointer, by primary key: `$2` is the namespace, `$3` the name.
    var find: String {
        """
        SELECT metadata_location FROM iceberg_tables
        WHERE catalog_name = $1 AND table_namespace = $2 AND table_name = $3\(filter)
        """
    }

    /// The swap of a pointer, from `$5` to `$4`, by primary key; the last equation is the commit.
    var swap: String {
        """
        UPDATE iceberg_tables SET metadata_location = $4, previous_metadata_location = $5
        WHERE catalog_name = $1 AND table_namespace = $2 AND table_name = $3
        AND metadata_location = $5\(filter)
        """
    }
}

/// The key of a row.
struct CatalogKey: Hashable, Sendable {
    let catalog: String
    let namespace: String
    let name: String

    /// Joins the levels by dots, as PyIceberg and Java's JdbcCatalog do.
    ///
    /// A level with a dot in it
    /// reads back as two, and still leads to the same row.
    init(catalog: String, _ identifier: TableIdentifier) {
        self.catalog = catalog
        namespace = identifier.namespace.joined(separator: ".")
        name = identifier.name
    }
}

/// What was found under a key.
enum CatalogPointer: Hashable, Sendable {
    case missing
    /// The row has no location: `NULL` or empty.
    case blank
    case location(Location)

    init(_ text: String?) {
        self = text.flatMap { $0.isEmpty ? nil : .location(Location($0)) } ?? .blank
    }
}

/// The database that holds `iceberg_tables`.
///
/// Its schema is looked at before each statement: another program may migrate it at any time.
enum CatalogRows: Sendable {
    case sqlite(SQLiteRows)
    case postgres(PostgresRows)

    /// Namespace and name of every table.
    func list(catalog: String) async throws(CatalogError) -> [(namespace: String, name: String)] {
        switch self {
        case .sqlite(let rows): try await rows.list(catalog: catalog)
        case .postgres(let rows): try await rows.list(catalog: catalog)
        }
    }

    func find(_ key: CatalogKey) async throws(CatalogError) -> CatalogPointer {
        switch self {
        case .sqlite(let rows): try await rows.find(key)
        case .postgres(let rows): try await rows.find(key)
        }
    }

    func swap(
        _ key: CatalogKey, from: Location, to: Location, under commitGuard: CommitGuard
    ) async -> SwapOutcome {
        switch self {
        case .sqlite(let rows): await rows.swap(key, from: from, to: to, under: commitGuard)
        case .postgres(let rows): await rows.swap(key, from: from, to: to, under: commitGuard)
        }
    }
}

extension SwapOutcome {
    /// Reads the number of rows that a swap changed.
    init(changedRows: Int) {
        self =
            changedRows > 0
            ? .swapped
            : .refused(.conflict(reason: "the table was changed, dropped or renamed meanwhile"))
    }
}

extension CatalogError {
    /// The database is there, but no catalog is in it.
    static let noCatalogTables = CatalogError.denied(
        reason: "the database has no table iceberg_tables; name the database that the catalog's"
            + " other users have, or let one of them create the catalog first")
}
