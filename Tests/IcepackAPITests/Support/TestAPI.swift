// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Fleet
import HTTPTypes
import Jobs
import Logging
import Maintenance
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import TestSupport
import Testing
import WireFormat

@testable import IcepackAPI

/// A server on a free port over a store in memory.
struct TestAPI: Sendable {
    let port: Int
    let store: InMemoryJobStore
    /// Stops the server as a SIGTERM would.
    let stop: @Sendable () async -> Void

    static let table = TableName(database: "analytics", table: "page_views")
    /// What a look at the table found.
    static let look = TableObservation(
        table: table, metadataLocation: "v1", collectedAt: Timestamp(microseconds: 0),
        status: ["collection": [:]], health: ["collection": [:], "health_status": "Healthy"])
    static let tablePath = "/tables/analytics/page_views"
    static let submitPath = "/tables/analytics/page_views/maintenance"
    static let expire = #"{"actions": ["expire_snapshots"]}"#
    static let quarantinePath = "/tables/analytics/page_views/quarantine"
    static let heldJobBody = #"{"job_id": "a1b2c3d4e5f678901234567890abcdef"}"#

    /// A body that asks for expiry with one option, such as `"retain_last": 3`.
    static func expire(_ option: String) -> String {
        #"{"actions": ["expire_snapshots"], "options": {"expire_snapshots": {"# + option + "}}}"
    }

    /// A body that records a run of the orchestrator.
    static let run = run("")

    /// What the service's clock says.
    static let now = Timestamp(microseconds: 1_780_000_000_000_000)

    /// The same with a member added or replaced, such as `"jobs_failed": 1`.
    static func run(_ member: String) -> String {
        var members = [
            #""started_at": "2026-04-25T02:00:00Z""#, #""completed_at": "2026-04-25T02:00:00Z""#,
            #""status": "completed""#,
        ]
        members.removeAll { $0.split(separator: ":")[0] == member.split(separator: ":").first }
        return "{\((members + (member.isEmpty ? [] : [member])).joined(separator: ", "))}"
    }

    /// Sends one request over a pooled connection.
    func send(
        _ method: HTTPMethod, _ path: String, body: String? = nil, headers: HTTPHeaders = [:]
    ) async throws -> Reply {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.method = method
        request.headers = headers
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let bytes = try await response.body.collect(upTo: 1 << 24)
        return Reply(
            status: Int(response.status.code), headers: response.headers,
            bytes: Array(buffer: bytes))
    }

    /// Submits a real job and returns it.
    @discardableResult
    func submit(_ body: String = Self.expire) async throws -> JobID {
        let reply = try await send(.POST, Self.submitPath, body: body)
        #expect(reply.status == 202)
        return try #require(JobID(reply.json["job_id"]?.stringValue ?? ""))
    }

    /// A job as the store has it, deleted or not.
    func job(_ id: String) async throws -> Job {
        let id = try #require(JobID(id))
        return try #require(await store.job(id, visibility: .includingDeleted))
    }

    /// Claims the oldest job.
    func claim() async throws -> Claim {
        let claimed = try await store.claim(
            by: WorkerID("test"), attempt: .random(), lease: .seconds(1800))
        return try #require(claimed).claim
    }
}

/// What came back.
struct Reply: Sendable {
    let status: Int
    let headers: HTTPHeaders
    let bytes: [UInt8]

    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The body as JSON; null when it is none.
    var value: JSONValue { (try? JSONValue(parsing: bytes)) ?? .null }

    /// The body as an object; empty when it is none.
    var json: JSONObject { value.objectValue ?? JSONObject() }

    /// The problem's code, if this is a problem document.
    var code: String? {
        headers.first(name: "Content-Type") == "application/problem+json"
            ? json["code"]?.stringValue : nil
    }
}

/// Runs a server for the time of the body and stops it gracefully.
func withAPI(
    _ configure: (inout APIConfiguration<InMemoryJobStore>) throws -> Void = { _ in },
    _ body: (TestAPI) async throws -> Void
) async throws {
    let store = InMemoryJobStore()
    try await store.replaceCachedTables([CachedTable(name: TestAPI.table)])
    var configuration = APIConfiguration(
        store: store, planner: plannedExpiry, inspector: inspectedTable, quarantine: .holding,
        router: .everything, now: { TestAPI.now }, logger: .silent)
    try configure(&configuration)
    let (ports, listening) = AsyncStream<Int>.makeStream()
    let server = APIServer(configuration: configuration, host: "127.0.0.1", port: 0) {
        listening.yield($0)
    }
    let group = ServiceGroup(configuration: .init(services: [server], logger: .silent))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
            defer { listening.finish() }
            try await group.run()
        }
        let port = try #require(await ports.first { _ in true })
        do {
            try await body(
                TestAPI(port: port, store: store) { await group.triggerGracefulShutdown() })
        } catch {
            await group.triggerGracefulShutdown()
            throw error
        }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
    }
}

/// A document about a table, of which no test reads more than its kind.
@Sendable func inspectedTable(
    _ table: TableName, _ document: TableDocument
) async throws(InspectionError) -> JSONValue {
    ["document": .string(document.rawValue)]
}

/// A plan as the native engine's would look.
@Sendable func plannedExpiry(
    _ table: TableName, _ action: MaintenanceAction, _ options: ActionOptions
) async throws(MaintenanceError) -> ActionPlan {
    ActionPlan(snapshotID: 7, hasWork: true, summary: JSONObject([.init(key: "n", value: 3)]))
}

extension EngineRouter {
    /// An engine that runs all five actions.
    static let everything = EngineRouter(engines: [
        EngineCapability(name: "native", actions: Set(MaintenanceAction.allCases))
    ])

    /// An engine that only expires snapshots.
    static let expiryOnly = EngineRouter(engines: [
        EngineCapability(name: "native", actions: [.expireSnapshots])
    ])
}

extension Logger {
    /// A logger whose lines go nowhere.
    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
