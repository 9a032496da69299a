// SPDX-License-Identifier: Apache-2.0

public import Jobs
public import Logging
public import ServiceLifecycle
public import WireFormat

/// Runs the orchestrator on a schedule inside a service, one run at a time over all replicas.
///
/// Every replica wakes at the scheduled time; the one that gets the store's lock runs, and whoever
/// comes later finds a run recorded since and leaves it. A time that passes while a run is under
/// way, or while no replica is up, is not made up for.
public struct OrchestratorSchedule<Store: ExclusiveLocks & OrchestratorRuns>: Service {
    /// The longest sleep: clocks of machines are set, and machines are suspended.
    public static var longestSleep: Duration { .seconds(30) }

    private let schedule: CronSchedule
    private let store: Store
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private let orchestrate: @Sendable (ExclusiveLease) async -> OrchestratorRun

    /// How many of the newest records are searched for a run since the scheduled time.
    private static var searchedRuns: Int { 20 }

    /// Calls the closure, which records its run, whenever the schedule says so; it must end its
    /// run once the lease that it is given is no longer held.
    public init(
        _ schedule: CronSchedule, store: Store, logger: Logger,
        now: @escaping @Sendable () -> Timestamp,
        orchestrate: @escaping @Sendable (ExclusiveLease) async -> OrchestratorRun
    ) {
        self.schedule = schedule
        self.store = store
        self.logger = logger
        self.now = now
        self.orchestrate = orchestrate
    }

    /// Runs until graceful shutdown or cancellation, which ends a run as partial.
    public func run() async throws {
        await cancelWhenGracefulShutdown { await loop() }
    }

    private func loop() async {
        var last = now()
        while !Task.isCancelled, let next = schedule.next(after: last) {
            while now() < next {
                let pause = min(next.since(now()), Self.longestSleep)
                // Only cancellation ends a sleep early.
                do { try await Task.sleep(for: pause) } catch { return }
            }
            await runOnce(due: next)
            last = max(next, now())
        }
    }

    /// One scheduled time: a run, unless another replica has it or had it.
    package func runOnce(due: Timestamp) async {
        do {
            let run = try await store.withLock(.orchestratorRun) { (lease) async throws in
                let known = try await store.orchestratorRuns(limit: Self.searchedRuns)
                let times = due...max(due, now())
                // A dry run maintained nothing, and nobody can have run in the future.
                if known.contains(where: { !$0.run.isDryRun && times ~= $0.run.startedAt }) {
                    return OrchestratorRun?.none
                }
                return await orchestrate(lease)
            }
            guard let run = run ?? nil else {
                return logger.debug("orchestrator_run_elsewhere")
            }
            logger.info(
                "orchestrator_run",
                metadata: [
                    "status": "\(run.status.rawValue)", "assessed": "\(run.tablesAssessed)",
                    "submitted": "\(run.jobsSubmitted)", "failed": "\(run.jobsFailed)",
                    "error": "\(run.error ?? "")",
                ])
        } catch {
            logger.warning("orchestrator_run_failed", metadata: ["reason": "\(error)"])
        }
    }
}
