// SPDX-License-Identifier: Apache-2.0

import Fleet
import Jobs
import Maintenance
import NIOHTTP1
import TestSupport
import Testing
import WireFormat

@testable import IcepackAPI

extension EndpointCase {
    /// Every status and code of every operation.
    // Not a sum: the compiler takes minutes over long ones.
    static let all: [EndpointCase] = [
        successes, everywhere, bodies, parameters, jobs, runs, service, inspections, cached,
        quarantine,
    ].flatMap(\.self)

    private static func ok(
        _ operation: String, _ status: Int = 200,
        _ act: @escaping @Sendable (TestAPI) async throws -> Reply
    ) -> EndpointCase {
        EndpointCase(operation: operation, status: status, act: act)
    }

    private static func fails(
        _ operation: String, _ status: Int, _ code: String,
        _ act: @escaping @Sendable (TestAPI) async throws -> Reply
    ) -> EndpointCase {
        EndpointCase(operation: operation, status: status, code: code, act: act)
    }

    // MARK: What works

    private static let successes: [EndpointCase] = [
        ok("submitMaintenance", 202) {
            try await $0.send(.POST, TestAPI.submitPath, body: TestAPI.expire)
        },
        ok("planMaintenance") {
            try await $0.send(.POST, TestAPI.submitPath + "/plan", body: TestAPI.expire)
        },
        ok("listJobs") { try await $0.send(.GET, "/jobs") },
        ok("listHistory") { try await $0.send(.GET, "/jobs/history") },
        ok("healthHistory") { try await $0.send(.GET, "/jobs/history/health") },
        ok("purgeHistory") { try await $0.send(.DELETE, "/jobs/history") },
        ok("readJob") { try await $0.send(.GET, "/jobs/\(try await $0.submit())") },
        ok("cancelJob") { try await $0.send(.POST, "/jobs/\(try await $0.submit())/cancel") },
        ok("deleteJob", 204) { api in
            let id = try await api.submit()
            _ = try await api.store.cancel(id)
            return try await api.send(.DELETE, "/jobs/\(id)")
        },
        ok("followJob") { api in
            let id = try await api.submit()
            _ = try await api.store.cancel(id)
            return try await api.send(.GET, "/jobs/\(id)/events")
        },
        ok("followJob", 204) { api in
            let id = try await api.submit()
            _ = try await api.store.cancel(id)
            let seen = JobEventStream<InMemoryJobStore>
                .eventID(of: try await api.job(id.rawValue).json.bytes())
            return try await api.send(
                .GET, "/jobs/\(id)/events", headers: ["Last-Event-ID": seen])
        },
        ok("listTables") { try await $0.send(.GET, "/tables") },
        ok("cacheStatus") { try await $0.send(.GET, "/tables/cache-status") },
        ok("recordRun", 201) {
            try await $0.send(.POST, "/orchestrator/runs", body: TestAPI.run)
        },
        ok("listRuns") { try await $0.send(.GET, "/orchestrator/runs") },
        ok("readRun") { api in
            let made = try await api.send(.POST, "/orchestrator/runs", body: TestAPI.run)
            return try await api.send(
                .GET, "/orchestrator/runs/\(made.json["id"]?.intValue ?? 0)")
        },
        ok("health") { try await $0.send(.GET, "/healthz") },
        ok("readiness") { try await $0.send(.GET, "/readyz") },
        ok("openAPI") { try await $0.send(.GET, "/openapi.json") },
    ]

    // MARK: What every operation, or every one of a kind, refuses

    private static let everywhere: [EndpointCase] = Operation.all.flatMap { operation in
        var cases = [
            fails(operation.id, 422, "unknown_parameter") {
                try await operation.send(to: $0, path: operation.path + "?colour=red")
            }
        ]
        if operation.changes {
            cases.append(
                fails(operation.id, 403, "cross_site_request") {
                    try await operation.send(to: $0, headers: ["Sec-Fetch-Site": "cross-site"])
                })
        }
        if operation.needsStore {
            cases.append(
                fails(operation.id, 503, "store_unavailable") {
                    $0.store.inject(storeIsDown)
                    return try await operation.send(to: $0)
                })
        }
        return cases
    }

