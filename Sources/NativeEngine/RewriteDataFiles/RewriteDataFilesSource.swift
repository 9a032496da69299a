// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import WireFormat

/// What a rewrite of data files is planned on, and the plan; run and dry run share it.
struct PlannedRewrite: Sendable {
    let table: LoadedTable
    /// Nil for a table without one.
    let snapshot: Snapshot?
    let plan: RewriteDataFilesPlan
    /// The groups that are rewritten.
    let groups: [FileGroup]
    /// The groups that are left.
    let refused: [RefusedGroup]
    let warnings: [String]
    let manifests: [ManifestFile]
    let deletes: DeleteFileIndex?
    /// Data files to which deletes apply.
    let affected: Set<String>
}

/// Passes data files to the planner, and keeps what the rewrite itself needs.
private struct PlanningCollector: LiveFileCollector {
    var planner: RewriteDataFilesPlanner
    var manifests: [ManifestFile] = []
    var deletes: DeleteFileIndex?
    var affected: Set<String> = []

    mutating func add(manifests: [ManifestFile]) { self.manifests = manifests }
    mutating func add(deleteFiles index: DeleteFileIndex) { deletes = index }
    mutating func add(_ file: LiveFile, _ deletes: AppliedDeletes) {
        planner.add(file, deletes)
        if deletes.positionDeleteFiles > 0 || deletes.hasDeletionVector {
            affected.insert(file.path)
        }
    }
}

/// Plans rewrites of data files.
struct RewriteDataFilesSource<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>

    /// Plans on a table as it was loaded.
    func plan(
        _ table: LoadedTable, _ options: ActionOptions
    ) async throws(MaintenanceError) -> PlannedRewrite {
        try RewriteManifestsSource<Tables, Storage>.checkPlain(table)
        let request = RoutedAction(.rewriteDataFiles, options: options)
        if let reason = NativeEngineCapability.capability.problem(with: request) {
            throw .refused(code: "unsupported_option", reason: reason)
        }
        let metadata = table.metadata
        let settings: RewriteDataFilesSettings
        let warnings: [String]
        do throws(RewriteRefusal) {
            (settings, warnings) = try RewriteDataFilesSettings.resolve(
                metadata, options: options)
        } catch {
            throw MaintenanceError(error)
        }
        guard settings.outputSpecID.value == metadata.defaultSpecID else {
            throw .refused(
                code: "unsupported_option",
                reason: "output-spec-id must be the current partition spec "
                    + "\(metadata.defaultSpecID) for the native engine; run the action with "
                    + "engine spark for another")
        }
        let snapshot = metadata.currentSnapshot
        var collector = PlanningCollector(
            planner: RewriteDataFilesPlanner(settings, metadata: metadata))
        if let snapshot {
            do throws(ScanError) {
                collector = try await SnapshotScan(storage: engine.storage, metadata: metadata)
                    .collect(snapshot, into: collector)
            } catch {
                throw MaintenanceError(error)
            }
        }
        let plan = collector.planner.plan()
        let (groups, refused) = try screened(plan.groups, metadata, collector.deletes)
        return PlannedRewrite(
            table: table, snapshot: snapshot, plan: plan, groups: groups, refused: refused,
            warnings: warnings, manifests: collector.manifests, deletes: collector.deletes,
            affected: collector.affected)
    }

    private func screened(
        _ groups: [FileGroup], _ metadata: TableMetadata, _ deletes: DeleteFileIndex?
    ) throws(MaintenanceError) -> ([FileGroup], [RefusedGroup]) {
        var good: [FileGroup] = []
        var refused: [RefusedGroup] = []
        let limits = RewriteLimits(engine.settings)
        do throws(Unsupported) {
            let screen = try GroupScreen(metadata, outputLimit: limits.outputBytes)
            for group in groups {
                let problem: String?
                do throws(ScanError) { problem = try screen.problem(with: group, deletes) } catch {
                    throw Unsupported(reason: "\(error)")
                }
                if let problem {
                    refused.append(screen.refused(group, because: problem))
                } else {
                    good.append(group)
                }
            }
            if !groups.isEmpty {
                _ = try GroupRewriter(
                    metadata, storage: engine.storage, options: RewriteDataFilesOptions(),
                    limits: limits)
            }
        } catch {
            throw .refused(
                code: "unsupported_table",
                reason: "nothing was changed, because \(error); \(RefusedGroup.advice)")
        }
        return (good, refused)
    }

    /// What the manifests say of the files of some groups.
    ///
    /// - Throws: ``MaintenanceError/unreadable(reason:)`` for a file that is live twice.
    func entries(
        of planned: PlannedRewrite
    ) async throws(MaintenanceError) -> [String: SourceEntry] {
        var wanted: [Int: Set<String>] = [:]
        for file in planned.groups.flatMap(\.files) {
            wanted[file.manifestPlace, default: []].insert(file.path)
        }
        let changes = ManifestChanges(
            storage: engine.storage, metadata: planned.table.metadata, snapshotID: 0,
            replaced: [], removedDeletes: [])
        typealias Found = [(path: String, entry: SourceEntry)]
        var found: Found = []
        let storage = engine.storage
        try await BoundedTasks.forEach(
            wanted.map { (planned.manifests[$0], $1) }, width: engine.settings.readWidth,
            cancelled: MaintenanceError.cancelled,
            finished: { (some: Found) in found += some },
            { (manifest, paths) async throws(MaintenanceError) -> Found in
                let kind = try changes.kind(
                    ofSpec: Int(manifest.partitionSpecID), manifest.content)
                let reader = CompleteManifestReader(storage: storage, partition: kind.partition)
                var some: Found = []
                do throws(ManifestError) {
                    try await reader.forEachEntry(in: manifest) { (entry) throws(AvroError) in
                        let path = entry.entry.dataFile.filePath
                        guard entry.entry.isLive, paths.contains(path) else { return }
                        some.append((path, SourceEntry(entry)))
                    }
                } catch {
                    throw MaintenanceError(error)
                }
                return some
            })
        let files = Set(planned.groups.flatMap { $0.files.map(\.path) })
        let count = planned.groups.reduce(0) { $0 + $1.files.count }
        guard found.count == count, files.count == count else {
            throw .unreadable(
                reason: "nothing was changed: the table lists a data file more than once")
        }
        return Dictionary(
            found.map { ($0.path, $0.entry) }, uniquingKeysWith: { first, _ in first })
    }
}

extension SourceEntry {
    init(_ entry: CompleteEntry) {
        partition = entry.partition
        nanCounts = Dictionary(
            (entry.metrics.nanValueCounts ?? []).map { ($0.id, $0.value) },
            uniquingKeysWith: { first, _ in first })
    }
}

/// Works out what a rewrite would do, with the planner of the run itself.
struct RewriteDataFilesPreview<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let request: ActionRequest

    func plan() async throws(MaintenanceError) -> ActionPlan {
        let planned = try await RewriteDataFilesSource(engine: engine)
            .plan(engine.load(request.table), request.options)
        let names = PartitionNames(planned.table.metadata)
        var summary = planned.plan.summary { names.name(of: $0) }
        summary["refused_groups"] = .array(planned.refused.map(\.json))
        summary["warnings"] = .array(
            planned.warnings.map { .string($0) } + planned.refused.map { .string($0.sentence) })
        return ActionPlan(
            snapshotID: planned.snapshot?.id, hasWork: !planned.groups.isEmpty, summary: summary)
    }
}
