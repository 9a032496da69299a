// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
import IcebergSpec
import IcebergTable
public import Maintenance
public import ObjectStorage
import WireFormat

/// Carries out actions in this process.
///
/// It changes a table only through its catalog, under the worker's lease, and removes a file only
/// when the table's current metadata, read after the commit, does not reach it.
public struct NativeEngine<Tables: Catalog, Storage: ObjectStorage>: MaintenanceEngine,
    OrphanGuard
{
    let catalog: Tables
    let storage: Storage
    let settings: NativeEngineSettings
    /// The storage for whoever reads manifests more than once in a run.
    let manifests: ManifestMemory<Storage>

    /// The engine's name.
    public let name = "native"
    /// The actions it can run.
    public let actions = NativeEngineCapability.actions
    /// What it does not take of them.
    public let limits = NativeEngineCapability.limits

    /// Works on a catalog's tables, whose files are in a storage.
    public init(
        catalog: Tables, storage: Storage, settings: NativeEngineSettings = NativeEngineSettings()
    ) {
        self.init(catalog, storage, settings, remembering: 0)
    }

    private init(
        _ catalog: Tables, _ storage: Storage, _ settings: NativeEngineSettings,
        remembering bytes: Int
    ) {
        self.catalog = catalog
        self.storage = storage
        self.settings = settings
        manifests = ManifestMemory(storage, limit: bytes)
    }

    /// The engine for one run or plan that reads manifests more than once.
    private func remembering() -> NativeEngine {
        NativeEngine(catalog, storage, settings, remembering: settings.manifestBytes)
    }

    /// What the action would do now.
    public func plan(_ request: ActionRequest) async throws(MaintenanceError) -> ActionPlan {
        switch request.action {
        case .expireSnapshots:
            return try await ExpireSnapshotsPreview(engine: self, request: request).plan()
        case .removeOrphanFiles:
            return try await RemoveOrphanFilesPreview(engine: self, request: request).plan()
        case .rewriteManifests:
            return try await RewriteManifestsPreview(engine: self, request: request).plan()
        case .rewriteDataFiles:
            return try await RewriteDataFilesPreview(engine: remembering(), request: request).plan()
        case .rewritePositionDeleteFiles:
            return try await RewritePositionDeleteFilesPreview(
                engine: remembering(), request: request
            ).plan()
        }
    }

    /// Finishes what a crash left behind, and then carries out the action.
    public func run(
        _ request: ActionRequest, in context: RunContext
    ) async throws(MaintenanceError) -> ActionReport {
        switch request.action {
        case .expireSnapshots:
            return try await ExpireSnapshotsRun(engine: self, request: request, context: context)
                .run()
        case .removeOrphanFiles:
            return try await RemoveOrphanFilesRun(engine: self, request: request, context: context)
                .run()
        case .rewriteManifests:
            return try await RewriteManifestsRun(engine: self, request: request, context: context)
                .run()
        case .rewriteDataFiles:
            return try await RewriteDataFilesRun(
                engine: remembering(), request: request, context: context
            ).run()
        case .rewritePositionDeleteFiles:
            return try await RewritePositionDeleteFilesRun(
                engine: remembering(), request: request, context: context
            ).run()
        }
    }

    /// What an orphan removal would do with what another engine found.
    public func plan(
        _ request: ActionRequest, among candidates: [Location]
    ) async throws(MaintenanceError) -> ActionPlan {
        try await RemoveOrphanFilesPreview(engine: self, request: request, candidates: candidates)
            .plan()
    }

    /// Removes orphans among what another engine found.
    public func run(
        _ request: ActionRequest, among candidates: [Location], in context: RunContext
    ) async throws(MaintenanceError) -> ActionReport {
        try await RemoveOrphanFilesRun(
            engine: self, request: request, context: context, candidates: candidates
        ).run()
    }

    /// Reads what files a table's snapshots have.
    func scan(
        _ metadata: TableMetadata, filter: RowFilter? = nil, spans: KeySpanMaker? = nil
    ) -> SnapshotScan<ManifestMemory<Storage>> {
        SnapshotScan(
            storage: manifests, metadata: metadata, limits: settings.scanLimits, filter: filter,
            spans: spans)
    }

    /// The table as it is now.
    func load(_ identifier: TableIdentifier) async throws(MaintenanceError) -> LoadedTable {
        do throws(CatalogError) { return try await catalog.loadTable(identifier) } catch {
            throw MaintenanceError(error)
        }
    }
}

/// What the native engine can do, for whoever routes without an engine at hand.
public enum NativeEngineCapability {
    /// The actions it runs.
    public static let actions = Set(MaintenanceAction.allCases)

    /// The options that it does not take.
    public static let limits = EngineLimits(
        conditions: [.rewriteDataFiles: ["where"], .rewritePositionDeleteFiles: ["where"]])

    /// The engine as the router sees it.
    public static let capability = EngineCapability(
        name: "native", actions: actions, limits: limits)
}
