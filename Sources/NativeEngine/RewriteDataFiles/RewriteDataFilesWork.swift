// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import WireFormat

/// A group that was written and not committed, because somebody else got in the way.
struct DroppedGroup: Hashable, Sendable {
    let partition: String
    let files: Int
    let reason: String
}

/// What a rewrite of data files has done so far.
struct RewriteTally: Sendable {
    var change = SnapshotChange()
    var groups = 0
    var rewrittenBytes: Int64 = 0
    var deletedRows: Int64 = 0
    var refused: [RefusedGroup] = []
    var dropped: [DroppedGroup] = []
    var failedCommits = 0
    var commits: [EngineAftermath.Commit] = []
    /// How many groups went each way.
    var ways: [String: Int] = [:]
    var losses: Set<String> = []
}

/// Carries out a plan: group by group, and commits them together or a few at a time.
struct RewriteDataFilesWork<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let options: RewriteDataFilesOptions
    let context: RunContext
    let planned: PlannedRewrite
    let starting: Snapshot

    private(set) var tally = RewriteTally()
    private(set) var outputs: OutputFiles<Storage>
    private var pending: [RewrittenGroup] = []
    private var replaced: Set<String> = []
    private var removedDeletes: Set<DeleteIdentity> = []
    private let names: PartitionNames

    init(
        engine: NativeEngine<Tables, Storage>, options: RewriteDataFilesOptions,
        context: RunContext, planned: PlannedRewrite, starting: Snapshot
    ) {
        self.engine = engine
        self.options = options
        self.context = context
        self.planned = planned
        self.starting = starting
        names = PartitionNames(planned.table.metadata)
        outputs = OutputFiles(
            storage: engine.storage, context: context, tableUUID: planned.table.journalKey)
        tally.refused = planned.refused
    }

    mutating func run() async throws(MaintenanceError) {
        var limits = RewriteLimits(engine.settings)
        limits.largestFile = planned.plan.settings.groups.sizes.maximum.value
        let entries = try await RewriteDataFilesSource(engine: engine).entries(of: planned)
        var rewriter: GroupRewriter<Storage>
        do throws(Unsupported) {
            rewriter = try GroupRewriter(
                planned.table.metadata, storage: engine.storage, options: options,
                limits: limits)
        } catch {
            throw .refused(code: "unsupported_table", reason: error.reason)
        }
        let loader = GroupDeleteLoader(
            storage: engine.storage, index: planned.deletes, affected: planned.affected,
            width: limits.width, limit: limits.deletes)
        var done = 0
        for group in planned.groups {
            try MaintenanceError.checkCancellation()
            let before = outputs.files.count
            do throws(GroupFailure) {
                let deletes = try await loader.load(group)
                let progress = progress(after: done)
                let rewritten = try await rewriter.rewrite(
                    group, entries, deletes, into: &outputs, progress: progress)
                pending.append(rewritten)
            } catch {
                switch error {
                case .stopped(let error): throw error
                case .unsupported(let reason):
                    try await refuse(group, reason, writtenAfter: before)
                }
            }
            done += group.files.count
            progress(after: done)(0)
            if pending.count >= groupsPerCommit { try await commit() }
        }
        if !pending.isEmpty { try await commit() }
    }

    /// Reports how many files are done, counted from so many that are.
    private func progress(after done: Int) -> (Int) -> Void {
        let total = Int64(planned.groups.reduce(0) { $0 + $1.files.count })
        let report = context.report
        return { more in
            report(
                ActionProgress(
                    phase: "rewriting data files", done: Int64(done + more), total: total,
                    unit: "files"))
        }
    }

    private var groupsPerCommit: Int {
        guard let commits = options.maxCommits else { return .max }
        return max(1, (planned.groups.count + commits - 1) / commits)
    }

    /// Leaves a group as it is, and removes what was written of it.
    private mutating func refuse(
        _ group: FileGroup, _ reason: String, writtenAfter before: Int
    ) async throws(MaintenanceError) {
        tally.refused.append(
            RefusedGroup(
                partition: names.name(of: group.partition), files: group.files.count,
                bytes: group.bytes, reason: reason))
        let paths = outputs.files[before...].map(\.path)
        try await outputs.remove(paths)
    }
}

// MARK: Committing

