// SPDX-License-Identifier: Apache-2.0

import Jobs
import TestSupport
import Testing

@Suite struct JobServiceTests {
    @Test(arguments: StoreFault.allCases)
    func `a submission whose reply was lost, or that never arrived, is one job`(
        fault: StoreFault
    ) async throws {
        let fixture = try WorkerFixture()
        let submission = fixture.submission()
        fixture.store.inject(.at(0, fault))

        let outcome = try await fixture.letTimePass {
            try await fixture.service().submit(submission)
        }

        let job = try #require(try await fixture.job(submission.jobID))
        #expect(outcome == .accepted(job))
        #expect(try await fixture.store.jobs(matching: JobQuery()).count == 1)
        #expect(fixture.store.auditLog.map(\.event) == ["job.submitted"])
    }

    @Test func `a job id that was used before is a repeat`() async throws {
        let fixture = try WorkerFixture()
        let submission = fixture.submission()
        let service = fixture.service()
        _ = try await service.submit(submission)

        let outcome = try await service.submit(submission)

        let job = try #require(try await fixture.job(submission.jobID))
        #expect(outcome == .repeated(job))
    }

    @Test(arguments: StoreFault.allCases)
    func `a cancel whose reply was lost is a cancel`(fault: StoreFault) async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        fixture.store.inject(.at(0, fault))

        let outcome = try await fixture.letTimePass {
            try await fixture.service().cancel(id, actor: "client")
        }

        guard case .cancelled(let job) = outcome else {
            Issue.record("was \(outcome)")
            return
        }
        #expect(job.status == .cancelled)
        #expect(fixture.store.auditLog.map(\.actor) == ["client"])
        let again = try await fixture.service().cancel(id, actor: "client")
        #expect(again == .alreadyTerminal(job))
    }

    @Test(arguments: StoreFault.allCases)
    func `a delete whose reply was lost is a delete`(fault: StoreFault) async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        _ = try await fixture.store.cancel(id)
        fixture.store.inject(.at(0, fault))

        let outcome = try await fixture.letTimePass {
            try await fixture.service().softDelete(id, actor: "client")
        }

        #expect(outcome == .deleted)
        #expect(try await fixture.service().softDelete(id, actor: "client") == .notFound)
    }

    @Test func `an audit log that fails does not fail the deed`() async throws {
        let fixture = try WorkerFixture()
        fixture.store.inject(.every(.audit, .beforeEffect))

        let outcome = try await fixture.service().submit(fixture.submission())

        guard case .accepted = outcome else {
            Issue.record("was \(outcome)")
            return
        }
        #expect(fixture.log.messages.contains("audit_failed"))
    }

    @Test func `a store that stays away is an error within the service's patience`() async throws {
        let fixture = try WorkerFixture()
        fixture.store.inject(FaultPlan { _, _ in .beforeEffect })
        let submission = fixture.submission()

        await #expect(throws: JobStoreError.self) {
            try await fixture.letTimePass { try await fixture.service().submit(submission) }
        }

        #expect(fixture.clock.now.offset <= JobService<InMemoryJobStore, ManualClock>.patience)
    }

    @Test func `a watcher sees a job's changes to its end`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        var seen: [JobStatus] = []

        for await job in fixture.service().watch(id) {
            seen.append(job.status)
            switch job.status {
            case .pending:
                _ = try await fixture.store.claim(
                    by: WorkerID("w"), attempt: .random(), lease: .seconds(100))
            case .running: _ = try await fixture.store.cancel(id)
            case .completed, .failed, .cancelled: break
            }
        }

        #expect(seen == [.pending, .running, .cancelled])
    }

    @Test func `watching a job that is not there ends at once`() async throws {
        let fixture = try WorkerFixture()

        for await _ in fixture.service().watch(.random()) { Issue.record("there is no such job") }
    }

    @Test func `a watcher outlives an outage of the store`() async throws {
        let fixture = try WorkerFixture()
        let id = try await fixture.submit()
        _ = try await fixture.store.cancel(id)
        fixture.store.inject(FaultPlan { _, index in index < 3 ? .beforeEffect : nil })

        let last = try await fixture.letTimePass {
            var last: Job?
            for await job in fixture.service().watch(id) { last = job }
            return last?.status
        }

        #expect(last == .cancelled)
    }
}
