// SPDX-License-Identifier: Apache-2.0

import Jobs
import Synchronization
import TestSupport
import Testing
import WireFormat

@Suite struct WorkerTests {
    @Test func `actions run in order and the job completes`() async throws {
        let fixture = try WorkerFixture()
        let ran = Mutex<[String]>([])
        let id = try await fixture.submit(["a", "b", "c"])
        let worker = fixture.worker { invocation, _ in
            ran.withLock { $0.append(invocation.action) }
            return success(invocation.action)
        }

        let outcome = await worker.runOnce()

        let job = try #require(try await fixture.job(id))
        #expect(outcome == .ran(id, .completed) && outcome.isSuccess)
        #expect(job.status == .completed)
        #expect(job.results.map(\.action) == ["a", "b", "c"])
        #expect(ran.withLock { $0 } == ["a", "b", "c"])
        #expect(fixture.lock() == nil)
    }

    @Test func `nothing to claim is a success`() async throws {
        let worker = try WorkerFixture().worker { invocation, _ in success(invocation.action) }

        let outcome = await worker.runOnce()

        #expect(outcome == .idle && outcome.isSuccess)
    }

    @Test func `a store that fails the claim is no success`() async throws {
        let fixture = try WorkerFixture()
        fixture.store.inject(.every(.claim, .beforeEffect))

        let outcome = await fixture.worker { invocation, _ in success(invocation.action) }
            .runOnce()

        guard case .storeFailed(.unavailable) = outcome else {
            Issue.record("was \(outcome)")
            return
        }
        #expect(!outcome.isSuccess)
    }

    @Test func `a job stops at its first failed action and keeps the results so far`() async throws
    {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit(["a", "b", "c"])
        let worker = fixture.worker { invocation, _ throws(ActionFailure) in
            guard invocation.action == "a" else { throw .failed(message: "no such table") }
            return success(invocation.action)
        }

        let outcome = await worker.runOnce()

        let job = try #require(try await fixture.job(id))
        #expect(outcome == .ran(id, .failed(error: "no such table")) && !outcome.isSuccess)
        #expect(job.status == .failed && job.error == "no such table")
        #expect(job.results.map(\.action) == ["a", "b"])
        #expect(job.results.map(\.isSuccess) == [true, false])
        #expect(fixture.lock() == nil)
    }

    @Test func `an engine that answers for another action fails the job`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()

        let outcome = await fixture.worker { _, _ in success("something else") }.runOnce()