extension RewriteDataFilesWork {
    private mutating func commit() async throws(MaintenanceError) {
        var preparation = FileRewritePreparation(
            engine: engine, options: options, context: context, starting: starting,
            replacedBefore: replaced, removedBefore: removedDeletes, outputs: outputs,
            groups: pending)
        var prepared: PreparedFileRewrite?
        let result: CommitResult
        do throws(MaintenanceError) {
            result = try await commit(&preparation, &prepared)
            outputs = preparation.outputs
        } catch {
            outputs = preparation.outputs
            throw error
        }
        for (group, reason) in preparation.conflicts { drop(group, reason) }
        switch result {
        case .unneeded: pending = []
        case .committed:
            pending = []
            if let prepared { try await note(prepared) }
        case .refused(let refusal, _):
            try await failed(context.error(of: refusal))
        case .unknown(let reason):
            throw await context.commitUnknown(reason)
        }
    }

    private func commit(
        _ preparation: inout FileRewritePreparation<Tables, Storage>,
        _ prepared: inout PreparedFileRewrite?
    ) async throws(MaintenanceError) -> CommitResult {
        try await engine.commit(
            to: planned.table.identifier,
            in: context,
            plan: { (table) async throws(MaintenanceError) -> CommitProposal? in
                prepared = try await preparation.prepare(table)
                return prepared?.proposal
            })
    }

    private mutating func drop(_ group: FileGroup, _ reason: String) {
        tally.dropped.append(
            DroppedGroup(
                partition: names.name(of: group.partition), files: group.files.count,
                reason: reason))
    }

    /// Takes note of a commit that is in the table.
    private mutating func note(_ prepared: PreparedFileRewrite) async throws(MaintenanceError) {
        tally.change.add(prepared.change)
        tally.groups += prepared.groups.count
        for group in prepared.groups {
            tally.rewrittenBytes &+= group.group.bytes
            tally.deletedRows &+= group.deletedRows
            tally.ways[group.way, default: 0] += 1
            tally.losses.formUnion(group.losses)
            replaced.formUnion(group.group.files.map(\.path))
        }
        removedDeletes.formUnion(prepared.removedDeletes)
        tally.commits.append(
            EngineAftermath.Commit(
                snapshotID: prepared.snapshot.id, operation: "replace",
                committedAt: Timestamp(
                    milliseconds: prepared.snapshot.timestampMilliseconds)))
        try await outputs.handOver()
    }

    /// After a commit that certainly is not in the table: of several, some may fail (P-54).
    private mutating func failed(_ error: MaintenanceError) async throws(MaintenanceError) {
        tally.failedCommits += 1
        switch error {
        case .conflict, .unavailable: break
        case .fenceLost, .cancelled, .refused, .commitUnknown, .unreadable, .stillRunning:
            throw error
        }
        guard options.maxCommits != nil, tally.failedCommits <= options.maxFailedCommits else {
            throw error
        }
        for group in pending { drop(group.group, error.description) }
        pending = []
        try await outputs.removeAll()
    }
}

// MARK: Ending early

extension RewriteDataFilesWork {
    /// Removes the new files after a failure that is certain, as far as the lease allows; what
    /// stays is in the journal, for the next run on the table.
    mutating func abandon(because error: MaintenanceError) async -> MaintenanceError {
        var cleanUpError: MaintenanceError?
        switch error {
        case .fenceLost, .commitUnknown, .stillRunning: break
        case .cancelled, .refused, .unavailable, .conflict, .unreadable:
            // In a task of its own: what was cancelled is the rewrite, and its files must not stay.
            let cleaning = Task { [outputs] () -> (OutputFiles<Storage>, MaintenanceError?) in
                var outputs = outputs
                do throws(MaintenanceError) {
                    try await outputs.removeAll()
                    return (outputs, nil)
                } catch {
                    return (outputs, error)
                }
            }
            (outputs, cleanUpError) = await cleaning.value
        }
        let left = error.isUnknown ? [] : outputs.files.map(\.path)
        guard !left.isEmpty || !tally.commits.isEmpty else { return error }
        var note: [String] = []
        if !tally.commits.isEmpty {
            note.append("\(ReportWording.count(tally.commits.count, "commit")) stayed in the table")
        }
        if !left.isEmpty {
            let cause = cleanUpError.map { ": \($0)" } ?? ""
            note.append(
                "the next job on the table removes the files that were written and not "
                    + "committed\(cause)")
        }
        context.tracking.note(
            EngineAftermath(
                state: .stopped, commits: tally.commits, filesLeftBehind: left,
                note: note.joined(separator: "; ")))
        return error
    }
}

extension MaintenanceError {
    /// Whether a commit may be in the table or not.
    fileprivate var isUnknown: Bool {
        if case .commitUnknown = self { true } else { false }
    }
}
