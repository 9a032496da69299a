// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// What runs a job's actions.
///
/// `Jobs` knows an engine only as these two closures.
public struct JobExecutor: Sendable {
    /// Says which engine runs a job and why; a job that none can run is failed with the reason.
    public let chooseEngine: @Sendable (Job) throws(ActionFailure) -> EngineChoiceLabel
    /// Runs one action.
    ///
    /// The task is cancelled when the fence is lost, and must then stop soon and leave the table
    /// whole.
    public let run:
        @Sendable (ActionInvocation, ActionContext) async throws(ActionFailure) -> ActionReturn

    /// Takes both closures.
    public init(
        chooseEngine: @escaping @Sendable (Job) throws(ActionFailure) -> EngineChoiceLabel,
        run:
            @escaping @Sendable (ActionInvocation, ActionContext) async throws(ActionFailure)
            -> ActionReturn
    ) {
        self.chooseEngine = chooseEngine
        self.run = run
    }
}

/// Which engine runs a job, for people.
public struct EngineChoiceLabel: Hashable, Sendable {
    /// `native`, `spark` or `mixed`.
    public let engine: String
    /// Why.
    public let reason: String

    /// Pairs a name with a reason.
    public init(engine: String, reason: String) {
        self.engine = engine
        self.reason = reason
    }
}

/// One action to run.
public struct ActionInvocation: Hashable, Sendable {
    /// The table.
    public let table: TableName
    /// The action's name.
    public let action: String
    /// Its options; null for none.
    public let options: JSONValue

    /// Takes every field.
    public init(table: TableName, action: String, options: JSONValue) {
        self.table = table
        self.action = action
        self.options = options
    }
}

/// What an engine returns for an action that did what was asked.
public struct ActionReturn: Hashable, Sendable {
    /// A sentence for a person.
    public let message: String
    /// Count-style; nil when nothing reliable can be said.
    public let impact: String?
    /// Exact integers.
    public let metrics: JSONObject
    /// The engine's name.
    public let engine: String

    /// Takes every field.
    public init(message: String, impact: String?, metrics: JSONObject, engine: String) {
        self.message = message
        self.impact = impact
        self.metrics = metrics
        self.engine = engine
    }
}

/// Why an action did not do what was asked, by what becomes of the job.
public enum ActionFailure: Error, Hashable, Sendable {
    /// For good: the job fails.
    case failed(String)
    /// A passing fault: the job is tried again while it has attempts left.
    case retryable(String)
    /// A commit may or may not have happened: the job fails, and nothing is cleaned up.
    case commitUnknown(String)
    /// The lease is gone or too short: nothing more may be changed.
    case fenceLost
    /// The task was cancelled and the engine stopped.
    case cancelled

    /// A sentence for a person.
    public var message: String {
        switch self {
        case .failed(let message), .retryable(let message): message
        case .commitUnknown(let message):
            message.hasPrefix("Commit outcome unknown")
                ? message : "Commit outcome unknown: \(message)"
        case .fenceLost: "The worker's lease was lost or too short to finish"
        case .cancelled: "The action was stopped before it finished"
        }
    }
}

/// What an engine may ask of the job it works for.
public struct ActionContext: Sendable {
    /// The proof of tenancy.
    public let claim: Claim
    /// Renews the lease and answers only if at least this much of it is left.
    public let confirmLease: @Sendable (Duration) async throws(LeaseRefusal) -> Void
    /// Takes note of progress; cheap, to be called for every file.
    public let report: @Sendable (JobProgress) -> Void
    /// The store's journal, for this claim only.
    public let journal: any FileJournal
    /// Keeps what the next attempt needs to find this one's engine work again.
    public let saveEngineState: @Sendable (JSONValue?) async throws(JobStoreError) -> Void

    /// Takes every field.
    public init(
        claim: Claim,
        confirmLease: @escaping @Sendable (Duration) async throws(LeaseRefusal) -> Void,
        report: @escaping @Sendable (JobProgress) -> Void, journal: any FileJournal,
        saveEngineState: @escaping @Sendable (JSONValue?) async throws(JobStoreError) -> Void
    ) {
        self.claim = claim
        self.confirmLease = confirmLease
        self.report = report
        self.journal = journal
        self.saveEngineState = saveEngineState
    }
}

/// Why a lease was not confirmed.
public enum LeaseRefusal: Error, Hashable, Sendable {
    /// The fence is gone, or too little lease is left.
    case fenceLost
    /// The store did not answer, so nothing is known.
    case unconfirmed(reason: String)
}
