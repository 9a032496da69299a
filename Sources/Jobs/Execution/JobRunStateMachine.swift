// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// Decides what one attempt at a job does next.
///
/// Invariants: at most one action runs at a time; after the fence is lost nothing is recorded or
/// settled; exactly one of `settle` and `abandon` is asked for, and it is the last thing.
struct JobRunStateMachine: Sendable {
    enum Event: Sendable {
        /// The attempt begins.
        case started
        /// The running action ended with this result; the engine no longer works.
        case actionEnded(ActionResult, ActionFailure?)
        /// The store said the fence is gone, or the lease ran out.
        case fenceLost
        /// The process was told to stop.
        case terminate
        /// The engine did not stop in time after it was cancelled.
        case engineStopLimitReached
    }

    enum Step: Equatable, Sendable {
        /// Run the action of this index.
        case run(Int)
        /// Write its row.
        case record(ActionResult)
        /// Cancel the engine and start its time limit.
        case cancelEngine
        /// End the attempt in the store.
        case settle(Settlement)
        /// The fence is gone: tell the aftermath, release the lock if the engine stopped.
        case abandon(engineStopped: Bool)
    }

    private enum State {
        case ready
        case running(Int)
        case stopping(StopReason)
        case over
    }

    private enum StopReason {
        case fenceLost
        case terminated
    }

    private let actions: [String]
    private let finished: Set<String>
    private let retry: RetryPolicy
    private let attempt: Int
    private var state = State.ready

    /// - Parameters:
    ///   - finished: Actions that an earlier attempt recorded as done; they are not run again.
    ///   - attempt: 1 for the first.
    init(actions: [String], finished: Set<String>, retry: RetryPolicy, attempt: Int) {
        self.actions = actions
        self.finished = finished
        self.retry = retry
        self.attempt = attempt
    }

    /// Whether nothing follows.
    var isOver: Bool {
        switch state {
        case .ready, .running, .stopping: false
        case .over: true
        }
    }

    mutating func handle(_ event: Event) -> [Step] {
        switch (state, event) {
        case (.ready, .started): return advance(from: 0)
        case (.running(let index), .actionEnded(let result, let failure)):
            return ended(index, result, failure)
        case (.running, .fenceLost):
            state = .stopping(.fenceLost)
            return [.cancelEngine]
        case (.running, .terminate):
            state = .stopping(.terminated)
            return [.cancelEngine]
        case (.stopping(.terminated), .fenceLost):
            state = .stopping(.fenceLost)
            return []
        case (.stopping(let reason), .actionEnded): return stop(reason, engineStopped: true)
        case (.stopping(let reason), .engineStopLimitReached):
            return stop(reason, engineStopped: false)
        case (.ready, .fenceLost): return stop(.fenceLost, engineStopped: true)
        case (.ready, .terminate): return stop(.terminated, engineStopped: true)
        case (.ready, .actionEnded), (.ready, .engineStopLimitReached), (.running, .started),
            (.running, .engineStopLimitReached), (.stopping, .started), (.stopping, .terminate),
            (.stopping(.fenceLost), .fenceLost), (.over, _):
            return []
        }
    }

    private mutating func advance(from index: Int) -> [Step] {
        let next = (index..<actions.count).first { !finished.contains(actions[$0]) }
        guard let next else {
            state = .over
            return [.settle(.completed)]
        }
        state = .running(next)
        return [.run(next)]
    }

    private mutating func ended(
        _ index: Int, _ result: ActionResult, _ failure: ActionFailure?
    ) -> [Step] {
        guard let failure else { return [.record(result)] + advance(from: index + 1) }
        state = .over
        let error = result.error ?? result.message
        switch failure {
        case .failed, .commitUnknown, .cancelled:
            return [.record(result), .settle(.failed(error: error, lock: .release))]
        case .retryable, .fenceLost:
            // A fence that is really gone makes the store refuse both writes.
            let delay = retry.delay(afterAttempt: attempt)
            return [
                .record(result),
                .settle(.retry(error: error, after: delay, maxAttempts: retry.maxAttempts)),
            ]
        }
    }

    private mutating func stop(_ reason: StopReason, engineStopped: Bool) -> [Step] {
        state = .over
        switch reason {
        case .fenceLost: return [.abandon(engineStopped: engineStopped)]
        case .terminated:
            return [
                .settle(
                    .failed(
                        error: JobMessages.terminated,
                        lock: engineStopped ? .release : .leaveToLease))
            ]
        }
    }
}

/// When a job is tried again.
public struct RetryPolicy: Hashable, Sendable {
    /// Attempts in all.
    public let maxAttempts: Int
    /// The delay before the second attempt; it doubles for each later one.
    public let delay: Duration

    /// The longest delay, whatever the doubling says.
    public static let maximumDelay: Duration = .seconds(86_400)

    /// Takes both fields.
    public init(maxAttempts: Int, delay: Duration) {
        self.maxAttempts = maxAttempts
        self.delay = delay
    }

    /// The delay before the attempt that follows this one; attempts count from 1.
    public func delay(afterAttempt attempt: Int) -> Duration {
        // Past 20 doublings every delay of a second or more has reached the maximum.
        min(Self.maximumDelay, delay * (1 << min(max(attempt - 1, 0), 20)))
    }
}
