// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// The part of the store that moves jobs through their life.
///
/// Rules for every adapter: each call is one transaction; time is the store's clock; every write
/// about a running job names job and attempt in its predicate, and zero rows is
/// ``JobStoreError/fenced``. Repeating a call whose reply was lost must be safe where this says so.
public protocol JobQueue: Sendable {
    /// Takes the table's lock, inserts the job and its queue row, and wakes a worker.
    ///
    /// The lock is free when no row holds it, or when its holder is terminal or gone, *and* its
    /// lease has passed, *and* its holder has no ``Job/engineState`` (``EngineHold``). An
    /// idempotency key seen within
    /// ``JobSubmission/Idempotency/window`` is looked up before the lock; a deleted job counts.
    /// Repeating a submission with the same job id returns the job: safe after a lost reply.
    /// The submission must not be a dry run.
    func submit(_ submission: JobSubmission) async throws(JobStoreError) -> SubmissionOutcome

    /// As ``submit(_:)`` and claims at once, in the same transaction, so that no other worker can
    /// have it: `icepack maintain` runs its own job.
    func submitClaimed(
        _ submission: JobSubmission, by worker: WorkerID, attempt: AttemptID, lease: Duration
    ) async throws(JobStoreError) -> SubmissionOutcome

    /// Stores a dry run that is already over. Takes no lock and never conflicts.
    func recordDryRun(
        _ submission: JobSubmission, results: [ActionResult]
    ) async throws(JobStoreError) -> SubmissionOutcome

    /// Claims the oldest visible unclaimed job under the attempt id given, or nil if there is none.
    ///
    /// Both leases, the claim's and the lock's, then last this long; the error of an earlier
    /// attempt is cleared. A lock row that somebody removed by hand is put back. A job whose row
    /// cannot be read fails, alone, with ``JobMessages/unreadable(_:)``, and the next one is
    /// claimed.
    ///
    /// A lost reply leaves a claim that nobody works on; its lease runs out and the sweep returns
    /// it.
    func claim(
        by worker: WorkerID, attempt: AttemptID, lease: Duration
    ) async throws(JobStoreError) -> ClaimedJob?

    /// Renews the claim's lease and the table lock, and stores progress if there is any. Safe to
    /// repeat. A lease that has passed but that nobody has swept or taken is still renewed. Fenced
    /// as well if the table lock is no longer this claim's.
    func renew(
        _ claim: Claim, lease: Duration, progress: JobProgress?
    ) async throws(JobStoreError)

    /// Writes the result of one action. Repeating it for the same action replaces the row.
    func record(_ result: ActionResult, under claim: Claim) async throws(JobStoreError)

    /// Writes which engine runs the job and why.
    func setEngine(
        _ engine: String, reason: String, under claim: Claim
    ) async throws(JobStoreError)

    /// Writes what the next attempt needs to find this attempt's work; nil clears it.
    func setEngineState(_ state: JSONValue?, under claim: Claim) async throws(JobStoreError)

    /// Ends the attempt: status, queue row and lock in one transaction. A job that ends with an
    /// ``Job/engineState`` keeps its lock (``EngineHold``), except that completing clears the
    /// state. Repeating the same
    /// settlement under the same claim is one settlement: safe after a lost reply. Another
    /// settlement under a claim that has settled is fenced: the first one stands.
    func settle(_ claim: Claim, as settlement: Settlement) async throws(JobStoreError)

    /// With a fence that a cancel, a sweep or its own settlement ended: stores what happened
    /// afterwards. Fenced while the claim still holds the job, and once the job has moved on to
    /// another attempt. An aftermath that says `engine_stopped` clears ``Job/engineState`` and, if
    /// the job is over, frees its lock.
    func recordAftermath(
        _ aftermath: JSONValue, underRevoked claim: Claim
    ) async throws(JobStoreError)

