// SPDX-License-Identifier: Apache-2.0

import Jobs
import Synchronization
import TestSupport
import Testing
import WireFormat

/// Cancels, lost fences and terminations while an engine works.
@Suite struct InterruptionTests {
    @Test func `a cancel stops the engine, and the worker frees the lock`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        let began = Gate()
        let worker = fixture.worker { _, _ throws(ActionFailure) in
            began.open()
            await waitForCancellation()
            throw .cancelled
        }
        let running = Task { await worker.runOnce() }
        await began.passIgnoringCancellation()

        _ = try await fixture.store.cancel(id)

        let outcome = await running.value
        let job = try #require(try await fixture.job(id))
        #expect(outcome == .ran(id, .cancelled) && outcome.isSuccess)
        #expect(job.status == .cancelled)
        #expect(job.aftermath == ["engine_state": "engine_stopped"])
        #expect(fixture.lock() == nil)
        #expect(fixture.log.messages.contains("writeback_stale_attempt"))
    }

    @Test func `P-30: files of a commit that nobody knows of stay when its job is cancelled`()
        async throws
    {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        let began = Gate()
        let marked = Mutex(false)
        let worker = fixture.worker { _, context throws(ActionFailure) in
            try await context.journal(
                [.init(path: "file:///new", kind: "data_file")], tableUUID: "u")
            began.open()
            await waitForCancellation()
            try await context.markJournalUnknown()
            marked.withLock { $0 = true }
            throw .commitUnknown(message: "no reply to the commit")
        }
        let running = Task { await worker.runOnce() }
        await began.passIgnoringCancellation()

        _ = try await fixture.store.cancel(id)

        #expect(await running.value == .ran(id, .cancelled))
        #expect(marked.withLock { $0 })
        let open = try await fixture.store.openEntries(
            tableUUID: "u", for: id, after: 0, limit: 10)
        #expect(open.isEmpty, "no replay may remove it")
    }

    @Test func `what the engine says of its end is the job's aftermath`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        let began = Gate()
        let said: JSONValue = ["engine_state": "engine_stopped", "note": "half was done"]
        let worker = fixture.worker { _, context throws(ActionFailure) in
            began.open()
            await waitForCancellation()
            context.noteAftermath(said)
            throw .cancelled
        }
        let running = Task { await worker.runOnce() }
        await began.passIgnoringCancellation()

        _ = try await fixture.store.cancel(id)

        #expect(await running.value == .ran(id, .cancelled))
        #expect(try await fixture.job(id)?.aftermath == said)
        #expect(fixture.lock() == nil)
    }

    @Test(arguments: [false, true])
    func `an engine that may still run keeps the table locked after a cancel`(
        isStoreSlow: Bool
    ) async throws {
        let fixture = try WorkerFixture()
        // What is known before must not be written after what is known last.
        if isStoreSlow { fixture.store.slowDown(aftermath: ["engine_state": "engine_stopping"]) }
        let id = try await fixture.submit()
        let began = Gate()
        let worker = fixture.worker { _, _ throws(ActionFailure) in
            began.open()
            await waitForCancellation()
            throw .stillRunning(message: "it did not answer")
        }
        let running = Task { await worker.runOnce() }
        await began.passIgnoringCancellation()

        _ = try await fixture.store.cancel(id)

        #expect(await running.value == .ran(id, .cancelled))
        #expect(try await fixture.job(id)?.aftermath == ["engine_state": "engine_unknown"])
        #expect(fixture.lock() == id)
    }

    @Test func `an engine that may still run fails its job and keeps the table locked`()
        async throws
    {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        let worker = fixture.worker { _, _ throws(ActionFailure) in
            throw .stillRunning(message: "it did not answer")
        }

        _ = await worker.runOnce()

        let job = try #require(try await fixture.job(id))
        #expect(job.status == .failed && job.error == "it did not answer")
        #expect(job.aftermath == ["engine_state": "engine_unknown"])
        #expect(fixture.lock() == id)
    }

    @Test func `a cancel that no signal announced is found by the heartbeat`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        let began = Gate()
        let worker = fixture.worker { _, _ throws(ActionFailure) in
            began.open()
            await waitForCancellation()
            throw .cancelled
        }
        // The renewal that the signal asks for gets no answer.
        fixture.store.inject(
            FaultPlan { call, index in call == .renew && index < 4 ? .beforeEffect : nil })
        let running = Task { await worker.runOnce() }
        await began.passIgnoringCancellation()

        _ = try await fixture.store.cancel(id)

        let outcome = try await fixture.letTimePass { await running.value }
        #expect(outcome == .ran(id, .cancelled))
        #expect(fixture.lock() == nil)
    }

    @Test func `a swept job is left to its next attempt, with its lock`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        let began = Gate()
        let worker = fixture.worker { _, _ throws(ActionFailure) in
            began.open()
            await waitForCancellation()
            throw .cancelled
        }
        let running = Task { await worker.runOnce() }
        await began.passIgnoringCancellation()

        // The store's clock runs ahead: the worker believes in a lease that is over.
        fixture.store.advance(by: fixture.configuration.lease)
        _ = try await fixture.store.sweep(fixture.configuration.retry)

        #expect(await running.value == .ran(id, .fenceLost))
        let job = try #require(try await fixture.job(id))
        #expect(job.status == .pending)
        #expect(fixture.lock() == id)
    }

    @Test func `a worker cut off from the store stops its engine before the lease ends`()
        async throws
    {
        let fixture = try WorkerFixture()
        try await fixture.submit()
        let stoppedAt = Mutex<Duration?>(nil)
        let began = Gate()
        let worker = fixture.worker { _, _ throws(ActionFailure) in
            began.open()
            await waitForCancellation()
            stoppedAt.withLock { $0 = fixture.clock.now.offset }
            throw .cancelled
        }
        let running = Task { await worker.runOnce() }
        await began.passIgnoringCancellation()
        fixture.store.inject(FaultPlan { _, _ in .beforeEffect })

        _ = try await fixture.letTimePass { await running.value }

        let stopped = try #require(stoppedAt.withLock { $0 })
        #expect(stopped < fixture.configuration.lease)
        #expect(stopped >= fixture.configuration.lease - .seconds(25))
    }

    @Test func `SIGTERM fails the job and frees the lock of an engine that stops`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit(["a", "b"])
        let began = Gate()
        let worker = fixture.worker { _, _ throws(ActionFailure) in
            began.open()
            await waitForCancellation()
            throw .cancelled
        }
        let running = Task { await worker.run() }
        await began.passIgnoringCancellation()

        worker.terminate()

        let outcome = await running.value
        let job = try #require(try await fixture.job(id))
        #expect(outcome == .ran(id, .terminated) && !outcome.isSuccess)
        #expect(job.status == .failed && job.error == "Worker received SIGTERM")
        #expect(fixture.lock() == nil)
        #expect(try await fixture.store.queueDepth() == 0)
    }

    @Test func `SIGTERM lets go within two seconds though the engine is blocked`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        let began = Gate()
        let blocked = Gate()
        let worker = fixture.worker { _, _ in
            began.open()
            await blocked.passIgnoringCancellation()
            return success("a")
        }
        let running = Task { await worker.runOnce() }
        await began.passIgnoringCancellation()

        worker.terminate()
        try await fixture.waitForTerminationTimers()
        fixture.advance(by: WorkerConfiguration.engineGrace)

        // No more time passes: half of the limit was enough.
        #expect(await running.value == .ran(id, .terminated))
        let job = try #require(try await fixture.job(id))
        #expect(job.status == .failed && job.error == "Worker received SIGTERM")
        #expect(job.aftermath == ["engine_state": "engine_stopping"])
        #expect(fixture.lock() == id, "the engine may still be writing")

        blocked.open()
        try await eventually("the late engine's lock is freed") { fixture.lock() == nil }
        #expect(try await fixture.job(id)?.status == .failed)
    }

    @Test func `SIGTERM lets go within two seconds though the store is away`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        let began = Gate()
        let worker = fixture.worker { _, _ throws(ActionFailure) in
            began.open()
            await waitForCancellation()
            throw .cancelled
        }
        let running = Task { await worker.runOnce() }
        await began.passIgnoringCancellation()
        fixture.store.inject(FaultPlan { _, _ in .beforeEffect })

        worker.terminate()
        try await fixture.waitForTerminationTimers()
        fixture.advance(by: WorkerConfiguration.terminationLimit)

        #expect(await running.value == .ran(id, .terminated))
        fixture.store.inject(.none)
        fixture.advance(by: fixture.configuration.lease)
        _ = try await fixture.store.sweep(fixture.configuration.retry)
        #expect(try await fixture.job(id)?.status == .pending, "the sweep returns it")
    }

    @Test func `cancelling the worker's task is a termination`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        let began = Gate()
        let worker = fixture.worker { _, _ throws(ActionFailure) in
            began.open()
            await waitForCancellation()
            throw .cancelled
        }
        let running = Task { await worker.run() }
        await began.passIgnoringCancellation()

        running.cancel()

        #expect(await running.value == .ran(id, .terminated))
        #expect(try await fixture.job(id)?.error == "Worker received SIGTERM")
    }

    @Test func `a worker told to stop claims nothing`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        let worker = fixture.worker { invocation, _ in success(invocation.action) }

        worker.terminate()

        #expect(await worker.run() == .terminated)
        #expect(await worker.runOnce() == .terminated)
        #expect(try await fixture.job(id)?.status == .pending)
    }

    @Test func `an engine that lost its fence and does not stop is left behind`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        let began = Gate()
        let blocked = Gate()
        let worker = fixture.worker { _, _ in
            began.open()
            await blocked.passIgnoringCancellation()
            return success("a")
        }
        let running = Task { await worker.runOnce() }
        await began.passIgnoringCancellation()

        _ = try await fixture.store.cancel(id)
        let outcome = try await fixture.letTimePass { await running.value }

        #expect(outcome == .ran(id, .fenceLost))
        #expect(try await fixture.job(id)?.aftermath == ["engine_state": "engine_stopping"])
        #expect(fixture.lock() == id)
        blocked.open()
        try await eventually("the late engine's lock is freed") { fixture.lock() == nil }
    }
}