    // MARK: Bodies

    private static let badBodies: [(status: Int, code: String, body: String)] = [
        (400, "malformed_json", ""),
        (400, "malformed_json", "{"),
        (400, "malformed_json", #"{"actions": ["expire_snapshots"]} x"#),
        (400, "empty_actions", #"{"actions": []}"#),
        (400, "unknown_action", #"{"actions": ["expire_snapshot"]}"#),
        (413, "body_too_large", String(repeating: " ", count: 1_048_577)),
        (422, "invalid_field", "[]"),
        (422, "invalid_field", "{}"),
        (422, "invalid_field", #"{"actions": "expire_snapshots"}"#),
        (422, "invalid_field", #"{"actions": [1]}"#),
        (422, "invalid_field", #"{"actions": ["expire_snapshots"], "dry_run": "no"}"#),
        (422, "invalid_field", #"{"actions": ["expire_snapshots"], "dry_run": null}"#),
        (422, "unknown_field", #"{"actions": ["expire_snapshots"], "dryrun": true}"#),
        (422, "duplicate_field", #"{"actions": ["expire_snapshots"], "actions": []}"#),
        (422, "invalid_option", #"{"actions": ["expire_snapshots"], "options": []}"#),
        (422, "invalid_option", TestAPI.expire(#""retain_last": 0"#)),
        (422, "unknown_option", TestAPI.expire(#""retain_lst": 1"#)),
    ]

    private static let bodies: [EndpointCase] = Operation.all.filter {
        $0.body == TestAPI.expire
    }.flatMap {
        operation in
        badBodies.map { bad in
            fails(operation.id, bad.status, bad.code) {
                try await operation.send(to: $0, body: bad.body)
            }
        } + [
            fails(operation.id, 422, "invalid_database_name") {
                try await operation.send(
                    to: $0, path: operation.path.replacing("analytics", with: "a..b"))
            },
            fails(operation.id, 422, "invalid_table_name") {
                try await operation.send(
                    to: $0, path: operation.path.replacing("page_views", with: "-x"))
            },
            fails(operation.id, 422, "no_engine_for_action") {
                try await operation.send(to: $0, body: #"{"actions": ["rewrite_manifests"]}"#)
            }.configured { $0.router = .expiryOnly },
            fails(operation.id, 404, "table_not_found") {
                try await operation.send(
                    to: $0, path: operation.path.replacing("page_views", with: "gone"))
            },
        ]
    }

    // MARK: Query parameters

    private static let parameters: [EndpointCase] =
        [
            "limit=0", "limit=501", "limit=x", "limit=1&limit=2", "limit=%zz", "table=nodot",
            "table=a.b%20c", "status=done", "status=", "cursor=x",
        ].map { query in
            fails("listJobs", 422, "invalid_parameter") {
                try await $0.send(.GET, "/jobs?\(query)")
            }
        }
        + ["limit=0", "table=nodot", "status=done", "cursor=x"].map { query in
            fails("listHistory", 422, "invalid_parameter") {
                try await $0.send(.GET, "/jobs/history?\(query)")
            }
        }
        + ["limit=0", "table=nodot"].map { query in
            fails("healthHistory", 422, "invalid_parameter") {
                try await $0.send(.GET, "/jobs/history/health?\(query)")
            }
        }
        + ["retention_days=0", "retention_days=36501", "retention_days=1.5"].map { query in
            fails("purgeHistory", 422, "invalid_parameter") {
                try await $0.send(.DELETE, "/jobs/history?\(query)")
            }
        }
        + ["database=a..b", "maintenance_enabled=1"].map { query in
            fails("listTables", 422, "invalid_parameter") {
                try await $0.send(.GET, "/tables?\(query)")
            }
        }

    // MARK: Jobs

    private static let jobs: [EndpointCase] =
        Operation.all.filter { $0.path.contains(Operation.someJob) }.flatMap { operation in
            [Operation.someJob, "nonsense"].map { id in
                fails(operation.id, 404, "job_not_found") {
                    try await operation.send(
                        to: $0, path: operation.path.replacing(Operation.someJob, with: id))
                }
            }
        } + [
            fails("deleteJob", 409, "job_active") {
                try await $0.send(.DELETE, "/jobs/\(try await $0.submit())")
            },
            fails("cancelJob", 409, "job_terminal") { api in
                let id = try await api.submit()
                _ = try await api.store.cancel(id)
                return try await api.send(.POST, "/jobs/\(id)/cancel")
            },
            fails("submitMaintenance", 409, "table_locked") { api in
                try await api.submit()
                return try await api.send(.POST, TestAPI.submitPath, body: TestAPI.expire)
            },
            fails("submitMaintenance", 422, "invalid_idempotency_key") {
                try await $0.send(
                    .POST, TestAPI.submitPath, body: TestAPI.expire,
                    headers: ["Idempotency-Key": "two words"])
            },
            fails("submitMaintenance", 422, "idempotency_key_reused") { api in
                let key: HTTPHeaders = ["Idempotency-Key": "k"]
                _ = try await api.send(
                    .POST, TestAPI.submitPath, body: TestAPI.expire, headers: key)
                return try await api.send(
                    .POST, TestAPI.submitPath, body: #"{"actions": ["rewrite_manifests"]}"#,
                    headers: key)
            },
        ]

    // MARK: Runs of the orchestrator

    private static let badRuns: [(status: Int, code: String, body: String)] = [
        (400, "malformed_json", "{"),
        (413, "body_too_large", String(repeating: " ", count: 1_048_577)),
        (422, "invalid_field", "[]"),
        (422, "invalid_field", "{}"),
        (422, "invalid_field", TestAPI.run(#""status": "done""#)),
        (422, "invalid_field", TestAPI.run(#""completed_at": "2026-04-25T01:59:59Z""#)),
        (422, "invalid_field", TestAPI.run(#""started_at": "yesterday""#)),
        (422, "invalid_field", TestAPI.run(#""jobs_failed": -1"#)),
        (422, "invalid_field", TestAPI.run(#""jobs_failed": 2147483648"#)),
        (422, "invalid_field", TestAPI.run(#""jobs_failed": 1.5"#)),
        (422, "invalid_field", TestAPI.run(#""dry_run": null"#)),
        (
            422, "invalid_field",
            TestAPI.run("\"error\": \"\(String(repeating: "x", count: 4097))\"")
        ),
        (422, "unknown_field", TestAPI.run(#""jobs_fialed": 1"#)),
        (422, "duplicate_field", #"{"status": "failed", "status": "partial"}"#),
    ]

    private static let runs: [EndpointCase] =
        badRuns.map { bad in
            fails("recordRun", bad.status, bad.code) {
                try await $0.send(.POST, "/orchestrator/runs", body: bad.body)
            }
        }
        + ["17", "0", "-1", "x", "+1", "01", "9223372036854775808"].map { id in
            fails("readRun", 404, "run_not_found") {
                try await $0.send(.GET, "/orchestrator/runs/\(id)")
            }
        }
        + ["limit=0", "limit=501"].map { query in
            fails("listRuns", 422, "invalid_parameter") {
                try await $0.send(.GET, "/orchestrator/runs?\(query)")
            }
        }

    // MARK: The state of the service

    private static let service: [EndpointCase] = [
        fails("submitMaintenance", 503, "drain_mode") {
            try await $0.send(.POST, "/tables/a..b/-/maintenance", body: "{")
        }.configured { $0.isDraining = true },
        fails("readiness", 503, "not_ready") {
            $0.store.inject(storeIsDown)
            return try await $0.send(.GET, "/readyz")
        },
        fails("followJob", 503, "busy") {
            try await $0.send(.GET, "/jobs/\(try await $0.submit())/events")
        }.configured { $0.limits.maximumEventStreams = 0 },
        plan(503, "busy").configured { $0.limits.maximumPlans = 0 },
        planFails(502, "table_unavailable", .unavailable(reason: "s3://secret-host")),
        planFails(502, "table_unreadable", .unreadable(reason: "secret")),
        planFails(500, "internal_error", .conflict(reason: "secret")),
        plan(504, "plan_timeout").configured {
            $0.limits.planLimit = .milliseconds(1)
            $0.planner = { _, _, _ async throws(MaintenanceError) in try await forever() }
        },
    ]

    private static func plan(_ status: Int, _ code: String) -> EndpointCase {
        fails("planMaintenance", status, code) {
            try await $0.send(.POST, TestAPI.submitPath + "/plan", body: TestAPI.expire)
        }
    }

    // MARK: Looking at tables

    private static let inspections: [EndpointCase] = Operation.inspections.flatMap { operation in
        [
            ok(operation.id) { try await operation.send(to: $0) },
            fails(operation.id, 422, "invalid_database_name") {
                try await operation.send(
                    to: $0, path: operation.path.replacing("analytics", with: "a..b"))
            },
            fails(operation.id, 422, "invalid_table_name") {
                try await operation.send(
                    to: $0, path: operation.path.replacing("page_views", with: "-x"))
            },
            fails(operation.id, 404, "table_not_found") {
                try await operation.send(
                    to: $0, path: operation.path.replacing("page_views", with: "gone"))
            },
            inspection(operation, 404, "table_not_found", .noSuchTable),
            inspection(operation, 502, "table_unavailable", .unavailable(reason: "secret")),
            inspection(operation, 502, "table_unreadable", .unreadable(reason: "secret")),
            inspection(
                operation, 503, "store_unavailable", .store(.unavailable(reason: "secret"))),
            inspection(operation, 500, "internal_error", .cancelled),
            fails(operation.id, 503, "busy") { try await operation.send(to: $0) }
                .configured { $0.limits.maximumInspections = 0 },
            fails(operation.id, 504, "inspection_timeout") { try await operation.send(to: $0) }
                .configured {
                    $0.limits.inspectionLimit = .milliseconds(1)
                    $0.inspector = { _, _ async throws(InspectionError) in
                        let (never, _) = AsyncStream<Void>.makeStream()
                        for await _ in never {}
                        throw .cancelled
                    }
                },
        ]
    }

    private static let cached: [EndpointCase] = Operation.cached.flatMap { operation in
        [
            ok(operation.id) {
                try await $0.store.record(TestAPI.look)
                return try await operation.send(to: $0)
            },
            fails(operation.id, 422, "invalid_database_name") {
                try await operation.send(
                    to: $0, path: operation.path.replacing("analytics", with: "a..b"))
            },
            fails(operation.id, 422, "invalid_table_name") {
                try await operation.send(
                    to: $0, path: operation.path.replacing("page_views", with: "-x"))
            },
            fails(operation.id, 404, "not_collected") { try await operation.send(to: $0) },
        ]
    }

    private static func inspection(
        _ operation: Operation, _ status: Int, _ code: String, _ error: InspectionError
    ) -> EndpointCase {
        fails(operation.id, status, code) { try await operation.send(to: $0) }.configured {
            $0.inspector = { _, _ async throws(InspectionError) in throw error }
        }
    }

    private static func planFails(
        _ status: Int, _ code: String, _ error: MaintenanceError
    ) -> EndpointCase {
        plan(status, code).configured {
            $0.planner = { _, _, _ async throws(MaintenanceError) in throw error }
        }
    }
}

/// Waits until its task is cancelled.
func forever() async throws(MaintenanceError) -> ActionPlan {
    let (never, _) = AsyncStream<Void>.makeStream()
    for await _ in never {}
    throw .cancelled
}
