// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// The catalog's other tables, as far as they come near a table's folders (P-01, P-03).
struct Neighbours: Sendable {
    /// Folders of other tables inside the table's; nothing in them is looked at.
    private(set) var excluded: [TableRoots.Root] = []
    /// Tables whose folder holds one of the table's: whatever they need stays, too.
    private(set) var enclosing: [TableIdentifier] = []
    /// Every other table's uuid, in lower case.
    private(set) var uuids: [String: TableIdentifier] = [:]

    /// Loads every other table of the catalog and compares its folders with these.
    ///
    /// A table that cannot be read stops everything, because nobody knows where its files are;
    /// one that was dropped meanwhile does not.
    static func find<Tables: Catalog>(
        around roots: [TableRoots.Root], of table: TableIdentifier, in catalog: Tables,
        width: Int, options: RemoveOrphanFilesOptions, matching: PathMatching
    ) async throws(MaintenanceError) -> Neighbours {
        let all: [TableIdentifier]
        do throws(CatalogError) { all = try await catalog.listTables() } catch {
            throw MaintenanceError(error)
        }
        let ignored = Set(options.ignoredTables)
        let others = all.filter { $0 != table && !ignored.contains($0.description) }
        var found: [LoadedTable] = []
        let load: @Sendable (TableIdentifier) async throws(MaintenanceError) -> LoadedTable? = {
            other in try await loaded(other, in: catalog)
        }
        try await BoundedTasks.forEach(
            others, width: width, cancelled: MaintenanceError.cancelled,
            finished: { (other: LoadedTable?) in if let other { found.append(other) } }, load)
        var neighbours = Neighbours()
        for other in found.sorted(by: { $0.identifier < $1.identifier }) {
            do throws(OrphanRefusal) { try neighbours.note(other, near: roots, matching) } catch {
                throw MaintenanceError(error)
            }
        }
        return neighbours
    }

    private static func loaded<Tables: Catalog>(
        _ identifier: TableIdentifier, in catalog: Tables
    ) async throws(MaintenanceError) -> LoadedTable? {
        do throws(CatalogError) { return try await catalog.loadTable(identifier) } catch {
            switch error {
            case .noSuchTable: return nil
            case .unavailable: throw MaintenanceError(error)
            case .unreadableTable, .denied:
                throw MaintenanceError(
                    OrphanRefusal.unreadableNeighbour(
                        identifier.description, reason: error.description))
            }
        }
    }

    private mutating func note(
        _ other: LoadedTable, near roots: [TableRoots.Root], _ matching: PathMatching
    ) throws(OrphanRefusal) {
        if let uuid = other.metadata.tableUUID { uuids[uuid.lowercased()] = other.identifier }
        for claimed in TableRoots.claimed(by: other.metadata, matching) {
            for root in roots where root.overlaps(claimed) {
                if root.key == claimed.key {
                    throw .sharedRoot(
                        root.location.rawValue, with: other.identifier.description)
                }
                if root.contains(claimed.key) {
                    excluded.append(claimed)
                } else if enclosing.last != other.identifier {
                    enclosing.append(other.identifier)
                }
            }
        }
    }
}
