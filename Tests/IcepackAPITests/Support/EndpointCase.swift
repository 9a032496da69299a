// SPDX-License-Identifier: Apache-2.0

import Jobs
import Maintenance
import NIOHTTP1
import TestSupport
import Testing

@testable import IcepackAPI

/// One way in which one operation answers.
struct EndpointCase: Sendable, CustomTestStringConvertible {
    /// The `operationId` in the OpenAPI document.
    let operation: String
    let status: Int
    /// The problem's code; nil for success.
    var code: String?
    var configure: @Sendable (inout APIConfiguration<InMemoryJobStore>) -> Void = { _ in }
    let act: @Sendable (TestAPI) async throws -> Reply

    /// The same against a server that is set up another way.
    func configured(
        _ configure: @escaping @Sendable (inout APIConfiguration<InMemoryJobStore>) -> Void
    ) -> EndpointCase {
        var copy = self
        copy.configure = configure
        return copy
    }

    var testDescription: String { "\(operation) \(status) \(code ?? "")" }
}

/// An operation as a client calls it when nothing is wrong.
struct Operation: Sendable {
    let id: String
    let method: HTTPMethod
    let path: String
    var body: String?
    /// Whether the first thing it does is to ask the store.
    var needsStore = true

    var changes: Bool { method != .GET }

    /// Those that show the last look at a table.
    static let cached = all.filter { ["cachedStatus", "cachedHealth"].contains($0.id) }

    /// Those that look at a table.
    static let inspections = all.filter { inspectionIDs.contains($0.id) }
    private static let inspectionIDs = ["recommendMaintenance", "tableStatus", "tableHealth"]

    static let someJob = "a1b2c3d4e5f678901234567890abcdef"

    static let all = [
        Operation(
            id: "submitMaintenance", method: .POST, path: TestAPI.submitPath, body: TestAPI.expire),
        Operation(
            id: "planMaintenance", method: .POST, path: TestAPI.submitPath + "/plan",
            body: TestAPI.expire),
        Operation(
            id: "recommendMaintenance", method: .GET,
            path: TestAPI.submitPath + "/recommendation"),
        Operation(id: "tableStatus", method: .GET, path: TestAPI.tablePath + "/status"),
        Operation(id: "tableHealth", method: .GET, path: TestAPI.tablePath + "/health"),
        Operation(id: "cachedStatus", method: .GET, path: TestAPI.tablePath + "/status/cached"),
        Operation(id: "cachedHealth", method: .GET, path: TestAPI.tablePath + "/health/cached"),
        Operation(id: "healthHistory", method: .GET, path: "/jobs/history/health"),
        Operation(id: "listJobs", method: .GET, path: "/jobs"),
        Operation(id: "listHistory", method: .GET, path: "/jobs/history"),
        Operation(id: "purgeHistory", method: .DELETE, path: "/jobs/history"),
        Operation(id: "readJob", method: .GET, path: "/jobs/\(someJob)"),
        Operation(id: "deleteJob", method: .DELETE, path: "/jobs/\(someJob)"),
        Operation(id: "cancelJob", method: .POST, path: "/jobs/\(someJob)/cancel"),
        Operation(id: "followJob", method: .GET, path: "/jobs/\(someJob)/events"),
        Operation(id: "listTables", method: .GET, path: "/tables"),
        Operation(id: "cacheStatus", method: .GET, path: "/tables/cache-status"),
        Operation(
            id: "recordRun", method: .POST, path: "/orchestrator/runs", body: TestAPI.run),
        Operation(id: "listRuns", method: .GET, path: "/orchestrator/runs"),
        Operation(id: "readRun", method: .GET, path: "/orchestrator/runs/17"),
        Operation(id: "listQuarantine", method: .GET, path: TestAPI.quarantinePath),
        Operation(
            id: "restoreQuarantine", method: .POST, path: TestAPI.quarantinePath + "/restore",
            body: TestAPI.heldJobBody),
        Operation(
            id: "purgeQuarantine", method: .POST, path: TestAPI.quarantinePath + "/purge",
            body: TestAPI.heldJobBody),
        Operation(id: "health", method: .GET, path: "/healthz", needsStore: false),
        Operation(id: "readiness", method: .GET, path: "/readyz", needsStore: false),
        Operation(id: "openAPI", method: .GET, path: "/openapi.json", needsStore: false),
    ]

    /// Sends it, with something added or replaced.
    func send(
        to api: TestAPI, path: String? = nil, body: String? = nil, headers: HTTPHeaders = [:]
    ) async throws -> Reply {
        try await api.send(method, path ?? self.path, body: body ?? self.body, headers: headers)
    }
}

/// Every call to the store fails.
let storeIsDown = FaultPlan { _, _ in .beforeEffect }
