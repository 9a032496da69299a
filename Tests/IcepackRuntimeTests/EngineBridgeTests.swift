// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcepackRuntime
import Jobs
import Logging
import Maintenance
import Synchronization
import TestSupport
import Testing
import WireFormat

/// How jobs meet engines: choices, and what an earlier attempt left in an engine.
@Suite struct EngineBridgeTests {
    private let sparkState: JSONValue = ["engine": "spark", "session": "s1"]

    @Test func `a state of another engine is settled before the action begins`() async throws {
        let fixture = Fixture()
        let job = try await fixture.jobWithState(sparkState)
        fixture.spark.answer(EngineAftermath(state: .stopped))

        let outcome = try await fixture.run(preferring: .native)

        #expect(outcome == .ran(job, .completed))
        #expect(fixture.events == ["settle spark", "run native, inheriting nothing"])
        #expect(try await fixture.job(job)?.engineState == nil)
    }

    @Test(arguments: [EngineAftermath(state: .unknown, note: "no interface to look at"), nil])
    func `an action does not begin beside another engine that may still run`(
        answer: EngineAftermath?
    ) async throws {
        let fixture = Fixture()
        let job = try await fixture.jobWithState(sparkState)
        fixture.spark.answer(answer)

        let outcome = try await fixture.run(preferring: .native)

        guard case .ran(job, .retried(let error)) = outcome else {
            Issue.record("was \(outcome)")
            return
        }
        #expect(error.contains("may still be running on the spark engine"))
        #expect(error.contains(answer?.note ?? "configure it again"))
        #expect(fixture.events == ["settle spark"])
        let stored = try await fixture.job(job)
        #expect(stored?.engineState == sparkState, "kept for whoever looks next")
        #expect(stored?.status == .failed && fixture.isLocked, "out of attempts, still held")
    }

    @Test func `the chosen engine takes over its own state`() async throws {
        let fixture = Fixture()
        let job = try await fixture.jobWithState(sparkState)

        let outcome = try await fixture.run(preferring: .spark)

        #expect(outcome == .ran(job, .completed))
        #expect(fixture.events == ["run spark, inheriting \(sparkState.text())"])
    }

    @Test func `what a table says of its engine is waited for and never guessed`() async throws {
        let fixture = Fixture()
        let submission = JobSubmission(
            jobID: .random(), table: Fixture.table, actions: ["expire_snapshots"], isDryRun: false,
            options: .null, idempotency: nil, actor: "test", lockLease: .seconds(100))
        _ = try await fixture.store.submit(submission)

        let outcome = try await fixture.run(
            with: fixture.bridge(preferring: .auto) { _ throws(MaintenanceError) in
                throw .unavailable(reason: "the catalog is down")
            })

        guard case .ran(submission.jobID, .retried(let error)) = outcome else {
            Issue.record("was \(outcome)")
            return
        }
        #expect(error.contains("the catalog is down"))
        #expect(fixture.events.isEmpty)
        #expect(try await fixture.job(submission.jobID)?.engine == nil)
    }

    @Test func `a hold is settled by the engine that knows its state`() async throws {
        let fixture = Fixture()
        fixture.spark.answer(EngineAftermath(state: .stopped, note: "seen"))
        let hold = EngineHold(
            claim: Claim(jobID: .random(), attemptID: .random()), table: Fixture.table,
            state: sparkState, aftermath: nil)

        let aftermath = await fixture.bridge(preferring: .auto).holdInspector(hold)

        #expect(aftermath == EngineAftermath(state: .stopped, note: "seen").json)
    }

    @Test func `nobody can tell of a state that no engine knows`() async throws {
        let hold = EngineHold(
            claim: Claim(jobID: .random(), attemptID: .random()), table: Fixture.table,
            state: ["engine": "gone"], aftermath: nil)

        #expect(await Fixture().bridge(preferring: .auto).holdInspector(hold) == nil)
    }
}

/// Two engines over the store in memory.
private struct Fixture: Sendable {
    static let table = TableName(database: "sales", table: "orders")

    let store = InMemoryJobStore()
    let native: NamedEngine
    let spark: NamedEngine
    private let log = EventLog()

    init() {
        native = NamedEngine("native", log)
        spark = NamedEngine("spark", log)
    }

    var events: [String] { log.events }

    var isLocked: Bool { store.lock(on: Self.table) != nil }

    func job(_ id: JobID) async throws -> Job? {
        try await store.job(id, visibility: .includingDeleted)
    }

    func bridge(
        preferring preference: EnginePreference,
        ofTable tablePreference: @escaping EngineBridge.TablePreference = { _ in nil }
    ) -> EngineBridge {
        EngineBridge(
            engines: [native, spark], preference: preference, lease: .seconds(100),
            tablePreference: tablePreference)
    }

    /// A job whose first attempt left a state and wants another.
    func jobWithState(_ state: JSONValue) async throws -> JobID {
        let submission = JobSubmission(
            jobID: .random(), table: Self.table, actions: ["expire_snapshots"], isDryRun: false,
            options: .null, idempotency: nil, actor: "test", lockLease: .seconds(100))
        _ = try await store.submit(submission)
        let claim = Claim(jobID: submission.jobID, attemptID: .random())
        _ = try await store.claim(
            by: WorkerID("w"), attempt: claim.attemptID, lease: .seconds(100))
        try await store.setEngineState(state, under: claim)
        try await store.settle(
            claim, as: .retry(error: "lost", after: .zero, maxAttempts: 2))
        return submission.jobID
    }

    func run(preferring preference: EnginePreference) async throws -> WorkerOutcome {
        try await run(with: bridge(preferring: preference))
    }

    func run(with bridge: EngineBridge) async throws -> WorkerOutcome {
        await Worker(
            store: store, id: WorkerID("w"),
            configuration: try WorkerConfiguration(
                lease: .seconds(100), heartbeat: .seconds(10), maxAttempts: 2),
            clock: ManualClock(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            engine: bridge.actionEngine
        ).runOnce()
    }
}

/// What engines were asked for, in order.
private final class EventLog: Sendable {
    private let state = Mutex<[String]>([])

    var events: [String] { state.withLock { $0 } }

    func add(_ event: String) { state.withLock { $0.append(event) } }
}

/// An engine that succeeds at everything, and says of its states what a test tells it to.
private final class NamedEngine: MaintenanceEngine {
    let name: String
    let actions = Set(MaintenanceAction.allCases)
    private let log: EventLog
    private let verdict = Mutex<EngineAftermath?>(nil)

    init(_ name: String, _ log: EventLog) {
        self.name = name
        self.log = log
    }

    func answer(_ aftermath: EngineAftermath?) { verdict.withLock { $0 = aftermath } }

    func plan(_ request: ActionRequest) async throws(MaintenanceError) -> ActionPlan {
        ActionPlan(snapshotID: nil, hasWork: false, summary: JSONObject())
    }

    func run(
        _ request: ActionRequest, in context: RunContext
    ) async throws(MaintenanceError) -> ActionReport {
        log.add("run \(name), inheriting \(context.tracking.inherited?.text() ?? "nothing")")
        return ActionReport(message: "done", impact: nil, metrics: JSONObject())
    }

    func settleAbandoned(_ table: TableIdentifier, state: JSONValue) async -> EngineAftermath? {
        guard state.objectValue?["engine"]?.stringValue == name else { return nil }
        log.add("settle \(name)")
        return verdict.withLock { $0 }
    }
}
