// SPDX-License-Identifier: Apache-2.0

public import Logging

/// Returns lapsed claims to the queue and frees dead locks, every now and then.
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
    private let logger: Logger

    /// A sweeper that has not begun.
    public init(
        store: Store, policy: SweepPolicy, interval: Duration, clock: SweepClock,
        random: @escaping @Sendable () -> UInt64 = { .random(in: .min ... .max) },
        isDraining: @escaping @Sendable () -> Bool = { false }, logger: Logger
    ) {
        self.store = store
        self.policy = policy
        self.interval = interval
        self.clock = clock
        self.random = random
        self.isDraining = isDraining
        self.logger = logger
    }

    /// Sweeps until the task is cancelled.
    ///
    /// The first sweep is at once.
    ///
    /// The wait varies by a tenth, so that processes started together do not sweep together.
    public func run() async {
        while !Task.isCancelled {
            do {
                _ = try await sweep()
            } catch {
                logger.warning("sweep_failed", metadata: ["error": "\(error)"])
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
            let moved = batch.requeued.count + batch.abandoned.count
            guard moved >= policy.batchLimit || batch.releasedLocks >= policy.batchLimit else {
                break
            }
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
}
