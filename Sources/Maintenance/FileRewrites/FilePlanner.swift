// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
import IcebergSpec
package import IcebergTable
public import ObjectStorage
import WireFormat

/// Plans rewrites of data and delete files from a table's manifests, whichever engine runs them.
public struct FilePlanner<Tables: Catalog, Storage: ObjectStorage>: Sendable {
    private let catalog: Tables
    private let storage: Storage

    /// Reads tables from a catalog and their manifests from a storage.
    public init(catalog: Tables, storage: Storage) {
        self.catalog = catalog
        self.storage = storage
    }

    /// What a rewrite of files would do now; nil for what is not planned here.
    ///
    /// Not planned here are the other actions, and rewrites whose `where` is not understood: the
    /// engine that runs those may know more.
    public func plan(_ request: ActionRequest) async throws(MaintenanceError) -> ActionPlan? {
        switch request.action {
        case .rewriteDataFiles: return try await planDataFiles(request)
        case .rewritePositionDeleteFiles: return try await planDeleteFiles(request)
        case .expireSnapshots, .removeOrphanFiles, .rewriteManifests: return nil
        }
    }

    private func planDataFiles(
        _ request: ActionRequest
    ) async throws(MaintenanceError) -> ActionPlan? {
        let metadata = try await load(request.table)
        let settings: RewriteDataFilesSettings
        let warnings: [String]
        do throws(RewriteRefusal) {
            (settings, warnings) = try RewriteDataFilesSettings.resolve(
                metadata, options: request.options)
        } catch {
            if case .condition = error { return nil }
            throw MaintenanceError(error)
        }
        let snapshot = metadata.head(ofBranch: settings.branch.value)
        let collector = try await collect(
            snapshot, of: metadata, settings,
            into: DataFileCollector(planner: RewriteDataFilesPlanner(settings, metadata: metadata)))
        let plan = collector.planner.plan()
        let names = PartitionNames(metadata)
        var summary = plan.summary { names.name(of: $0) }
        summary["warnings"] = .array(warnings.map { .string($0) })
        return ActionPlan(snapshotID: snapshot?.id, hasWork: !plan.isEmpty, summary: summary)
    }

    private func planDeleteFiles(
        _ request: ActionRequest
    ) async throws(MaintenanceError) -> ActionPlan? {
        let metadata = try await load(request.table)
        let settings: RewritePositionDeleteFilesSettings
        do throws(RewriteRefusal) {
            settings = try .resolve(metadata, options: request.options)
        } catch {
            if case .condition = error { return nil }
            throw MaintenanceError(error)
        }
        let snapshot = metadata.currentSnapshot
        var files: [LiveFile] = []
        if let snapshot {
            do throws(ScanError) {
                files = try await SnapshotScan(storage: storage, metadata: metadata)
                    .deleteFiles(of: snapshot).files
            } catch {
                throw MaintenanceError(error)
            }
        }
        let plan = RewritePositionDeleteFilesPlanner.plan(
            files, settings: settings, metadata: metadata)
        let names = PartitionNames(metadata)
        var summary = plan.summary { names.name(of: $0) }
        summary["warnings"] = []
        return ActionPlan(snapshotID: snapshot?.id, hasWork: !plan.isEmpty, summary: summary)
    }

    private func collect<Collector: LiveFileCollector>(
        _ snapshot: Snapshot?, of metadata: TableMetadata, _ settings: RewriteDataFilesSettings,
        into collector: Collector
    ) async throws(MaintenanceError) -> Collector {
        guard let snapshot else { return collector }
        do throws(ScanError) {
            return try await SnapshotScan(
                storage: storage, metadata: metadata, filter: settings.filter,
                spans: settings.keySpans(metadata)
            ).collect(snapshot, into: collector)
        } catch {
            throw MaintenanceError(error)
        }
    }

    private func load(
        _ identifier: TableIdentifier
    ) async throws(MaintenanceError) -> TableMetadata {
        do throws(CatalogError) { return try await catalog.loadTable(identifier).metadata } catch {
            switch error {
            case .noSuchTable: throw .refused(code: "no_such_table", reason: error.description)
            case .unreadableTable: throw .unreadable(reason: error.description)
            case .unavailable: throw .unavailable(reason: error.description)
            case .denied: throw .refused(code: "catalog_denied", reason: error.description)
            }
        }
    }
}

/// Passes data files to a planner.
private struct DataFileCollector: LiveFileCollector {
    var planner: RewriteDataFilesPlanner

    mutating func add(manifests: [ManifestFile]) {}
    mutating func add(deleteFiles index: DeleteFileIndex) {}
    mutating func add(_ file: LiveFile, _ deletes: AppliedDeletes) { planner.add(file, deletes) }
    mutating func leaveOut(files: Int64) { planner.leaveOut(files: files) }
}

extension MaintenanceError {
    /// What it means that files cannot be rewritten as asked.
    package init(_ refusal: RewriteRefusal) {
        self = .refused(code: "invalid_option", reason: refusal.description)
    }

    /// What it means that a snapshot's files cannot be told.
    package init(_ error: ScanError) {
        switch error {
        case .cancelled: self = .cancelled
        case .tooLarge: self = .refused(code: "out_of_memory", reason: error.description)
        case .manifest, .encrypted, .corrupt:
            self =
                error.isPassing
                ? .unavailable(reason: error.description)
                : .unreadable(reason: error.description)
        }
    }
}
