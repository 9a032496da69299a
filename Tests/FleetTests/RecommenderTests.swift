// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import Jobs
import Logging
import Maintenance
import ObjectStorage
import TestSupport
import Testing
import WireFormat

@testable import Fleet

@Suite(.timeLimit(.minutes(15))) struct RecommenderTests {
    private static let table = TableName(database: "db", table: "a")
    private static let later = Timestamp(microseconds: 1_800_000_100_000_000)

    private let catalog = TestCatalog()
    private let store = InMemoryJobStore()

    private func complete(
        _ actions: [String], results: [String] = [], failing: String? = nil
    ) async throws {
        // No two jobs of a table begin in the same instant.
        store.advance(by: .seconds(1))
        _ = try await store.submit(
            JobSubmission(
                jobID: .random(), table: Self.table, actions: actions, isDryRun: false,
                options: .null, idempotency: nil, actor: "test", lockLease: .seconds(100)))
        let claimed = try #require(
            try await store.claim(by: WorkerID("w"), attempt: .random(), lease: .seconds(100)))
        for action in results {
            try await store.record(
                ActionResult(
                    action: action, isSuccess: true, message: "", impact: nil,
                    elapsedSeconds: 0, metrics: JSONObject(), engine: "native",
                    engineReason: nil), under: claimed.claim)
        }
        if let failing {
            try await store.record(
                ActionResult(
                    action: failing, isSuccess: false, message: "", impact: nil,
                    error: "the folder is shared", elapsedSeconds: 0, metrics: JSONObject(),
                    engine: "native", engineReason: nil), under: claimed.claim)
        }
        try await store.settle(
            claimed.claim,
            as: failing == nil
                ? .completed : .failed(error: "the folder is shared", lock: .release))
    }

    private func recommend(at now: Timestamp = later) async throws -> JSONObject {
        let reporter = TableReporter(
            observer: TableObserver(
                inspector: TableInspector(catalog: catalog, storage: LocalStorage()),
                store: store,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }),
            recommender: Recommender(
                store: store, enrolment: Enrolment(), order: .cleanupFirst,
                router: EngineRouter(engines: [
                    EngineCapability(name: "native", actions: Set(MaintenanceAction.allCases))
                ])))
        let document = try await reporter.document(.recommendation, of: Self.table, now: now)
        return try #require(document.objectValue)
    }

    @Test func `a change of the quarantine is no maintenance`() async throws {
        try await complete(["purge_quarantine"])
        let purged = try await recommend()
        try await complete(["expire_snapshots"])
        let maintained = try await recommend()

        #expect(purged["cadence"]?.objectValue?["last_completed_at"] == .null)
        #expect(purged["cadence"]?.objectValue?["due"] == true)
        #expect(maintained["cadence"]?.objectValue?["due"] == false)
        #expect(maintained["skip_reasons"]?.arrayValue?.contains("cadence_not_due") == true)
        #expect(maintained["history"]?.arrayValue?.count == 2)
    }

    @Test func `what failed is left out until the cadence has passed, and the rest goes on`()
        async throws
    {
        let orphans = MaintenanceAction.removeOrphanFiles
        #expect(try await obstacle(to: orphans) == nil)
        try await complete([orphans.rawValue], failing: orphans.rawValue)

        let reason = try #require(try await obstacle(to: orphans))
        #expect(reason.contains("its last run failed"))
        #expect(reason.contains("the folder is shared"))
        #expect(try await obstacle(to: .rewriteDataFiles) == nil)
        // A job without it says nothing of it.
        try await complete(["expire_snapshots"], results: ["expire_snapshots"])
        #expect(try await obstacle(to: orphans) == reason)
        #expect(try await obstacle(to: orphans, after: 23) != nil)
        #expect(try await obstacle(to: orphans, after: 24) == nil)

        try await complete([orphans.rawValue], results: [orphans.rawValue])
        #expect(try await obstacle(to: orphans) == nil)
    }

    /// - Parameter hours: since the newest job of all.
    private func obstacle(
        to action: MaintenanceAction, after hours: Int = 0
    ) async throws -> String? {
        let jobs = try await store.jobs(matching: JobQuery(table: Self.table))
        let latest = jobs.compactMap(\.completedAt).max() ?? Self.later
        return Obstacles(
            unreadable: [], jobs: jobs, cadenceHours: 24,
            now: latest.advanced(by: .seconds(hours * 3600)),
            router: EngineRouter(engines: [
                EngineCapability(name: "native", actions: Set(MaintenanceAction.allCases))
            ]), preference: .auto
        ).first(to: .init(action, true, "it is due"))
    }

    @Test func `a table that has the name of another inherits nothing of it`() async throws {
        _ = try await recommend()
        try await complete(["remove_orphan_files"], results: ["remove_orphan_files"])
        let before = try await recommend()
        store.advance(by: .seconds(60))
        catalog.replaceTables(uuid: "11111111-03fe-4693-9a96-a0705ddf69c1")
        let after = try await recommend()

        #expect(before["cadence"]?.objectValue?["due"] == false)
        #expect(before["history"]?.arrayValue?.count == 1)
        #expect(after["cadence"]?.objectValue?["last_completed_at"] == .null)
        #expect(after["history"] == [])

        try await complete(["expire_snapshots"])
        #expect(try await recommend()["cadence"]?.objectValue?["due"] == false)
    }
}
