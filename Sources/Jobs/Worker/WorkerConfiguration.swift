// SPDX-License-Identifier: Apache-2.0

/// How a worker holds, retries and gives up jobs.
public struct WorkerConfiguration: Hashable, Sendable {
    /// How long a claim lasts unless it is renewed.
    public let lease: Duration
    /// How often it is renewed.
    public let heartbeat: Duration
    /// Attempts before a job fails for good, and the wait between them.
    public let retry: SweepPolicy
    /// How long an idle worker waits before it looks again, when no signal comes.
    ///
    /// The wait varies by half of it either way, so that workers do not look in step.
    public let pollInterval: Duration

    /// Within this long of ``Worker/terminate()`` the worker has let go of its job.
    public static let terminationLimit: Duration = .seconds(2)
    /// How much of ``terminationLimit`` the engine gets to stop by itself.
    public static let engineGrace: Duration = .seconds(1)
    /// How long an engine that lost its fence gets to stop before its worker goes on without it.
    public static let engineStopLimit: Duration = .seconds(60)
    /// Progress goes to the store at most this often, besides the heartbeat.
    public static let progressInterval: Duration = .seconds(1)
    /// How long a worker tries to clean up after its fence is gone before it leaves that to time.
    public static let cleanUpLimit: Duration = .seconds(30)

    /// Checks that a lease outlasts three heartbeats, so that two lost ones do not lose the job.
    public init(
        lease: Duration = .seconds(1800), heartbeat: Duration = .seconds(60),
        maxAttempts: Int = 3, retryDelay: Duration = .seconds(30),
        pollInterval: Duration = .seconds(5)
    ) throws(InvalidWorkerConfiguration) {
        guard heartbeat > .zero, heartbeat * 3 < lease else {
            throw .heartbeatTooLong(heartbeat: heartbeat, lease: lease)
        }
        guard maxAttempts >= 1 else { throw .noAttempts(maxAttempts) }
        guard retryDelay >= .zero, pollInterval > .zero else { throw .negativeDuration }
        self.lease = lease
        self.heartbeat = heartbeat
        self.pollInterval = pollInterval
        retry = SweepPolicy(maxAttempts: maxAttempts, retryDelay: retryDelay)
    }

    /// How long before its end a lease that could not be renewed is given up, so that the engine
    /// has stopped when another attempt may begin.
    ///
    /// As long as an engine gets to stop, or a fifth of a lease that is shorter than five of those.
    /// An engine that takes longer is found by its ``Job/engineState``: whoever comes next begins
    /// nothing before it has seen it gone.
    var abandonMargin: Duration { min(Self.engineStopLimit, lease / 5) }
}

/// Why a configuration cannot work.
public enum InvalidWorkerConfiguration: Error, Hashable, Sendable, CustomStringConvertible {
    /// The heartbeat must be positive and under a third of the lease.
    case heartbeatTooLong(heartbeat: Duration, lease: Duration)
    /// At least one attempt is needed.
    case noAttempts(Int)
    /// Delays cannot be negative, and an idle worker has to wait.
    case negativeDuration

    /// What to change.
    public var description: String {
        switch self {
        case .heartbeatTooLong(let heartbeat, let lease):
            "the heartbeat (\(heartbeat)) must be more than zero and under a third of the lease "
                + "(\(lease))"
        case .noAttempts(let count):
            "a job needs at least one attempt, not \(count)"
        case .negativeDuration:
            "the retry delay must not be negative and the poll interval must be more than zero"
        }
    }
}
