// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization
import TestSupport
import Testing
import WireFormat

@testable import Jobs

@Suite struct WorkerTests {
    private let store = InMemoryJobStore()
    private let table = TableName(database: "db", table: "t")

    private func submit(actions: [String] = ["a", "b"]) async throws -> JobID {
        let id = JobID.random()
        let outcome = try await store.submit(
            JobSubmission(
                jobID: id, table: table, actions: actions, isDryRun: false, options: .null,
                idempotency: nil, actor: "test", lockLease: .seconds(30)))
        if case .accepted = outcome {} else { Issue.record("not accepted: \(outcome)") }
        return id
    }

    private func worker(
        retryDelay: Duration = .zero, engineStopLimit: Duration = .milliseconds(50),
        _ run:
            @escaping @Sendable (ActionInvocation, ActionContext) async throws(ActionFailure)
            -> ActionReturn
    ) -> Worker<InMemoryJobStore, ContinuousClock> {
        var policy = WorkerPolicy(
            lease: .seconds(30), heartbeat: .seconds(5), poll: .seconds(5),
            retry: RetryPolicy(maxAttempts: 3, delay: retryDelay), engineStopLimit: engineStopLimit)
        policy.terminationEngineStopLimit = .milliseconds(50)
        return Worker(
            store: store, id: WorkerID("test:1:1"),
            executor: JobExecutor(
                chooseEngine: { _ throws(ActionFailure) in
                    EngineChoiceLabel(engine: "native", reason: "the only one")
                }, run: run),
            policy: policy, clock: ContinuousClock(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    private func job(_ id: JobID) async throws -> Job {
        try #require(await store.job(id, visibility: .includingDeleted))
    }

    private static let success = ActionReturn(
        message: "done", impact: "1 file", metrics: JSONObject(), engine: "native")

    @Test func `a job runs its actions in order and completes`() async throws {
        let id = try await submit()
        let seen = Mutex<[String]>([])
        let worker = worker { invocation, _ throws(ActionFailure) in
            seen.withLock { $0.append(invocation.action) }
            return Self.success
        }

        #expect(await worker.runOnce() == .ended(.completed))

        let job = try await job(id)
        #expect(job.status == .completed)
        #expect(job.engine == "native")
        #expect(job.results.map(\.action) == ["a", "b"])
        #expect(seen.withLock { $0 } == ["a", "b"])
        #expect(store.lock(on: table) == nil)
        #expect(await worker.runOnce() == .nothingToClaim)
    }

    @Test func `a failed action fails the job and frees the table`() async throws {
        let id = try await submit()
        let worker = worker { _, _ throws(ActionFailure) in throw .failed("no such table") }

        #expect(await worker.runOnce() == .ended(.failed(error: "no such table")))

        let job = try await job(id)
        #expect(job.status == .failed)
        #expect(job.error == "no such table")
        #expect(job.results.count == 1)
        #expect(store.lock(on: table) == nil)
    }

    @Test func `a passing fault is retried and finished actions are not repeated`() async throws {
        let id = try await submit()
        let runs = Mutex<[String]>([])
        let worker = worker { invocation, _ throws(ActionFailure) in
            let count = runs.withLock { runs in
                runs.append(invocation.action)
                return runs.count
            }
            if count == 2 { throw .retryable("storage is away") }
            return Self.success
        }

        #expect(await worker.runOnce() == .ended(.retried(error: "storage is away")))
        #expect(try await job(id).status == .pending)
        #expect(await worker.runOnce() == .ended(.completed))

        #expect(runs.withLock { $0 } == ["a", "b", "b"])
        #expect(try await job(id).results.map(\.isSuccess) == [true, true])
    }

    @Test func `a fault that does not pass fails the job after its attempts`() async throws {
        let id = try await submit(actions: ["a"])
        let worker = worker { _, _ throws(ActionFailure) in throw .retryable("away") }

        for _ in 0..<3 { #expect(await worker.runOnce() == .ended(.retried(error: "away"))) }

        #expect(try await job(id).status == .failed)
        #expect(store.lock(on: table) == nil)
    }

    @Test func `a cancel stops the engine and the worker frees the lock`() async throws {
        let id = try await submit(actions: ["a"])
        let started = AsyncStream<Void>.makeStream()
        let worker = worker { _, _ throws(ActionFailure) in
            started.continuation.yield()
            do { try await Task.sleep(for: .seconds(60)) } catch { throw .cancelled }
            return Self.success
        }
        async let pass = worker.runOnce()
        for await _ in started.stream { break }

        _ = try await store.cancel(id)

        #expect(await pass == .ended(.fenceLost))
        let job = try await job(id)
        #expect(job.status == .cancelled)
        #expect(job.aftermath?.objectValue?["engine_state"] == "engine_stopped")
        #expect(store.lock(on: table) == nil)
    }

    @Test func `invariant 5: without its fence the guard refuses`() async throws {
        _ = try await submit(actions: ["a"])
        let refusals = Mutex<[LeaseRefusal]>([])
        let store = store
        let worker = worker { _, context throws(ActionFailure) in
            do throws(LeaseRefusal) {
                try await context.confirmLease(.seconds(1))
            } catch { throw .failed("refused too early") }
            do { _ = try await store.cancel(context.claim.jobID) } catch { throw .failed("store") }
            do throws(LeaseRefusal) {
                try await context.confirmLease(.seconds(1))
            } catch { refusals.withLock { $0.append(error) } }
            throw .fenceLost
        }

        #expect(await worker.runOnce() == .ended(.fenceLost))
        #expect(refusals.withLock { $0 } == [.fenceLost])
    }

    @Test func `the guard refuses when less lease is left than is needed`() async throws {
        _ = try await submit(actions: ["a"])
        let refusal = Mutex<LeaseRefusal?>(nil)
        let worker = worker { _, context throws(ActionFailure) in
            do throws(LeaseRefusal) {
                try await context.confirmLease(.seconds(31))
            } catch { refusal.withLock { $0 = error } }
            return Self.success
        }

        #expect(await worker.runOnce() == .ended(.completed))
        #expect(refusal.withLock { $0 } == .fenceLost)
    }

    @Test func `the guard refuses when the store does not answer`() async throws {
        _ = try await submit(actions: ["a"])
        let refusal = Mutex<LeaseRefusal?>(nil)
        let store = store
        let worker = worker { _, context throws(ActionFailure) in
            store.inject(.every(.renew, .beforeEffect))
            do throws(LeaseRefusal) {
                try await context.confirmLease(.seconds(1))
            } catch { refusal.withLock { $0 = error } }
            store.inject(.none)
            return Self.success
        }

        #expect(await worker.runOnce() == .ended(.completed))
        guard case .unconfirmed? = refusal.withLock({ $0 }) else {
            Issue.record("the guard answered without the store")
            return
        }
    }

    @Test func `SIGTERM ends the attempt in two seconds though the engine is blocked`() async throws
    {
        let id = try await submit(actions: ["a"])
        let started = AsyncStream<Void>.makeStream()
        let release = AsyncStream<Void>.makeStream()
        let worker = worker { _, _ throws(ActionFailure) in
            started.continuation.yield()
            // An engine that does not see its cancellation: only the test ends it. The child task
            // is unstructured so that the cancellation does not reach it.
            await Task.detached { for await _ in release.stream { break } }.value
            return Self.success
        }
        async let pass = worker.runOnce()
        for await _ in started.stream { break }
        let told = ContinuousClock.now

        worker.terminate()

        #expect(await pass == .ended(.terminated))
        #expect(told.duration(to: .now) < WorkerPolicy.terminationLimit)
        let job = try await job(id)
        #expect(job.status == .failed)
        #expect(job.error == "Worker received SIGTERM")
        #expect(store.lock(on: table) != nil, "the lock is left to its lease")
        #expect(worker.wasInterrupted)
        release.continuation.yield()
    }

    @Test func `SIGTERM frees the lock of an engine that stops`() async throws {
        let id = try await submit(actions: ["a"])
        let started = AsyncStream<Void>.makeStream()
        let worker = worker { _, _ throws(ActionFailure) in
            started.continuation.yield()
            do { try await Task.sleep(for: .seconds(60)) } catch { throw .cancelled }
            return Self.success
        }
        async let pass = worker.runOnce()
        for await _ in started.stream { break }

        worker.terminate()

        #expect(await pass == .ended(.terminated))
        #expect(try await job(id).error == "Worker received SIGTERM")
        #expect(store.lock(on: table) == nil)
    }

    @Test func `an idle worker is woken by a submission`() async throws {
        let worker = worker { _, _ throws(ActionFailure) in Self.success }
        let running = Task { await worker.run() }

        let id = try await submit()

        // Well under the poll interval of five seconds.
        try await eventually("the job completes", limit: .seconds(4)) { [self] in
            try await job(id).status == .completed
        }
        worker.terminate()
        await running.value
        #expect(!worker.wasInterrupted)
    }

    @Test func `progress reaches the store with a renewal`() async throws {
        let id = try await submit(actions: ["a"])
        let worker = worker { _, context throws(ActionFailure) in
            context.report(JobProgress(action: "a", done: 3, total: 7, unit: "files"))
            do throws(LeaseRefusal) { try await context.confirmLease(.zero) } catch {
                throw .failed("\(error)")
            }
            return Self.success
        }

        #expect(await worker.runOnce() == .ended(.completed))

        let progress = try #require(try await job(id).progress)
        #expect(progress.done == 3)
        #expect(progress.updatedAt != nil)
    }

    @Test(arguments: StoreFault.allCases, 0..<14)
    func `a fault at any call leaves a job that still ends`(
        fault: StoreFault, index: Int
    ) async throws {
        let id = try await submit()
        let worker = worker { _, context throws(ActionFailure) in
            do throws(LeaseRefusal) { try await context.confirmLease(.seconds(1)) } catch {
                throw .retryable("\(error)")
            }
            return Self.success
        }
        store.inject(.at(index, fault))

        _ = await worker.runOnce()
        store.inject(.none)
        for _ in 0..<4 where try await !job(id).status.isTerminal {
            store.advance(by: .seconds(3600))
            _ = try await store.sweep(SweepPolicy(maxAttempts: 3))
            store.advance(by: .seconds(3600))
            _ = await worker.runOnce()
        }

        #expect(try await job(id).status == .completed)
        #expect(store.lock(on: table) == nil)
        #expect(try await store.queueDepth() == 0)
    }
}
