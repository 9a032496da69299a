// SPDX-License-Identifier: Apache-2.0

/// A worker's times.
public struct WorkerPolicy: Hashable, Sendable {
    /// How long a claim lasts without renewal.
    public var lease: Duration
    /// How often it is renewed.
    public var heartbeat: Duration
    /// How often an idle worker looks even without a signal.
    public var poll: Duration
    /// When failed attempts are tried again.
    public var retry: RetryPolicy
    /// How long an engine may take to stop after a cancel before its lock is left to the lease.
    public var engineStopLimit: Duration
    /// The same after SIGTERM, when the whole ending has ``terminationLimit``.
    public var terminationEngineStopLimit: Duration = .milliseconds(1200)

    /// From SIGTERM to the end of the attempt.
    public static let terminationLimit: Duration = .seconds(2)

    /// Takes every field.
    public init(
        lease: Duration, heartbeat: Duration, poll: Duration, retry: RetryPolicy,
        engineStopLimit: Duration = .seconds(60)
    ) {
        self.lease = lease
        self.heartbeat = heartbeat
        self.poll = poll
        self.retry = retry
        self.engineStopLimit = engineStopLimit
    }
}

/// How an attempt ended, for the worker's caller.
public enum AttemptOutcome: Hashable, Sendable {
    /// The job completed.
    case completed
    /// The job failed.
    case failed(error: String)
    /// The job goes back to the queue, or failed for want of attempts.
    case retried(error: String)
    /// The fence was lost: the job was cancelled, or another attempt has it.
    case fenceLost
    /// The process was told to stop; the job failed with ``JobMessages/terminated``.
    case terminated
}
