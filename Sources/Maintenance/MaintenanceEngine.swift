// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
public import IcebergTable
public import WireFormat

/// What can carry out actions: the native engine, later Spark.
public protocol MaintenanceEngine: Sendable {
    /// `native` or `spark`.
    var name: String { get }

    /// The actions it can run.
    var actions: Set<MaintenanceAction> { get }

    /// What it does not take of those actions.
    var limits: EngineLimits { get }

    /// What ``run(_:in:)`` would do now. Changes nothing.
    func plan(_ request: ActionRequest) async throws(MaintenanceError) -> ActionPlan

    /// Carries out the action. Cancelling the task stops it at the next file and leaves the table
    /// whole; whatever was committed stays committed.
    func run(
        _ request: ActionRequest, in context: RunContext
    ) async throws(MaintenanceError) -> ActionReport

    /// Stops what an attempt that is over left running outside this process, by its state
    /// (``EngineTracking/keep``), and looks at the table; nil for what is no state of this engine.
    ///
    /// Safe to repeat, by any number of processes at once.
    func settleAbandoned(_ table: TableIdentifier, state: JSONValue) async -> EngineAftermath?
}

extension MaintenanceEngine {
    /// No limits.
    public var limits: EngineLimits { EngineLimits() }

    /// No state: nothing of it outlives the process.
    public func settleAbandoned(
        _ table: TableIdentifier, state: JSONValue
    ) async -> EngineAftermath? { nil }
}

/// One action on one table.
public struct ActionRequest: Sendable {
    /// The table.
    public let table: TableIdentifier
    /// What to do.
    public let action: MaintenanceAction
    /// How; validated.
    public let options: ActionOptions
    /// The time that ages are counted from.
    public let now: Timestamp

    /// Takes every field.
    public init(
        table: TableIdentifier, action: MaintenanceAction, options: ActionOptions, now: Timestamp
    ) {
        self.table = table
        self.action = action
        self.options = options
        self.now = now
    }
}

/// What an engine may ask of the job it works for.
public struct RunContext: Sendable {
    /// Renews the lease and throws ``MaintenanceError/fenceLost`` unless at least this much is left
    /// of it.
    ///
    /// Called before every commit, batch of removals, move and purge.
    public let confirmLease: @Sendable (Duration) async throws(MaintenanceError) -> Void
    /// Whether the lease that was confirmed last still holds.
    ///
    /// Asked at the moment of a commit, without waiting: a pause between the two must not lead to
    /// a commit without a lease.
    public let commitGuard: CommitGuard
    /// Takes note of progress.
    ///
    /// Cheap; call it for every file.
    public let report: @Sendable (ActionProgress) -> Void
    /// Remembers files across crashes.
    public let journal: any MaintenanceJournal
    /// Goes into the snapshot summary or metadata property of a commit, where there is one (P-33).
    public let attempt: AttemptLabel
    /// What work outside this process can be found again by.
    public let tracking: EngineTracking

    /// Takes every field; without tracking nothing outlives the run.
    public init(
        confirmLease: @escaping @Sendable (Duration) async throws(MaintenanceError) -> Void,
        report: @escaping @Sendable (ActionProgress) -> Void,
        journal: any MaintenanceJournal, attempt: AttemptLabel,
        tracking: EngineTracking = .none, commitGuard: CommitGuard = .open
    ) {
        self.confirmLease = confirmLease
        self.commitGuard = commitGuard
        self.report = report
        self.journal = journal
        self.attempt = attempt
        self.tracking = tracking
    }
}

/// Names the job and attempt on whose behalf a commit is made.
public struct AttemptLabel: Hashable, Sendable {
    /// The job.
    public let jobID: String
    /// The fence.
    public let attemptID: String

    /// Pairs a job with a fence.
    public init(jobID: String, attemptID: String) {
        self.jobID = jobID
        self.attemptID = attemptID
    }
}

/// How far an action has come.
public struct ActionProgress: Hashable, Sendable {
    /// What is going on, such as `reading manifests`.
    public var phase: String
    /// Units done.
    public var done: Int64
    /// Units in all; nil while they are still being counted.
    public var total: Int64?
    /// What is counted, such as `files`.
    public var unit: String

    /// Takes every field.
    public init(phase: String, done: Int64, total: Int64?, unit: String) {
        self.phase = phase
        self.done = done
        self.total = total
        self.unit = unit
    }
}