    /// With the fence of a job that is over: releases the table lock if that attempt still holds
    /// it. Releasing a lock that is already gone is not an error; one of a job with an
    /// ``Job/engineState`` stays, without an error. Fenced as
    /// ``recordAftermath(_:underRevoked:)``, and while the job waits for another attempt.
    func releaseLock(underRevoked claim: Claim) async throws(JobStoreError)

    /// Cancels a pending or running job.
    func cancel(_ job: JobID) async throws(JobStoreError) -> CancelOutcome

    /// Hides a terminal job from normal reads.
    func softDelete(_ job: JobID) async throws(JobStoreError) -> DeleteOutcome

    /// Returns lapsed claims to the queue, fails those out of attempts, frees dead locks.
    ///
    /// The lock of a job that is over with an ``Job/engineState`` is dead only when its lease is
    /// more than ``SweepPolicy/engineHoldLimit`` past; then the state is cleared, the aftermath
    /// says ``Aftermath/givenUp``, and the audit log has a row
    /// ``SweepPolicy/holdGivenUpEvent``.
    func sweep(_ policy: SweepPolicy) async throws(JobStoreError) -> SweepReport

    /// Jobs that are over and keep a table because of their ``Job/engineState``, and whose lease
    /// has passed: the longest past first, at most ``EngineHold/maximumPage``.
    func engineHolds(limit: Int) async throws(JobStoreError) -> [EngineHold]
}

/// What is submitted.
public struct JobSubmission: Hashable, Sendable {
    /// Chosen by the caller, so that a repeat after a lost reply is recognised.
    public var jobID: JobID
    /// The table.
    public var table: TableName
    /// Action names in execution order.
    public var actions: [String]
    /// Whether this is a dry run.
    public var isDryRun: Bool
    /// Options by action name; null for none.
    public var options: JSONValue
    /// The client's idempotency key and the digest of path and body it came with.
    public var idempotency: Idempotency?
    /// Who asks, for the audit log.
    public var actor: String
    /// How long the new lock's lease lasts.
    public var lockLease: Duration

    /// A client's promise that two requests are one.
    public struct Idempotency: Hashable, Sendable {
        /// How long a key is remembered.
        public static let window: Duration = .seconds(24 * 60 * 60)

        /// The header's value.
        public let key: String
        /// Hexadecimal digest of path and body.
        public let digest: String

        /// Pairs a key with a digest.
        public init(key: String, digest: String) {
            self.key = key
            self.digest = digest
        }
    }

    /// Takes every field.
    public init(
        jobID: JobID, table: TableName, actions: [String], isDryRun: Bool, options: JSONValue,
        idempotency: Idempotency?, actor: String, lockLease: Duration
    ) {
        self.jobID = jobID
        self.table = table
        self.actions = actions
        self.isDryRun = isDryRun
        self.options = options
        self.idempotency = idempotency
        self.actor = actor
        self.lockLease = lockLease
    }
}

/// What became of a submission.
public enum SubmissionOutcome: Hashable, Sendable {
    /// The job is stored.
    case accepted(Job)
    /// The same key and digest, or the same job id, was stored before: this is that job.
    case repeated(Job)
    /// A pending or running job, or a lease that has not passed, holds the table.
    case locked(by: JobID)
    /// The idempotency key was used with another path or body.
    case idempotencyMismatch(first: JobID)
}

/// A job that was just claimed.
public struct ClaimedJob: Hashable, Sendable {
    /// The proof.
    public let claim: Claim
    /// The job as it is now, status running.
    public let job: Job

    /// Pairs a proof with its job.
    public init(claim: Claim, job: Job) {
        self.claim = claim
        self.job = job
    }
}

