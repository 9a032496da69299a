// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// Carries out one action of a job.
///
/// Cancelling the task asks it to stop: at its next file it throws ``ActionFailure/cancelled``
/// and leaves the table whole. What it returns or throws is recorded by the worker.
public typealias ActionEngine =
    @Sendable (ActionInvocation, ActionContext) async throws(ActionFailure) -> ActionResult

/// One action of one job.
public struct ActionInvocation: Hashable, Sendable {
    /// The job as it was claimed, with what earlier attempts left.
    public let job: Job
    /// The action's name.
    public let action: String

    /// Pairs a job with an action.
    public init(job: Job, action: String) {
        self.job = job
        self.action = action
    }

    /// The action's own options; null when none were given.
    public var options: JSONValue { job.options.objectValue?[action] ?? .null }
}

/// Why an action did not succeed, by what becomes of the job.
public enum ActionFailure: Error, Hashable, Sendable {
    /// The job fails.
    case failed(message: String)
    /// A passing fault: the job is tried again, up to its limit.
    case retryable(message: String)
    /// The worker's fence is gone: the job is another's, or nobody's.
    case fenceLost
    /// The engine stopped because it was asked to.
    case cancelled
    /// A commit may or may not have happened. The job fails, and its journalled files are never
    /// removed by a replay.
    case commitUnknown(message: String)
    /// The engine was asked to stop and is not known to have: the table stays locked until
    /// somebody has looked.
    case stillRunning(message: String)
}

extension ActionFailure: CustomStringConvertible {
    /// The message for a person.
    public var description: String {
        switch self {
        case .failed(let message), .retryable(let message), .commitUnknown(let message),
            .stillRunning(let message):
            message
        case .fenceLost: "the worker's lease was lost"
        case .cancelled: "the action was cancelled"
        }
    }
}

/// What an action may ask of the job it runs for.
///
/// Every call acts under the job's claim.
public struct ActionContext: Sendable {
    /// The proof of tenancy, to be named in what is committed.
    public let claim: Claim

    private let guarded: any ActionSupport
    private let reportProgress: @Sendable (JobProgress) -> Void
    private let keepAftermath: @Sendable (JSONValue) -> Void
    private let keepEngine: @Sendable (String, String) -> Void
    /// Takes note of whether the job may have an engine state.
    private let noteEngineState: @Sendable (Bool) -> Void

    /// `any`, because an engine serves jobs of whichever store.
    init(
        claim: Claim, support: any ActionSupport,
        report: @escaping @Sendable (JobProgress) -> Void,
        aftermath: @escaping @Sendable (JSONValue) -> Void = { _ in },
        engine: @escaping @Sendable (String, String) -> Void = { _, _ in },
        engineState: @escaping @Sendable (Bool) -> Void = { _ in }
    ) {
        self.claim = claim
        guarded = support
        reportProgress = report
        keepAftermath = aftermath
        keepEngine = engine
        noteEngineState = engineState
    }

    /// Renews the lease in the store, and throws unless at least this much of it is left then.
    ///
    /// To be called before every commit, every batch of removals, every move and purge; what
    /// follows must end within the time asked for.
    ///
    /// - Throws: ``ActionFailure/fenceLost`` when the fence is gone or the lease is running out,
    ///   ``ActionFailure/failed(message:)`` when no lease is ever that long.
    public func confirmLease(atLeast needed: Duration) async throws(ActionFailure) {
        try await guarded.confirmLease(atLeast: needed)
    }

    /// Whether the lease that was confirmed last still holds, by the worker's own clock.
    ///
    /// Does not wait; to be asked at the moment of a commit.
    public var holdsLease: Bool { guarded.holdsLease }

    /// Takes note of progress.
    ///
    /// Cheap, and coalesced: call it for every file.
    public func report(_ progress: JobProgress) { reportProgress(progress) }

    /// Takes note of what became of the engine's work when it is stopped early.
    ///
    /// The last note counts; it becomes the job's ``Job/aftermath``.
    public func noteAftermath(_ aftermath: JSONValue) { keepAftermath(aftermath) }

    /// Takes note of which engine carries out the action and why, for the result of an action that
    /// fails.
    public func noteEngine(_ engine: String, reason: String) { keepEngine(engine, reason) }

    /// Writes which engine runs the job and why.
    public func setEngine(_ engine: String, reason: String) async throws(ActionFailure) {
        try await guarded.perform { store, claim throws(JobStoreError) in
            try await store.setEngine(engine, reason: reason, under: claim)
        }
    }

    /// Writes what the next attempt needs to find this attempt's work; nil clears it.
    public func setEngineState(_ state: JSONValue?) async throws(ActionFailure) {
        // Nothing can be found by JSON's null.
        let state = state.flatMap { $0.isNull ? Optional.none : $0 }
        // Before the call for one, after it for none: a lost reply must count as a state.
        if state != nil { noteEngineState(true) }
        try await guarded.perform { store, claim throws(JobStoreError) in
            try await store.setEngineState(state, under: claim)
        }
        if state == nil { noteEngineState(false) }
    }

    /// Before a commit: names the files it will orphan or bring.
    public func journal(
        _ entries: [FileJournalEntry], tableUUID: String
    ) async throws(ActionFailure) {
        try await guarded.perform { store, claim throws(JobStoreError) in
            try await store.append(entries, tableUUID: tableUUID, under: claim)
        }
    }

    /// These files of this job are done with.
    public func closeJournal(paths: [String]) async throws(ActionFailure) {
        try await guarded.perform { store, claim throws(JobStoreError) in
            try await store.close(paths: paths, under: claim)
        }
    }

    /// The outcome of this job's commit is not known: no replay may remove its files.
    ///
    /// Heeds neither a cancellation nor a lost fence: those are when it matters most.
    public func markJournalUnknown() async throws(ActionFailure) {
        let guarded = guarded
        // Unstructured, because the connections of a cancelled task would refuse.
        let marking = Task { () async -> Result<Void, ActionFailure> in
            do throws(ActionFailure) {
                return .success(
                    try await guarded.perform { store, claim throws(JobStoreError) in
                        try await store.markUnknown(under: claim)
                    })
            } catch { return .failure(error) }
        }
        try await marking.value.get()
    }

    /// What earlier attempts named and nobody closed, by id, a page at a time.
    public func openJournalEntries(
        tableUUID: String, after id: Int64, limit: Int
    ) async throws(ActionFailure) -> [OpenFileJournalEntry] {
        try await guarded.perform { store, claim throws(JobStoreError) in
            try await store.openEntries(
                tableUUID: tableUUID, for: claim.jobID, after: id, limit: limit)
        }
    }

    /// After a replay: these entries, of whichever job, are done with.
    public func closeReplayed(_ ids: [Int64]) async throws(ActionFailure) {
        try await guarded.perform { store, claim throws(JobStoreError) in
            try await store.closeReplayed(ids, under: claim)
        }
    }
}

/// What stands behind an ``ActionContext``.
protocol ActionSupport: Sendable {
    func confirmLease(atLeast needed: Duration) async throws(ActionFailure)

    var holdsLease: Bool { get }

    /// Makes a call to the store that is safe to repeat, and repeats it through short outages.
    func perform<Value: Sendable>(
        _ call: @Sendable (any JobQueue & FileJournal, Claim) async throws(JobStoreError) -> Value
    ) async throws(ActionFailure) -> Value
}
