// SPDX-License-Identifier: Apache-2.0

import Jobs
import Maintenance
import NIOHTTP1
import TestSupport
import Testing
import WireFormat

@testable import IcepackAPI

@Suite(.timeLimit(.minutes(1))) struct SubmitTests {
    @Test func `a submission is answered with the job, where it is and when to look again`()
        async throws
    {
        try await withAPI { api in
            let reply = try await api.send(.POST, TestAPI.submitPath, body: TestAPI.expire)

            #expect(reply.status == 202)
            let id = try #require(reply.json["job_id"]?.stringValue)
            #expect(reply.headers.first(name: "Location") == "/jobs/\(id)")
            #expect(reply.headers.first(name: "Retry-After") == "30")
            #expect(reply.headers.first(name: "Content-Type") == "application/json")
            #expect(
                reply.json.keys == [
                    "job_id", "database", "table_name", "actions", "dry_run", "status",
                    "submitted_at", "started_at", "completed_at", "results", "error", "progress",
                    "attempts", "engine", "engine_reason", "aftermath",
                ])
            #expect(reply.json["status"] == "pending")
            #expect(reply.json["results"] == .null)
            let stored = try await api.job(id)
            #expect(stored.json == reply.value)
            #expect(api.store.auditLog.map(\.event) == ["job.submitted"])
        }
    }

    @Test(arguments: [
        (ActionOrder.cleanupFirst, ["expire_snapshots", "rewrite_data_files"]),
        (ActionOrder.compactFirst, ["rewrite_data_files", "expire_snapshots"]),
    ])
    func `actions run in the configured order and each once`(
        order: ActionOrder, expected: [String]
    ) async throws {
        try await withAPI {
            $0.order = order
        } _: { api in
            let reply = try await api.send(
                .POST, TestAPI.submitPath,
                body: """
                    {"actions": ["rewrite_data_files", "expire_snapshots", "rewrite_data_files"]}
                    """)

            #expect(reply.status == 202)
            #expect(reply.json["actions"] == .array(expected.map(JSONValue.string)))
        }
    }
}
