// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Jobs
import Postgres
import PostgresStore
import WireFormat

/// Times the queries behind the pages of history, one after the other.
struct HistoryQueries: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Time the pages of a long history; --migrate makes the schema and stops.")

    /// Calls that warm the connection and its plans, uncounted.
    private static let warmUp = 10
    /// The page that the API shows where nobody asks for another, and a row to know there is more.
    private static let page = 101

    @Option(help: "A postgres:// URL.")
    var store: String

    @Flag(help: "Make the schema, and time nothing.")
    var migrate = false

    @Option(help: "How often each query is run.")
    var calls = 200

    @Option(help: "The history's tables: db.t_0, db.t_1, …")
    var tables = 500

    func run() async throws {
        let store = PostgresStore(try PostgresConfiguration(url: store))
        if migrate {
            try await store.migrate()
            await store.shutdown()
            return print("{}")
        }
        let queries: [(String, @Sendable (TableName, JobStatus) async throws -> Int)] = [
            (
                "jobs",
                { _, _ in
                    try await store.jobs(
                        matching: JobQuery(visibility: .includingDeleted, limit: Self.page)
                    ).count
                }
            ),
            (
                "jobs of a table",
                { table, _ in
                    try await store.jobs(
                        matching: JobQuery(
                            table: table, visibility: .includingDeleted, limit: Self.page)
                    ).count
                }
            ),
            (
                "jobs by status",
                { _, status in
                    try await store.jobs(
                        matching: JobQuery(
                            status: status, visibility: .includingDeleted, limit: Self.page)
                    ).count
                }
            ),
            (
                "jobs of a table by status",
                { table, status in
                    try await store.jobs(
                        matching: JobQuery(
                            table: table, status: status, visibility: .includingDeleted,
                            limit: Self.page)
                    ).count
                }
            ),
            ("health", { _, _ in try await store.healthHistory(of: nil, limit: 100).count }),
            (
                "health of a table",
                { table, _ in try await store.healthHistory(of: table, limit: 100).count }
            ),
            ("orchestrator runs", { _, _ in try await store.orchestratorRuns(limit: 100).count }),
        ]
        var report = JSONObject()
        for (name, query) in queries { report[name] = try await time(query) }
        await store.shutdown()
        print(JSONValue.object(report).text())
    }

    private func time(
        _ query: (TableName, JobStatus) async throws -> Int
    ) async throws -> JSONValue {
        let statuses: [JobStatus] = [.completed, .failed]
        var milliseconds: [Double] = []
        var rows = 0
        for call in -Self.warmUp..<max(1, calls) {
            let number = call + Self.warmUp
            // A prime apart, so that neighbours in the index are no neighbours here.
            let table = TableName(database: "db", table: "t_\(number * 37 % tables)")
            let began = ContinuousClock.now
            let found = try await query(table, statuses[number % statuses.count])
            guard call >= 0 else { continue }
            milliseconds.append((ContinuousClock.now - began) / .milliseconds(1))
            rows += found
        }
        milliseconds.sort()
        let last = milliseconds.count - 1
        return [
            "rows": .integer(rows), "median_ms": .double(milliseconds[last / 2]),
            "p99_ms": .double(milliseconds[Int(Double(last) * 0.99)]),
        ]
    }
}
