// SPDX-License-Identifier: Apache-2.0

import Jobs
import Synchronization
import TestSupport
import Testing
import WireFormat

/// Who looks at tables that are held for an engine, and what follows.
@Suite struct HoldTests {
    private let state: JSONValue = ["engine": "spark"]

    private func sweeper(
        _ fixture: WorkerFixture, isDraining: Bool = false, inspect: @escaping HoldInspector
    ) -> Sweeper<InMemoryJobStore, ManualClock> {
        Sweeper(
            store: fixture.store, policy: SweepPolicy(maxAttempts: 3), interval: .seconds(60),
            clock: fixture.clock, isDraining: { isDraining }, inspect: inspect,
            logger: fixture.log.logger)
    }

    private func hold(_ fixture: WorkerFixture, on table: String = "orders") async throws -> JobID {
        let id = try await fixture.submit(on: table)
        let claimed = try #require(
            try await fixture.store.claim(
                by: WorkerID("w"), attempt: .random(), lease: .seconds(10)))
        try await fixture.store.setEngineState(state, under: claimed.claim)
        try await fixture.store.settle(claimed.claim, as: .failed(error: "e", lock: .release))
        return id
    }

    @Test func `an engine that has stopped frees the table`() async throws {
        let fixture = try WorkerFixture()
        let id = try await hold(fixture)
        let asked = Mutex<[EngineHold]>([])

        let report = try await sweeper(fixture) { hold in
            asked.withLock { $0.append(hold) }
            return ["engine_state": "engine_stopped", "commits": [7]]
        }.inspectHolds()

        #expect(report == HoldReport(settled: [id]))
        #expect(asked.withLock { $0.map(\.state) } == [state])
        #expect(fixture.lock() == nil)
        let job = try await fixture.job(id)
        #expect(job?.engineState == nil)
        #expect(job?.aftermath == ["engine_state": "engine_stopped", "commits": [7]])
    }

    @Test func `nobody who can tell keeps the table, without a word`() async throws {
        let fixture = try WorkerFixture()
        let id = try await hold(fixture)

        let report = try await sweeper(fixture) { _ in nil }.inspectHolds()

        #expect(report == HoldReport(held: [id]))
        #expect(fixture.lock() == id)
        #expect(try await fixture.job(id)?.aftermath == nil)
    }

    @Test func `an engine that may still run keeps the table, and is noted once`() async throws {
        let fixture = try WorkerFixture()
        let id = try await hold(fixture)
        let unknown: JSONValue = ["engine_state": "engine_unknown", "note": "no interface"]
        let sweeper = sweeper(fixture) { _ in unknown }
        fixture.store.inject(.none)

        #expect(try await sweeper.inspectHolds() == HoldReport(held: [id]))
        #expect(try await sweeper.inspectHolds() == HoldReport(held: [id]))

        #expect(fixture.lock() == id)
        #expect(try await fixture.job(id)?.aftermath == unknown)
        #expect(fixture.store.calls.count { $0 == .recordAftermath } == 1)
    }

    @Test func `an answer that the store does not take is asked for again`() async throws {
        let fixture = try WorkerFixture()
        let id = try await hold(fixture)
        let sweeper = sweeper(fixture) { _ in ["engine_state": "engine_stopped"] }
        fixture.store.inject(.every(.recordAftermath, .beforeEffect))

        #expect(try await sweeper.inspectHolds() == HoldReport(held: [id]))
        fixture.store.inject(.none)

        #expect(try await sweeper.inspectHolds() == HoldReport(settled: [id]))
    }

    @Test func `nobody is asked in drain mode`() async throws {
        let fixture = try WorkerFixture()
        _ = try await hold(fixture)

        let report = try await sweeper(fixture, isDraining: true) { _ in
            ["engine_state": "engine_stopped"]
        }.inspectHolds()

        #expect(report == HoldReport())
    }

    @Test func `every hold is asked about, more than are asked at once`() async throws {
        let fixture = try WorkerFixture()
        var ids: Set<JobID> = []
        for number in 0..<11 { ids.insert(try await hold(fixture, on: "t\(number)")) }
        let peak = Mutex((now: 0, most: 0))

        let report = try await sweeper(fixture) { _ in
            peak.withLock { peak in
                peak.now += 1
                peak.most = max(peak.most, peak.now)
            }
            await Task.yield()
            peak.withLock { $0.now -= 1 }
            return ["engine_state": "engine_stopped"]
        }.inspectHolds()

        #expect(Set(report.settled) == ids)
        #expect(peak.withLock { $0.most } <= 4)
    }

    @Test func `holds that nobody can settle do not keep a newer one waiting`() async throws {
        let fixture = try WorkerFixture()
        for number in 0..<Sweeper<InMemoryJobStore, ManualClock>.holdLimit {
            _ = try await hold(fixture, on: "t\(number)")
            fixture.store.advance(by: .microseconds(1))
        }
        let newest = try await hold(fixture, on: "newest")
        let asked = Mutex(0)
        let sweeper = sweeper(fixture) { hold in
            asked.withLock { $0 += 1 }
            return hold.claim.jobID == newest ? ["engine_state": "engine_stopped"] : nil
        }

        // Whom a round leaves out is chance: one in a hundred here.
        var settled: [JobID] = []
        var rounds = 0
        while settled.isEmpty, rounds < 20 {
            settled = try await sweeper.inspectHolds().settled
            rounds += 1
        }

        #expect(settled == [newest])
        #expect(
            asked.withLock { $0 } == rounds * Sweeper<InMemoryJobStore, ManualClock>.holdLimit)
    }

    @Test func `a sweeper that is told to stop does not wait for an engine`() async throws {
        let fixture = try WorkerFixture()
        let id = try await hold(fixture)
        let asked = Gate()
        let blocked = Gate()
        let sweeper = sweeper(fixture) { _ in
            asked.open()
            await blocked.passIgnoringCancellation()
            return ["engine_state": "engine_stopped"]
        }
        let running = Task { await sweeper.run() }
        await asked.passIgnoringCancellation()

        running.cancel()
        await running.value

        #expect(fixture.lock() == id, "the next look decides")
        blocked.open()
    }

    @Test func `sweeping goes on while an engine takes its time`() async throws {
        let fixture = try WorkerFixture()
        _ = try await hold(fixture)
        let blocked = Gate()
        let sweeper = sweeper(fixture) { _ in
            await blocked.passIgnoringCancellation()
            return nil
        }
        let running = Task { await sweeper.run() }
        try await eventually("the first sweep") { fixture.store.calls.contains(.sweep) }

        // Not once: the sweeper may not be asleep yet when somebody else is.
        try await eventually("the second sweep") {
            try await fixture.advanceOnceAsleep(by: .seconds(66))
            return fixture.store.calls.count { $0 == .sweep } >= 2
        }

        running.cancel()
        blocked.open()
        await running.value
    }

    @Test func `a hold ends right after its limit, and the audit log says so`() async throws {
        let fixture = try WorkerFixture()
        let id = try await hold(fixture)
        let policy = SweepPolicy(maxAttempts: 3)
        fixture.store.advance(by: SweepPolicy.engineHoldLimit)
        #expect(try await fixture.store.sweep(policy) == SweepReport())

        fixture.store.advance(by: .microseconds(1))
        let report = try await sweeper(fixture) { _ in nil }.sweep()

        #expect(report.givenUpHolds == [id] && fixture.lock() == nil)
        #expect(fixture.log.messages.contains("engine_hold_given_up"))
        let table = TableName(database: "sales", table: "orders")
        #expect(fixture.store.auditLog == [SweepPolicy.givenUpEvent(id, on: table)])
    }
}

