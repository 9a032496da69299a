// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import Synchronization
import TestSupport
import Testing

@testable import IcebergTable

private struct LeaseLost: Error {}

/// What one call of the committer did.
private final class Run: Sendable {
    let catalog: ScriptedCatalog
    let clock = RecordingClock()
    let plans = Mutex(0)
    let confirmations = Mutex(0)

    init(_ catalog: ScriptedCatalog) { self.catalog = catalog }

    var pauses: [Duration] { clock.pauses }

    /// Sets the property `ours`, until the guard says no.
    func commit(confirmations allowed: Int = .max) async throws -> CommitResult {
        let committer = TableCommitter(
            catalog: catalog, clock: clock, random: SeededGenerator(seed: 1))
        return try await committer.commit(
            to: ScriptedCatalog.identifier,
            confirm: { () throws(LeaseLost) in
                let count = confirmations.withLock { count in
                    count += 1
                    return count
                }
                guard count <= allowed else { throw LeaseLost() }
            },
            plan: { (table) throws(LeaseLost) in
                plans.withLock { $0 += 1 }
                guard table.metadata.properties["ours"] == nil else { return nil }
                return CommitProposal(
                    updates: [.setProperties(TableProperties(["ours": "1"]))], requirements: [],
                    isApplied: { $0.metadata.properties["ours"] == "1" })
            })
    }
}

extension CommitResult {
    fileprivate var summary: String {
        switch self {
        case .committed(_, let attempts): "committed in \(attempts)"
        case .unneeded: "unneeded"
        case .refused(.conflict, let attempts): "conflict after \(attempts)"
        case .refused(.unavailable, let attempts): "unavailable after \(attempts)"
        case .refused(.rejected, let attempts): "rejected after \(attempts)"
        case .unknown: "unknown"
        }
    }
}

@Suite struct TableCommitterTests {
    @Test func `a commit that gets in at once is made once and without a pause`() async throws {
        let run = Run(try ScriptedCatalog([.work]))

        let result = try await run.commit()

        #expect(result.summary == "committed in 1")
        #expect(run.catalog.commits == 1 && run.catalog.loads == 1 && run.pauses.isEmpty)
        #expect(run.catalog.table.metadata.properties["ours"] == "1")
    }

    @Test func `a table that needs nothing is not committed to`() async throws {
        let run = Run(try ScriptedCatalog([], properties: ["ours": "1"]))

        #expect(try await run.commit().summary == "unneeded")
        #expect(run.catalog.commits == 0 && run.confirmations.withLock { $0 } == 0)
    }

    @Test func `a conflict is planned again on the table as it then is, P-32`() async throws {
        let run = Run(try ScriptedCatalog([.lose, .lose]))

        let result = try await run.commit()

        #expect(result.summary == "committed in 3")
        #expect(run.plans.withLock { $0 } == 3 && run.catalog.loads == 3)
        #expect(run.catalog.table.metadata.properties["other"] == "1")
        #expect(run.catalog.table.metadata.properties["ours"] == "1")
        #expect(run.pauses.count == 2)
        #expect(run.pauses.allSatisfy { $0 >= .milliseconds(100) && $0 <= .milliseconds(400) })
    }

    @Test func `conflicts end when the table's retries are used up, P-32`() async throws {
        let standard = Run(try ScriptedCatalog(Array(repeating: .lose, count: 20)))
        let patient = Run(
            try ScriptedCatalog(
                Array(repeating: .lose, count: 20),
                properties: ["commit.retry.num-retries": "7"]))
        let hasty = Run(
            try ScriptedCatalog([.lose], properties: ["commit.retry.num-retries": "0"]))

        #expect(try await standard.commit().summary == "conflict after 5")
        #expect(try await patient.commit().summary == "conflict after 8")
        #expect(try await hasty.commit().summary == "conflict after 1")
        #expect(hasty.pauses.isEmpty)
    }

    @Test func `a rejection is not tried again`() async throws {
        let run = Run(try ScriptedCatalog([.refuse(.rejected(reason: "no"))]))

        #expect(try await run.commit().summary == "rejected after 1")
        #expect(run.catalog.commits == 1)
    }

    @Test func `a passing fault is tried again`() async throws {
        let run = Run(try ScriptedCatalog([.refuse(.unavailable(reason: "busy"))]))

        #expect(try await run.commit().summary == "committed in 2")
    }

    @Test func `a table that cannot be loaded for now is tried again, a missing one is not`()
        async throws
    {
        let passing = Run(try ScriptedCatalog([]))
        passing.catalog.failLoads([.unavailable(reason: "away"), .unavailable(reason: "away")])
        let missing = Run(try ScriptedCatalog([]))
        missing.catalog.failLoads([.noSuchTable(ScriptedCatalog.identifier)])

        #expect(try await passing.commit().summary == "committed in 3")
        #expect(try await missing.commit().summary == "rejected after 1")
        #expect(missing.catalog.commits == 0)
    }

    @Test func `no retry begins after the total time`() async throws {
        let catalog = try ScriptedCatalog(
            Array(repeating: .lose, count: 20),
            properties: [
                "commit.retry.num-retries": "1000", "commit.retry.min-wait-ms": "1000",
                "commit.retry.max-wait-ms": "1000", "commit.retry.total-timeout-ms": "3500",
            ])
        let run = Run(catalog)

        #expect(try await run.commit().summary == "conflict after 5")
        #expect(run.pauses == Array(repeating: .seconds(1), count: 4))
    }

