// SPDX-License-Identifier: Apache-2.0

import Jobs
import Synchronization
import TestSupport
import Testing

/// A fault before and after the effect of every call to the store that a job's life makes: the job
/// still ends, once, with its lock freed, and no action commits under two fences.
@Suite struct FaultEnumerationTests {
    /// More than the longest of these lives makes, heartbeats and repeats included.
    static let calls = 0..<16

    @Test(arguments: calls, StoreFault.allCases)
    func `a job that succeeds completes in spite of it`(index: Int, fault: StoreFault) async throws
    {
        let job = try await live(under: .at(index, fault)) {
            invocation, context throws(ActionFailure) in
            try await context.setEngine("native", reason: "r")
            try await context.journal([.init(path: "p", kind: "k")], tableUUID: "u")
            try await context.confirmLease(atLeast: .seconds(1))
            try await context.closeJournal(paths: ["p"])
            return success(invocation.action)
        }

        #expect(job.status == .completed && job.error == nil)
        #expect(job.results.map(\.isSuccess) == [true, true])
    }

    @Test(arguments: calls, StoreFault.allCases)
    func `a job that fails fails with its own error in spite of it`(
        index: Int, fault: StoreFault
    ) async throws {
        let job = try await live(under: .at(index, fault)) { invocation, _ throws(ActionFailure) in
            guard invocation.action == "a" else { throw .failed(message: "broken") }
            return success(invocation.action)
        }

        #expect(job.status == .failed && job.error == "broken")
    }

    @Test(arguments: calls, StoreFault.allCases)
    func `a job that passes through a fault of its own completes in spite of it`(
        index: Int, fault: StoreFault
    ) async throws {
        let hasFailed = Mutex(false)
        let job = try await live(under: .at(index, fault)) { invocation, _ throws(ActionFailure) in
            let isFirst = hasFailed.withLock { hasFailed in
                defer { hasFailed = true }
                return !hasFailed
            }
            if isFirst { throw .retryable(message: "passing") }
            return success(invocation.action)
        }

        #expect(job.status == .completed)
    }

    @Test(arguments: UInt64(0)..<60)
    func `a store that fails every fifth call loses no job`(seed: UInt64) async throws {
        let job = try await live(under: .random(seed: seed, oneIn: 5)) {
            invocation, context throws(ActionFailure) in
            try await context.confirmLease(atLeast: .seconds(1))
            return success(invocation.action)
        }

        #expect(job.status.isTerminal)
        #expect(job.status == .completed || job.error != nil)
    }

    /// Runs workers and sweeps until the job is over.
    private func live(
        under plan: FaultPlan, engine: @escaping ActionEngine
    ) async throws -> Job {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit(["a", "b"])
        let fences = Mutex<[String: Set<AttemptID>]>([:])
        fixture.store.inject(plan)
        let worker = fixture.worker { invocation, context throws(ActionFailure) in
            let result = try await engine(invocation, context)
            fences.withLock {
                _ = $0[invocation.action, default: []].insert(context.claim.attemptID)
            }
            return result
        }
        try await fixture.letTimePass {
            for _ in 0..<8 {
                if let job = try? await fixture.job(id), job.status.isTerminal { return }
                _ = await worker.runOnce()
                // What a dead or deaf worker leaves is found by a sweep after its lease.
                fixture.advance(by: fixture.configuration.lease)
                _ = try? await fixture.store.sweep(fixture.configuration.retry)
                fixture.advance(by: .seconds(120))
            }
        }
        fixture.store.inject(.none)
        let job = try #require(try await fixture.job(id))
        try await expectAtRest(job, in: fixture)
        return job
    }

    private func expectAtRest(_ job: Job, in fixture: WorkerFixture) async throws {
        #expect(job.status.isTerminal && job.completedAt != nil)
        #expect(fixture.lock() == nil)
        #expect(try await fixture.store.queueDepth() == 0)
        #expect(try await fixture.store.sweep(fixture.configuration.retry) == SweepReport())
        #expect(try await fixture.store.submit(fixture.submission()) != .locked(by: job.id))
    }
}
