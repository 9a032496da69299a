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

@Suite(.timeLimit(.minutes(5))) struct RecommenderTests {
    private static let table = TableName(database: "db", table: "a")
    private static let later = Timestamp(microseconds: 1_800_000_100_000_000)

    private let catalog = TestCatalog()
    private let store = InMemoryJobStore()

    private func complete(_ actions: [String], results: [String] = []) async throws {
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
        try await store.settle(claimed.claim, as: .completed)
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
