// SPDX-License-Identifier: Apache-2.0

public import Logging

/// Returns lapsed claims to the queue, frees dead locks, and asks the engine about tables that are
/// held for it (``EngineHold``), every now and then.
///
/// Any number of processes may sweep at once. In drain mode nobody does.
public struct Sweeper<Store: JobQueue, SweepClock: Clock>: Sendable
where SweepClock.Duration == Duration {
    private let store: Store
    private let policy: SweepPolicy
    private let interval: Duration
    private let clock: SweepClock
    private let random: @Sendable () -> UInt64
    private let isDraining: @Sendable () -> Bool
    private let inspect: HoldInspector
    private let logger: Logger

    /// The most holds that one round looks at.
    public static var holdLimit: Int { 100 }

    /// A sweeper that has not begun.
    ///
    /// - Parameter inspect: asks the engine about a hold; by default nobody can tell.
    public init(
        store: Store, policy: SweepPolicy, interval: Duration, clock: SweepClock,
        random: @escaping @Sendable () -> UInt64 = { .random(in: .min ... .max) },
        isDraining: @escaping @Sendable () -> Bool = { false },
        inspect: @escaping HoldInspector = { _ in nil }, logger: Logger
    ) {
        self.store = store
        self.policy = policy
        self.interval = interval
        self.clock = clock
        self.random = random
        self.isDraining = isDraining
        self.inspect = inspect
        self.logger = logger
    }

    /// Sweeps until the task is cancelled.
    ///
    /// The first sweep is at once.
    ///
    /// The wait varies by a tenth, so that processes started together do not sweep together.
    /// Engines are asked beside the sweeping: their answer may take a minute each.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await repeating("sweep_failed") { () throws(JobStoreError) in
                    _ = try await sweep()
                }
            }
            group.addTask {
                await repeating("inspection_failed") { () throws(JobStoreError) in
                    _ = try await inspectHolds()
                }
            }
        }
    }

    private func repeating(
        _ failure: Logger.Message, _ body: () async throws(JobStoreError) -> Void
    ) async {
        while !Task.isCancelled {
            do { try await body() } catch {
                logger.warning(failure, metadata: ["error": "\(error)"])
            }
            let part = Double(random() >> 11) / Double(1 << 53)
            let wait = interval * (0.95 + 0.1 * part)
            do { try await clock.sleep(for: wait) } catch { return }
        }
    }

    /// Sweeps once, batch by batch, until nothing is left; nothing at all in drain mode.
    public func sweep() async throws(JobStoreError) -> SweepReport {
        var report = SweepReport()
        guard !isDraining() else { return report }
        while true {
            let batch = try await store.sweep(policy)
            report.requeued += batch.requeued
            report.abandoned += batch.abandoned
            report.releasedLocks += batch.releasedLocks
            report.givenUpHolds += batch.givenUpHolds
            let moved = batch.requeued.count + batch.abandoned.count
            guard moved >= policy.batchLimit || batch.releasedLocks >= policy.batchLimit else {
                break
            }
        }
        for job in report.givenUpHolds {
            logger.warning("engine_hold_given_up", metadata: ["job.id": "\(job)"])
        }
        if report != SweepReport() {
            logger.info(
                "sweep_ended",
                metadata: [
                    "sweep.requeued": "\(report.requeued.count)",
                    "sweep.abandoned": "\(report.abandoned.count)",
                    "sweep.released-locks": "\(report.releasedLocks)",
                ])
        }
        return report
    }

    /// Looks once at what is held for an engine; at nothing in drain mode.
    public func inspectHolds() async throws(JobStoreError) -> HoldReport {
        guard !isDraining() else { return HoldReport() }
        return try await HoldInspection(
            store: store, inspect: inspect, logger: logger, random: random
        ).run(limit: Self.holdLimit)
    }
}
