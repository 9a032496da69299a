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
}