/// What an action did.
public struct ActionReport: Sendable {
    /// A sentence for a person.
    public let message: String
    /// Count-style; nil when nothing reliable can be said.
    public let impact: String?
    /// Exact integers by the result columns of Iceberg's procedures, in their order.
    public let metrics: JSONObject

    /// Takes every field.
    public init(message: String, impact: String?, metrics: JSONObject) {
        self.message = message
        self.impact = impact
        self.metrics = metrics
    }
}

/// What an action would do, in numbers, as the REST contract shows it.
public struct ActionPlan: Sendable {
    /// The snapshot it was computed against; nil for a table without one.
    public let snapshotID: Int64?
    /// Whether running it would change anything.
    public let hasWork: Bool
    /// Counts, bytes, groups, what is skipped and why.
    public let summary: JSONObject

    /// Takes every field.
    public init(snapshotID: Int64?, hasWork: Bool, summary: JSONObject) {
        self.snapshotID = snapshotID
        self.hasWork = hasWork
        self.summary = summary
    }
}

/// Remembers the files that a commit makes unreachable, so that a crash leaves none behind.
public protocol MaintenanceJournal: Sendable {
    /// Before the commit: names the files. Planned entries of an earlier crash are found again
    /// by ``openEntries(tableUUID:after:limit:)``.
    func plan(
        _ files: [JournalledFile], tableUUID: String
    ) async throws(MaintenanceError)

    /// After the removal: these are done with.
    func close(paths: [String]) async throws(MaintenanceError)

    /// The commit's outcome is unknown: no replay may ever remove what this job planned.
    func markUnknown() async throws(MaintenanceError)

    /// What earlier attempts planned and never closed, by id, a page at a time.
    func openEntries(
        tableUUID: String, after id: Int64, limit: Int
    ) async throws(MaintenanceError) -> [OpenJournalledFile]

    /// After a replay: these are done with.
    func closeReplayed(_ ids: [Int64]) async throws(MaintenanceError)
}

/// One file in the journal, or a note of an engine beside its files.
public struct JournalledFile: Hashable, Sendable {
    /// Its location as the metadata spells it.
    public let path: String
    /// The name of its kind.
    public let kindName: String

    /// Pairs a location with a kind.
    public init(path: String, kind: FileKind) {
        self.path = path
        kindName = kind.rawValue
    }

    /// A note, which stands in place of a location and must be unlike any, under a kind that no
    /// file has.
    public init(note: String, kindName: String) {
        path = note
        self.kindName = kindName
    }
}

/// A journal entry that nobody closed.
public struct OpenJournalledFile: Hashable, Sendable {
    /// Its number in the journal.
    public let id: Int64
    /// The file.
    public let path: String
    /// Its kind's name.
    public let kind: String
    /// Whether an earlier attempt of this very job wrote it.
    public let isOwn: Bool

    /// Takes every field.
    public init(id: Int64, path: String, kind: String, isOwn: Bool) {
        self.id = id
        self.path = path
        self.kind = kind
        self.isOwn = isOwn
    }
}

/// Why an action stopped, by what must be done next.
public enum MaintenanceError: Error, Hashable, Sendable {
    /// The lease is gone or too short: stop, change nothing more.
    case fenceLost
    /// The task was cancelled: stop, change nothing more.
    case cancelled
    /// The request cannot be carried out as it stands; says what to change.
    case refused(code: String, reason: String)
    /// A passing fault: the job may be tried again.
    case unavailable(reason: String)
    /// Other writers kept committing until the retries ran out.
    case conflict(reason: String)
    /// A commit may or may not have happened; nothing was cleaned up.
    case commitUnknown(reason: String)
    /// The table or a file of it cannot be understood: nothing was removed.
    case unreadable(reason: String)
    /// The engine was told to stop and is not known to have stopped: nobody may have the table
    /// before somebody has looked.
    case stillRunning(reason: String)
}

extension MaintenanceError: CustomStringConvertible {
    /// The text form, for logs and messages.
    public var description: String {
        switch self {
        case .fenceLost: "the worker's lease was lost"
        case .cancelled: "the action was cancelled"
        case .refused(_, let reason): reason
        case .unavailable(let reason): reason
        case .conflict(let reason): "Commit conflict: \(reason)"
        case .commitUnknown(let reason): "Commit outcome unknown: \(reason)"
        case .unreadable(let reason): reason
        case .stillRunning(let reason): "The engine may still be running: \(reason)"
        }
    }
}
