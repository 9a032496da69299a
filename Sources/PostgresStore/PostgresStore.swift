// SPDX-License-Identifier: Apache-2.0

import Jobs
public import Postgres
import WireFormat

/// The job store for teams: PostgreSQL, shared by any number of processes.
///
/// Every call is one statement, or a few in one round trip, and one transaction; all state is in
/// the database, and all time is the database's. Statements lock a job's rows in the order queue
/// row, job row, table lock, so that none of them waits for another in a circle.
public final class PostgresStore: Sendable {
    /// How often a call is run again that the server asked to be run again.
    static let maximumAttempts = 5

    let pool: PostgresPool
    let hub = SignalHub()
    let sender: SignalSender
    let listening: SignalListening

    /// Makes a store; nothing is opened before the first call.
    public init(
        _ configuration: PostgresConfiguration,
        limits: PostgresPool.Limits = PostgresPool.Limits()
    ) {
        pool = PostgresPool(configuration, limits: limits)
        sender = SignalSender(pool: pool)
        listening = SignalListening(configuration, hub: hub)
    }

    // MARK: Running statements

    /// Runs statements in one round trip as one transaction, again if the server asks for it.
    func run(_ statements: [PostgresStatement]) async throws(JobStoreError) -> [PostgresResult] {
        for _ in 1..<Self.maximumAttempts {
            do throws(PostgresError) {
                return try await pool.batch(statements)
            } catch {
                guard case .server(let refusal) = error, refusal.isTransient else {
                    throw JobStoreError(error)
                }
            }
        }
        do throws(PostgresError) {
            return try await pool.batch(statements)
        } catch {
            throw JobStoreError(error)
        }
    }

    /// Runs one statement as a transaction, again if the server asks for it.
    func run(
        _ sql: String, _ parameters: [PostgresValue] = [],
        effect: PostgresStatement.Effect = .writes
    ) async throws(JobStoreError) -> PostgresResult {
        let results = try await run([PostgresStatement(sql, parameters, effect: effect)])
        guard let result = results.first else {
            throw .corrupt(reason: "the server returned no result")
        }
        return result
    }

    /// Runs a statement that says by the number of rows it changed whether the fence held.
    func runFenced(_ sql: String, _ parameters: [PostgresValue]) async throws(JobStoreError) {
        guard try await run(sql, parameters).affectedRows > 0 else { throw .fenced }
    }

    /// Runs a statement that says by the count it returns whether what it asked for held.
    func runCounting(_ sql: String, _ parameters: [PostgresValue]) async throws(JobStoreError)
        -> Bool
    {
        Self.isCounted(try await run(sql, parameters))
    }

    static func isCounted(_ result: PostgresResult) -> Bool {
        (try? result.first?.decode(0, as: Int.self)) ?? 0 > 0
    }
}

extension Claim {
    /// The first two parameters of every fenced statement.
    var parameters: [PostgresValue] { [.text(jobID.rawValue), .text(attemptID.rawValue)] }
}

extension JobStoreError {
    /// What a failure of the client means to whoever called the store.
    init(_ error: PostgresError) {
        switch error {
        case .unavailable, .cancelled, .closed: self = .unavailable(reason: error.description)
        case .outcomeUnknown: self = .outcomeUnknown(reason: error.description)
        case .server(let refusal): self.init(refusal)
        case .misuse, .decoding: self = .corrupt(reason: error.description)
        }
    }

    private init(_ refusal: PostgresServerError) {
        switch refusal.sqlState {
        case SQLState.queryCanceled:
            self = .unavailable(reason: "a statement took longer than its limit")
        case SQLState.undefinedTable:
            self = .corrupt(reason: "the store has no schema yet: run `icepack migrate`")
        case let state where refusal.isTransient || Self.isPassing(state):
            self = .unavailable(reason: refusal.description)
        default:
            self = .corrupt(reason: refusal.description)
        }
    }

    /// Out of resources, interrupted by an operator, a standby, or a system error (classes 53, 57
    /// and 58), and a read-only server, which may be one that is about to be promoted.
    private static func isPassing(_ sqlState: String) -> Bool {
        ["53", "57", "58"].contains(sqlState.prefix(2)) || sqlState == "25006"
    }
}
