// SPDX-License-Identifier: Apache-2.0

public import Logging

/// Returns lapsed claims to the queue and frees dead locks, at intervals.
///
/// Any number of sweepers may run in any number of processes.
public struct Sweeper<Queue: JobQueue, C: Clock>: Sendable where C.Duration == Duration {
    private let queue: Queue
    private let policy: SweepPolicy
    private let interval: Duration
    private let clock: C
    private let logger: Logger

    /// Takes its collaborators; nothing happens before ``run()`` or ``sweep()``.
    public init(queue: Queue, policy: SweepPolicy, interval: Duration, clock: C, logger: Logger) {
        self.queue = queue
        self.policy = policy
        self.interval = interval
        self.clock = clock
        self.logger = logger
    }

    /// Sweeps at once and then at every interval until the task is cancelled.
    public func run() async {
        while !Task.isCancelled {
            do throws(JobStoreError) {
                _ = try await sweep()
            } catch {
                // The next interval tries again, as does every other process.
                logger.warning("sweep failed", metadata: ["store.error": "\(error)"])
            }
            do {
                try await clock.sleep(for: interval * Double.random(in: 0.9...1.1))
            } catch { return }
        }
    }

    /// Sweeps until nothing is left to do.
    public func sweep() async throws(JobStoreError) -> SweepReport {
        var total = SweepReport()
        while true {
            let report = try await queue.sweep(policy)
            total.requeued += report.requeued
            total.abandoned += report.abandoned
            total.releasedLocks += report.releasedLocks
            let jobs = report.requeued.count + report.abandoned.count
            if max(jobs, report.releasedLocks) < policy.batchLimit { break }
        }
        if total != SweepReport() {
            logger.notice(
                "sweep",
                metadata: [
                    "sweep.requeued": "\(total.requeued.count)",
                    "sweep.abandoned": "\(total.abandoned.count)",
                    "sweep.released-locks": "\(total.releasedLocks)",
                ])
        }
        return total
    }
}
