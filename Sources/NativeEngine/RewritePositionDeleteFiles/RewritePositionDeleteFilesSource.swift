// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import WireFormat

/// What a rewrite of position deletes is planned on, and the plan; run and dry run share it.
struct PlannedDeleteRewrite: Sendable {
    let table: LoadedTable
    let plan: RewritePositionDeleteFilesPlan
    /// The groups that are rewritten.
    let groups: [FileGroup]
    /// The groups that are left.
    let refused: [RefusedGroup]
    let manifests: [ManifestFile]
    let deletes: DeleteFileIndex?
    /// By partition the data files to which position deletes or vectors apply.
    let affected: [PartitionKey: [LiveFile]]
    /// The equality deletes that are turned into position deletes, before all else.
    let conversions: [EqualityConversion]
    /// Those that should be, and are left.
    let refusedConversions: [RefusedGroup]
}

/// Plans on the delete files, and keeps the data files to which those of the plan may apply, and
/// those of which equality deletes are turned.
private struct PlanningCollector: LiveFileCollector {
    let settings: RewritePositionDeleteFilesSettings
    let metadata: TableMetadata
    var plan: RewritePositionDeleteFilesPlan?
    var manifests: [ManifestFile] = []
    var deletes: DeleteFileIndex?
    var affected: [PartitionKey: [LiveFile]] = [:]
    /// Nil where equality deletes stay.
    var conversion: EqualityConversionPlanner?
    private var partitions: Set<PartitionKey> = []

    init(_ settings: RewritePositionDeleteFilesSettings, _ metadata: TableMetadata) {
        self.settings = settings
        self.metadata = metadata
    }

    mutating func add(manifests: [ManifestFile]) { self.manifests = manifests }

    mutating func add(deleteFiles index: DeleteFileIndex) {
        deletes = index
        let plan = RewritePositionDeleteFilesPlanner.plan(
            index.files, settings: settings, metadata: metadata)
        partitions = Set(plan.groups.map(\.partition))
        self.plan = plan
        if settings.convertsEqualityDeletes.value {
            conversion = EqualityConversionPlanner(
                index.files, settings: settings, metadata: metadata)
        }
    }

    mutating func add(_ file: LiveFile, _ deletes: AppliedDeletes) {
        conversion?.add(file, deletes)
        guard deletes.positionDeleteFiles > 0 || deletes.hasDeletionVector,
            partitions.contains(file.partition)
        else { return }
        affected[file.partition, default: []].append(file)
    }
}

/// Plans rewrites of position delete files.
struct RewritePositionDeleteFilesSource<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>

    /// Plans on a table as it was loaded.
    func plan(
        _ table: LoadedTable, _ options: ActionOptions
    ) async throws(MaintenanceError) -> PlannedDeleteRewrite {
        try RewriteManifestsSource<Tables, Storage>.checkPlain(table)
        let request = RoutedAction(.rewritePositionDeleteFiles, options: options)
        if let reason = NativeEngineCapability.capability.problem(with: request) {
            throw .refused(code: "unsupported_option", reason: reason)
        }
        let metadata = table.metadata
        let settings: RewritePositionDeleteFilesSettings
        do throws(RewriteRefusal) {
            settings = try .resolve(metadata, options: options)
        } catch {
            throw MaintenanceError(error)
        }
        var collector = PlanningCollector(settings, metadata)
        if let snapshot = metadata.currentSnapshot {
            do throws(ScanError) {
                collector = try await engine.scan(metadata)
                    .collect(snapshot, into: collector)
            } catch {
                throw MaintenanceError(error)
            }
        }
        let plan =
            collector.plan
            ?? RewritePositionDeleteFilesPlanner.plan(
                [], settings: settings, metadata: metadata)
        let conversions = collector.conversion?.conversions() ?? []
        try checkWriting(plan, conversions, metadata)
        let (groups, refused) = try screened(plan, metadata)
        let (good, left) = try EqualityConversionScreen(metadata, collector.deletes)
            .screened(conversions)
        return PlannedDeleteRewrite(
            table: table, plan: plan, groups: groups, refused: refused,
            manifests: collector.manifests, deletes: collector.deletes,
            affected: collector.affected, conversions: good, refusedConversions: left)
    }

    /// Refuses tables whose new delete files would have to be what they are not here.
    private func checkWriting(
        _ plan: RewritePositionDeleteFilesPlan, _ conversions: [EqualityConversion],
        _ metadata: TableMetadata
    ) throws(MaintenanceError) {
        guard !plan.isEmpty || !conversions.isEmpty else { return }
        do throws(Unsupported) {
            _ = try DeleteGroupWriter(
                metadata, storage: engine.storage, granularity: plan.settings.granularity.value,
                limits: RewriteLimits(engine.settings))
        } catch {
            throw .refused(
                code: "unsupported_table",
                reason: "nothing was changed, because \(error); \(RefusedGroup.advice)")
        }
    }

    private func screened(
        _ plan: RewritePositionDeleteFilesPlan, _ metadata: TableMetadata
    ) throws(MaintenanceError) -> (good: [FileGroup], refused: [RefusedGroup]) {
        let limits = RewriteLimits(engine.settings)
        return try RefusedGroup.screen(plan.groups, of: PartitionNames(metadata)) {
            Self.problem(with: $0, limits)
        }
    }

    /// Why a group is left, from what the manifests say of its files; nil if it is rewritten.
    private static func problem(with group: FileGroup, _ limits: RewriteLimits) -> String? {
        var count: Int64 = 0
        for file in group.files {
            if file.isEncrypted { return "\(file.path) is encrypted" }
            guard file.format.holdsReadableDeletes else {
                return "\(file.path) is a file of \(file.format.rawValue.uppercased())"
            }
            let (sum, overflow) = count.addingReportingOverflow(file.recordCount)
            count = overflow ? .max : sum
        }
        // They take a bit each at least.
        guard count / 8 > limits.deleteBytes else { return nil }
        return "its files have \(count) deletes, and memory is allowed \(limits.deleteBytes) bytes "
            + "for them (ICEPACK_NATIVE_MEMORY_BYTES); max-file-group-size-bytes makes smaller "
            + "groups"
    }
}

/// Works out what a rewrite would do, with the planner of the run itself.
struct RewritePositionDeleteFilesPreview<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let request: ActionRequest

    func plan() async throws(MaintenanceError) -> ActionPlan {
        let planned = try await RewritePositionDeleteFilesSource(engine: engine)
            .plan(engine.load(request.table), request.options)
        let metadata = planned.table.metadata
        let names = PartitionNames(metadata)
        var summary = planned.plan.summary { names.name(of: $0) }
        if planned.plan.settings.convertsEqualityDeletes.value {
            summary["conversion"] = planned.conversions.summary { names.name(of: $0) }
        }
        let refused = planned.refusedConversions + planned.refused
        summary["refused_groups"] = .array(refused.map(\.json))
        summary["warnings"] = .array(refused.map { .string($0.sentence) })
        return ActionPlan(
            snapshotID: metadata.currentSnapshot?.id,
            hasWork: !planned.groups.isEmpty || !planned.conversions.isEmpty, summary: summary)
    }
}