        #expect(
            outcome
                == .ran(id, .failed(error: "the engine answered for something else, not a")))
    }

    @Test func `a passing fault is tried again and what succeeded is not repeated`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit(["a", "b"])
        let ran = Mutex<[String]>([])
        let worker = fixture.worker { invocation, _ throws(ActionFailure) in
            let count = ran.withLock { ran in
                ran.append(invocation.action)
                return ran.count
            }
            if count == 2 { throw .retryable(message: "catalog away") }
            return success(invocation.action)
        }

        #expect(await worker.runOnce() == .ran(id, .retried(error: "catalog away")))
        #expect(await worker.runOnce() == .idle, "the delay has not passed")
        #expect(fixture.lock() == id)
        fixture.advance(by: .seconds(30))
        #expect(await worker.runOnce() == .ran(id, .completed))

        let job = try #require(try await fixture.job(id))
        #expect(job.status == .completed && job.error == nil && job.attemptCount == 2)
        #expect(job.results.map(\.isSuccess) == [true, true])
        #expect(ran.withLock { $0 } == ["a", "b", "b"])
    }

    @Test func `a fault that does not pass fails the job after its attempts`() async throws {
        let fixture = try WorkerFixture(maxAttempts: 2)
        let id = try await fixture.submit()
        let worker = fixture.worker { _, _ throws(ActionFailure) in
            throw .retryable(message: "catalog away")
        }

        _ = await worker.runOnce()
        fixture.advance(by: .seconds(30))
        _ = await worker.runOnce()

        let job = try #require(try await fixture.job(id))
        #expect(job.status == .failed && job.error == "catalog away")
        #expect(fixture.lock() == nil)
    }

    @Test func `files of an unknown commit are out of any replay's reach`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        let worker = fixture.worker { _, context throws(ActionFailure) in
            try await context.journal(
                [.init(path: "file:///old", kind: "data_file")], tableUUID: "u")
            throw .commitUnknown(message: "no reply to the commit")
        }

        _ = await worker.runOnce()

        let job = try #require(try await fixture.job(id))
        #expect(job.status == .failed && job.error == "no reply to the commit")
        let open = try await fixture.store.openEntries(
            tableUUID: "u", for: id, after: 0, limit: 10)
        #expect(open.isEmpty)
    }

    @Test func `an engine writes its choice, its state and its journal under the claim`()
        async throws
    {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        let open = Mutex<[String]>([])
        let state = Mutex<JSONValue?>(nil)
        let worker = fixture.worker { _, context throws(ActionFailure) in
            try await context.setEngine("native", reason: "small")
            try await context.setEngineState(["handle": 7])
            let kept = try? await fixture.job(id)?.engineState
            state.withLock { $0 = kept }
            let files = ["x", "y"].map { FileJournalEntry(path: $0, kind: "manifest") }
            try await context.journal(files, tableUUID: "u")
            try await context.closeJournal(paths: ["x"])
            let left = try await context.openJournalEntries(tableUUID: "u", after: 0, limit: 9)
            open.withLock { $0 = left.map(\.entry.path) }
            try await context.closeReplayed(left.map(\.id))
            return success("a")
        }

        _ = await worker.runOnce()

        let job = try #require(try await fixture.job(id))
        #expect(job.status == .completed)
        #expect(job.engine == "native" && job.engineReason == "small")
        #expect(state.withLock { $0 } == ["handle": 7])
        #expect(job.engineState == nil, "nothing is left to be found")
        #expect(open.withLock { $0 } == ["y"])
        #expect(
            try await fixture.store.openEntries(
                tableUUID: "u", for: id, after: 0, limit: 9
            ).isEmpty)
    }

    @Test func `an idle worker is woken by a submission, without waiting for its poll`()
        async throws
    {
        let fixture = try WorkerFixture()
        let worker = fixture.worker { invocation, _ in success(invocation.action) }
        let running = Task { await worker.run() }
        try await eventually("the worker idles") { fixture.clock.sleeperCount > 0 }

        let id = try await fixture.submit()

        try await eventually("the job completes") {
            try await fixture.job(id)?.status == .completed
        }
        worker.terminate()
        _ = await running.value
    }

    @Test func `an idle worker that hears no signal looks after its poll interval`() async throws {
        let fixture = try WorkerFixture()
        let worker = fixture.worker { invocation, _ in success(invocation.action) }
        let id = try await fixture.submit()
        let isFirst = Mutex(true)
        fixture.store.inject(
            FaultPlan { call, _ in
                guard call == .claim else { return nil }
                return isFirst.withLock { isFirst in
                    defer { isFirst = false }
                    return isFirst ? .beforeEffect : nil
                }
            })
        let running = Task { await worker.run() }

        let status = try await fixture.letTimePass {
            while try await fixture.job(id)?.status != .completed { await Task.yield() }
            return true
        }

        #expect(status)
        worker.terminate()
        _ = await running.value
        #expect(fixture.log.messages.contains("claim_failed"))
    }

    @Test func `progress is written at most once a second, the newest first`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        let reported = Gate()
        let gate = Gate()
        let worker = fixture.worker { _, context in
            for done in 1...1000 {
                context.report(
                    JobProgress(action: "a", done: Int64(done), total: 1000, unit: "files"))
            }
            reported.open()
            await gate.passIgnoringCancellation()
            return success("a")
        }
        fixture.store.inject(.none)
        let running = Task { await worker.runOnce() }
        await reported.passIgnoringCancellation()
        // Whoever writes it may not be asleep yet.
        try await fixture.letTimePass {
            while try await fixture.job(id)?.progress?.done != 1000 { await Task.yield() }
        }
        for _ in 0..<3 { try await fixture.advanceOnceAsleep(by: .seconds(1)) }
        gate.open()
        _ = await running.value

        #expect(fixture.store.calls.count { $0 == .renew } <= 2)
    }

    @Test func `a long action keeps its lease by heartbeats`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        let gate = Gate()
        let worker = fixture.worker { _, _ in
            await gate.passIgnoringCancellation()
            return success("a")
        }
        let running = Task { await worker.runOnce() }
        let start = fixture.clock.now

        while start.duration(to: fixture.clock.now) < fixture.configuration.lease * 3 {
            try await fixture.advanceOnceAsleep(by: .seconds(1))
            let report = try await fixture.store.sweep(fixture.configuration.retry)
            #expect(report == SweepReport())
        }
        gate.open()

        #expect(await running.value == .ran(id, .completed))
    }
}
