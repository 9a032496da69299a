// SPDX-License-Identifier: Apache-2.0

/// Decides what to do next about a statement that runs.
///
/// It holds no clock and does no I/O: the run tells it what the server said and how long it has
/// been, and carries out what it returns.
package struct OperationRunStateMachine: Sendable {
    /// What to do next.
    package enum Step: Hashable, Sendable {
        /// Ask again after this long.
        case poll(after: Duration)
        /// It succeeded: fetch the result.
        case collect
        /// Spark says that it failed.
        case failed(sqlState: String?, message: String)
        /// It did not end by itself, so Iceberg may go on below it: stop it, then fail so.
        case stop(Ending)
    }

    /// Why a statement is stopped.
    package enum Ending: Hashable, Sendable {
        /// It took longer than it may.
        case timeLimit
        /// Somebody else cancelled or closed it.
        case interrupted
        /// The server does not know it any more.
        case lost(reason: String)
        /// The server has been out of reach for too long, or makes no sense.
        case unreachable(reason: String)
        /// The server refuses to talk about it.
        case refused(reason: String)
    }

    private let pace: SparkPace
    private let limit: Duration
    private var pause: Duration
    private var unreachableSince: Duration?

    /// For a statement with a time limit.
    package init(limit: Duration, pace: SparkPace) {
        self.limit = limit
        self.pace = pace
        pause = pace.firstPoll
    }

    /// What to do after the server said this.
    ///
    /// - Parameter elapsed: how long the statement has been running; never less than before.
    package mutating func next(
        after reply: Result<SparkOperationStatus, SparkServerError>, at elapsed: Duration
    ) -> Step {
        switch reply {
        case .success(let status):
            unreachableSince = nil
            return next(after: status, at: elapsed)
        case .failure(let error):
            return next(after: error, at: elapsed)
        }
    }

    private mutating func next(
        after status: SparkOperationStatus, at elapsed: Duration
    ) -> Step {
        switch status.state {
        case .finished:
            return .collect
        case .failed:
            return .failed(sqlState: status.sqlState, message: status.message ?? "")
        case .timedOut:
            return .stop(.timeLimit)
        case .cancelled, .closed:
            return .stop(.interrupted)
        case .pending, .running, .unknown:
            return pollOrGiveUp(at: elapsed)
        }
    }

    private mutating func next(after error: SparkServerError, at elapsed: Duration) -> Step {
        switch error {
        case .retry(let reason), .reattach(let reason), .malformed(let reason),
            .tooLarge(let reason):
            return unreachable(reason, at: elapsed)
        case .handleLost(let reason):
            return .stop(.lost(reason: reason))
        case .rejected(let reason):
            return .stop(.refused(reason: reason))
        case .statement(let sqlState, let message):
            // The question failed and not the statement: a server that cannot reach Spark
            // answers so, and Spark goes on.
            let failure = SparkFailure(sqlState: sqlState, message: message)
            return unreachable(failure.summary, at: elapsed)
        }
    }

    private mutating func unreachable(_ reason: String, at elapsed: Duration) -> Step {
        let since = unreachableSince ?? elapsed
        unreachableSince = since
        if elapsed - since >= pace.patience { return .stop(.unreachable(reason: reason)) }
        return pollOrGiveUp(at: elapsed)
    }

    private mutating func pollOrGiveUp(at elapsed: Duration) -> Step {
        guard elapsed < limit + pace.limitGrace else { return .stop(.timeLimit) }
        defer { pause = min(pause * 2, pace.longestPoll) }
        return .poll(after: pause)
    }
}
