// SPDX-License-Identifier: Apache-2.0

import Jobs
import Postgres
import PostgresStore
import TestSupport
import Testing
import WireFormat

/// Many processes' worth of callers at once, on a real server.
@Suite(.enabled(if: PostgresCluster.isAvailable)) struct PostgresStoreConcurrencyTests {
    private static let lease: Duration = .seconds(100)

    private func submission(
        _ table: TableName, id: JobID = .random(), lockLease: Duration = Self.lease
    ) -> JobSubmission {
        JobSubmission(
            jobID: id, table: table, actions: ["expire_snapshots"], isDryRun: false,
            options: .null, idempotency: nil, actor: "test", lockLease: lockLease)
    }

    private func table(_ number: Int) -> TableName {
        TableName(database: "db", table: "t\(number)")
    }

    @Test func `of many submitters of one table one wins, and the others learn who`() async throws {
        try await withStore(connections: 8) { store, _ in
            let outcomes = try await withThrowingTaskGroup(of: SubmissionOutcome.self) { group in
                for _ in 0..<40 {
                    group.addTask { try await store.submit(submission(table(1))) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }

            let winners = outcomes.compactMap { outcome in
                if case .accepted(let job) = outcome { job.id } else { nil }
            }
            let winner = try #require(winners.first)
            #expect(winners.count == 1)
            #expect(outcomes.count { $0 == .locked(by: winner) } == 39)
        }
    }

    @Test func `of many takers of a dead lock one wins`() async throws {
        try await withStore(connections: 8) { store, clock in
            for round in 0..<10 {
                _ = try await store.submit(submission(table(1)))
                let held = try #require(
                    try await store.claim(
                        by: WorkerID("w"), attempt: .random(), lease: Self.lease))
                try await store.settle(
                    held.claim, as: .failed(error: "stuck", lock: .leaveToLease))
                try await clock.advance(by: Self.lease)

                let wins = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for number in 0..<12 {
                        group.addTask {
                            if number == 0 {
                                _ = try await store.sweep(SweepPolicy(maxAttempts: 3))
                            }
                            if case .accepted = try await store.submit(submission(table(1))) {
                                return true
                            }
                            return false
                        }
                    }
                    return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }

                #expect(wins == 1, "round \(round)")
                for job in try await store.jobs(matching: JobQuery(status: .pending)) {
                    _ = try await store.cancel(job.id)
                }
            }
        }
    }

    @Test func `the same submission many times at once is one job`() async throws {
        try await withStore(connections: 8) { store, _ in
            let id = JobID.random()
            let outcomes = try await withThrowingTaskGroup(of: SubmissionOutcome.self) { group in
                for _ in 0..<20 {
                    group.addTask { try await store.submit(submission(table(1), id: id)) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }

            let accepted = outcomes.count { if case .accepted = $0 { true } else { false } }
            let repeated = outcomes.count { if case .repeated = $0 { true } else { false } }
            #expect(accepted == 1 && repeated == 19)
        }
    }

    @Test func `many claimers share many jobs, each once`() async throws {
        try await withStore(connections: 8) { store, _ in
            let count = 200
            for number in 0..<count { _ = try await store.submit(submission(table(number))) }

            let claimed = try await withThrowingTaskGroup(of: [JobID].self) { group in
                for _ in 0..<16 {
                    group.addTask {
                        var ids: [JobID] = []
                        while let job = try await store.claim(
                            by: WorkerID("w"), attempt: .random(), lease: Self.lease)
                        {
                            ids.append(job.job.id)
                        }
                        return ids
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }

            #expect(claimed.count == count && Set(claimed).count == count)
            #expect(try await store.queueDepth() == 0)
        }
    }

    /// Workers, cancels, sweeps and lapsing leases, in an order that the seed starts off.
    @Test(arguments: UInt64(1)...3)
    func `whatever happens at once, one attempt settles each job`(seed: UInt64) async throws {
        try await withStore(connections: 8) { store, clock in
            let tally = SettlementTally()
            let tables = 12
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<6 {
                    group.addTask {
                        try await work(store, tally, seed: seed &* 100 &+ UInt64(worker))
                    }
                }
                for number in 0..<3 {
                    group.addTask {
                        var random = SeededGenerator(seed: seed &* 1000 &+ UInt64(number))
                        for _ in 0..<40 {
                            let place = table(Int.random(in: 0..<tables, using: &random))
                            let outcome = try await store.submit(submission(place))
                            guard case .accepted(let job) = outcome else { continue }
                            if Int.random(in: 0..<4, using: &random) == 0 {
                                if case .cancelled = try await store.cancel(job.id) {
                                    tally.add(job.id)
                                }
                            }
                        }
                    }
                }
                group.addTask {
                    for _ in 0..<15 {
                        try await clock.advance(by: Self.lease)
                        let policy = SweepPolicy(maxAttempts: 2, retryDelay: .zero)
                        for job in try await store.sweep(policy).abandoned { tally.add(job) }
                    }
                }
                try await group.waitForAll()
            }
            try await finish(store, clock, tally)

            let jobs = try await store.jobs(matching: JobQuery(limit: 501))
            #expect(jobs.allSatisfy { $0.status.isTerminal })
            #expect(tally.counts.count == jobs.count)
            #expect(tally.counts.values.allSatisfy { $0 == 1 }, "settled by one, once")
            #expect(try await store.queueDepth() == 0)
            for number in 0..<tables {
                guard case .accepted = try await store.submit(submission(table(number))) else {
                    Issue.record("table \(number) is still locked")
                    continue
                }
            }
        }
    }

    /// Claims and ends jobs in every way, for a while.
    private func work(_ store: PostgresStore, _ tally: SettlementTally, seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<40 {
            guard
                let held = try await store.claim(
                    by: WorkerID("w\(seed)"), attempt: AttemptID(using: &random),
                    lease: Self.lease)
            else { continue }
            do throws(JobStoreError) {
                try await store.renew(held.claim, lease: Self.lease, progress: nil)
                try await store.record(
                    ActionResult(action: "a", isSuccess: true, message: "", elapsedSeconds: 0),
                    under: held.claim)
                switch Int.random(in: 0..<4, using: &random) {
                case 0:
                    try await store.settle(
                        held.claim, as: .retry(error: "again", after: .zero, maxAttempts: 100))
                // Walks away: the lease lapses.
                case 1: break
                default:
                    try await store.settle(held.claim, as: .completed)
                    tally.add(held.job.id)
                }
            } catch {
                #expect(error == .fenced)
                // A worker that lost its fence frees what a cancel left to it.
                try? await store.releaseLock(underRevoked: held.claim)
            }
        }
    }

    /// Lets every lease lapse and ends what is left.
    private func finish(
        _ store: PostgresStore, _ clock: ShiftedClock, _ tally: SettlementTally
    ) async throws {
        for _ in 0..<3 {
            try await clock.advance(by: Self.lease * 50)
            for job in try await store.sweep(SweepPolicy(maxAttempts: 1)).abandoned {
                tally.add(job)
            }
            while let held = try await store.claim(
                by: WorkerID("last"), attempt: .random(), lease: Self.lease)
            {
                try await store.settle(held.claim, as: .completed)
                tally.add(held.job.id)
            }
        }
    }
}
