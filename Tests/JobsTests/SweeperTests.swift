// SPDX-License-Identifier: Apache-2.0

import Jobs
import Synchronization
import TestSupport
import Testing

@Suite struct SweeperTests {
    private func sweeper(
        _ fixture: WorkerFixture, policy: SweepPolicy = SweepPolicy(maxAttempts: 3),
        isDraining: Bool = false
    ) -> Sweeper<InMemoryJobStore, ManualClock> {
        Sweeper(
            store: fixture.store, policy: policy, interval: .seconds(60), clock: fixture.clock,
            isDraining: { isDraining }, logger: fixture.log.logger)
    }

    private func lapse(_ count: Int, in fixture: WorkerFixture) async throws {
        for number in 0..<count {
            try await fixture.submit(on: "t\(number)")
            _ = try await fixture.store.claim(
                by: WorkerID("w"), attempt: .random(), lease: .seconds(10))
        }
        fixture.store.advance(by: .seconds(10))
    }

    @Test func `one sweep goes on batch by batch until nothing is left`() async throws {
        let fixture = try WorkerFixture()
        try await lapse(5, in: fixture)

        let report = try await sweeper(
            fixture, policy: SweepPolicy(maxAttempts: 3, batchLimit: 2)
        ).sweep()

        #expect(report.requeued.count == 5)
    }

    @Test func `nobody sweeps in drain mode`() async throws {
        let fixture = try WorkerFixture()
        try await lapse(1, in: fixture)

        let report = try await sweeper(fixture, isDraining: true).sweep()

        #expect(report == SweepReport())
        #expect(!fixture.store.calls.contains(.sweep))
    }

    @Test func `it sweeps at every interval, also after a failure, until it is cancelled`()
        async throws
    {
        let fixture = try WorkerFixture()
        fixture.store.inject(.every(.sweep, .beforeEffect))
        let running = Task { await sweeper(fixture).run() }
        try await eventually("the first sweep fails") {
            fixture.log.messages.contains("sweep_failed")
        }
        fixture.store.inject(.none)
        try await lapse(1, in: fixture)

        // Both loops, the sweeping and the looking at holds.
        try await eventually("both sleep") { fixture.clock.sleeperCount == 2 }
        fixture.advance(by: .seconds(66))
        try await eventually("the second sweep works") {
            fixture.log.messages.contains("sweep_ended")
        }
        running.cancel()
        await running.value

        #expect(fixture.store.calls.contains(.sweep))
    }

    @Test func `the delay doubles up to an hour`() {
        let policy = SweepPolicy(maxAttempts: 3)

        #expect(
            [1, 2, 3, 7, 8, 1000].map { policy.delay(afterAttempts: $0) }
                == [30, 60, 120, 1920, 3600, 3600].map { .seconds($0) })
        #expect(policy.delay(afterAttempts: 0) == .seconds(30))
        #expect(SweepPolicy(maxAttempts: 1, retryDelay: .zero).delay(afterAttempts: 9) == .zero)
    }

    @Test func `abandonment counts attempts`() {
        #expect(SweepPolicy.abandonment(attempts: 3) == "Abandoned after 3 attempts")
        #expect(SweepPolicy.abandonment(attempts: 1) == "Abandoned after 1 attempt")
    }
}
