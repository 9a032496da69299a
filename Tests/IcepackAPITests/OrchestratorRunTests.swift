// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import TestSupport
import Testing
import WireFormat

@testable import IcepackAPI

@Suite(.timeLimit(.minutes(15))) struct OrchestratorRunTests {
    @Test func `a run is kept with its number, and read back alone and in the list`() async throws {
        try await withAPI { api in
            let first = try await api.send(
                .POST, "/orchestrator/runs", body: TestAPI.run(#""jobs_submitted": 7"#))
            let second = try await api.send(.POST, "/orchestrator/runs", body: TestAPI.run)

            #expect(first.status == 201)
            #expect(first.headers.first(name: "Location") == "/orchestrator/runs/1")
            #expect(
                first.json.keys == [
                    "id", "started_at", "completed_at", "status", "tables_assessed",
                    "tables_skipped", "tables_healthy", "jobs_submitted", "jobs_completed",
                    "jobs_failed", "dry_run", "error",
                ])
            #expect(first.json["started_at"] == "2026-04-25T02:00:00.000000+00:00")
            #expect(first.json["jobs_submitted"] == 7)
            #expect(first.json["jobs_failed"] == 0)
            #expect(first.json["dry_run"] == false)
            #expect(first.json["error"] == .null)
            let list = try await api.send(.GET, "/orchestrator/runs").value
            #expect(list == [second.value, first.value])
            #expect(try await api.send(.GET, "/orchestrator/runs?limit=1").value == [second.value])
            #expect(try await api.send(.GET, "/orchestrator/runs/1").value == first.value)
        }
    }

    @Test func `a run of the future is refused, but for a minute by which clocks differ`()
        async throws
    {
        try await withAPI { api in
            func send(_ seconds: Int64) async throws -> Reply {
                let time = TestAPI.now.advanced(by: .seconds(seconds))
                return try await api.send(
                    .POST, "/orchestrator/runs",
                    body: #"""
                        {"started_at": "\#(time)", "completed_at": "\#(time)",
                        "status": "completed"}
                        """#)
            }

            #expect(try await send(60).status == 201)
            let late = try await send(61)
            #expect(late.status == 422)
            #expect(late.json["code"] == "invalid_field")
            #expect(late.json["field"] == "started_at")
            #expect(late.json["detail"]?.stringValue?.contains("in the future") == true)
        }
    }

    @Test func `a misspelt field is answered with the nearest one`() async throws {
        try await withAPI { api in
            let reply = try await api.send(
                .POST, "/orchestrator/runs", body: TestAPI.run(#""jobs_fialed": 1"#))

            #expect(
                reply.json["detail"]?.stringValue?.contains("did you mean jobs_failed?") == true)
            #expect(reply.json["field"] == "jobs_fialed")
        }
    }
}
