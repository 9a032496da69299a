// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import Maintenance
import NativeEngine
import ObjectStorage

/// The native engine on tables whose catalog lends credentials: each action works with a storage
/// made for its table.
struct LendingEngine<Tables: Catalog>: MaintenanceEngine, OrphanGuard, QuarantineKeeper {
    let catalog: Tables
    let storages: TableStorages
    let settings: NativeEngineSettings

    let name = NativeEngineCapability.capability.name
    let actions = NativeEngineCapability.actions
    let limits = NativeEngineCapability.limits

    func plan(_ request: ActionRequest) async throws(MaintenanceError) -> ActionPlan {
        try await engine(for: request.table).plan(request)
    }

    func run(
        _ request: ActionRequest, in context: RunContext
    ) async throws(MaintenanceError) -> ActionReport {
        try await engine(for: request.table).run(request, in: context)
    }

    func plan(
        _ request: ActionRequest, among candidates: [Location]
    ) async throws(MaintenanceError) -> ActionPlan {
        try await engine(for: request.table).plan(request, among: candidates)
    }

    func run(
        _ request: ActionRequest, among candidates: [Location], in context: RunContext
    ) async throws(MaintenanceError) -> ActionReport {
        try await engine(for: request.table).run(request, among: candidates, in: context)
    }

    func quarantine(
        of table: TableIdentifier
    ) async throws(MaintenanceError) -> [QuarantineHold] {
        try await engine(for: table).quarantine(of: table)
    }

    func restore(
        _ table: TableIdentifier, job: String, in context: RunContext
    ) async throws(MaintenanceError) -> QuarantineChange {
        try await engine(for: table).restore(table, job: job, in: context)
    }

    func purge(
        _ table: TableIdentifier, _ selection: QuarantineSelection, in context: RunContext
    ) async throws(MaintenanceError) -> QuarantineChange {
        try await engine(for: table).purge(table, selection, in: context)
    }

    private func engine(
        for table: TableIdentifier
    ) async throws(MaintenanceError) -> NativeEngine<Tables, StorageRouter> {
        do throws(TableStorages.Failure) {
            return NativeEngine(
                catalog: catalog, storage: try await storages.storage(of: table, in: catalog),
                settings: settings)
        } catch {
            throw MaintenanceError(error)
        }
    }
}

extension MaintenanceError {
    /// What it means that a table has no storage.
    init(_ failure: TableStorages.Failure) {
        switch failure {
        case .catalog(.noSuchTable(let table)):
            self = .refused(
                code: "no_such_table", reason: CatalogError.noSuchTable(table).description)
        case .catalog(.denied(let reason)):
            self = .refused(
                code: "catalog_denied", reason: CatalogError.denied(reason: reason).description)
        case .catalog(.unavailable(let reason)): self = .unavailable(reason: reason)
        case .catalog(.unreadableTable(let table, let reason)):
            self = .unreadable(
                reason: CatalogError.unreadableTable(table, reason: reason).description)
        case .storage(let error):
            self = .refused(code: "storage_denied", reason: error.description)
        }
    }
}
