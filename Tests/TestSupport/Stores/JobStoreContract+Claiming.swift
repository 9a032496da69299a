// SPDX-License-Identifier: Apache-2.0

import Jobs
import Testing
import WireFormat

extension JobStoreContract {
    static var claiming: [Rule] {
        [
            Rule("nothing is claimed from an empty queue") { test in
                let claimed = try await test.tryClaim()

                #expect(claimed == nil)
            },
            Rule("the oldest job is claimed first") { test in
                var submitted: [JobID] = []
                for number in 0..<5 {
                    let table = TableName(database: "sales", table: "t\(number)")
                    submitted.append(try await test.accept(on: table).id)
                    try await test.advance(.seconds(1))
                }

                var claimed: [JobID] = []
                while let next = try await test.tryClaim() { claimed.append(next.job.id) }

                #expect(claimed == submitted)
            },
            Rule("a claim shows the running job and its fence") { test in
                let job = try await test.accept()
                let attempt = AttemptID.random()

                let claimed = try await test.store.claim(
                    by: WorkerID("w"), attempt: attempt, lease: lease)

                #expect(claimed?.claim == Claim(jobID: job.id, attemptID: attempt))
                #expect(claimed?.job == (try await test.job(job.id)))
                #expect(claimed?.job.status == .running)
                #expect(claimed?.job.attemptID == attempt)
                #expect(claimed?.job.attemptCount == 1)
                #expect(try await test.store.queueDepth() == 0)
            },
            Rule("a job is claimed by one of many workers at once") { test in
                for number in 0..<4 {
                    try await test.accept(on: TableName(database: "s", table: "t\(number)"))
                }

                let claimed = try await withThrowingTaskGroup(of: JobID?.self) { group in
                    for _ in 0..<12 {
                        group.addTask { try await test.tryClaim()?.job.id }
                    }
                    return try await group.reduce(into: [JobID]()) { ids, id in
                        if let id { ids.append(id) }
                    }
                }

                #expect(claimed.count == 4 && Set(claimed).count == 4)
            },
            Rule("attempts are counted and the first start is kept") { test in
                let first = try await test.running()
                try await test.store.settle(
                    first.claim, as: .retry(error: "busy", after: .seconds(30), maxAttempts: 3))
                try await test.advance(.seconds(30))

                let second = try await test.claim()

                #expect(second.job.id == first.job.id)
                #expect(second.job.attemptCount == 2)
                #expect(second.job.startedAt == first.job.startedAt)
                #expect(second.claim.attemptID != first.claim.attemptID)
                #expect(second.job.error == nil)
            },
            Rule("a job that waits for its next attempt is not visible") { test in
                let first = try await test.running()
                try await test.store.settle(
                    first.claim, as: .retry(error: "busy", after: .seconds(60), maxAttempts: 3))

                try await test.advance(.seconds(50))
                #expect(try await test.tryClaim() == nil)
                #expect(try await test.store.queueDepth() == 0)
                try await test.advance(.seconds(10))
                #expect(try await test.store.queueDepth() == 1)
                #expect(try await test.tryClaim()?.job.id == first.job.id)
            },
            Rule("a claim carries what earlier attempts left") { test in
                let first = try await test.running()
                try await test.store.record(.success("expire_snapshots"), under: first.claim)
                try await test.store.setEngine("native", reason: "small", under: first.claim)
                try await test.store.setEngineState(["handle": "h1"], under: first.claim)
                try await test.store.settle(
                    first.claim, as: .retry(error: "busy", after: .zero, maxAttempts: 3))

                let second = try await test.claim()

                #expect(second.job.results == [.success("expire_snapshots")])
                #expect(second.job.engine == "native" && second.job.engineReason == "small")
                #expect(second.job.engineState == ["handle": "h1"])
                try await test.store.setEngineState(nil, under: second.claim)
                #expect(try await test.job(first.job.id).engineState == nil)
            },
            Rule("renewing extends the claim's lease and the lock's") { test in
                let running = try await test.running()
                try await test.advance(lease - .seconds(20))
                try await test.store.renew(running.claim, lease: lease, progress: nil)
                try await test.advance(lease - .seconds(20))

                #expect(try await test.store.sweep(SweepPolicy(maxAttempts: 3)) == SweepReport())
                try await test.store.settle(
                    running.claim, as: .failed(error: "stuck", lock: .leaveToLease))
                #expect(!(try await test.isFree()))
                try await test.advance(.seconds(20))
                #expect(try await test.isFree())
            },
            Rule("claiming extends the lock's lease to the claim's") { test in
                try await test.accept(lockLease: .seconds(1))
                let running = try await test.claim()
                try await test.store.settle(
                    running.claim, as: .failed(error: "stuck", lock: .leaveToLease))

                try await test.advance(lease - .seconds(20))

                #expect(!(try await test.isFree()))
            },
            Rule("a lease that has passed is renewed as long as nobody swept it") { test in
                let running = try await test.running()
                try await test.advance(lease * 3)

                try await test.store.renew(running.claim, lease: lease, progress: nil)

                #expect(try await test.store.sweep(SweepPolicy(maxAttempts: 3)) == SweepReport())
                #expect(try await test.job(running.job.id).status == .running)
            },
            Rule("progress is stored with the store's time and kept when there is none") { test in
                let running = try await test.running()
                let progress = JobProgress(
                    action: "expire_snapshots", phase: "deleting", done: 3, total: 9,
                    unit: "files", bytesDone: 5, bytesTotal: 7)

                try await test.store.renew(running.claim, lease: lease, progress: progress)
                try await test.store.renew(running.claim, lease: lease, progress: nil)

                var stored = try await test.job(running.job.id).progress
                #expect(stored?.updatedAt != nil)
                stored?.updatedAt = nil
                #expect(stored == progress)
            },
            Rule("a result is stored once per action, in order; a repeat replaces it") { test in
                try await test.accept(actions: ["a", "b"])
                let running = try await test.claim()
                let plan: JSONValue = ["groups": 2]
                let failure = ActionResult(
                    action: "b", isSuccess: false, message: "no", error: "broken",
                    elapsedSeconds: 1, plan: plan)

                try await test.store.record(.success("a", message: "first"), under: running.claim)
                try await test.store.record(failure, under: running.claim)
                try await test.store.record(.success("a", message: "second"), under: running.claim)

                let results = try await test.job(running.job.id).results
                #expect(results == [.success("a", message: "second"), failure])
            },
        ]
    }

