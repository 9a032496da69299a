// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import Jobs
import ObjectStorage
import Synchronization
import WireFormat

/// A catalog whose tables, and their faults, the test decides.
final class TestCatalog: Catalog {
    private struct State {
        var listing: Result<[TableIdentifier], CatalogError> = .success([])
        var faults: [TableIdentifier: CatalogError] = [:]
        var uuid = "9c12d441-03fe-4693-9a96-a0705ddf69c1"
        var loading = 0
        var mostLoading = 0
        var lists = 0
    }

    let name = "test"
    private let state = Mutex(State())
    /// What every load waits for.
    private let gate: @Sendable () async -> Void

    init(gate: @escaping @Sendable () async -> Void = {}) { self.gate = gate }

    func list(_ tables: [TableIdentifier], faults: [TableIdentifier: CatalogError] = [:]) {
        state.withLock {
            $0.listing = .success(tables)
            $0.faults = faults
        }
    }

    /// Gives every table another UUID, as if each was dropped and made again.
    func replaceTables(uuid: String) { state.withLock { $0.uuid = uuid } }

    func failListing(_ error: CatalogError) {
        state.withLock { $0.listing = .failure(error) }
    }

    /// The most tables that were being loaded at once.
    var mostLoading: Int { state.withLock { $0.mostLoading } }

    /// How often the tables were listed.
    var lists: Int { state.withLock { $0.lists } }

    func listTables() async throws(CatalogError) -> [TableIdentifier] {
        let listing = state.withLock { state in
            state.lists += 1
            return state.listing
        }
        return try listing.get()
    }

    func loadTable(_ identifier: TableIdentifier) async throws(CatalogError) -> LoadedTable {
        let fault = state.withLock { state in
            state.loading += 1
            state.mostLoading = max(state.mostLoading, state.loading)
            return state.faults[identifier]
        }
        let uuid = state.withLock { $0.uuid }
        await gate()
        state.withLock { $0.loading -= 1 }
        if let fault { throw fault }
        do throws(TableMetadataError) {
            return LoadedTable(
                identifier: identifier, metadataLocation: Location("file:/\(identifier)/v1.json"),
                metadata: try TableMetadata(parsing: Array(Self.metadata(identifier, uuid).utf8)))
        } catch {
            throw .unreadableTable(identifier, reason: "\(error)")
        }
    }

    func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement],
        to identifier: TableIdentifier, base: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome {
        .refused(.rejected(reason: "a sync never commits"))
    }

    private static func metadata(_ identifier: TableIdentifier, _ uuid: String) -> String {
        """
        {"format-version": 2, "table-uuid": "\(uuid)",
         "location": "file:/\(identifier)", "last-sequence-number": 0, "last-updated-ms": 1,
         "last-column-id": 1, "current-schema-id": 0,
         "schemas": [{"type": "struct", "schema-id": 0, "fields": [
            {"id": 1, "name": "x", "required": true, "type": "long"}]}],
         "default-spec-id": 0, "partition-specs": [{"spec-id": 0, "fields": []}],
         "last-partition-id": 999, "default-sort-order-id": 0,
         "sort-orders": [{"order-id": 0, "fields": []}],
         "properties": {"gc.enabled": "false", "icepack.maintenance_enabled": "true",
            "history.expire.max-snapshot-age-ms": "1", "owner": "somebody"}}
        """
    }
}
