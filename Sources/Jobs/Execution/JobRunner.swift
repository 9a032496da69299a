// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization
import WireFormat

/// Runs one attempt at one claimed job.
///
/// The shell around ``JobRunStateMachine``: events come in through one stream, steps are carried
/// out one after another. The engine runs in a task of its own, so that an engine that ignores
/// its cancellation cannot keep the attempt from ending.
final class JobRunner<Store: JobQueue & FileJournal, C: Clock>: Sendable
where C.Duration == Duration, C.Instant: Sendable {
    private let store: Store
    private let claimed: ClaimedJob
    private let executor: JobExecutor
    private let policy: WorkerPolicy
    private let clock: C
    private let logger: Logger
    private let keeper: LeaseKeeper<Store, C>
    private let events: AsyncStream<JobRunStateMachine.Event>
    private let post: AsyncStream<JobRunStateMachine.Event>.Continuation
    private let termination = Mutex<C.Instant?>(nil)
    private let engineTask = Mutex<Task<Void, Never>?>(nil)

    init(
        store: Store, claimed: ClaimedJob, claimedAt: C.Instant, executor: JobExecutor,
        policy: WorkerPolicy, clock: C, logger: Logger
    ) {
        self.store = store
        self.claimed = claimed
        self.executor = executor
        self.policy = policy
        self.clock = clock
        var logger = logger
        logger[metadataKey: "job.id"] = "\(claimed.claim.jobID)"
        logger[metadataKey: "job.attempt-id"] = "\(claimed.claim.attemptID)"
        logger[metadataKey: "table.name"] = "\(claimed.job.table)"
        self.logger = logger
        let (events, post) = AsyncStream<JobRunStateMachine.Event>.makeStream()
        self.events = events
        self.post = post
        keeper = LeaseKeeper(
            queue: store, claim: claimed.claim, lease: policy.lease, heartbeat: policy.heartbeat,
            claimedAt: claimedAt, clock: clock, onLost: { post.yield(.fenceLost) })
    }

    /// The job that runs.
    var jobID: JobID { claimed.claim.jobID }

    /// The process was told to stop.
    ///
    /// May be called from anywhere, any number of times.
    func terminate() {
        termination.withLock { $0 = $0 ?? clock.now }
        post.yield(.terminate)
    }

    /// Somebody says that the fence may be gone: asks the store at once.
    func checkFence() async {
        // What the store answers reaches the state machine through the keeper.
        try? await keeper.renew()
    }

    func run() async -> AttemptOutcome {
        let done = claimed.job.results.filter(\.isSuccess).map(\.action)
        var machine = JobRunStateMachine(
            actions: claimed.job.actions, finished: Set(done), retry: policy.retry,
            attempt: claimed.job.attemptCount)
        logger.info("job claimed", metadata: ["job.attempt-count": "\(claimed.job.attemptCount)"])
        return await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.keeper.run() }
            defer { group.cancelAll() }
            if let outcome = await chooseEngine() { return outcome }
            post.yield(.started)
            for await event in events {
                for step in machine.handle(event) {
                    if let outcome = await perform(step) { return outcome }
                }
            }
            return .fenceLost
        }
    }

    /// Carries out one step; an outcome ends the attempt.
    private func perform(_ step: JobRunStateMachine.Step) async -> AttemptOutcome? {
        switch step {
        case .run(let index):
            start(claimed.job.actions[index])
            return nil
        case .record(let result):
            return await record(result)
        case .cancelEngine:
            cancelEngine()
            return nil
        case .settle(let settlement):
            return await settle(settlement)
        case .abandon(let engineStopped):
            return await abandon(engineStopped: engineStopped)
        }
    }
}

// MARK: The engine

extension JobRunner {
    /// Writes which engine runs the job; an outcome if none can.
    private func chooseEngine() async -> AttemptOutcome? {
        do throws(ActionFailure) {
            let choice = try executor.chooseEngine(claimed.job)
            do throws(JobStoreError) {
                try await store.setEngine(
                    choice.engine, reason: choice.reason, under: claimed.claim)
            } catch {
                switch error {
                case .fenced: return await abandon(engineStopped: true)
                // Only for people to read: the job can run without it.
                case .unavailable, .outcomeUnknown, .corrupt: break
                }
            }
            return nil
        } catch {
            return await settle(.failed(error: error.message, lock: .release))
        }
    }

    private func start(_ action: String) {
        let options = claimed.job.options.objectValue?[action] ?? .null
        let invocation = ActionInvocation(
            table: claimed.job.table, action: action, options: options)
        let context = ActionContext(
            claim: claimed.claim,
            confirmLease: { [keeper] needed throws(LeaseRefusal) in
                try await keeper.confirm(atLeast: needed)
            },
            report: { [keeper] in keeper.report($0) },
            journal: store,
            saveEngineState: { [store, claim = claimed.claim] state throws(JobStoreError) in
                try await store.setEngineState(state, under: claim)
            })
        let began = clock.now
        keeper.report(JobProgress(action: action, done: 0, total: nil, unit: ""))
        // Unstructured on purpose: SIGTERM must be able to end the attempt while the engine is
        // blocked in a call that does not see its cancellation.
        let task = Task { [executor, clock, post] in
            do throws(ActionFailure) {
                let value = try await executor.run(invocation, context)
                post.yield(
                    .actionEnded(Self.result(action, value, began.duration(to: clock.now)), nil))
            } catch {
                post.yield(
                    .actionEnded(Self.result(action, error, began.duration(to: clock.now)), error))
            }
        }
        engineTask.withLock { $0 = task }
    }

