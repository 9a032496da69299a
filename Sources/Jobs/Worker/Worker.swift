// SPDX-License-Identifier: Apache-2.0

public import Logging
import Synchronization

/// Claims jobs and runs them, one at a time.
///
/// ``run()`` works until ``terminate()``; ``runOnce()`` takes at most one job. Cancelling the task
/// that runs either is the same as ``terminate()``, which is how graceful shutdown reaches it.
public final class Worker<
    Store: JobQueue & JobHistory & FileJournal & JobSignals, WorkerClock: Clock
>: Sendable where WorkerClock.Duration == Duration {
    private struct State {
        var isTerminated = false
        var runner: JobRunner<Store, WorkerClock>?
    }

    private let store: Store
    private let id: WorkerID
    private let configuration: WorkerConfiguration
    private let clock: WorkerClock
    private let random: @Sendable () -> UInt64
    private let logger: Logger
    private let engine: ActionEngine
    private let bell = Bell()
    private let state = Mutex(State())

    /// A worker that has not begun.
    ///
    /// - Parameters:
    ///   - id: written beside its claims, for people.
    ///   - clock: must be monotonic and go on while the machine sleeps or the process is stopped.
    ///   - random: source of attempt ids and jitter.
    ///   - engine: carries out actions.
    public init(
        store: Store, id: WorkerID, configuration: WorkerConfiguration, clock: WorkerClock,
        random: @escaping @Sendable () -> UInt64 = { .random(in: .min ... .max) },
        logger: Logger, engine: @escaping ActionEngine
    ) {
        self.store = store
        self.id = id
        self.configuration = configuration
        self.clock = clock
        self.random = random
        var logger = logger
        logger[metadataKey: "worker.id"] = "\(id)"
        self.logger = logger
        self.engine = engine
    }

    /// Lets go within ``WorkerConfiguration/terminationLimit``, whatever the engine is doing.
    ///
    /// A running job fails with ``JobMessages/terminated``. Its lock is released if the engine
    /// stopped in time, else left to its lease. Returns at once; ``run()`` and ``runOnce()``
    /// return when it is done.
    public func terminate() {
        let runner = state.withLock { state in
            state.isTerminated = true
            return state.runner
        }
        runner?.terminate()
        bell.ring()
    }

    /// Claims at most one job and runs it to an end.
    public func runOnce() async -> WorkerOutcome {
        await withTaskCancellationHandler {
            await claimAndRun()
        } onCancel: {
            terminate()
        }
    }

    /// Runs one job after the other until ``terminate()``.
    ///
    /// Returns what became of the job that was running then, or ``WorkerOutcome/terminated``.
    @discardableResult
    public func run() async -> WorkerOutcome {
        await withTaskCancellationHandler {
            await withTaskGroup(of: WorkerOutcome?.self) { group in
                group.addTask {
                    await self.ringForSignals()
                    return nil
                }
                group.addTask { await self.work() }
                while let ended = await group.next() {
                    if let outcome = ended {
                        group.cancelAll()
                        return outcome
                    }
                }
                return .terminated
            }
        } onCancel: {
            terminate()
        }
    }

    private func work() async -> WorkerOutcome {
        var backoff = Backoff()
        while true {
            let outcome = await claimAndRun()
            let isTerminated = state.withLock { $0.isTerminated }
            switch outcome {
            case .ran where isTerminated:
                return outcome
            case .terminated:
                return .terminated
            case .idle where isTerminated,
                .storeFailed where isTerminated:
                return .terminated
            case .ran:
                backoff = Backoff()
            case .idle:
                backoff = Backoff()
                await bell.wait(atMost: jittered(configuration.pollInterval), on: clock)
            case .storeFailed(let error):
                logger.warning("claim_failed", metadata: ["error": "\(error)"])
                await bell.wait(atMost: backoff.wait(random: random()), on: clock)
            }
        }
    }

    private func jittered(_ duration: Duration) -> Duration {
        duration / 2 + duration * (Double(random() >> 11) / Double(1 << 53))
    }

    private func ringForSignals() async {
        for await signal in await store.signals() {
            switch signal {
            case .jobAvailable, .resync: bell.ring()
            case .jobCancelled, .jobChanged: break
            }
        }
    }

    private func claimAndRun() async -> WorkerOutcome {
        guard !state.withLock({ $0.isTerminated }) else { return .terminated }
        var generator = FunctionGenerator(function: random)
        let sentAt = clock.now
        let claimed: ClaimedJob?
        do {
            claimed = try await store.claim(
                by: id, attempt: AttemptID(using: &generator), lease: configuration.lease)
        } catch {
            return .storeFailed(error)
        }
        guard let claimed else { return .idle }
        return .ran(claimed.claim.jobID, await run(claimed, claimSentAt: sentAt))
    }

    /// Runs a job that this process has claimed already, to an end.
    ///
    /// - Parameter claimSentAt: when the claim was asked for; its lease counts from then.
    public func run(
        _ claimed: ClaimedJob, claimSentAt sentAt: WorkerClock.Instant
    ) async -> JobRunOutcome {
        let runner = JobRunner(
            claimed, store: store, configuration: configuration, clock: clock,
            claimSentAt: sentAt, random: random, logger: logger, engine: engine)
        let isTerminated = state.withLock { state in
            state.runner = runner
            return state.isTerminated
        }
        if isTerminated { runner.terminate() }
        let outcome = await runner.run()
        state.withLock { $0.runner = nil }
        logger.info(
            "job_run_ended",
            metadata: ["job.id": "\(claimed.claim.jobID)", "job.outcome": "\(outcome)"])
        return outcome
    }
}

/// What a worker did.
public enum WorkerOutcome: Hashable, Sendable {
    /// There was nothing to claim.
    case idle
    /// It ran a job.
    case ran(JobID, JobRunOutcome)
    /// It could not claim.
    case storeFailed(JobStoreError)
    /// It was told to stop and had no job.
    case terminated

    /// Whether a one-job worker ends with exit code 0: the job completed, was cancelled, lost its
    /// fence, or there was none.
    public var isSuccess: Bool {
        switch self {
        case .idle: true
        case .storeFailed, .terminated: false
        case .ran(_, let outcome):
            switch outcome {
            case .completed, .cancelled, .fenceLost: true
            case .failed, .retried, .terminated, .unsettled: false
            }
        }
    }
}
