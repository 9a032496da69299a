// SPDX-License-Identifier: Apache-2.0

import Jobs
import Testing
import WireFormat

extension JobStoreContract {
    private static var policy: SweepPolicy { SweepPolicy(maxAttempts: 3) }

    static var sweeping: [Rule] {
        [
            Rule("a claim within its lease is not swept") { test in
                let running = try await test.running()
                try await test.advance(lease - .seconds(20))

                #expect(try await test.store.sweep(policy) == SweepReport())

                #expect(try await test.job(running.job.id) == running.job)
            },
            Rule("a lapsed claim loses its fence; the job keeps the lock") { test in
                let running = try await test.running()
                try await test.advance(lease)

                let report = try await test.store.sweep(policy)

                let job = try await test.job(running.job.id)
                #expect(report == SweepReport(requeued: [job.id]))
                #expect(job.status == .pending && job.attemptID == nil)
                #expect(job.lastAttemptID == running.claim.attemptID)
                #expect(try await test.store.submit(test.submission()) == .locked(by: job.id))
                await expectFenced("the lock is no longer the old fence's") {
                    try await test.store.releaseLock(underRevoked: running.claim)
                }
            },
            Rule("the delay before the next attempt doubles from 30 seconds") { test in
                try await test.accept()
                for delay in [30, 60] {
                    let claimed = try await test.claim()
                    try await test.advance(lease)
                    #expect(
                        try await test.store.sweep(policy).requeued == [claimed.job.id])
                    try await test.advance(.seconds(delay - 10))
                    #expect(try await test.tryClaim() == nil, "\(delay)")
                    try await test.advance(.seconds(10))
                }
                #expect(try await test.tryClaim() != nil)
            },
            Rule("the third lapsed attempt is the last: failed, and the table free") { test in
                try await test.accept()
                for _ in 0..<2 {
                    _ = try await test.claim()
                    try await test.advance(lease)
                    _ = try await test.store.sweep(policy)
                    try await test.advance(.seconds(60))
                }
                let last = try await test.claim()
                try await test.advance(lease)

                let report = try await test.store.sweep(policy)

                let job = try await test.job(last.job.id)
                #expect(report == SweepReport(abandoned: [job.id], releasedLocks: 1))
                #expect(job.status == .failed && job.completedAt != nil)
                #expect(job.error == "Abandoned after 3 attempts")
                #expect(job.attemptID == nil && job.lastAttemptID == last.claim.attemptID)
                #expect(try await test.tryClaim() == nil)
                #expect(try await test.isFree())
            },
            Rule("locks are freed once holder and lease are gone, and only then") { test in
                let running = try await test.running()
                try await test.store.settle(
                    running.claim, as: .failed(error: "stuck", lock: .leaveToLease))
                try await test.accept(on: .visits, lockLease: .seconds(1))

                #expect(try await test.store.sweep(policy).releasedLocks == 0)
                try await test.advance(lease)
                #expect(try await test.store.sweep(policy).releasedLocks == 1)
                #expect(!(try await test.isFree(.visits)), "a pending job keeps its lock")
            },
            Rule("many sweeps at once move each job once") { test in
                var ids: Set<JobID> = []
                for number in 0..<6 {
                    let table = TableName(database: "s", table: "t\(number)")
                    ids.insert(try await test.running(on: table).job.id)
                }
                try await test.advance(lease)

                let reports = try await withThrowingTaskGroup(of: SweepReport.self) { group in
                    for _ in 0..<6 {
                        group.addTask { try await test.store.sweep(policy) }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }

                let requeued = reports.flatMap(\.requeued)
                #expect(requeued.count == 6 && Set(requeued) == ids)
                #expect(try await test.job(requeued[0]).attemptCount == 1)
            },
            Rule("a sweep stops at its batch limit") { test in
                for number in 0..<3 {
                    _ = try await test.running(on: TableName(database: "s", table: "t\(number)"))
                }
                try await test.advance(lease)
                let small = SweepPolicy(maxAttempts: 3, batchLimit: 2)

                #expect(try await test.store.sweep(small).requeued.count == 2)
                #expect(try await test.store.sweep(small).requeued.count == 1)
            },
            Rule("a worker that slept through its lease finds a sweep was here") { test in
                let running = try await test.running()
                try await test.advance(lease)
                _ = try await test.store.sweep(policy)

                await expectFenced("renew") {
                    try await test.store.renew(running.claim, lease: lease, progress: nil)
                }
                try await test.store.recordAftermath("late", underRevoked: running.claim)

                #expect(try await test.job(running.job.id).aftermath == "late")
                #expect(try await test.job(running.job.id).status == .pending)
            },
        ]
    }
}
