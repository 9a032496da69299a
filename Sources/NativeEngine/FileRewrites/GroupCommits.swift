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

/// What a rewrite of files has done so far.
struct RewriteTally: Sendable {
    var change = SnapshotChange()
    var groups = 0
    var rewrittenBytes: Int64 = 0
    /// Deleted rows that new data files lack.
    var deletedRows: Int64 = 0
    /// Deletes that new delete files and vectors have.
    var keptDeletes: Int64 = 0
    /// Deletes that apply to nothing any more, or are said more than once.
    var droppedDeletes: Int64 = 0
    var refused: [RefusedGroup] = []
    var dropped: [DroppedGroup] = []
    var failedCommits = 0
    var commits: [EngineAftermath.Commit] = []
    /// How many groups went each way.
    var ways: [String: Int] = [:]
    var losses: Set<String> = []
}

/// Commits rewritten groups, together or a few at a time, and keeps count of what became of each.
struct GroupCommits<Tables: Catalog, Storage: ObjectStorage, Rules: RewriteRules> {
    private let engine: NativeEngine<Tables, Storage>
    private let context: RunContext
    private let table: LoadedTable
    private let branch: String
    private let progress: PartialProgress
    private let names: PartitionNames
    private var rules: Rules
    private var pending: [Rules.Group] = []

    private(set) var tally = RewriteTally()
    /// The files that were written so far.
    var outputs: OutputFiles<Storage>

    /// - Parameters:
    ///   - branch: The branch that the groups are of, and that gets the commits.
    ///   - refused: Groups that are left from the beginning.
    init(
        engine: NativeEngine<Tables, Storage>, context: RunContext, table: LoadedTable,
        branch: String = SnapshotReference.mainName, progress: PartialProgress, rules: Rules,
        refused: [RefusedGroup]
    ) {
        self.engine = engine
        self.context = context
        self.table = table
        self.branch = branch
        self.progress = progress
        self.rules = rules
        names = PartitionNames(table.metadata)
        outputs = OutputFiles(
            storage: engine.storage, context: context, tableUUID: table.journalKey)
        tally.refused = refused
    }

    /// Writes and commits groups one after the other; those that cannot be rewritten are left.
    ///
    /// - Parameters:
    ///   - phase: What the job is doing, in words.
    ///   - write: Writes a group's files into the outputs, and may tell how many files are done.
    mutating func run(
        _ groups: [FileGroup], phase: String,
        write: (FileGroup, inout OutputFiles<Storage>, (Int) -> Void) async throws(GroupFailure) ->
            Rules.Group
    ) async throws(MaintenanceError) {
        let total = groups.reduce(0) { $0 + $1.files.count }
        let groupsPerCommit = progress.groupsPerCommit(of: groups.count)
        var done = 0
        for group in groups {
            try MaintenanceError.checkCancellation()
            let before = outputs.files.count
            do throws(GroupFailure) {
                let report = report(phase, after: done, of: total)
                pending.append(try await write(group, &outputs, report))
            } catch {
                switch error {
                case .stopped(let error): throw error
                case .unsupported(let reason):
                    try await refuse(group, reason, writtenAfter: before)
                }
            }
            done += group.files.count
            report(phase, after: done, of: total)(0)
            if pending.count >= groupsPerCommit { try await commit() }
        }
        if !pending.isEmpty { try await commit() }
    }

    /// Reports how many files are done, counted from so many that are.
    private func report(_ phase: String, after done: Int, of total: Int) -> (Int) -> Void {
        let report = context.report
        return { more in
            report(
                ActionProgress(
                    phase: phase, done: Int64(done + more), total: Int64(total), unit: "files"))
        }
    }

    /// Leaves a group as it is, and removes what was written of it.
    private mutating func refuse(
        _ group: FileGroup, _ reason: String, writtenAfter before: Int
    ) async throws(MaintenanceError) {
        tally.refused.append(RefusedGroup(group, of: names, because: reason))
        let paths = outputs.files[before...].map(\.path)
        try await outputs.remove(paths)
    }
}

// MARK: Committing

extension GroupCommits {
    private mutating func commit() async throws(MaintenanceError) {
        var preparation = FileRewritePreparation(
            engine: engine, context: context, rules: rules, base: table.metadata,
            branch: branch, outputs: outputs, groups: pending)
        var prepared: PreparedFileRewrite<Rules.Group>?
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
            // Those in conflict are counted already.
            pending = preparation.groups
            try await failed(context.error(of: refusal))
        case .unknown(let reason):
            throw await context.commitUnknown(reason)
        }
    }

    private func commit(
        _ preparation: inout FileRewritePreparation<Tables, Storage, Rules>,
        _ prepared: inout PreparedFileRewrite<Rules.Group>?
    ) async throws(MaintenanceError) -> CommitResult {
        try await engine.commit(
            to: table.identifier,
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
    private mutating func note(
        _ prepared: PreparedFileRewrite<Rules.Group>
    ) async throws(MaintenanceError) {
        tally.change.add(prepared.change)
        tally.groups += prepared.groups.count
        for group in prepared.groups {
            tally.rewrittenBytes &+= group.group.bytes
            group.count(into: &tally)
        }
        rules.note(committed: prepared.groups, removing: prepared.removedDeletes)
        tally.commits.append(
            EngineAftermath.Commit(
                snapshotID: prepared.snapshot.id, operation: "replace",
                committedAt: Timestamp(
                    milliseconds: prepared.snapshot.timestampMilliseconds)))
        try await outputs.handOver(prepared.written)
    }

    /// After a commit that certainly is not in the table: of several, some may fail (P-54).
    private mutating func failed(_ error: MaintenanceError) async throws(MaintenanceError) {
        tally.failedCommits += 1
        switch error {
        case .conflict, .unavailable: break
        case .fenceLost, .cancelled, .refused, .commitUnknown, .unreadable, .stillRunning:
            throw error
        }
        guard progress.maxCommits != nil, tally.failedCommits <= progress.maxFailedCommits else {
            throw error
        }
        for group in pending { drop(group.group, error.description) }
        pending = []
        try await outputs.removeAll()
    }
}

// MARK: Ending early

extension GroupCommits {
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
