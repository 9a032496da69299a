// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// Makes few position delete files of many, or deletion vectors where the table's version wants
/// those, and drops deletes that apply to nothing any more.
///
/// As ``RewriteDataFilesRun``: replay the journal, plan, write group by group, read back and
/// compare, commit, close the journal. Only a commit that certainly failed lets new files be
/// removed (P-30).
///
/// Where equality deletes are turned into position deletes, that comes first, in commits of its
/// own; what they become is merged with the rest where the plan of then says so.
struct RewritePositionDeleteFilesRun<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let request: ActionRequest
    let context: RunContext

    func run() async throws(MaintenanceError) -> ActionReport {
        let table = try await engine.load(request.table)
        let replayed = try await JournalReplay(engine: engine, context: context).run(on: table)
        let source = RewritePositionDeleteFilesSource(engine: engine)
        var planned = try await source.plan(table, request.options)
        var conversion = EqualityConversionWork(
            engine: engine, request: request, context: context, planned: planned)
        do throws(MaintenanceError) {
            try await conversion.run()
            if conversion.commits.tally.groups > 0 {
                planned = try await source.plan(engine.load(request.table), request.options)
            }
        } catch {
            throw await conversion.commits.abandon(because: error)
        }
        var tally = conversion.commits.tally
        if planned.groups.isEmpty {
            tally.refused += planned.refused
        } else {
            var commits = commits(of: planned, after: tally)
            do throws(MaintenanceError) {
                try await write(planned, into: &commits)
            } catch {
                throw await commits.abandon(because: error)
            }
            tally = commits.tally
        }
        if tally.groups == 0, let error = tally.failure { throw error }
        return RewritePositionDeleteFilesReport(tally: tally, replayed: replayed).report
    }

    private typealias Commits = GroupCommits<Tables, Storage, PositionDeleteRules<Storage>>

    private func commits(
        of planned: PlannedDeleteRewrite, after earlier: RewriteTally
    ) -> Commits {
        let options = RewriteDataFilesOptions(request.options)
        return GroupCommits(
            engine: engine, context: context, table: planned.table,
            progress: PartialProgress(
                maxCommits: options.maxCommits, maxFailedCommits: options.maxFailedCommits),
            rules: PositionDeleteRules(
                storage: engine.storage, formatVersion: planned.table.metadata.formatVersion,
                limits: RewriteLimits(engine.settings)),
            after: earlier, refused: planned.refused)
    }

    private func write(
        _ planned: PlannedDeleteRewrite, into commits: inout Commits
    ) async throws(MaintenanceError) {
        let metadata = planned.table.metadata
        let limits = RewriteLimits(
            engine.settings, groupCount: planned.groups.count,
            mostAtOnce: RewriteDataFilesOptions(request.options).maxConcurrentGroups)
        let entries = try await SourceEntries(engine: engine, metadata: metadata)
            .entries(of: planned.groups, in: planned.manifests)
        let reader = DeleteGroupReader(storage: engine.storage, planned: planned, limits: limits)
        let writer: DeleteGroupWriter<Storage>
        do throws(Unsupported) {
            writer = try DeleteGroupWriter(
                metadata, storage: engine.storage,
                granularity: planned.plan.settings.granularity
                    .value, limits: limits)
        } catch {
            throw .refused(code: "unsupported_table", reason: error.reason)
        }
        let isVerified = request.options.boolean("verify") ?? true
        let proof = DeleteProof(
            storage: engine.storage, specs: metadata.partitionSpecs, limits: limits)
        try await commits.run(
            planned.groups, atOnce: limits.groups, phase: "rewriting position delete files"
        ) { (turn, group, outputs, _) async throws(GroupFailure) -> RewrittenDeletes in
            let deletes = try await reader.read(group)
            var names = writer.names(of: turn)
            let place = DeletePlace(
                partition: group.partition,
                values: group.files.first.flatMap { entries[$0.path]?.partition } ?? [],
                fileSize: group.inputSplitSize, age: group.files.map(\.dataSequenceNumber).max())
            let added = try await writer.write(deletes, to: place, &names, into: &outputs)
            if isVerified { try await proof.check(added, in: group.partition, deletes) }
            return RewrittenDeletes(group: group, deletes: deletes, added: added)
        }
    }
}
