// SPDX-License-Identifier: Apache-2.0

import Jobs
import Testing
import WireFormat

extension JobStoreContract {
    static var settling: [Rule] {
        [
            Rule("completing ends the job, empties the queue and frees the table") { test in
                let running = try await test.running()

                try await test.store.settle(running.claim, as: .completed)

                let job = try await test.job(running.job.id)
                #expect(job.status == .completed && job.completedAt != nil && job.error == nil)
                #expect(job.attemptID == running.claim.attemptID)
                #expect(job.lastAttemptID == running.claim.attemptID)
                try await test.advance(lease * 2)
                #expect(try await test.store.sweep(SweepPolicy(maxAttempts: 3)) == SweepReport())
                #expect(try await test.isFree())
            },
            Rule("failing keeps the error and frees the table") { test in
                let running = try await test.running()

                try await test.store.settle(
                    running.claim, as: .failed(error: "broken", lock: .release))

                let job = try await test.job(running.job.id)
                #expect(job.status == .failed && job.error == "broken")
                #expect(try await test.isFree())
            },
            Rule("repeating a settlement is one settlement") { test in
                let limit = 3
                for settlement: Settlement in [
                    .completed, .failed(error: "e", lock: .release),
                    .failed(error: "f", lock: .leaveToLease),
                    .retry(error: "g", after: .seconds(30), maxAttempts: limit),
                    .retry(error: "h", after: .seconds(30), maxAttempts: 1),
                ] {
                    let table = TableName(
                        database: "s", table: "t\(settlement.hashValue.magnitude)")
                    let running = try await test.running(on: table)
                    try await test.store.settle(running.claim, as: settlement)
                    let before = try await test.job(running.job.id)

                    try await test.store.settle(running.claim, as: settlement)

                    #expect(try await test.job(running.job.id) == before)
                }
            },
            Rule("a second, different settlement is fenced and the first stands") { test in
                let running = try await test.running()
                try await test.store.settle(running.claim, as: .completed)

                await expectFenced("failed") {
                    try await test.store.settle(
                        running.claim, as: .failed(error: "late", lock: .release))
                }

                #expect(try await test.job(running.job.id).status == .completed)
            },
            Rule("of many settlements of one claim at once, one stands") { test in
                let running = try await test.running()

                let won = await withTaskGroup(of: Bool.self) { group in
                    for number in 0..<8 {
                        group.addTask {
                            let settlement = Settlement.failed(
                                error: "\(number)", lock: .release)
                            do {
                                try await test.store.settle(running.claim, as: settlement)
                                return true
                            } catch {
                                return false
                            }
                        }
                    }
                    return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }

                #expect(won == 1)
            },
            Rule("a retry goes back to the queue, keeps the lock and ends its lease") { test in
                let running = try await test.running()

                try await test.store.settle(
                    running.claim, as: .retry(error: "busy", after: .seconds(30), maxAttempts: 2))

                let job = try await test.job(running.job.id)
                #expect(job.status == .pending && job.error == "busy" && job.completedAt == nil)
                #expect(job.attemptID == nil && job.lastAttemptID == running.claim.attemptID)
                #expect(!(try await test.isFree()))
                _ = try await test.store.cancel(job.id)
                #expect(try await test.isFree(), "the engine had stopped: nothing to wait for")
            },
            Rule("a retry out of attempts fails with its error and frees the table") { test in
                let first = try await test.running()
                try await test.store.settle(
                    first.claim, as: .retry(error: "busy", after: .zero, maxAttempts: 2))
                let second = try await test.claim()

                try await test.store.settle(
                    second.claim, as: .retry(error: "still busy", after: .zero, maxAttempts: 2))

                let job = try await test.job(first.job.id)
                #expect(job.status == .failed && job.error == "still busy")
                #expect(try await test.tryClaim() == nil)
                #expect(try await test.isFree())
            },
            Rule("after its settlement a claim may add an aftermath and free its lock") { test in
                let running = try await test.running()
                try await test.store.settle(
                    running.claim, as: .failed(error: "stop", lock: .leaveToLease))

                try await test.store.recordAftermath(
                    ["engine_state": "engine_stopped"], underRevoked: running.claim)
                try await test.store.releaseLock(underRevoked: running.claim)

                let job = try await test.job(running.job.id)
                #expect(job.aftermath == ["engine_state": "engine_stopped"])
                #expect(job.status == .failed && job.error == "stop")
                #expect(try await test.isFree())
            },
        ]
    }