/// What a worker leaves when its engine's work can be found again.
@Suite struct EngineStateTests {
    private let state: JSONValue = ["engine": "spark"]

    @Test func `a failure with an engine state leaves the table held, and says so`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        let state = state
        let worker = fixture.worker { _, context throws(ActionFailure) in
            try await context.setEngineState(state)
            throw .failed(message: "broken")
        }

        #expect(await worker.runOnce() == .ran(id, .failed(error: "broken")))

        let job = try await fixture.job(id)
        #expect(job?.engineState == state)
        #expect(job?.aftermath == ["engine_state": "engine_unknown"])
        #expect(fixture.lock() == id)
    }

    @Test func `a failure after the engine state was cleared frees the table`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        let state = state
        let worker = fixture.worker { _, context throws(ActionFailure) in
            try await context.setEngineState(state)
            try await context.setEngineState(nil)
            throw .failed(message: "broken")
        }

        #expect(await worker.runOnce() == .ran(id, .failed(error: "broken")))

        #expect(try await fixture.job(id)?.aftermath == nil)
        #expect(fixture.lock() == nil)
    }

    @Test func `a cancelled engine that says nothing of its state is not taken for stopped`()
        async throws
    {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        let state = state
        let worker = fixture.worker { _, context throws(ActionFailure) in
            try await context.setEngineState(state)
            _ = try? await fixture.store.cancel(id)
            await waitForCancellation()
            throw .cancelled
        }

        #expect(await worker.runOnce() == .ran(id, .cancelled))

        #expect(try await fixture.job(id)?.aftermath == ["engine_state": "engine_unknown"])
        #expect(fixture.lock() == id)
        fixture.advance(by: fixture.configuration.lease)
        _ = try await fixture.store.sweep(fixture.configuration.retry)
        #expect(fixture.lock() == id, "its lease does not free it")
    }

    @Test func `a cancelled engine that says it stopped frees the table`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        let state = state
        let stopped: JSONValue = ["engine_state": "engine_stopped", "commits": [1]]
        let worker = fixture.worker { _, context throws(ActionFailure) in
            try await context.setEngineState(state)
            _ = try? await fixture.store.cancel(id)
            await waitForCancellation()
            context.noteAftermath(stopped)
            throw .cancelled
        }

        #expect(await worker.runOnce() == .ran(id, .cancelled))

        let job = try await fixture.job(id)
        #expect(job?.aftermath == stopped && job?.engineState == nil)
        #expect(fixture.lock() == nil)
    }

    @Test func `a retry out of attempts says what is left behind`() async throws {
        let fixture = try WorkerFixture(maxAttempts: 1)
        let id = try await fixture.submit()
        let state = state
        let worker = fixture.worker { _, context throws(ActionFailure) in
            try await context.setEngineState(state)
            throw .retryable(message: "engine lost")
        }

        #expect(await worker.runOnce() == .ran(id, .retried(error: "engine lost")))

        let job = try await fixture.job(id)
        #expect(job?.status == .failed && job?.engineState == state)
        #expect(job?.aftermath == ["engine_state": "engine_unknown"])
        #expect(fixture.lock() == id)
    }

    @Test func `an inherited engine state counts until it is cleared`() async throws {
        let fixture = try WorkerFixture(maxAttempts: 2)
        let id = try await fixture.submit()
        let state = state
        let first = fixture.worker { _, context throws(ActionFailure) in
            try await context.setEngineState(state)
            throw .retryable(message: "engine lost")
        }
        #expect(await first.runOnce() == .ran(id, .retried(error: "engine lost")))
        #expect(try await fixture.job(id)?.aftermath == nil, "the job goes on")
        fixture.advance(by: .seconds(30))
        let inherited = Mutex<JSONValue?>(nil)
        let second = fixture.worker { invocation, _ throws(ActionFailure) in
            inherited.withLock { $0 = invocation.job.engineState }
            throw .failed(message: "no")
        }

        #expect(await second.runOnce() == .ran(id, .failed(error: "no")))

        #expect(inherited.withLock { $0 } == state)
        #expect(try await fixture.job(id)?.aftermath == ["engine_state": "engine_unknown"])
        #expect(fixture.lock() == id)
    }
}
