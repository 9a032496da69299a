// SPDX-License-Identifier: Apache-2.0

import Jobs
import Testing
import WireFormat

/// Tables that stay locked after their job, because an engine may still work for it.
extension JobStoreContract {
    private static var policy: SweepPolicy { SweepPolicy(maxAttempts: 3) }
    private static var state: JSONValue { ["engine": "spark", "session": "s1"] }
    private static var stopped: JSONValue { ["engine_state": "engine_stopped"] }

    /// A running job whose work can be found again.
    private static func working(
        _ test: StoreUnderTest<Store>, on table: TableName = .orders
    ) async throws -> ClaimedJob {
        let running = try await test.running(on: table)
        try await test.store.setEngineState(state, under: running.claim)
        return running
    }

    /// A job that failed with its engine state, its lease over.
    private static func holding(
        _ test: StoreUnderTest<Store>, on table: TableName = .orders
    ) async throws -> ClaimedJob {
        let running = try await working(test, on: table)
        try await test.store.settle(running.claim, as: .failed(error: "e", lock: .release))
        return running
    }

    private static func expectHeld(
        _ test: StoreUnderTest<Store>, by running: ClaimedJob, _ what: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let job = try await test.job(running.job.id)
        #expect(job.engineState == state, "\(what)", sourceLocation: sourceLocation)
        #expect(
            try await test.store.submit(test.submission()) == .locked(by: job.id), "\(what)",
            sourceLocation: sourceLocation)
        #expect(
            try await test.store.sweep(policy).releasedLocks == 0, "\(what)",
            sourceLocation: sourceLocation)
        let holds = try await test.store.engineHolds(limit: 10)
        #expect(
            holds == [
                EngineHold(
                    claim: running.claim, table: .orders, state: state, aftermath: job.aftermath)
            ], "\(what)", sourceLocation: sourceLocation)
    }

    static var holding: [Rule] { endings + settlingHolds + givingUp }

    private static var endings: [Rule] {
        [
            Rule("a failed job with an engine state keeps its table, whatever its worker") { test in
                let running = try await holding(test)

                try await expectHeld(test, by: running, "at once: its lease has ended")
                try await test.store.releaseLock(underRevoked: running.claim)
                try await expectHeld(test, by: running, "though released")
                try await test.advance(lease * 3)
                try await expectHeld(test, by: running, "long after its lease")
            },
            Rule("a lock left to its lease is looked at when that has passed") { test in
                let running = try await working(test)
                try await test.store.settle(
                    running.claim, as: .failed(error: "e", lock: .leaveToLease))

                #expect(try await test.store.engineHolds(limit: 10).isEmpty)
                try await test.advance(lease)
                try await expectHeld(test, by: running, "after the lease")
            },
            Rule("completing clears the engine state and frees the table") { test in
                let running = try await working(test)

                try await test.store.settle(running.claim, as: .completed)

                #expect(try await test.job(running.job.id).engineState == nil)
                #expect(try await test.isFree())
            },
            Rule("a retry keeps the engine state for the next attempt, and out of attempts holds") {
                test in
                let first = try await working(test)
                try await test.store.settle(
                    first.claim, as: .retry(error: "busy", after: .zero, maxAttempts: 2))
                #expect(try await test.store.engineHolds(limit: 10).isEmpty, "it goes on")
                let second = try await test.claim()
                #expect(second.job.engineState == state)

                try await test.store.settle(
                    second.claim, as: .retry(error: "busy", after: .zero, maxAttempts: 2))

                #expect(try await test.job(first.job.id).status == .failed)
                try await expectHeld(test, by: second, "out of attempts")
            },
            Rule("a job abandoned with an engine state keeps its table") { test in
                let running = try await working(test)
                try await test.advance(lease)

                let report = try await test.store.sweep(SweepPolicy(maxAttempts: 1))

                #expect(report == SweepReport(abandoned: [running.job.id]))
                try await expectHeld(test, by: running, "abandoned")
            },
            Rule("a job cancelled while it ran keeps its table past its lease") { test in
                let running = try await working(test)

                _ = try await test.store.cancel(running.job.id)

                #expect(try await test.store.engineHolds(limit: 10).isEmpty, "its worker may say")
                try await test.advance(lease)
                try await expectHeld(test, by: running, "cancelled")
            },
            Rule("a job cancelled while it waits for another attempt keeps its table") { test in
                let running = try await working(test)
                try await test.store.settle(
                    running.claim, as: .retry(error: "busy", after: .seconds(30), maxAttempts: 3))

                _ = try await test.store.cancel(running.job.id)

                try await expectHeld(test, by: running, "cancelled")
            },
        ]
    }

    private static var settlingHolds: [Rule] {
        [
            Rule("an aftermath that says stopped clears the engine state and frees the table") {
                test in
                let running = try await holding(test)

                try await test.store.recordAftermath(
                    ["engine_state": "engine_unknown"], underRevoked: running.claim)
                try await expectHeld(test, by: running, "unknown")
                try await test.store.recordAftermath(stopped, underRevoked: running.claim)
                try await test.store.recordAftermath(stopped, underRevoked: running.claim)

                let job = try await test.job(running.job.id)
                #expect(job.engineState == nil && job.aftermath == stopped)
                #expect(try await test.store.engineHolds(limit: 10).isEmpty)
                #expect(try await test.isFree())
            },
            Rule("after a cancel while waiting, the last attempt's aftermath frees the table") {
                test in
                let running = try await working(test)
                try await test.advance(lease)
                _ = try await test.store.sweep(policy)
                _ = try await test.store.cancel(running.job.id)

                try await test.store.recordAftermath(stopped, underRevoked: running.claim)

                #expect(try await test.isFree())
            },
            Rule("stopped clears the state of a job that waits, which keeps its lock") { test in
                let running = try await working(test)
                try await test.advance(lease)
                _ = try await test.store.sweep(policy)

                try await test.store.recordAftermath(stopped, underRevoked: running.claim)

                let job = try await test.job(running.job.id)
                #expect(job.engineState == nil && job.status == .pending)
                #expect(try await test.store.submit(test.submission()) == .locked(by: job.id))
            },
            Rule("a late aftermath never frees the table of the next job") { test in
                let running = try await holding(test)
                try await test.store.recordAftermath(stopped, underRevoked: running.claim)
                let next = try await test.accept()

                try await test.store.recordAftermath(stopped, underRevoked: running.claim)

                #expect(try await test.store.submit(test.submission()) == .locked(by: next.id))
            },
            Rule("holds come longest past first, a page at a time") { test in
                var ids: [JobID] = []
                for number in 0..<3 {
                    let table = TableName(database: "s", table: "t\(number)")
                    ids.append(try await holding(test, on: table).job.id)
                    try await test.advance(.seconds(1))
                }

                let all = try await test.store.engineHolds(limit: EngineHold.maximumPage + 1)

                #expect(all.map(\.claim.jobID) == ids)
                #expect(all.map(\.table.table) == ["t0", "t1", "t2"])
                let page = try await test.store.engineHolds(limit: 2)
                #expect(page == Array(all.prefix(2)))
                #expect(try await test.store.engineHolds(limit: 0).isEmpty)
                #expect(try await test.store.engineHolds(limit: -1).isEmpty)
            },
        ]
    }

    private static var givingUp: [Rule] {
        [
            Rule("a hold is given up when it is older than its limit, and says so") { test in
                let running = try await holding(test)
                try await test.store.recordAftermath(
                    ["engine_state": "engine_stopping", "commits": [1]],
                    underRevoked: running.claim)
                try await test.advance(SweepPolicy.engineHoldLimit - .seconds(10))
                try await expectHeld(test, by: running, "up to its limit")
                try await test.advance(.seconds(20))
                #expect(!(try await test.isFree()), "only a sweep gives it up")

                let report = try await test.store.sweep(policy)

                let job = try await test.job(running.job.id)
                #expect(report == SweepReport(releasedLocks: 1, givenUpHolds: [job.id]))
                let aftermath = try #require(job.aftermath?.objectValue)
                #expect(aftermath["engine_state"] == "engine_unknown")
                #expect(aftermath["note"] == Aftermath.givenUp.objectValue?["note"])
                #expect(aftermath["commits"] == [1], "what was known stays")
                #expect(job.engineState == nil && job.status == .failed && job.error == "e")
                #expect(try await test.store.sweep(policy) == SweepReport())
                #expect(try await test.isFree())
            },
            Rule("an aftermath that is no object gives way when a hold is given up") { test in
                let running = try await holding(test)
                try await test.store.recordAftermath("odd", underRevoked: running.claim)
                try await test.advance(SweepPolicy.engineHoldLimit + .seconds(10))

                _ = try await test.store.sweep(policy)

                let aftermath = try await test.job(running.job.id).aftermath?.objectValue
                #expect(aftermath?["engine_state"] == "engine_unknown")
            },
            Rule("a sweep gives up as many holds as its batch, the oldest first") { test in
                var ids: [JobID] = []
                for number in 0..<3 {
                    let table = TableName(database: "s", table: "t\(number)")
                    ids.append(try await holding(test, on: table).job.id)
                    try await test.advance(.seconds(1))
                }
                try await test.advance(SweepPolicy.engineHoldLimit)
                let small = SweepPolicy(maxAttempts: 3, batchLimit: 2)

                #expect(try await test.store.sweep(small).givenUpHolds == Array(ids.prefix(2)))
                #expect(try await test.store.sweep(small).givenUpHolds == [ids[2]])
            },
            Rule("history leaves a job alone that holds a table") { test in
                let running = try await holding(test)
                try await test.advance(.seconds(400))

                #expect(try await test.store.purgeHistory(olderThan: .seconds(300)) == 0)
                try await expectHeld(test, by: running, "after the purge")
                try await test.store.recordAftermath(stopped, underRevoked: running.claim)

                #expect(try await test.store.purgeHistory(olderThan: .seconds(300)) == 1)
            },
        ]
    }
}
