// SPDX-License-Identifier: Apache-2.0

import Jobs
import Synchronization
import TestSupport
import Testing

/// What stands between an engine and a table.
@Suite struct LeaseGuardTests {
    /// Runs one action that asks the guard after something was done to the job or the store.
    private func refusal(
        in fixture: WorkerFixture, asking needed: Duration = .seconds(20),
        after change: @escaping @Sendable (JobID) async throws -> Void
    ) async throws -> ActionFailure? {
        let id = try await fixture.submit()
        let refusal = Mutex<ActionFailure?>(nil)
        let worker = fixture.worker { _, context throws(ActionFailure) in
            do {
                try await change(id)
            } catch {
                throw .failed(message: "\(error)")
            }
            do throws(ActionFailure) {
                try await context.confirmLease(atLeast: needed)
            } catch {
                refusal.withLock { $0 = error }
                throw error
            }
            return success("a")
        }
        let running = Task { await worker.runOnce() }
        _ = try await fixture.letTimePass { await running.value }
        return refusal.withLock { $0 }
    }

    @Test func `a worker that holds its job may go on`() async throws {
        let fixture = try WorkerFixture()

        let refusal = try await refusal(in: fixture) { _ in }

        #expect(refusal == nil)
        #expect(fixture.store.calls.contains(.renew), "asked the store, not a memory")
    }

    @Test func `a lease that ended during a pause is not held, P-33`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        let held = Mutex<[Bool]>([])
        let worker = fixture.worker { _, context throws(ActionFailure) in
            try await context.confirmLease(atLeast: .seconds(20))
            held.withLock { $0.append(context.holdsLease) }
            fixture.clock.advance(by: fixture.configuration.lease)
            held.withLock { $0.append(context.holdsLease) }
            throw .fenceLost
        }
        let running = Task { await worker.runOnce() }
        _ = try await fixture.letTimePass { await running.value }

        #expect(held.withLock { $0 } == [true, false], "\(id)")
    }

    @Test func `after a cancel the guard refuses`() async throws {
        let fixture = try WorkerFixture()

        let refusal = try await refusal(in: fixture) { id in
            _ = try await fixture.store.cancel(id)
        }

        #expect(refusal == .fenceLost)
    }

    @Test func `after a sweep the guard refuses`() async throws {
        let fixture = try WorkerFixture()

        let refusal = try await refusal(in: fixture) { _ in
            fixture.store.advance(by: fixture.configuration.lease)
            _ = try await fixture.store.sweep(fixture.configuration.retry)
        }

        #expect(refusal == .fenceLost)
    }

    @Test func `a step longer than any lease is refused with what to change`() async throws {
        let fixture = try WorkerFixture()

        let refusal = try await refusal(in: fixture, asking: fixture.configuration.lease) { _ in }

        guard case .failed(let message)? = refusal else {
            Issue.record("was \(String(describing: refusal))")
            return
        }
        #expect(message.contains("ICEPACK_LEASE_SECONDS"))
    }

    @Test func `a store that does not answer confirms nothing`() async throws {
        let fixture = try WorkerFixture()

        let refusal = try await refusal(in: fixture) { _ in
            fixture.store.inject(.every(.renew, .beforeEffect))
        }

        switch refusal {
        case .retryable, .cancelled: break
        case .failed, .fenceLost, .commitUnknown, .stillRunning, nil:
            Issue.record("was \(String(describing: refusal))")
        }
    }

    @Test func `a short outage only delays the answer`() async throws {
        let fixture = try WorkerFixture()

        let refusal = try await refusal(in: fixture) { _ in
            fixture.store.inject(
                FaultPlan { call, index in call == .renew && index < 3 ? .afterEffect : nil })
        }

        #expect(refusal == nil)
    }
}
