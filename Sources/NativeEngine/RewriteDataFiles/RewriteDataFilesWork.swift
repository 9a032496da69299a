// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import Maintenance
import ObjectStorage

/// Carries out a plan of rewritten data files: group by group, committed together or a few at a
/// time.
struct RewriteDataFilesWork<Tables: Catalog, Storage: ObjectStorage> {
    private let engine: NativeEngine<Tables, Storage>
    private let options: RewriteDataFilesOptions
    private let planned: PlannedRewrite

    /// What was written and committed so far.
    var commits: GroupCommits<Tables, Storage, DataFileRules<Storage>>

    init(
        engine: NativeEngine<Tables, Storage>, options: RewriteDataFilesOptions,
        context: RunContext, planned: PlannedRewrite, starting: Snapshot
    ) {
        self.engine = engine
        self.options = options
        self.planned = planned
        commits = GroupCommits(
            engine: engine, context: context, table: planned.table,
            branch: planned.plan.settings.branch.value,
            progress: PartialProgress(
                maxCommits: planned.isWithoutRowIDs ? nil : options.maxCommits,
                maxFailedCommits: options.maxFailedCommits),
            rules: DataFileRules(
                storage: engine.storage, planned: planned, starting: starting,
                usesStartingSequenceNumber: options.usesStartingSequenceNumber,
                limits: RewriteLimits(engine.settings)),
            refused: planned.refused)
    }

    mutating func run() async throws(MaintenanceError) {
        guard !planned.groups.isEmpty else { return try await commits.conclude() }
        let limits = RewriteLimits(
            engine.settings, groupCount: planned.groups.count,
            mostAtOnce: options.maxConcurrentGroups)
        let entries = try await SourceEntries(engine: engine, metadata: planned.table.metadata)
            .entries(of: planned.groups, and: planned.equalityDeletes, in: planned.manifests)
        let rewriter = try prepared(limits, entries)
        let strays = try await StrayDeletes(
            naming: DeleteNaming(
                storage: engine.storage, metadata: planned.table.metadata,
                manifests: planned.manifests, width: limits.width, limit: limits.deleteBytes),
            index: planned.deletes
        ).find(in: planned.groups)
        let loader = GroupDeleteLoader(
            storage: engine.storage, index: planned.deletes, strays: strays, width: limits.width,
            limit: limits.deleteBytes)
        commits.remainder = { [plan = planned.plan] in plan.remainder(of: $0, without: $1) }
        try await commits.run(
            planned.groups, atOnce: limits.groups, phase: "rewriting data files"
        ) { (turn, group, outputs, progress) async throws(GroupFailure) -> RewrittenGroup in
            let deletes = try await loader.load(group.files)
            return try await rewriter.rewrite(
                group, turn, entries, deletes, into: &outputs, progress: progress)
        }
    }

    private func prepared(
        _ limits: RewriteLimits, _ entries: [String: SourceEntry]
    ) throws(MaintenanceError) -> GroupRewriter<Storage> {
        var rewriter: GroupRewriter<Storage>
        do throws(Unsupported) {
            rewriter = try GroupRewriter(
                planned.table.metadata, storage: engine.storage,
                settings: planned.plan.settings, options: options, limits: limits)
        } catch {
            throw .refused(code: "unsupported_table", reason: error.reason)
        }
        try rewriter.prepare(for: planned, entries)
        return rewriter
    }
}
