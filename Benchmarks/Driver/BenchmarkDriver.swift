// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Jobs
import Postgres
import PostgresStore
import WireFormat

/// What the benchmarks need from inside: the store, the planners, and what looks after the fleet,
/// without the rest.
@main
struct BenchmarkDriver: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "icepack-bench", abstract: "Runs parts of Icepack, for `make bench`.",
        subcommands: [StoreCycles.self, PlanTable.self, FleetStep.self, HistoryQueries.self])
}

/// Submits, claims and settles jobs as fast as the store lets so many tasks do so.
struct StoreCycles: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Count submit → claim → settle cycles; the schema is made if need be.")

    /// Long enough that no claim of the run lapses.
    private static let lease = Duration.seconds(600)

    @Option(help: "A postgres:// URL.")
    var store: String

    @Option(help: "Tasks, and connections.")
    var connections = 8

    @Option(help: "How long to run.")
    var seconds = 5

    func run() async throws {
        let store = PostgresStore(
            try PostgresConfiguration(url: store),
            limits: PostgresPool.Limits(
                minimumConnections: connections, maximumConnections: connections))
        try await store.migrate()
        // Opens the connections and warms the server's caches, uncounted.
        _ = try await cycles(on: store, for: .milliseconds(500), prefix: "warm")
        let started = ContinuousClock.now
        let count = try await cycles(on: store, for: .seconds(seconds), prefix: "cycle")
        let elapsed = (ContinuousClock.now - started) / .seconds(1)
        await store.shutdown()
        let report: JSONValue = [
            "cycles": .integer(Int64(count)), "seconds": .double(elapsed),
            "cycles_per_second": .double(Double(count) / elapsed),
        ]
        print(String(decoding: report.bytes(), as: UTF8.self))
    }

    private func cycles(
        on store: some JobStore, for duration: Duration, prefix: String
    ) async throws -> Int {
        let deadline = ContinuousClock.now + duration
        return try await withThrowingTaskGroup(of: Int.self) { group in
            for task in 0..<connections {
                group.addTask {
                    var (count, round) = (0, 0)
                    while ContinuousClock.now < deadline {
                        let table = "\(prefix)_\(task)_\(round)"
                        if try await Self.cycle(on: store, table: table) { count += 1 }
                        round += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
    }

    /// One cycle.
    ///
    /// The job that is claimed may be a neighbour's. False if there was none left.
    private static func cycle(on store: some JobStore, table: String) async throws -> Bool {
        let submission = JobSubmission(
            jobID: .random(), table: TableName(database: "bench", table: table),
            actions: ["expire_snapshots"], isDryRun: false, options: .null, idempotency: nil,
            actor: "bench", lockLease: lease)
        guard case .accepted = try await store.submit(submission) else {
            throw Unexpected(description: "a submission was not accepted")
        }
        let claimed = try await store.claim(
            by: WorkerID("bench"), attempt: .random(), lease: lease)
        // Neighbours may have been quicker; what they leave is somebody's next claim.
        guard let claimed else { return false }
        try await store.settle(claimed.claim, as: .completed)
        return true
    }
}

/// The store did what it never does in a run without faults.
struct Unexpected: Error, CustomStringConvertible {
    let description: String
}
