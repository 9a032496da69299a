// SPDX-License-Identifier: Apache-2.0

/// How the run of one claimed job ended, from its worker's point of view.
public enum JobRunOutcome: Hashable, Sendable {
    /// Every action succeeded, and the store says so.
    case completed
    /// The job failed, and the store says so.
    case failed(error: String)
    /// The attempt failed for a passing reason; the store queued the job again, or failed it for
    /// want of attempts.
    case retried(error: String)
    /// Somebody cancelled the job.
    case cancelled
    /// The fence is gone: another attempt has the job, or will have it.
    case fenceLost
    /// The worker was told to stop.
    case terminated
    /// The store could not be reached to settle the job; its lease will run out.
    case unsettled(reason: String)
}

/// Decides what the run of one job does next.
///
/// Holds no clock and does no I/O.
///
/// Actions run one after the other; those that an earlier attempt recorded as successful are
/// skipped. Two things interrupt: the fence is lost, or the worker is told to stop. Either way the
/// engine is asked to stop first; a lost fence waits for it longer than a termination does.
struct JobRunStateMachine: Sendable {
    enum Event: Sendable {
        /// The engine ended the action.
        case acted(ActionResult, ActionFailure?)
        /// The action's result was written, or not.
        case recorded(StoreOutcome)
        case settled(StoreOutcome)
        /// What had to be cleaned up after a lost fence is.
        case cleanedUp(wasCancelled: Bool)
        case fenceLost
        case terminate
        /// After a termination the engine has had its time to stop.
        case graceOver
        /// After the fence was lost the engine has had its time to stop.
        case stopLimitOver
        /// The worker must be gone now.
        case limitOver
    }

    enum StoreOutcome: Hashable, Sendable {
        case done
        case fenced
        case gaveUp(reason: String)
    }

    enum Command: Hashable, Sendable {
        case act(String)
        case stopEngine
        /// Writes what an action did; first takes its files out of any replay's reach if asked to.
        case record(ActionResult, markJournalUnknown: Bool)
        case settle(Settlement)
        /// Starts the two timers of a termination.
        case startTimers
        /// Starts the timer of an engine that lost its fence.
        case startStopTimer
        /// The fence is gone and the engine is on its way to stop.
        case noteEngineStopping
        /// The fence is gone and the engine has stopped.
        case cleanUp
        case end(JobRunOutcome)
    }

    private enum State {
        case acting
        case recording(ActionResult, ActionFailure?)
        case settling(Settlement)
        case stopping
        case cleaning
        case ended
    }

    private let policy: SweepPolicy
    private let attempt: Int
    private var actions: ArraySlice<String>
    private var state = State.settling(.completed)
    private var isTerminating = false
    private var isFenceLost = false

    init(job: Job, policy: SweepPolicy) {
        let done = Set(job.results.filter(\.isSuccess).map(\.action))
        actions = job.actions.filter { !done.contains($0) }[...]
        attempt = job.attemptCount
        self.policy = policy
    }

    /// The first commands.
    mutating func start() -> [Command] { proceed() }

    mutating func handle(_ event: Event) -> [Command] {
        switch event {
        case .acted(let result, let failure): acted(result, failure)
        case .recorded(let outcome): recorded(outcome)
        case .settled(let outcome): settled(outcome)
        case .cleanedUp(let wasCancelled): cleanedUp(wasCancelled)
        case .fenceLost: fenceLost()
        case .terminate: terminate()
        case .graceOver: graceOver()
        case .stopLimitOver: stopLimitOver()
        case .limitOver: limitOver()
        }
    }

    // MARK: The way through

    /// The next action, or the end.
    private mutating func proceed() -> [Command] {
        if isFenceLost { return cleanUp() }
        guard let action = actions.first else { return settle(.completed) }
        if isTerminating { return settle(.failed(error: JobMessages.terminated, lock: .release)) }
        state = .acting
        return [.act(action)]
    }

    private mutating func acted(_ result: ActionResult, _ failure: ActionFailure?) -> [Command] {
        switch state {
        case .acting, .stopping: break
        // After a termination the engine may end when nobody waits for it any more.
        case .recording, .settling, .cleaning, .ended: return []
        }
        if isFenceLost || failure == .fenceLost {
            isFenceLost = true
            return cleanUp()
        }
        if isTerminating, failure == .cancelled { return proceed() }
        if isTerminating, case .stillRunning? = failure {
            return settle(.failed(error: JobMessages.terminated, lock: .leaveToLease))
        }
        state = .recording(result, failure)
        if case .commitUnknown? = failure { return [.record(result, markJournalUnknown: true)] }
        return [.record(result, markJournalUnknown: false)]
    }

