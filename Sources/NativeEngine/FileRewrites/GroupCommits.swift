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
    /// Rows that equality deletes deleted, and that new position deletes delete in their place.
    var convertedRows: Int64 = 0
    var refused: [RefusedGroup] = []
    var dropped: [DroppedGroup] = []
    /// Files that were left because they would be what they are.
    var gainlessFiles = 0
    var failedCommits = 0
    var commits: [EngineAftermath.Commit] = []
    /// How many groups went each way.
    var ways: [String: Int] = [:]
    /// How many sorted runs of rows did not fit into memory.
    var spilledRuns = 0
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
    /// What is tried of a group without files that cannot be rewritten; without it nothing is.
    var remainder: Remainder?

    /// - Parameters:
    ///   - branch: The branch that the groups are of, and that gets the commits.
    ///   - earlier: What the run has done before.
    ///   - refused: Groups that are left from the beginning.
    init(
        engine: NativeEngine<Tables, Storage>, context: RunContext, table: LoadedTable,
        branch: String = SnapshotReference.mainName, progress: PartialProgress, rules: Rules,
        after earlier: RewriteTally = RewriteTally(), refused: [RefusedGroup]
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
        tally = earlier
        tally.refused += refused
    }

    /// Writes a group's files into the outputs, and may tell how many of its files are done.
    typealias GroupWork =
        @Sendable (GroupTurn, FileGroup, inout OutputFiles<Storage>, (Int) -> Void)
        async throws(GroupFailure) -> Rules.Group

    /// A group without some of its files; nil if the others are not worth it.
    typealias Remainder = @Sendable (FileGroup, Set<String>) -> FileGroup?

    /// A group that was tried, with the files that were written for it.
    private struct Attempt: Sendable {
        let ordinal: Int
        /// What was left of the group when it was tried last; nil if that was not worth it.
        let group: FileGroup?
        /// Files of it that were left one by one.
        let left: [UnsupportedFiles]
        /// How many of its files would be what they are.
        let gainless: Int
        let outputs: OutputFiles<Storage>
        let result: Result<Rules.Group, GroupFailure>?
    }

    /// Writes groups, several at once, and commits them; those that cannot be rewritten are left.
    ///
    /// One commit has them in the order of the plan. Of several commits each has what was finished
    /// since the one before, so that nothing waits for a group that is slow.
    ///
    /// When this throws nothing is being written any more, and ``outputs`` has what was.
    ///
    /// - Parameters:
    ///   - atOnce: How many groups are written at once.
    ///   - phase: What the job is doing, in words.
    ///   - write: Writes one group, whose place in the plan it is told.
    mutating func run(
        _ groups: [FileGroup], atOnce: Int, phase: String, write: @escaping GroupWork
    ) async throws(MaintenanceError) {
        let progress = GroupProgress(groups, phase: phase, report: context.report)
        let empty = OutputFiles(
            storage: engine.storage, context: context, tableUUID: table.journalKey)
        let remainder = remainder
        let failure: MaintenanceError? = await withTaskGroup(of: Attempt.self) { tasks in
            let isPartial = self.progress.maxCommits != nil
            var order = PlanOrder<Attempt>()
            var (started, taken) = (0, 0)
            func start() {
                guard started < groups.count else { return }
                let (ordinal, group) = (started, groups[started])
                started += 1
                tasks.addTask {
                    await Self.attempt(ordinal, group, empty, remainder, write, progress)
                }
            }
            do throws(MaintenanceError) {
                for _ in 0..<atOnce { start() }
                while let attempt = await tasks.next() {
                    // All is over, whatever becomes of groups that are before it in the plan.
                    if case .failure(.stopped(let error)) = attempt.result {
                        outputs.add(attempt.outputs)
                        throw error
                    }
                    start()
                    order.add(attempt, at: isPartial ? taken : attempt.ordinal)
                    while let next = order.next() {
                        taken += 1
                        try await take(next, groups[next.ordinal], number: taken, of: groups.count)
                    }
                }
                try await conclude()
                return nil
            } catch {
                tasks.cancelAll()
                for await attempt in tasks { outputs.add(attempt.outputs) }
                for attempt in order.waiting { outputs.add(attempt.outputs) }
                return error
            }
        }
        if let failure { throw failure }
    }

    private static func attempt(
        _ ordinal: Int, _ group: FileGroup, _ empty: OutputFiles<Storage>,
        _ remainder: Remainder?, _ write: GroupWork, _ progress: GroupProgress
    ) async -> Attempt {
        var outputs = empty
        var rest: FileGroup? = group
        var turn = GroupTurn(ordinal: ordinal)
        var left: [UnsupportedFiles] = []
        var gainless = 0
        var result: Result<Rules.Group, GroupFailure>?
        while let tried = rest, result == nil {
            do throws(GroupFailure) {
                guard !Task.isCancelled else { throw .stopped(.cancelled) }
                let written = try await write(turn, tried, &outputs) {
                    progress.note($0, of: ordinal)
                }
                result = .success(written)
            } catch {
                switch error {
                case .unsupportedFiles(let files) where !files.isEmpty && remainder != nil:
                    // Mostly files are looked at before anything is written.
                    do throws(MaintenanceError) { try await outputs.removeAll() } catch {
                        result = .failure(.stopped(error))
                    }
                    turn.tries += 1
                    left.append(files)
                    rest = remainder?(tried, files.paths)
                case .gainless:
                    gainless = tried.files.count
                    rest = nil
                case .unsupported, .unsupportedFiles, .stopped: result = .failure(error)
                }
            }
        }
        switch result {
        case .failure(.stopped): break
        case .success, .failure, nil: progress.note(group.files.count, of: ordinal)
        }
        return Attempt(
            ordinal: ordinal, group: rest, left: left, gainless: gainless, outputs: outputs,
            result: result)
    }

    /// Takes what became of a group whose turn it is.
    private mutating func take(
        _ attempt: Attempt, _ group: FileGroup, number: Int, of count: Int
    ) async throws(MaintenanceError) {
        outputs.add(attempt.outputs)
        try MaintenanceError.checkCancellation()
        tally.refused += attempt.left.map { RefusedGroup($0, of: group, names) }
        tally.gainlessFiles += attempt.gainless
        var reason: String?
        switch attempt.result {
        case .success(let written): pending.append(written)
        case nil: break
        case .failure(.stopped(let error)): throw error
        case .failure(.unsupported(let why)): reason = why
        case .failure(.unsupportedFiles(let files)): reason = files.reason
        case .failure(.gainless): break
        }
        if let reason {
            tally.refused.append(RefusedGroup(attempt.group ?? group, of: names, because: reason))
            try await outputs.remove(attempt.outputs.files.map(\.path))
        }
        // What comes last is for the commit that concludes the run.
        guard number < count else { return }
        if pending.count >= progress.groupsPerCommit(of: count) { try await commit() }
    }
}

// MARK: Committing

extension GroupCommits {
    /// Makes the last commit: of the groups that wait for one, and of what goes without a group.
    mutating func conclude() async throws(MaintenanceError) {
        rules.conclude()
        if !pending.isEmpty || rules.removesDanglingDeletes { try await commit() }
    }

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
