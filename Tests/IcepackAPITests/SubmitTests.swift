// SPDX-License-Identifier: Apache-2.0

import Jobs
import Maintenance
import NIOHTTP1
import TestSupport
import Testing
import WireFormat

@testable import IcepackAPI

@Suite(.timeLimit(.minutes(15))) struct SubmitTests {
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

    @Test(arguments: [
        // Each request has every fault from here on; the first check that fails answers.
        ("/tables/a..b/-/maintenance", "{", true, "drain_mode"),
        ("/tables/a..b/-/maintenance", "{", false, "invalid_database_name"),
        ("/tables/ab/-/maintenance", "{", false, "invalid_table_name"),
        ("/tables/ab/t/maintenance", "{", false, "malformed_json"),
        ("/tables/ab/t/maintenance", #"{"actions": []}"#, false, "empty_actions"),
        ("/tables/ab/t/maintenance", TestAPI.expire, false, "table_not_found"),
        (TestAPI.submitPath, TestAPI.expire, false, "table_locked"),
    ])
    func `the checks run in the contract's order`(
        path: String, body: String, isDraining: Bool, code: String
    ) async throws {
        try await withAPI {
            $0.isDraining = isDraining
        } _: { api in
            _ = try await api.send(.POST, TestAPI.submitPath, body: TestAPI.expire)

            #expect(try await api.send(.POST, path, body: body).code == code)
        }
    }

    @Test(arguments: [
        (
            TestAPI.expire(#""retain_lst": 1"#),
            "options.expire_snapshots.retain_lst", "retain_last"
        ),
        (#"{"actions": ["expire_snapshots"], "dryrun": true}"#, "dryrun", "dry_run"),
        (#"{"actions": ["expire-snapshot"]}"#, "actions", "expire_snapshots"),
    ])
    func `a misspelt name is answered with the field and the nearest name`(
        body: String, field: String, suggestion: String
    ) async throws {
        try await withAPI { api in
            let reply = try await api.send(.POST, TestAPI.submitPath, body: body)

            #expect(reply.json["field"]?.stringValue == field)
            #expect(reply.json["suggestion"]?.stringValue == suggestion)
            #expect(reply.json["detail"]?.stringValue?.contains(suggestion) == true)
        }
    }

    @Test func `a body is taken up to the limit`() async throws {
        try await withAPI { api in
            let padding = String(repeating: " ", count: 1_048_576 - TestAPI.expire.utf8.count)
            let path = TestAPI.submitPath

            #expect(try await api.send(.POST, path, body: TestAPI.expire + padding).status == 202)
            let over = try await api.send(.POST, path, body: TestAPI.expire + padding + " ")
            #expect(over.status == 413)
        }
    }

    @Test func `deeply nested text is malformed and harms nothing`() async throws {
        try await withAPI { api in
            let deep = String(repeating: "[", count: 500_000)

            let reply = try await api.send(.POST, TestAPI.submitPath, body: deep)
            #expect(reply.status == 400)
        }
    }

    @Test func `a conflict names the job that holds the table`() async throws {
        try await withAPI { api in
            let first = try await api.submit()

            let reply = try await api.send(.POST, TestAPI.submitPath, body: TestAPI.expire)

            #expect(reply.status == 409)
            #expect(reply.json["blocking_job_id"]?.stringValue == first.rawValue)
        }
    }

    @Test func `options are stored by action and given to nobody else`() async throws {
        try await withAPI { api in
            let body = """
                {"actions": ["expire_snapshots"], "options": {"expire_snapshots":
                {"retain_last": 7, "older_than": null}, "rewrite_manifests": null}}
                """
            let id = try await api.submit(body)

            let stored = try await api.job(id.rawValue).options
            #expect(stored == ["expire_snapshots": ["retain_last": 7]])
        }
    }

    // MARK: Lost replies

    @Test func `a submission whose reply was lost is repeated and made once`() async throws {
        try await withAPI { api in
            // Call 0 looks the table up, call 1 submits.
            api.store.inject(.at(1, .afterEffect))

            let reply = try await api.send(.POST, TestAPI.submitPath, body: TestAPI.expire)
            #expect(reply.status == 202)
            #expect(api.store.calls.filter { $0 == .submit }.count == 2)
            api.store.inject(.none)
            #expect(try await api.send(.GET, "/jobs").value.arrayValue?.count == 1)
        }
    }

    @Test func `a store that loses every reply is given up and the client told what to do`()
        async throws
    {
        try await withAPI { api in
            api.store.inject(.every(.submit, .afterEffect))

            let reply = try await api.send(.POST, TestAPI.submitPath, body: TestAPI.expire)

            #expect(reply.code == "store_unavailable")
            #expect(reply.json["detail"]?.stringValue?.contains("Idempotency-Key") == true)
            #expect(api.store.calls.filter { $0 == .submit }.count == 1 + maximumStoreRepeats)
        }
    }

    @Test func `an audit log that cannot be written fails nothing`() async throws {
        try await withAPI { api in
            api.store.inject(.every(.audit, .beforeEffect))

            try await api.submit()
        }
    }
}