    private func cancelEngine() {
        engineTask.withLock { $0?.cancel() }
        let isTerminating = termination.withLock { $0 != nil }
        let limit = isTerminating ? policy.terminationEngineStopLimit : policy.engineStopLimit
        // Unstructured like the engine it watches; it ends with its sleep.
        Task { [clock, post] in
            try? await clock.sleep(for: limit)
            post.yield(.engineStopLimitReached)
        }
    }

    private static func result(
        _ action: String, _ value: ActionReturn, _ elapsed: Duration
    ) -> ActionResult {
        ActionResult(
            action: action, isSuccess: true, message: value.message, impact: value.impact,
            elapsedSeconds: elapsed.inSeconds, metrics: value.metrics, engine: value.engine)
    }

    private static func result(
        _ action: String, _ failure: ActionFailure, _ elapsed: Duration
    ) -> ActionResult {
        let text = failure.message
        return ActionResult(
            action: action, isSuccess: false, message: text, error: text,
            elapsedSeconds: elapsed.inSeconds)
    }
}

// MARK: Writing back

extension JobRunner {
    private func record(_ result: ActionResult) async -> AttemptOutcome? {
        do throws(JobStoreError) {
            try await persistently { () throws(JobStoreError) in
                try await store.record(result, under: claimed.claim)
            }
            return nil
        } catch {
            return await gaveUp(error, "record")
        }
    }

    private func settle(_ settlement: Settlement) async -> AttemptOutcome {
        do throws(JobStoreError) {
            try await persistently { () throws(JobStoreError) in
                try await store.settle(claimed.claim, as: settlement)
            }
        } catch {
            return await gaveUp(error, "settle")
        }
        switch settlement {
        case .completed:
            logger.info("job completed")
            return .completed
        case .failed(let error, _) where error == JobMessages.terminated:
            logger.notice("job ended by SIGTERM")
            return .terminated
        case .failed(let error, _):
            logger.warning("job failed", metadata: ["job.error": "\(error)"])
            return .failed(error: error)
        case .retry(let error, let delay, _):
            logger.warning(
                "job will be retried",
                metadata: ["job.error": "\(error)", "job.retry-seconds": "\(delay.inSeconds)"])
            return .retried(error: error)
        }
    }

    /// Repeats a write whose every repeat is harmless for as long as the lease lasts, or the time
    /// that SIGTERM leaves.
    private func persistently(
        _ write: () async throws(JobStoreError) -> Void
    ) async throws(JobStoreError) {
        var pause: Duration = .milliseconds(50)
        while true {
            do {
                return try await write()
            } catch {
                switch error {
                case .fenced, .corrupt: throw error
                case .unavailable, .outcomeUnknown:
                    guard timeIsLeft(for: pause) else { throw error }
                    // A cancelled sleep returns at once; the limit above still ends the loop.
                    try? await clock.sleep(for: pause)
                    pause = min(pause * 2, .seconds(5))
                }
            }
        }
    }

    private func timeIsLeft(for pause: Duration) -> Bool {
        if Task.isCancelled { return false }
        if let since = termination.withLock({ $0 }),
            since.duration(to: clock.now) + pause > WorkerPolicy.terminationLimit
        {
            return false
        }
        return keeper.remaining > pause
    }

    /// A write did not land and will not: the sweep will find what this attempt leaves.
    private func gaveUp(_ error: JobStoreError, _ write: String) async -> AttemptOutcome {
        switch error {
        case .fenced:
            logger.warning("writeback_stale_attempt", metadata: ["job.write": "\(write)"])
            return await abandon(engineStopped: true)
        case .unavailable(let reason), .outcomeUnknown(let reason), .corrupt(let reason):
            logger.error(
                "job left to the sweep",
                metadata: ["job.write": "\(write)", "store.error": "\(reason)"])
            return .fenceLost
        }
    }

    /// The fence is gone: what may still be said is said under the revoked claim.
    private func abandon(engineStopped: Bool) async -> AttemptOutcome {
        logger.warning(
            "fence lost", metadata: ["job.engine-stopped": "\(engineStopped)"])
        let aftermath: JSONValue = [
            "engine_state": .string(engineStopped ? "engine_stopped" : "engine_stopping")
        ]
        do throws(JobStoreError) {
            try await store.recordAftermath(aftermath, underRevoked: claimed.claim)
            if engineStopped { try await store.releaseLock(underRevoked: claimed.claim) }
        } catch {
            // The lock then ends with its lease, and the job's newer attempt speaks for itself.
            logger.info("aftermath not recorded", metadata: ["store.error": "\(error)"])
        }
        return .fenceLost
    }
}

extension Duration {
    /// Seconds with their fraction.
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
