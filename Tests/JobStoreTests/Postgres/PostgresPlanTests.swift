// SPDX-License-Identifier: Apache-2.0

import Foundation
import Jobs
import Postgres
import PostgresStore
import TestSupport
import Testing
import WireFormat

/// What the server does for the statements that are run, by its own account of every execution,
/// over a history of a hundred thousand jobs and looks.
///
/// ICEPACK_PLAN_ROWS makes it longer, a million being what an operator may have.
@Suite(.enabled(if: PostgresCluster.isAvailable)) struct PostgresPlanTests {
    private static let rows =
        ProcessInfo.processInfo.environment["ICEPACK_PLAN_ROWS"].flatMap(Int.init) ?? 100_000
    private static let tables = 500
    /// The most rows that one call may touch: a page, what it is filtered from, and its results.
    private static let mostRows = 5_000.0

    private static let explaining = [
        "session_preload_libraries=auto_explain", "auto_explain.log_min_duration=0",
        "auto_explain.log_analyze=on", "auto_explain.log_timing=off",
        "auto_explain.log_format=json", "auto_explain.log_nested_statements=off",
    ]

    @Test(.timeLimit(.minutes(15)))
    func `what people and workers ask reads no more for a long history than for a short one`()
        async throws
    {
        let cluster = try await PostgresCluster.shared()
        let url = try await cluster.createDatabase()
        let options = Self.explaining.map { "-c%20\($0.replacing("=", with: "%3D"))" }
            .joined(separator: "%20")
        let store = PostgresStore(try PostgresConfiguration(url: "\(url)?options=\(options)"))
        try await store.migrate()
        try await fill(cluster, database: String(try #require(url.split(separator: "/").last)))
        let log = ServerLog(path: cluster.directory + "/log")

        let table = TableName(database: "db", table: "t_7")
        let job = try #require(try await store.jobs(matching: JobQuery(limit: 1)).first)
        let middle = JobQuery.Position(
            submittedAt: try #require(Timestamp(iso8601: "2026-01-03T00:00:00Z")), jobID: job.id)
        let calls: [(String, @Sendable () async throws -> Int)] = [
            ("a job", { try await store.job(job.id, visibility: .normal) == nil ? 0 : 1 }),
            ("the newest jobs", { try await store.jobs(matching: JobQuery()).count }),
            (
                "the newest jobs that failed",
                { try await store.jobs(matching: JobQuery(status: .failed)).count }
            ),
            (
                "the running jobs",
                { try await store.jobs(matching: JobQuery(status: .running)).count }
            ),
            (
                "the newest jobs of a table",
                { try await store.jobs(matching: JobQuery(table: table)).count }
            ),
            (
                "the failed jobs of a table",
                { try await store.jobs(matching: JobQuery(table: table, status: .failed)).count }
            ),
            (
                "a page in the middle",
                { try await store.jobs(matching: JobQuery(after: middle, limit: 500)).count }
            ),
            ("when tables were looked at", { try await store.observationTimes().count }),
            ("health", { try await store.healthHistory(of: nil, limit: 100).count }),
            ("a table's health", { try await store.healthHistory(of: table, limit: 100).count }),
            (
                "the newest look",
                { try await store.observation(of: table) == nil ? 0 : 1 }
            ),
            ("the newest runs", { try await store.orchestratorRuns(limit: 100).count }),
            ("the queue", { try await store.queueDepth() }),
        ]
        for (name, call) in calls {
            let start = log.size
            #expect(try await call() > 0, "\(name)")
            let plans = try log.plans(after: start)
            #expect(!plans.isEmpty, "\(name) was explained")
            for plan in plans {
                #expect(plan.longScans.isEmpty, "\(name): \(plan.longScans)")
                #expect(plan.rowsRead <= Self.mostRows, "\(name) read \(plan.rowsRead) rows")
            }
        }

        // What is old goes in batches, each found along an index.
        let start = log.size
        _ = try await store.purgeHistory(olderThan: .seconds(3600 * 24 * 365 * 100))
        // Of runs there are few, a handful a day.
        #expect(
            Set(try log.plans(after: start).flatMap(\.longScans)).subtracting(["orchestrator_runs"])
                .isEmpty)
        await store.shutdown()
    }

    private func fill(_ cluster: PostgresCluster, database: String) async throws {
        try await cluster.execute(
            """
            INSERT INTO jobs (job_id, database_name, table_name, actions, status, submitted_at,
                started_at, completed_at, error)
            SELECT lpad(to_hex(n), 32, '0'), 'db', 't_' || n % \(Self.tables),
                ARRAY['expire_snapshots'],
                CASE WHEN n % 51 = 0 THEN 'failed' ELSE 'completed' END, at, at, at, NULL
            FROM (SELECT n, '2026-01-01'::timestamptz + n * INTERVAL '10 s' AS at
                FROM generate_series(1, \(Self.rows)) AS n) AS numbers;
            INSERT INTO jobs (job_id, database_name, table_name, actions, status, submitted_at)
            SELECT lpad(to_hex(n), 32, 'f'), 'db', 'live_' || n, ARRAY['rewrite_manifests'],
                CASE WHEN n <= 5 THEN 'running' ELSE 'pending' END, now()
            FROM generate_series(1, 50) AS n;
            INSERT INTO job_queue (job_id, enqueued_at, visible_at, claimed_at)
            SELECT job_id, submitted_at, submitted_at,
                CASE WHEN status = 'running' THEN submitted_at END
            FROM jobs WHERE status IN ('pending', 'running');
            INSERT INTO job_actions (job_id, action, success)
            SELECT job_id, 'expire_snapshots', status = 'completed' FROM jobs
            WHERE status IN ('completed', 'failed');
            INSERT INTO table_status_snapshots (database_name, table_name, collected_at, payload)
            SELECT database_name, table_name, submitted_at, '{}' FROM jobs
            WHERE completed_at IS NOT NULL;
            INSERT INTO table_health_snapshots (database_name, table_name, collected_at, payload)
            SELECT database_name, table_name, collected_at, payload FROM table_status_snapshots;
            INSERT INTO orchestrator_runs (started_at, completed_at, status)
            SELECT now(), now(), 'completed' FROM generate_series(1, \(Self.rows / 10));
            ANALYZE;
            """, database: database)
    }
}

/// The server's log, in which it explains every statement of those sessions that asked for it.
private struct ServerLog {
    let path: String

    /// How long it is now.
    var size: UInt64 {
        (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? UInt64) ?? 0
    }

    /// The plans of what was executed since the log had a size.
    func plans(after start: UInt64) throws -> [ExecutedPlan] {
        let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? handle.close() }
        try handle.seek(toOffset: start)
        let text = String(decoding: try handle.readToEnd() ?? Data(), as: UTF8.self)
        // An entry begins with its time; the lines after its first are indented.
        var plans: [ExecutedPlan] = []
        var document: [Substring] = []
        for line in text.split(separator: "\n") as [Substring] + ["end"] {
            if line.hasPrefix("\t") {
                document.append(line.dropFirst())
            } else {
                if document.first?.hasPrefix("{") == true {
                    let entry = try JSONValue(parsing: document.joined(separator: "\n"))
                    plans.append(ExecutedPlan(entry))
                }
                document = []
            }
        }
        return plans
    }
}

/// One execution of a statement.
private struct ExecutedPlan {
    private static let histories: Set = [
        "jobs", "job_actions", "table_status_snapshots", "table_health_snapshots",
        "orchestrator_runs",
    ]

    /// Scans of whole histories.
    private(set) var longScans: [String] = []
    /// Rows that all scans touched.
    private(set) var rowsRead = 0.0

    init(_ entry: JSONValue) {
        if let plan = entry.objectValue?["Plan"] { visit(plan) }
    }

    private mutating func visit(_ node: JSONValue) {
        guard let node = node.objectValue else { return }
        let kind = node["Node Type"]?.stringValue ?? ""
        if let relation = node["Relation Name"]?.stringValue, kind.hasSuffix("Scan") {
            let loops = node["Actual Loops"]?.doubleValue ?? 0
            let rows =
                (node["Actual Rows"]?.doubleValue ?? 0)
                + (node["Rows Removed by Filter"]?.doubleValue ?? 0)
            rowsRead += rows * loops
            if kind == "Seq Scan", Self.histories.contains(relation) { longScans.append(relation) }
        }
        for child in node["Plans"]?.arrayValue ?? [] { visit(child) }
    }
}