/// How an attempt ends.
public enum Settlement: Hashable, Sendable {
    /// Every action succeeded.
    case completed
    /// An action failed for good. With ``LockRelease/leaveToLease`` the lock stays until its lease
    /// has passed, because the engine is not known to have stopped.
    case failed(error: String, lock: LockRelease)
    /// A passing fault: back to the queue, visible again after the delay. The lock stays with the
    /// job, its lease ends now: a worker settles so only once its engine has stopped. Out of
    /// attempts, the store fails the job with the error and releases the lock instead. A lock that
    /// the job's ``Job/engineState`` keeps has its lease ended.
    case retry(error: String, after: Duration, maxAttempts: Int)

    /// What happens to the table lock.
    public enum LockRelease: Hashable, Sendable {
        /// Freed in the same transaction; if the job's ``Job/engineState`` keeps it, its lease
        /// ends, so that the next sweep looks at the engine.
        case release
        /// Left until its lease has passed.
        case leaveToLease
    }
}

/// What became of a cancel.
public enum CancelOutcome: Hashable, Sendable {
    /// The job is cancelled now.
    case cancelled(Job)
    /// No such job, or it is deleted.
    case notFound
    /// It was already over.
    case alreadyTerminal(Job)
}

/// What became of a soft delete.
public enum DeleteOutcome: Hashable, Sendable {
    /// Hidden now, or already hidden by an earlier call whose reply was lost is `notFound`.
    case deleted
    /// No such job, or it is deleted.
    case notFound
    /// It is pending or running.
    case active(Job)
}

/// The sweep's limits.
public struct SweepPolicy: Hashable, Sendable {
    /// Attempts before a job fails with `Abandoned after n attempts`.
    public var maxAttempts: Int
    /// Delay before the second attempt; it doubles for each later one.
    public var retryDelay: Duration
    /// The most jobs and the most locks one call handles.
    public var batchLimit: Int

    /// How long after its lease a table is held for an engine that nobody has seen stop.
    ///
    /// By then Spark's statement has run into its own limit many times over; a table that nobody
    /// can ever see free again would be the greater harm.
    public static let engineHoldLimit: Duration = .seconds(24 * 60 * 60)

    /// The audit log's event for a hold that ended with ``engineHoldLimit``.
    public static let holdGivenUpEvent = "job.engine_hold_given_up"

    /// The audit log's actor for what a sweep does.
    public static let auditActor = "sweep"

    /// Doubling stops here, so that many attempts do not mean days of waiting.
    public static let longestDelay: Duration = .seconds(60 * 60)

    /// Takes every field.
    public init(maxAttempts: Int, retryDelay: Duration = .seconds(30), batchLimit: Int = 500) {
        self.maxAttempts = maxAttempts
        self.retryDelay = retryDelay
        self.batchLimit = batchLimit
    }

    /// How long a job waits after this many attempts have failed it.
    public func delay(afterAttempts attempts: Int) -> Duration {
        var delay = min(retryDelay, Self.longestDelay)
        for _ in 1..<max(1, attempts) where delay < Self.longestDelay {
            delay = min(delay * 2, Self.longestDelay)
        }
        return delay
    }

    /// What a job fails with that was given up after this many attempts.
    public static func abandonment(attempts: Int) -> String {
        "Abandoned after \(attempts) attempt\(attempts == 1 ? "" : "s")"
    }
}

/// What a sweep did.
public struct SweepReport: Hashable, Sendable {
    /// Jobs back in the queue.
    public var requeued: [JobID]
    /// Jobs failed for want of attempts.
    public var abandoned: [JobID]
    /// Locks freed.
    public var releasedLocks: Int
    /// Jobs whose table was held up to ``SweepPolicy/engineHoldLimit`` and is not any more.
    public var givenUpHolds: [JobID]

    /// Takes every field.
    public init(
        requeued: [JobID] = [], abandoned: [JobID] = [], releasedLocks: Int = 0,
        givenUpHolds: [JobID] = []
    ) {
        self.requeued = requeued
        self.abandoned = abandoned
        self.releasedLocks = releasedLocks
        self.givenUpHolds = givenUpHolds
    }
}
