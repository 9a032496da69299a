// SPDX-License-Identifier: Apache-2.0

public import Logging
import Synchronization

/// Claims jobs one after another and runs them.
///
/// Idle, it waits for a signal from the store and looks anyway after a poll interval, so a lost
/// signal costs time and nothing else.
public final class Worker<Store: JobQueue & FileJournal & JobSignals, C: Clock>: Sendable
where C.Duration == Duration, C.Instant: Sendable {
    private struct State {
        var isTerminating = false
        var wasInterrupted = false
        var runner: JobRunner<Store, C>?
    }

    /// The longest pause between two tries at a store that does not answer.
    public static var maximumBackoff: Duration { .seconds(30) }

    private let store: Store
    private let id: WorkerID
    private let executor: JobExecutor
    private let policy: WorkerPolicy
    private let clock: C
    private let logger: Logger
    private let state = Mutex(State())
    private let wakeup = Wakeup()

    /// Takes its collaborators; nothing happens before ``run()`` or ``runOnce()``.
    public init(
        store: Store, id: WorkerID, executor: JobExecutor, policy: WorkerPolicy, clock: C,
        logger: Logger
    ) {
        self.store = store
        self.id = id
        self.executor = executor
        self.policy = policy
        self.clock = clock
        var logger = logger
        logger[metadataKey: "worker.id"] = "\(id)"
        self.logger = logger
    }

    /// Runs jobs until ``terminate()`` is called or the task is cancelled.
    ///
    /// Returns once the running attempt has ended.
    public func run() async {
        logger.info("worker started")
        await withSignals {
            var pause: Duration = .milliseconds(100)
            while !isTerminating {
                switch await claimAndRun() {
                case .nothingToClaim:
                    pause = .milliseconds(100)
                    await wakeup.sleep(
                        atMost: policy.poll * Double.random(in: 0.8...1.2), on: clock)
                case .ended:
                    pause = .milliseconds(100)
                case .storeUnavailable:
                    await wakeup.sleep(atMost: pause, on: clock)
                    pause = min(pause * 2, Self.maximumBackoff)
                }
            }
        }
        logger.info("worker stopped")
    }

    /// Claims at most one job and runs it to the end of the attempt.
    public func runOnce() async -> WorkerPass {
        var pass = WorkerPass.nothingToClaim
        await withSignals { if !isTerminating { pass = await claimAndRun() } }
        return pass
    }

    /// Ends the running attempt within ``WorkerPolicy/terminationLimit`` and claims no more.
    ///
    /// May be called from anywhere, any number of times.
    public func terminate() {
        let runner = state.withLock { state in
            state.isTerminating = true
            return state.runner
        }
        runner?.terminate()
        wakeup.wake()
    }

    /// Whether ``terminate()`` cut an attempt short.
    public var wasInterrupted: Bool { state.withLock { $0.wasInterrupted } }

    private var isTerminating: Bool {
        state.withLock { $0.isTerminating } || Task.isCancelled
    }

    private func claimAndRun() async -> WorkerPass {
        let sent = clock.now
        let claimed: ClaimedJob?
        do throws(JobStoreError) {
            claimed = try await store.claim(by: id, attempt: .random(), lease: policy.lease)
        } catch {
            // A claim whose reply was lost runs out by itself and the sweep returns it.
            logger.warning("no answer to a claim", metadata: ["store.error": "\(error)"])
            return .storeUnavailable(reason: "\(error)")
        }
        guard let claimed else { return .nothingToClaim }
        return .ended(await run(claimed, claimedAt: sent))
    }

    /// Runs a job that is already claimed, to the end of the attempt.
    public func run(_ claimed: ClaimedJob, claimedAt: C.Instant) async -> AttemptOutcome {
        let runner = JobRunner(
            store: store, claimed: claimed, claimedAt: claimedAt, executor: executor,
            policy: policy, clock: clock, logger: logger)
        let isTerminating = state.withLock { state in
            state.runner = runner
            return state.isTerminating
        }
        if isTerminating { runner.terminate() }
        let outcome = await runner.run()
        state.withLock { state in
            state.runner = nil
            if outcome == .terminated { state.wasInterrupted = true }
        }
        return outcome
    }

    /// Runs the body while signals are listened to.
    public func withSignals(_ body: () async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.listen() }
            await body()
            group.cancelAll()
        }
    }

    private func listen() async {
        for await signal in await store.signals() {
            let runner = state.withLock { $0.runner }
            switch signal {
            case .jobAvailable: wakeup.wake()
            case .jobCancelled(let job):
                if runner?.jobID == job { await runner?.checkFence() }
            case .jobChanged: break
            case .resync:
                wakeup.wake()
                await runner?.checkFence()
            }
        }
    }
}

/// What became of one look into the queue.
public enum WorkerPass: Hashable, Sendable {
    /// The queue had no visible job.
    case nothingToClaim
    /// A job was claimed, and its attempt ended like this.
    case ended(AttemptOutcome)
    /// The store did not answer.
    case storeUnavailable(reason: String)
}
