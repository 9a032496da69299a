// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import ObjectStorage
import Synchronization

/// A catalog of one table whose pointer is in memory: it serves tables of any layout.
final class MemoryCatalog: Catalog {
    let name = "memory"
    private let current: Mutex<LoadedTable>

    init(_ table: LoadedTable) { current = Mutex(table) }

    func listTables() async throws(CatalogError) -> [TableIdentifier] {
        [current.withLock { $0.identifier }]
    }

    func loadTable(_ identifier: TableIdentifier) async throws(CatalogError) -> LoadedTable {
        current.withLock { $0 }
    }

    func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement], to identifier: TableIdentifier,
        base: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome {
        current.withLock { table in
            guard table.metadataLocation == base.metadataLocation else {
                return .refused(.conflict(reason: "another commit came first"))
            }
            if let failure = requirements.compactMap({ $0.failure(on: table.metadata) }).first {
                return .refused(.conflict(reason: failure))
            }
            do throws(TableUpdateError) {
                let metadata = try table.metadata.applying(
                    updates, previousMetadataLocation: table.metadataLocation.rawValue,
                    nowMilliseconds: 1)
                table = LoadedTable(
                    identifier: identifier,
                    metadataLocation: Location(table.metadataLocation.rawValue + ".next"),
                    metadata: metadata)
                return .committed(table)
            } catch {
                return .refused(.rejected(reason: error.description))
            }
        }
    }
}
