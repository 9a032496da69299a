// SPDX-License-Identifier: Apache-2.0

import Jobs
import Testing
import WireFormat

extension JobStoreContract {
    static var submitting: [Rule] {
        [
            Rule("a submitted job is pending and readable") { test in
                let options: JSONValue = ["expire_snapshots": ["retain_last": 2]]
                let submission = test.submission(
                    actions: ["expire_snapshots", "rewrite_manifests"], options: options)

                let outcome = try await test.store.submit(submission)

                let job = try await test.job(submission.jobID)
                #expect(outcome == .accepted(job))
                #expect(job.status == .pending)
                #expect(job.actions == ["expire_snapshots", "rewrite_manifests"])
                #expect(job.options == options)
                #expect(job.attemptCount == 0 && job.attemptID == nil && job.startedAt == nil)
                #expect(try await test.store.queueDepth() == 1)
            },
            Rule("a pending job locks its table however long it waits") { test in
                let first = try await test.accept(lockLease: .seconds(10))
                try await test.advance(.seconds(100_000))

                let outcome = try await test.store.submit(test.submission())

                #expect(outcome == .locked(by: first.id))
            },
            Rule("a running job locks its table even when its lease has passed") { test in
                let first = try await test.running()
                try await test.advance(lease * 2)

                let outcome = try await test.store.submit(test.submission())

                #expect(outcome == .locked(by: first.job.id))
            },
            Rule("a refused submission leaves nothing behind") { test in
                try await test.accept()
                let refused = test.submission(key: "k")

                _ = try await test.store.submit(refused)

                #expect(
                    try await test.store.job(refused.jobID, visibility: .includingDeleted) == nil)
                #expect(try await test.store.queueDepth() == 1)
                #expect(
                    try await test.store.submit(test.submission(on: .visits, key: "k"))
                        != .idempotencyMismatch(first: refused.jobID))
            },
            Rule("another table is free") { test in
                try await test.accept(on: .orders)

                #expect(try await test.isFree(.visits))
            },
            Rule("an ended holder keeps the lock until its lease has passed") { test in
                let holder = try await test.running()
                try await test.store.settle(
                    holder.claim, as: .failed(error: "stuck", lock: .leaveToLease))

                try await test.advance(lease - .seconds(5))
                #expect(
                    try await test.store.submit(test.submission()) == .locked(by: holder.job.id))
                try await test.advance(.seconds(5))
                #expect(try await test.isFree())
            },
            Rule("a holder that is gone keeps the lock until its lease has passed") { test in
                let holder = try await test.running()
                try await test.store.settle(
                    holder.claim, as: .failed(error: "stuck", lock: .leaveToLease))
                try await test.advance(lease / 2)
                #expect(try await test.store.purgeHistory(olderThan: .seconds(1)) == 1)

                #expect(
                    try await test.store.submit(test.submission()) == .locked(by: holder.job.id))
                try await test.advance(lease / 2)
                #expect(try await test.isFree())
            },
            Rule("submitting the same job id again returns the job") { test in
                let submission = test.submission()
                _ = try await test.store.submit(submission)

                let again = try await test.store.submit(submission)

                #expect(again == .repeated(try await test.job(submission.jobID)))
                #expect(try await test.store.queueDepth() == 1)
            },
            Rule("of many submissions for one table at once, one is accepted") { test in
                let accepted = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for _ in 0..<8 {
                        group.addTask { try await test.isFree() }
                    }
                    return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }

                #expect(accepted == 1)
                #expect(try await test.store.jobs(matching: JobQuery()).count == 1)
            },
            Rule("a job submitted claimed is running and nobody else can have it") { test in
                let submission = test.submission()
                let attempt = AttemptID.random()

                let outcome = try await test.store.submitClaimed(
                    submission, by: WorkerID("cli"), attempt: attempt, lease: lease)

                let job = try await test.job(submission.jobID)
                #expect(outcome == .accepted(job))
                #expect(job.status == .running && job.attemptID == attempt)
                #expect(job.attemptCount == 1 && job.startedAt != nil)
                #expect(try await test.tryClaim() == nil)
                let claim = Claim(jobID: job.id, attemptID: attempt)
                try await test.store.renew(claim, lease: lease, progress: nil)
                try await test.store.settle(claim, as: .completed)
                #expect(try await test.isFree())
            },
            Rule("a dry run is stored as completed, without lock or queue") { test in
                let holder = try await test.accept()
                let submission = test.submission(dryRun: true)
                let results = [ActionResult.success("expire_snapshots", message: "dry run")]

                let outcome = try await test.store.recordDryRun(submission, results: results)

                let job = try await test.job(submission.jobID)
                #expect(outcome == .accepted(job))
                #expect(job.status == .completed && job.isDryRun && job.completedAt != nil)
                #expect(job.results == results)
                #expect(try await test.store.queueDepth() == 1)
                #expect(try await test.store.submit(test.submission()) == .locked(by: holder.id))
                #expect(
                    try await test.store.recordDryRun(submission, results: results)
                        == .repeated(job))
            },
        ]
    }

    static var idempotency: [Rule] {
        [
            Rule("the same key and digest return the first job, before the lock") { test in
                let first = try await test.accept(key: "k")

                let again = try await test.store.submit(test.submission(key: "k"))

                #expect(again == .repeated(first))
            },
            Rule("keys are global: another digest is refused on any table") { test in
                let first = try await test.accept(key: "k")

                let other = try await test.store.submit(
                    test.submission(on: .visits, key: "k", digest: "d2"))

                #expect(other == .idempotencyMismatch(first: first.id))
            },
            Rule("a key is remembered for 24 hours, to the second") { test in
                let first = try await test.accept(key: "k")
                try await test.advance(JobSubmission.Idempotency.window - .seconds(20))
                #expect(
                    try await test.store.submit(test.submission(on: .visits, key: "k"))
                        == .repeated(first))

                try await test.advance(.seconds(20))

                try await test.accept(on: .visits, key: "k")
                #expect(
                    try await test.store.submit(
                        test.submission(on: .visits, key: "k", digest: "d2"))
                        != .idempotencyMismatch(first: first.id))
            },
            Rule("a deleted job still answers for its key") { test in
                let first = try await test.accept(key: "k")
                _ = try await test.store.cancel(first.id)
                _ = try await test.store.softDelete(first.id)

                let again = try await test.store.submit(test.submission(key: "k"))

                #expect(again == .repeated(try await test.job(first.id)))
            },
            Rule("dry runs and real jobs share the keys") { test in
                let first = try await test.accept(key: "k")

                let dry = try await test.store.recordDryRun(
                    test.submission(dryRun: true, key: "k", digest: "d2"), results: [])

                #expect(dry == .idempotencyMismatch(first: first.id))
            },
            Rule("of many submissions with one key at once, one is stored") { test in
                let ids = try await withThrowingTaskGroup(of: JobID?.self) { group in
                    for number in 0..<8 {
                        group.addTask {
                            let table = TableName(database: "sales", table: "t\(number)")
                            switch try await test.store.submit(
                                test.submission(on: table, key: "k"))
                            {
                            case .accepted(let job), .repeated(let job): return job.id
                            case .locked, .idempotencyMismatch: return nil
                            }
                        }
                    }
                    return try await group.reduce(into: Set<JobID?>()) { $0.insert($1) }
                }

                #expect(ids.count == 1 && !ids.contains(nil))
                #expect(try await test.store.jobs(matching: JobQuery()).count == 1)
            },
        ]
    }
}