    static var cancelling: [Rule] {
        [
            Rule("cancelling a job that nobody claimed frees the table") { test in
                let job = try await test.accept()

                let outcome = try await test.store.cancel(job.id)

                let cancelled = try await test.job(job.id)
                #expect(outcome == .cancelled(cancelled))
                #expect(cancelled.status == .cancelled && cancelled.completedAt != nil)
                #expect(cancelled.error == "Cancelled by user")
                #expect(cancelled.attemptID == nil && cancelled.lastAttemptID == nil)
                #expect(try await test.tryClaim() == nil)
                #expect(try await test.isFree())
            },
            Rule("cancelling a running job revokes the fence and leaves the lock") { test in
                let running = try await test.running()

                _ = try await test.store.cancel(running.job.id)

                let job = try await test.job(running.job.id)
                #expect(job.status == .cancelled && job.attemptID == nil)
                #expect(job.lastAttemptID == running.claim.attemptID)
                #expect(!(try await test.isFree()))
                try await test.advance(lease)
                #expect(try await test.tryClaim() == nil, "the queue row is gone")
                #expect(try await test.isFree(), "the lease has passed")
            },
            Rule("with the fence that a cancel revoked, aftermath and release work") { test in
                let running = try await test.running()
                _ = try await test.store.cancel(running.job.id)

                try await test.store.recordAftermath(
                    ["engine_state": "engine_stopping"], underRevoked: running.claim)
                try await test.store.releaseLock(underRevoked: running.claim)
                try await test.store.releaseLock(underRevoked: running.claim)

                let job = try await test.job(running.job.id)
                #expect(job.aftermath == ["engine_state": "engine_stopping"])
                #expect(job.status == .cancelled)
                #expect(try await test.isFree())
            },
            Rule("cancelling a swept job keeps the fence that the sweep revoked") { test in
                let running = try await test.running()
                try await test.advance(lease)
                _ = try await test.store.sweep(SweepPolicy(maxAttempts: 3))

                _ = try await test.store.cancel(running.job.id)

                #expect(
                    try await test.job(running.job.id).lastAttemptID == running.claim.attemptID)
                try await test.store.recordAftermath("seen", underRevoked: running.claim)
                #expect(try await test.isFree(), "the swept lease has passed")
            },
            Rule("what is over, unknown or deleted cannot be cancelled") { test in
                let running = try await test.running()
                try await test.store.settle(running.claim, as: .completed)
                let job = try await test.job(running.job.id)

                #expect(try await test.store.cancel(.random()) == .notFound)
                #expect(try await test.store.cancel(job.id) == .alreadyTerminal(job))
                _ = try await test.store.softDelete(job.id)
                #expect(try await test.store.cancel(job.id) == .notFound)
            },
            Rule("only an ended job can be deleted, once") { test in
                let pending = try await test.accept()
                #expect(try await test.store.softDelete(pending.id) == .active(pending))
                let running = try await test.claim()
                #expect(try await test.store.softDelete(pending.id) == .active(running.job))
                try await test.store.settle(running.claim, as: .completed)

                #expect(try await test.store.softDelete(pending.id) == .deleted)
                #expect(try await test.store.softDelete(pending.id) == .notFound)
                #expect(try await test.store.softDelete(.random()) == .notFound)
            },
            Rule("a deleted job stays in the store and out of normal reads") { test in
                let running = try await test.running()
                try await test.store.record(.success("expire_snapshots"), under: running.claim)
                try await test.store.settle(running.claim, as: .completed)
                _ = try await test.store.softDelete(running.job.id)

                #expect(try await test.store.job(running.job.id, visibility: .normal) == nil)
                #expect(try await test.store.jobs(matching: JobQuery()).isEmpty)
                let history = try await test.store.jobs(
                    matching: JobQuery(visibility: .includingDeleted))
                #expect(history.map(\.id) == [running.job.id])
                #expect(history.first?.deletedAt != nil)
                #expect(history.first?.results == [.success("expire_snapshots")])
            },
        ]
    }
}