    static var fencing: [Rule] {
        [
            Rule("a claim that a sweep revoked writes nothing") { test in
                let stale = try await test.running()
                try await test.advance(lease)
                _ = try await test.store.sweep(SweepPolicy(maxAttempts: 3))
                let before = try await test.job(stale.job.id)

                await expectEveryWriteFenced(test.store, stale.claim)

                #expect(try await test.job(stale.job.id) == before)
            },
            Rule("a claim that another attempt succeeded writes nothing") { test in
                let stale = try await test.running()
                try await test.advance(lease)
                _ = try await test.store.sweep(SweepPolicy(maxAttempts: 3))
                try await test.advance(.seconds(30))
                let current = try await test.claim()

                await expectEveryWriteFenced(test.store, stale.claim)
                await expectFenced("aftermath") {
                    try await test.store.recordAftermath("late", underRevoked: stale.claim)
                }
                await expectFenced("release") {
                    try await test.store.releaseLock(underRevoked: stale.claim)
                }

                #expect(try await test.job(stale.job.id) == current.job)
                #expect(!(try await test.isFree()))
                try await test.store.renew(current.claim, lease: lease, progress: nil)
                try await test.store.settle(current.claim, as: .completed)
            },
            Rule("a claim that a cancel revoked writes nothing") { test in
                let stale = try await test.running()
                _ = try await test.store.cancel(stale.job.id)
                let before = try await test.job(stale.job.id)

                await expectEveryWriteFenced(test.store, stale.claim)

                #expect(try await test.job(stale.job.id) == before)
            },
            Rule("a claim that has settled writes nothing more") { test in
                let settled = try await test.running()
                try await test.store.settle(
                    settled.claim, as: .failed(error: "broken", lock: .release))

                await expectEveryWriteFenced(test.store, settled.claim)

                #expect(try await test.job(settled.job.id).status == .failed)
            },
            Rule("a claim of a job that never was, or of another attempt, is fenced") { test in
                let running = try await test.running()

                await expectEveryWriteFenced(
                    test.store, Claim(jobID: .random(), attemptID: running.claim.attemptID))
                await expectEveryWriteFenced(
                    test.store, Claim(jobID: running.job.id, attemptID: .random()))

                #expect(try await test.job(running.job.id) == running.job)
            },
            Rule("a claim that holds its job cannot act as a revoked one") { test in
                let running = try await test.running()

                await expectFenced("aftermath") {
                    try await test.store.recordAftermath("late", underRevoked: running.claim)
                }
                await expectFenced("release") {
                    try await test.store.releaseLock(underRevoked: running.claim)
                }

                #expect(!(try await test.isFree()))
            },
            Rule("the lock of a successor outlives a stale release") { test in
                let stale = try await test.running()
                _ = try await test.store.cancel(stale.job.id)
                try await test.advance(lease)
                let successor = try await test.running()

                try await test.store.releaseLock(underRevoked: stale.claim)

                #expect(
                    try await test.store.submit(test.submission())
                        == .locked(by: successor.job.id))
                try await test.store.renew(successor.claim, lease: lease, progress: nil)
            },
        ]
    }

    static func expectEveryWriteFenced(_ store: Store, _ claim: Claim) async {
        await expectFenced("renew") {
            try await store.renew(
                claim, lease: lease,
                progress: JobProgress(action: "x", done: 1, total: nil, unit: "files"))
        }
        await expectFenced("record") { try await store.record(.success("x"), under: claim) }
        await expectFenced("setEngine") {
            try await store.setEngine("spark", reason: "late", under: claim)
        }
        await expectFenced("setEngineState") {
            try await store.setEngineState(["late": true], under: claim)
        }
        for settlement: Settlement in [
            .completed, .failed(error: "late", lock: .release),
            .retry(error: "late", after: .zero, maxAttempts: 3),
        ] {
            await expectFenced("\(settlement)") { try await store.settle(claim, as: settlement) }
        }
        let file = FileJournalEntry(path: "file:///x", kind: "data_file")
        await expectFenced("append") {
            try await store.append([file], tableUUID: tableUUID, under: claim)
        }
        await expectFenced("close") { try await store.close(paths: [file.path], under: claim) }
        await expectFenced("closeReplayed") { try await store.closeReplayed([1], under: claim) }
    }
}
