// SPDX-License-Identifier: Apache-2.0

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
    /// The deletes that go because they apply to nothing; nil if they are to stay.
    let dangling: DanglingRemoval?

    /// Whether a run changes anything.
    var hasWork: Bool { !groups.isEmpty || !(dangling?.expected.isEmpty ?? true) }

    /// Whether rows get their ids from our first commit, after an upgrade to version 3: files that
    /// are written before it must come with it, as they have none (P-44).
    var isWithoutRowIDs: Bool {
        table.metadata.formatVersion == .v3
            && groups.contains { $0.files.contains { $0.firstRowID == nil } }
    }

    /// The equality delete files that there are.
    var equalityDeletes: [LiveFile] {
        (deletes?.files ?? []).filter { $0.content == .equalityDeletes }
    }
}

/// Passes data files to the planner, and keeps what the rewrite itself needs.
private struct PlanningCollector: LiveFileCollector {
    var planner: RewriteDataFilesPlanner
    var manifests: [ManifestFile] = []
    var deletes: DeleteFileIndex?

    mutating func add(manifests: [ManifestFile]) { self.manifests = manifests }
    mutating func add(deleteFiles index: DeleteFileIndex) { deletes = index }
    mutating func add(_ file: LiveFile, _ deletes: AppliedDeletes) {
        planner.add(file, deletes)
    }
    mutating func leaveOut(files: Int64) { planner.leaveOut(files: files) }
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
        let snapshot = metadata.head(ofBranch: settings.branch.value)
        var collector = PlanningCollector(
            planner: RewriteDataFilesPlanner(settings, metadata: metadata))
        if let snapshot {
            do throws(ScanError) {
                collector = try await engine.scan(
                    metadata, filter: settings.filter, spans: settings.keySpans(metadata)
                )
                .collect(snapshot, into: collector)
            } catch {
                throw MaintenanceError(error)
            }
        }
        let plan = collector.planner.plan()
        let (groups, refused) = try screened(plan, metadata, collector.deletes)
        var dangling: DanglingRemoval?
        if let snapshot, options.boolean("remove-dangling-deletes") ?? false {
            dangling = try await DanglingRemovalSource(
                engine: engine, metadata: metadata, snapshot: snapshot, groups: groups,
                usesStartingSequenceNumber: RewriteDataFilesOptions(options)
                    .usesStartingSequenceNumber
            ).find()
        }
        return PlannedRewrite(
            table: table, snapshot: snapshot, plan: plan, groups: groups, refused: refused,
            warnings: warnings, manifests: collector.manifests, deletes: collector.deletes,
            dangling: dangling)
    }

    private func screened(
        _ plan: RewriteDataFilesPlan, _ metadata: TableMetadata, _ deletes: DeleteFileIndex?
    ) throws(MaintenanceError) -> (good: [FileGroup], refused: [RefusedGroup]) {
        guard !plan.groups.isEmpty else { return ([], []) }
        let rewriter: GroupRewriter<Storage>
        do throws(Unsupported) {
            rewriter = try GroupRewriter(
                metadata, storage: engine.storage, settings: plan.settings,
                options: RewriteDataFilesOptions(), limits: RewriteLimits(engine.settings))
        } catch {
            throw .refused(
                code: "unsupported_table",
                reason: "nothing was changed, because \(error); \(RefusedGroup.advice)")
        }
        var screen = GroupScreen(metadata)
        let names = PartitionNames(metadata)
        var good: [FileGroup] = []
        var refused: [RefusedGroup] = []
        for group in plan.groups {
            if let reason = rewriter.problem(with: group) {
                refused.append(RefusedGroup(group, of: names, because: reason))
                continue
            }
            let left = try screen.problems(in: group, deletes)
            guard !left.isEmpty else {
                good.append(group)
                continue
            }
            refused.append(RefusedGroup(left, of: group, names))
            if let rest = plan.remainder(of: group, without: left.paths) { good.append(rest) }
        }
        return (good, refused)
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
        if let dangling = planned.dangling {
            summary["removed_delete_files_count"] = .integer(dangling.expected.count)
        }
        summary["refused_groups"] = .array(planned.refused.map(\.json))
        summary["warnings"] = .array(
            planned.warnings.map { .string($0) } + planned.refused.map { .string($0.sentence) })
        return ActionPlan(
            snapshotID: planned.snapshot?.id, hasWork: planned.hasWork, summary: summary)
    }
}
