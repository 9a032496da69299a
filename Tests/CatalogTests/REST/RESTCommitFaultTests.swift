// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import StorageTestSupport
import Synchronization
import TestSupport
import Testing
import WireFormat

@testable import RESTCatalog

/// What becomes of a commit when its answer is a bad one, or none (P-30, P-31).
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct RESTCommitFaultTests {
    private static let commit: JSONValue = "POST .*/namespaces/db/tables/t"
    private let expiry = [TableUpdate.removeSnapshots([1])]

    private struct Scene {
        let bed: RESTBed
        let table: TableIdentifier
        let catalog: RESTCatalog
        let base: LoadedTable
    }

    private func scene(_ options: JSONObject, _ faults: [JSONObject]) async throws -> Scene {
        let bed = try await RESTBed(options)
        let table = try await bed.addTable()
        let catalog = try bed.catalog()
        let base = try await catalog.loadTable(table)
        for var fault in faults {
            fault["match"] = Self.commit
            try await bed.server.inject(.object(fault))
        }
        return Scene(bed: bed, table: table, catalog: catalog, base: base)
    }

    private func snapshots(_ scene: Scene) async throws -> [Int64] {
        try await scene.catalog.loadTable(scene.table).metadata.snapshots.map(\.id)
    }

    @Test(arguments: [500, 502, 503, 504, 520, 408], [true, false])
    func `an answer that may come from anywhere leaves the outcome unknown, P-30`(
        status: Int64, isApplied: Bool
    ) async throws {
        let scene = try await scene([:], [["status": .integer(status), "after": .bool(isApplied)]])

        let outcome = await scene.catalog.commit(
            expiry, requirements: [], to: scene.table, base: scene.base)

        #expect(outcome.kind == "unknown")
        #expect(try await scene.bed.commits().count == 1, "it is never sent twice")
        #expect(try await snapshots(scene) == (isApplied ? [2, 3] : [1, 2, 3]))
    }

    @Test(arguments: ["before", "after"])
    func `a connection that is cut leaves the outcome unknown, P-30`(cut: String) async throws {
        let scene = try await scene([:], [["cut": .string(cut)]])

        let outcome = await scene.catalog.commit(
            expiry, requirements: [], to: scene.table, base: scene.base)

        #expect(outcome.kind == "unknown")
        #expect(try await scene.bed.commits().count == 1)
    }

    @Test func `a success that cannot be read leaves the outcome unknown, P-30`() async throws {
        let scene = try await scene([:], [["body": "{}"]])

        let outcome = await scene.catalog.commit(
            expiry, requirements: [], to: scene.table, base: scene.base)

        #expect(outcome.kind == "unknown")
        #expect(try await snapshots(scene) == [2, 3])
    }

    @Test(arguments: [
        (409, "CommitFailedException", "conflict"), (400, "BadRequestException", "rejected"),
        (404, "NoSuchTableException", "rejected"), (403, "ForbiddenException", "rejected"),
        (401, "NotAuthorizedException", "rejected"), (429, "TooManyRequests", "unavailable"),
        (307, "Moved", "rejected"),
    ])
    func `a clear answer is a refusal`(status: Int64, type: String, kind: String) async throws {
        let scene = try await scene([:], [["status": .integer(status), "type": .string(type)]])

        let outcome = await scene.catalog.commit(
            expiry, requirements: [], to: scene.table, base: scene.base)

        #expect(outcome.kind == kind)
        #expect(try await snapshots(scene) == [1, 2, 3])
    }

    @Test func `a server that cannot be reached for a commit refuses it`() async throws {
        let scene = try await scene([:], [])
        // Its configuration came from a server that is there; the catalog itself is not.
        let moved = try await RESTBed(["uri": "http://127.0.0.1:1/gone"])

        let outcome = await (try moved.catalog()).commit(
            expiry, requirements: [], to: scene.table, base: scene.base)

        #expect(outcome.kind == "unavailable")
    }

    // MARK: With idempotency keys

    private static let faults: [JSONObject] = [
        ["status": 502, "after": true], ["status": 503], ["cut": "before"], ["cut": "after"],
        ["body": "{"],
    ]

    @Test(arguments: faults)
    func `a server that knows a commit again is sent it again, by the same key, P-31`(
        fault: JSONObject
    ) async throws {
        let scene = try await scene(["lifetime": "PT30M"], [fault, fault])

        let outcome = await scene.catalog.commit(
            expiry, requirements: [], to: scene.table, base: scene.base)

        #expect(outcome.kind == "committed")
        let commits = try await scene.bed.commits()
        #expect(commits.count == 3)
        #expect(Set(commits.map { $0.header("idempotency-key") }).count == 1)
        #expect(Set(commits.map { $0["body"] }).count == 1)
        let after = try await scene.catalog.loadTable(scene.table)
        #expect(after.metadata.metadataLog.count == 1, "it was carried out once")
    }

    @Test func `each commit has a key of its own, and calls that only read have none`()
        async throws
    {
        let scene = try await scene(["lifetime": "PT30M"], [])
        var base = scene.base
        for id: Int64 in [1, 2] {
            let outcome = await scene.catalog.commit(
                [.removeSnapshots([id])], requirements: [], to: scene.table, base: base)
            guard case .committed(let next) = outcome else {
                Issue.record("the commit was \(outcome)")
                return
            }
            base = next
        }

        let calls = try await scene.bed.server.calls()
        let keys = calls.compactMap { $0.header("idempotency-key") }
        #expect(keys.count == 2 && Set(keys).count == 2)
    }

    @Test func `what refuses the second delivery may be the first, P-31`() async throws {
        let refusal: JSONObject = ["status": 409, "type": "CommitFailedException"]
        let scene = try await scene(
            ["lifetime": "PT30M"], [["status": 502, "after": true], refusal])

        let outcome = await scene.catalog.commit(
            expiry, requirements: [], to: scene.table, base: scene.base)

        #expect(outcome.kind == "unknown")
        #expect(try await snapshots(scene) == [2, 3])
    }

    @Test func `after so many tries the outcome stays unknown`() async throws {
        let faults = Array(
            repeating: ["status": 502] as JSONObject, count: RESTLimits.resends + 2)
        let scene = try await scene(["lifetime": "PT30M"], faults)

        let outcome = await scene.catalog.commit(
            expiry, requirements: [], to: scene.table, base: scene.base)

        #expect(outcome.kind == "unknown")
        #expect(try await scene.bed.commits().count == RESTLimits.resends + 1)
    }

    @Test func `a key that the server has forgotten by then is not used again`() async throws {
        let scene = try await scene(["lifetime": "PT0.01S"], [["status": 502, "after": true]])

        let outcome = await scene.catalog.commit(
            expiry, requirements: [], to: scene.table, base: scene.base)

        #expect(outcome.kind == "unknown")
        #expect(try await scene.bed.commits().count == 1)
    }

    @Test func `a guard that closes between two tries leaves the outcome unknown, P-33`()
        async throws
    {
        let scene = try await scene(["lifetime": "PT30M"], [["status": 502, "after": true]])
        let asked = Mutex(0)
        let commitGuard = CommitGuard {
            asked.withLock { count in
                count += 1
                return count == 1
            }
        }

        let outcome = await scene.catalog.commit(
            expiry, requirements: [], to: scene.table, base: scene.base, under: commitGuard)

        #expect(outcome.kind == "unknown")
        #expect(try await scene.bed.commits().count == 1)
    }

    // MARK: With the committer

    @Test(
        arguments: [
            (["status": 502, "after": true], "committed in 1"),
            (["cut": "after"], "committed in 1"),
            (["cut": "before"], "unknown"), (["status": 503], "unknown"),
            (["status": 429], "committed in 2"),
            (["status": 409, "type": "CommitFailedException"], "committed in 2"),
        ] as [(JSONObject, String)])
    func `what became of a commit is found by reading back, P-30`(
        fault: JSONObject, expected: String
    ) async throws {
        let scene = try await scene([:], [fault])
        let committer = TableCommitter(
            catalog: scene.catalog, clock: ImpatientClock(), random: SeededGenerator(seed: 1))

        let result = await committer.commit(
            to: scene.table, confirm: {},
            plan: { _ in
                CommitProposal(updates: expiry, requirements: []) {
                    $0.metadata.snapshot(1) == nil
                }
            })

        let summary =
            switch result {
            case .committed(_, let attempts): "committed in \(attempts)"
            case .unneeded, .refused: "not committed"
            case .unknown: "unknown"
            }
        #expect(summary == expected)
        #expect(try await snapshots(scene) == (expected == "unknown" ? [1, 2, 3] : [2, 3]))
    }
}

/// A clock on which every pause is over at once.
private struct ImpatientClock: Clock {
    var now: ContinuousClock.Instant { ContinuousClock.now }
    var minimumResolution: Duration { .zero }
    func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) throws {
        try Task.checkCancellation()
    }
}
