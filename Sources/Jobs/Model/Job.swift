// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// A job as the store holds it.
public struct Job: Hashable, Sendable {
    /// Its name.
    public let id: JobID
    /// The table it maintains.
    public let table: TableName
    /// The actions in execution order, by name.
    public let actions: [String]
    /// Whether it only says what it would do.
    public let isDryRun: Bool
    /// Options by action name, validated at submit; null when none were given.
    public let options: JSONValue
    /// Where it is in its life.
    public var status: JobStatus
    /// When it was submitted, by the store's clock.
    public var submittedAt: Timestamp
    /// When it was first claimed.
    public var startedAt: Timestamp?
    /// When it reached a terminal status.
    public var completedAt: Timestamp?
    /// The first failed action's error, or why the job as a whole ended badly.
    public var error: String?
    /// The newest progress; kept after the end, shown only while running.
    public var progress: JobProgress?
    /// The engine or engines that ran it: `native`, `spark` or `mixed`.
    public var engine: String?
    /// Why that engine was chosen.
    public var engineReason: String?
    /// The fence of the attempt that holds it now.
    public var attemptID: AttemptID?
    /// The fence of the newest attempt that is over: revoked by a cancel or a sweep, or settled.
    public var lastAttemptID: AttemptID?
    /// How many times it was claimed.
    public var attemptCount: Int
    /// When it was soft-deleted.
    public var deletedAt: Timestamp?
    /// What the next attempt needs to find this attempt's engine work again.
    public var engineState: JSONValue?
    /// What happened after a cancel, a lost fence or a SIGTERM.
    public var aftermath: JSONValue?
    /// The actions that ran, in order.
    public var results: [ActionResult]

    /// A job as it is when it has just been submitted.
    public init(
        id: JobID, table: TableName, actions: [String], isDryRun: Bool, options: JSONValue,
        status: JobStatus, submittedAt: Timestamp
    ) {
        self.id = id
        self.table = table
        self.actions = actions
        self.isDryRun = isDryRun
        self.options = options
        self.status = status
        self.submittedAt = submittedAt
        attemptCount = 0
        results = []
    }
}

extension Job {
    /// ``engine`` and ``engineReason``, or what the results say where nothing was noted: nobody
    /// claims a dry run, so nobody notes anything of it.
    public var engineShown: (engine: String?, reason: String?) {
        if engine != nil { return (engine, engineReason) }
        let chosen = results.compactMap { result in
            result.engine.map { (action: result.action, engine: $0, reason: result.engineReason) }
        }
        guard let first = chosen.first else { return (nil, engineReason) }
        let isMixed = chosen.contains { $0.engine != first.engine }
        var reasons: [String] = []
        for (action, engine, reason) in chosen {
            guard let reason else { continue }
            let text = isMixed ? "\(action) on \(engine): \(reason)" : reason
            if !reasons.contains(text) { reasons.append(text) }
        }
        return (
            isMixed ? "mixed" : first.engine,
            reasons.isEmpty ? nil : reasons.joined(separator: "; ")
        )
    }
}

/// What one action did.
public struct ActionResult: Hashable, Sendable {
    /// The action's name.
    public let action: String
    /// Whether it did what was asked.
    public let isSuccess: Bool
    /// A sentence for a person.
    public let message: String
    /// Count-style, or nil when nothing reliable can be said.
    public let impact: String?
    /// What went wrong.
    public let error: String?
    /// Wall clock.
    public let elapsedSeconds: Double
    /// Exact integers keyed by the result columns of Iceberg's procedures.
    public let metrics: JSONObject
    /// The engine that ran it.
    public let engine: String?
    /// Why that engine.
    public let engineReason: String?
    /// What would be done, on a dry run.
    public let plan: JSONValue?

    /// Takes every field.
    public init(
        action: String, isSuccess: Bool, message: String, impact: String? = nil,
        error: String? = nil, elapsedSeconds: Double, metrics: JSONObject = JSONObject(),
        engine: String? = nil, engineReason: String? = nil, plan: JSONValue? = nil
    ) {
        self.action = action
        self.isSuccess = isSuccess
        self.message = message
        self.impact = impact
        self.error = error
        self.elapsedSeconds = elapsedSeconds
        self.metrics = metrics
        self.engine = engine
        self.engineReason = engineReason
        self.plan = plan
    }
}

/// How far the running action has come.
public struct JobProgress: Hashable, Sendable {
    /// The action that is running.
    public var action: String
    /// What is running within it, in a word or two for a person, such as `deleting files`.
    public var phase: String?
    /// Units done.
    public var done: Int64
    /// Units in all; nil while they are still being counted.
    public var total: Int64?
    /// What is counted, such as `files`.
    public var unit: String
    /// Bytes done, where bytes are what takes the time.
    public var bytesDone: Int64?
    /// Bytes in all.
    public var bytesTotal: Int64?
    /// When the store took note of it; nil until then.
    public var updatedAt: Timestamp?

    /// Progress that no store has seen yet.
    public init(
        action: String, phase: String? = nil, done: Int64, total: Int64?, unit: String,
        bytesDone: Int64? = nil, bytesTotal: Int64? = nil
    ) {
        self.action = action
        self.phase = phase
        self.done = done
        self.total = total
        self.unit = unit
        self.bytesDone = bytesDone
        self.bytesTotal = bytesTotal
    }
}