    private mutating func recorded(_ outcome: StoreOutcome) -> [Command] {
        guard case .recording(let result, let failure) = state else { return [] }
        switch outcome {
        case .fenced:
            isFenceLost = true
            return cleanUp()
        case .gaveUp(let reason):
            return end(.unsettled(reason: reason))
        case .done:
            break
        }
        if isFenceLost { return cleanUp() }
        guard failure != nil || !result.isSuccess else {
            actions = actions.dropFirst()
            return proceed()
        }
        return settle(settlement(after: failure, of: result))
    }

    private func settlement(after failure: ActionFailure?, of result: ActionResult) -> Settlement {
        let error = result.error ?? "\(result.action) failed"
        switch failure {
        case .retryable where isTerminating, .cancelled where isTerminating:
            return .failed(error: JobMessages.terminated, lock: .release)
        case .retryable, .cancelled:
            // Nobody asked for the cancellation, so whatever caused it may pass.
            return .retry(
                error: error, after: policy.delay(afterAttempts: attempt),
                maxAttempts: policy.maxAttempts)
        case .stillRunning:
            return .failed(error: error, lock: .leaveToLease)
        case nil, .failed, .commitUnknown, .fenceLost:
            return .failed(error: error, lock: .release)
        }
    }

    private mutating func settle(_ settlement: Settlement) -> [Command] {
        state = .settling(settlement)
        return [.settle(settlement)]
    }

    private mutating func settled(_ outcome: StoreOutcome) -> [Command] {
        guard case .settling(let settlement) = state else { return [] }
        switch outcome {
        case .fenced:
            isFenceLost = true
            return cleanUp()
        case .gaveUp(let reason):
            return end(isTerminating ? .terminated : .unsettled(reason: reason))
        case .done:
            break
        }
        switch settlement {
        case .completed: return end(.completed)
        case .failed(JobMessages.terminated, _): return end(.terminated)
        case .failed(let error, _): return end(.failed(error: error))
        case .retry(let error, _, _): return end(.retried(error: error))
        }
    }

    // MARK: Interruptions

    private mutating func fenceLost() -> [Command] {
        switch state {
        case .acting, .stopping:
            guard !isFenceLost else { return [] }
            isFenceLost = true
            state = .stopping
            return [.stopEngine, .noteEngineStopping, .startStopTimer]
        case .recording:
            isFenceLost = true
            return []
        // A settlement finds out for itself: it may have landed before the fence went.
        case .settling, .cleaning, .ended:
            return []
        }
    }

    private mutating func terminate() -> [Command] {
        guard !isTerminating else { return [] }
        switch state {
        case .ended:
            return []
        case .acting:
            isTerminating = true
            state = .stopping
            return [.stopEngine, .startTimers]
        case .stopping, .recording, .settling, .cleaning:
            isTerminating = true
            return [.startTimers]
        }
    }

    private mutating func graceOver() -> [Command] {
        guard case .stopping = state, !isFenceLost else { return [] }
        // The engine may still be writing, so nobody else may have the table yet.
        return settle(.failed(error: JobMessages.terminated, lock: .leaveToLease))
    }

    private mutating func stopLimitOver() -> [Command] {
        guard case .stopping = state, isFenceLost else { return [] }
        return end(.fenceLost)
    }

    private mutating func limitOver() -> [Command] {
        switch state {
        case .ended: []
        case .acting, .recording, .settling, .stopping, .cleaning:
            end(isFenceLost ? .fenceLost : .terminated)
        }
    }

    private mutating func cleanUp() -> [Command] {
        state = .cleaning
        return [.cleanUp]
    }

    private mutating func cleanedUp(_ wasCancelled: Bool) -> [Command] {
        guard case .cleaning = state else { return [] }
        return end(wasCancelled ? .cancelled : .fenceLost)
    }

    private mutating func end(_ outcome: JobRunOutcome) -> [Command] {
        state = .ended
        return [.end(outcome)]
    }
}
