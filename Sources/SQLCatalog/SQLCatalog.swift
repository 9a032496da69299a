// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
public import IcebergSpec
public import ObjectStorage

/// A catalog in a database table, shared with PyIceberg's SqlCatalog and Java's JdbcCatalog.
///
/// `iceberg_tables` holds, for each table, the location of its current metadata file. A commit
/// swaps it in one conditional statement, which the database makes exclusive. Views, which newer
/// programs keep in the same table, are not seen.
public struct SQLCatalog<Storage: ObjectStorage>: Catalog {
    /// The catalog's name: rows of other catalogs in the same database are not seen.
    public let name: String
    private let rows: CatalogRows
    private let files: MetadataFiles<Storage>

    /// Serves the catalog of this name in a database that is there already.
    ///
    /// Nothing is opened before the first call. `uri` is `sqlite:////absolute/path`,
    /// `sqlite:relative/path`, `postgres://…`, or one of these as SQLAlchemy spells it.
    ///
    /// - Throws: ``CatalogError/denied(reason:)`` when the URI names no such database.
    public init(name: String, uri: String, storage: Storage) throws(CatalogError) {
        try self.init(name: name, uri: uri, files: MetadataFiles(storage: storage))
    }

    /// As the public one, with metadata files that know another time.
    package init(name: String, uri: String, files: MetadataFiles<Storage>) throws(CatalogError) {
        self.name = name
        self.files = files
        do throws(InvalidCatalogURI) {
            switch try CatalogURI(uri) {
            case .sqlite(let path): rows = .sqlite(SQLiteRows(path: path))
            case .postgres(let configuration): rows = .postgres(PostgresRows(configuration))
            }
        } catch {
            throw .denied(reason: error.description)
        }
    }

    /// Every table, in order.
    public func listTables() async throws(CatalogError) -> [TableIdentifier] {
        try await rows.list(catalog: name).map { row in
            let levels = row.namespace.split(separator: ".", omittingEmptySubsequences: false)
            return TableIdentifier(
                namespace: row.namespace.isEmpty ? [] : levels.map(String.init), name: row.name)
        }.sorted()
    }

    /// The table's current metadata, read now.
    public func loadTable(_ identifier: TableIdentifier) async throws(CatalogError) -> LoadedTable {
        try await files.load(pointer(of: identifier), of: identifier)
    }

    private func pointer(of identifier: TableIdentifier) async throws(CatalogError) -> Location {
        switch try await rows.find(CatalogKey(catalog: name, identifier)) {
        case .missing: throw .noSuchTable(identifier)
        case .blank:
            throw .unreadableTable(identifier, reason: "its row in the catalog has no location")
        case .location(let location): return location
        }
    }

    /// Applies updates to the table if every requirement holds, by swapping its pointer.
    public func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement],
        to identifier: TableIdentifier, base: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome {
        await PointerSwap(files: files).commit(
            updates, requirements: requirements, base: base, under: commitGuard,
            pointer: { () throws(CatalogError) in try await pointer(of: identifier) },
            swap: { from, to in
                await rows.swap(
                    CatalogKey(catalog: name, identifier), from: from, to: to, under: commitGuard)
            })
    }
}
