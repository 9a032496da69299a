// SPDX-License-Identifier: Apache-2.0

import Jobs
import Maintenance
import NIOHTTP1
import TestSupport
import Testing
import WireFormat

@testable import IcepackAPI

@Suite(.timeLimit(.minutes(15))) struct DryRunTests {
    private static let body = #"{"actions": ["expire_snapshots"], "dry_run": true}"#

    @Test func `a dry run is over at once, stored, and carries its plan`() async throws {
        try await withAPI { api in
            let reply = try await api.send(.POST, TestAPI.submitPath, body: Self.body)

            #expect(reply.status == 202)
            #expect(reply.headers["Retry-After"] == [])
            #expect(reply.json["status"] == "completed")
            let expected = try JSONValue(
                parsing: """
                    [{"action":"expire_snapshots","success":true,"message":"dry run",
                    "impact":null,"error":null,"elapsed_seconds":0.0,"metrics":{},
                    "engine":"native",
                    "engine_reason":"native is the engine that is configured",
                    "plan":{"snapshot_id":7,"has_work":true,"n":3}}]
                    """)
            #expect(reply.json["results"] == expected)
            #expect(reply.json["engine"] == "native")
            #expect(reply.json["engine_reason"] == "native is the engine that is configured")
            let location = try #require(reply.headers.first(name: "Location"))
            #expect(try await api.send(.GET, location).value == reply.value)
        }
    }

    @Test func `a dry run takes no lock and meets none`() async throws {
        try await withAPI { api in
            try await api.submit()

            #expect(try await api.send(.POST, TestAPI.submitPath, body: Self.body).status == 202)
            #expect(try await api.store.queueDepth() == 1)
        }
    }

    @Test(arguments: [true, false])
    func `a plan that is slow or refused is null and the dry run succeeds`(isSlow: Bool)
        async throws
    {
        try await withAPI {
            $0.limits.dryRunPlanLimit = .milliseconds(20)
            $0.planner = { table, action, options async throws(MaintenanceError) in
                guard action == .expireSnapshots else {
                    return try await plannedExpiry(table, action, options)
                }
                guard isSlow else { throw .refused(code: "no", reason: "no") }
                return try await forever()
            }
        } _: { api in
            let reply = try await api.send(
                .POST, TestAPI.submitPath,
                body: #"{"actions": ["expire_snapshots", "rewrite_manifests"], "dry_run": true}"#)

            let results = try #require(reply.json["results"]?.arrayValue?.map(\.objectValue))
            #expect(results.map { $0?["success"] } == [true, true])
            #expect(results.first??["plan"] == .null)
            #expect(results.last??["plan"]?.objectValue?["n"] == 3)
        }
    }

    @Test func `when every plan slot is taken a dry run goes without`() async throws {
        try await withAPI {
            $0.limits.maximumPlans = 0
        } _: { api in
            let reply = try await api.send(.POST, TestAPI.submitPath, body: Self.body)

            #expect(reply.status == 202)
            let result = reply.json["results"]?.arrayValue?.first?.objectValue
            #expect(result?["plan"] == .null)
        }
    }

    @Test(arguments: [(true, "/tables/analytics/page_views", 503), (false, "/tables/a/gone", 404)])
    func `a dry run is checked like a real one`(
        isDraining: Bool, path: String, status: Int
    ) async throws {
        try await withAPI {
            $0.isDraining = isDraining
        } _: { api in
            let reply = try await api.send(.POST, path + "/maintenance", body: Self.body)

            #expect(reply.status == status)
        }
    }

    @Test func `a plan names what would be refused and plans the rest`() async throws {
        try await withAPI {
            $0.planner = { table, action, options async throws(MaintenanceError) in
                guard action == .expireSnapshots else {
                    throw .refused(code: "gc", reason: "no gc")
                }
                return try await plannedExpiry(table, action, options)
            }
        } _: { api in
            let reply = try await api.send(
                .POST, TestAPI.submitPath + "/plan",
                body: #"{"actions": ["remove_orphan_files", "expire_snapshots"]}"#)

            let expected = try JSONValue(
                parsing: """
                    {"database":"analytics","table_name":"page_views","plans":[
                    {"action":"expire_snapshots","plan":{"snapshot_id":7,"has_work":true,"n":3},
                    "error":null},
                    {"action":"remove_orphan_files","plan":null,"error":"no gc"}]}
                    """)
            #expect(reply.status == 200)
            #expect(reply.value == expected)
        }
    }
}