    @Test func `settings that cannot be read stop before anything is planned`() async throws {
        let run = Run(
            try ScriptedCatalog([.work], properties: ["commit.retry.num-retries": "many"]))

        let result = try await run.commit()

        guard case .refused(.rejected(let reason), _) = result else {
            Issue.record("the result was \(result)")
            return
        }
        #expect(reason.contains("commit.retry.num-retries"))
        #expect(run.plans.withLock { $0 } == 0 && run.catalog.commits == 0)
    }

    @Test func `a lost lease stops before the commit, also before a retry, P-33`() async throws {
        let first = Run(try ScriptedCatalog([.work]))
        let second = Run(try ScriptedCatalog([.lose]))

        await #expect(throws: LeaseLost.self) { try await first.commit(confirmations: 0) }
        await #expect(throws: LeaseLost.self) { try await second.commit(confirmations: 1) }

        #expect(first.catalog.commits == 0)
        #expect(second.catalog.commits == 1)
        #expect(second.catalog.table.metadata.properties["ours"] == nil)
    }

    @Test func `a cancelled task makes no further attempt`() async throws {
        let run = Run(try ScriptedCatalog(Array(repeating: .lose, count: 5)))

        // Awaited right here: only a task of its own can be cancelled before it begins.
        let result = try await Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await run.commit()
        }.value

        #expect(result.summary == "conflict after 1")
    }
}

@Suite struct UnknownCommitTests {
    @Test func `a commit whose reply was lost is found and not made twice, P-30 and P-31`()
        async throws
    {
        let run = Run(try ScriptedCatalog([.loseReply]))

        let result = try await run.commit()

        #expect(result.summary == "committed in 1")
        #expect(run.catalog.commits == 1 && run.plans.withLock { $0 } == 1 && run.pauses.isEmpty)
    }

    @Test func `a commit that arrives late is waited for, P-30`() async throws {
        let run = Run(try ScriptedCatalog([.arriveLate(looks: 3)]))

        let result = try await run.commit()

        #expect(result.summary == "committed in 1")
        #expect(run.pauses.count == 2 && run.pauses.allSatisfy { $0 >= .seconds(1) })
    }

    @Test func `while the base is current nobody can tell, P-30`() async throws {
        let run = Run(try ScriptedCatalog([.loseRequest]))

        let result = try await run.commit()

        #expect(result.summary == "unknown")
        #expect(run.catalog.commits == 1, "trying again could apply it twice")
        #expect(run.catalog.loads == 1 + 4, "one look at once and three more")
        #expect(run.pauses.count == 3)
    }

    @Test func `the table says how often is looked`() async throws {
        let run = Run(
            try ScriptedCatalog(
                [.loseRequest],
                properties: [
                    "commit.status-check.num-retries": "1",
                    "commit.status-check.min-wait-ms": "7", "commit.status-check.max-wait-ms": "7",
                ]))

        #expect(try await run.commit().summary == "unknown")
        #expect(run.pauses == [.milliseconds(7)])
    }

    @Test func `once another commit followed the base ours cannot, and is made again, P-30`()
        async throws
    {
        let run = Run(try ScriptedCatalog([.loseRequestWhileOthersCommit(1)]))

        let result = try await run.commit()

        #expect(result.summary == "committed in 2")
        #expect(run.catalog.commits == 2)
    }

    @Test func `a log that was cut off proves nothing, P-30`() async throws {
        let run = Run(
            try ScriptedCatalog(
                [.loseRequestWhileOthersCommit(3)],
                properties: ["write.metadata.previous-versions-max": "2"]))

        #expect(try await run.commit().summary == "unknown")
        #expect(run.catalog.commits == 1)
    }

    @Test func `a table that cannot be read back leaves it unknown, P-30`() async throws {
        let run = Run(try ScriptedCatalog([.loseReply]))
        let away = CatalogError.unavailable(reason: "away")
        run.catalog.failLoads([nil, away, away, away, away])

        let result = try await run.commit()

        guard case .unknown(let reason) = result else {
            Issue.record("the result was \(result)")
            return
        }
        #expect(reason.contains("lost") && reason.contains("away"))
    }

    @Test func `without a location the proposal's own evidence decides, P-30`() async throws {
        let applied = Run(try ScriptedCatalog([.loseReply], tellsLocation: false))
        let lost = Run(
            try ScriptedCatalog([.loseRequestWhileOthersCommit(1)], tellsLocation: false))

        #expect(try await applied.commit().summary == "committed in 1")
        #expect(try await lost.commit().summary == "unknown")
        #expect(lost.catalog.commits == 1)
    }

    @Test func `cancelling does not end the search for a commit's outcome, P-30`() async throws {
        let run = Run(try ScriptedCatalog([.loseReply]))
        run.catalog.failLoads([nil, .unavailable(reason: "away")])

        let result = try await withThrowingTaskGroup(of: CommitResult.self) { group in
            group.addTask {
                // By itself, so that the commit begins in a task that is cancelled already.
                withUnsafeCurrentTask { $0?.cancel() }
                return try await run.commit()
            }
            return try await group.next()
        }

        #expect(result?.summary == "committed in 1")
        #expect(run.pauses.isEmpty)
        #expect(run.catalog.cancelledCommits == 0)
    }
}
