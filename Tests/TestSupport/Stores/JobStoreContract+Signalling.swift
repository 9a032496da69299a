// SPDX-License-Identifier: Apache-2.0

import Jobs
import Testing

extension JobStoreContract {
    static var signalling: [Rule] {
        [
            Rule("a submission says that a job is available and changed") { test in
                let signals = await test.store.signals()

                let job = try await test.accept()

                try await expect([.jobAvailable, .jobChanged(job.id)], from: signals)
            },
            Rule("a cancel says which job lost its fence") { test in
                let running = try await test.running()
                let signals = await test.store.signals()

                _ = try await test.store.cancel(running.job.id)

                try await expect(
                    [.jobCancelled(running.job.id), .jobChanged(running.job.id)], from: signals)
            },
            Rule("a sweep says which jobs lost their fence") { test in
                let running = try await test.running()
                try await test.advance(lease)
                let signals = await test.store.signals()

                _ = try await test.store.sweep(SweepPolicy(maxAttempts: 3))

                try await expect(
                    [.jobCancelled(running.job.id), .jobChanged(running.job.id)], from: signals)
            },
            Rule("claim, progress and end of a job are changes") { test in
                let job = try await test.accept()
                let claimSignals = await test.store.signals()
                let claimed = try await test.claim()
                try await expect([.jobChanged(job.id)], from: claimSignals)

                let progressSignals = await test.store.signals()
                try await test.store.renew(
                    claimed.claim, lease: lease,
                    progress: JobProgress(action: "a", done: 1, total: 2, unit: "files"))
                try await expect([.jobChanged(job.id)], from: progressSignals)

                let endSignals = await test.store.signals()
                try await test.store.settle(claimed.claim, as: .completed)
                try await expect([.jobChanged(job.id)], from: endSignals)
            },
            Rule("several listeners hear the same, and streams end at shutdown") { test in
                let first = await test.store.signals()
                let second = await test.store.signals()
                let job = try await test.accept()
                try await expect([.jobChanged(job.id)], from: first)
                try await expect([.jobChanged(job.id)], from: second)

                await test.store.shutdown()

                try await withDeadline("the stream did not end at shutdown") {
                    for await _ in first {}
                }
            },
        ]
    }

    /// Waits until every one of these, or the hint to look at everything, has come.
    private static func expect(
        _ wanted: Set<JobSignal>, from signals: AsyncStream<JobSignal>
    ) async throws {
        try await withDeadline("signals did not come: \(wanted)") {
            var missing = wanted
            for await signal in signals {
                missing.remove(signal)
                if signal == .resync || missing.isEmpty { return }
            }
        }
    }
}
