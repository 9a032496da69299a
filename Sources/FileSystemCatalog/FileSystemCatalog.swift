// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
import IcebergSpec
public import ObjectStorage

/// A warehouse folder in the layout of Iceberg's Hadoop catalog:
/// `namespace/table/metadata/v3.metadata.json`.
///
/// There is no server and no pointer: the highest version in a row is the table, and whoever
/// creates the next one has committed. That is safe only where creation is exclusive, so commits
/// are refused on any storage that does not vouch for it (P-52).
public struct FileSystemCatalog<Storage: ObjectStorage>: Catalog {
    /// The catalog's name, for messages.
    public let name: String
    let files: MetadataFiles<Storage>
    private let warehouse: Location

    /// How many folders deep tables are looked for below the warehouse.
    public static var maximumDepth: Int { 16 }

    /// Serves the tables below a folder.
    public init(name: String, warehouse: Location, storage: Storage) {
        self.init(name: name, warehouse: warehouse, files: MetadataFiles(storage: storage))
    }

    /// As the public one, with metadata files that know another time.
    package init(name: String, warehouse: Location, files: MetadataFiles<Storage>) {
        self.name = name
        self.warehouse = warehouse
        self.files = files
    }

    /// Every table, in order.
    ///
    /// A folder whose `metadata` holds a version file or a hint is a table, whether or not it can
    /// be read. Hidden folders are passed over, and so is the data of tables. Below a namespace, a
    /// folder that may not be looked into counts as a table that cannot be read: it hides no other.
    public func listTables() async throws(CatalogError) -> [TableIdentifier] {
        var tables: [TableIdentifier] = []
        var open: [[String]] = [[]]
        do throws(StorageError) {
            while let path = open.popLast() {
                let location = path.reduce(warehouse) { $0.appending($1) }
                guard let names = try await folders(in: location, named: path) else {
                    tables.append(
                        TableIdentifier(
                            namespace: Array(path.dropLast()), name: path[path.count - 1]))
                    continue
                }
                guard names.contains(MetadataFileName.folderName), let last = path.last,
                    try await isTable(location)
                else {
                    open += path.count < Self.maximumDepth ? names.map { path + [$0] } : []
                    continue
                }
                tables.append(TableIdentifier(namespace: Array(path.dropLast()), name: last))
                // A table may lie within another one's folder (P-03), but not in its own files.
                let others = names.filter { $0 != MetadataFileName.folderName && $0 != "data" }
                open += path.count < Self.maximumDepth ? others.map { path + [$0] } : []
            }
        } catch {
            throw Self.catalogError(error)
        }
        return tables.sorted()
    }

    /// The folders that may hold tables; nil for one that cannot be looked into.
    ///
    /// - Throws: a passing fault, and any fault of the warehouse or a namespace: half a list would
    ///   look like tables that were dropped.
    private func folders(
        in location: Location, named path: [String]
    ) async throws(StorageError) -> [String]? {
        do throws(StorageError) {
            return Self.folders(in: try await files.storage.children(of: location), named: path)
        } catch {
            guard path.count > 1, Self.isLasting(error) else { throw error }
            return nil
        }
    }

    /// Whether the folder is a table; one whose metadata cannot be looked into is.
    private func isTable(_ location: Location) async throws(StorageError) -> Bool {
        do throws(StorageError) { return try await folder(at: location).isTable() } catch {
            guard Self.isLasting(error) else { throw error }
            return true
        }
    }

    private static func isLasting(_ error: StorageError) -> Bool {
        switch error {
        case .denied, .unsupported: true
        case .notFound, .alreadyExists, .tooLarge, .unavailable, .outcomeUnknown: false
        }
    }

    /// The table's current metadata, read now.
    public func loadTable(
        _ identifier: TableIdentifier
    ) async throws(CatalogError) -> LoadedTable {
        try await load(identifier).table
    }

    /// The table, its folder, and which of its files is current.
    func load(
        _ identifier: TableIdentifier
    ) async throws(CatalogError) -> (
        folder: TableFolder<Storage>, current: TableFolder<Storage>.Current, table: LoadedTable
    ) {
        let folder = folder(at: try location(of: identifier))
        let found: TableFolder<Storage>.Current?
        do throws(StorageError) { found = try await folder.current() } catch {
            throw MetadataFiles<Storage>.catalogError(error, of: identifier)
        }
        guard let found else { throw .noSuchTable(identifier) }
        let location = folder.metadataFolder.appending(found.fileName)
        let table = try await files.load(location, of: identifier)
        return (folder, found, table.spelledLikeItsLocation(below: folder.location))
    }

    func folder(at location: Location) -> TableFolder<Storage> {
        TableFolder(location: location, storage: files.storage)
    }

    func location(of identifier: TableIdentifier) throws(CatalogError) -> Location {
        let path = identifier.namespace + [identifier.name]
        let isPlain = path.allSatisfy { part in
            !part.isEmpty && part != "." && part != ".." && !part.utf8.contains(UInt8(ascii: "/"))
                && !part.utf8.contains(0)
        }
        guard isPlain, path.count <= Self.maximumDepth else { throw .noSuchTable(identifier) }
        return path.reduce(warehouse) { $0.appending($1) }
    }

    /// The names of folders that may hold tables.
    private static func folders(in children: [StorageChild], named path: [String]) -> [String] {
        children.compactMap { child in
            switch child {
            case .object: nil
            // The second is where file systems put what they repaired; only root may look into it.
            case .prefix:
                child.name.hasPrefix(".") || (path.isEmpty && child.name == "lost+found")
                    ? nil : child.name
            }
        }
    }

    static func catalogError(_ error: StorageError) -> CatalogError {
        switch error {
        case .unavailable, .outcomeUnknown: .unavailable(reason: error.description)
        case .notFound, .alreadyExists, .tooLarge, .denied, .unsupported:
            .denied(reason: error.description)
        }
    }
}

extension LoadedTable {
    /// With the metadata file spelled as the table spells its own location, if both mean the same
    /// folder, so that `file:/t` and `/t` do not mix in one metadata log.
    fileprivate func spelledLikeItsLocation(below folder: Location) -> LoadedTable {
        func path(_ text: String) -> String {
            var path = Substring(text)
            if path.hasPrefix("file:") { path = path.dropFirst("file:".count) }
            if path.hasPrefix("///") { path = path.dropFirst(2) }
            while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
            return String(path)
        }
        guard Location(path(metadata.location)) == Location(path(folder.rawValue)) else {
            return self
        }
        let location = Location(metadata.location).appending(MetadataFileName.folderName)
            .appending(metadataLocation.lastComponent)
        return LoadedTable(identifier: identifier, metadataLocation: location, metadata: metadata)
    }
}
