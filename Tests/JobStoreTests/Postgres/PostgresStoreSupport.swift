// SPDX-License-Identifier: Apache-2.0

import Jobs
import Postgres
import PostgresStore
import Synchronization
import TestSupport

/// Makes time pass for a store on a real server.
///
/// The server's clock cannot be moved, but its function can be put in the shade of another one: a
/// schema that comes before `pg_catalog` in the search path holds a `now()` with an offset. So
/// every statement that takes the time from anywhere else is found out as well.
struct ShiftedClock: Sendable {
    /// What a connection is told so that it sees the other function.
    static let parameters = "options=-c%20search_path%3Dshifted%2Cpg_catalog%2Cpublic"

    let pool: PostgresPool

    func install() async throws {
        try await pool.execute(
            script: """
                CREATE SCHEMA shifted;
                CREATE TABLE shifted.clock (ahead INTERVAL NOT NULL);
                INSERT INTO shifted.clock VALUES ('0');
                CREATE FUNCTION shifted.now() RETURNS TIMESTAMPTZ STABLE LANGUAGE sql
                    AS 'SELECT pg_catalog.now() + ahead FROM shifted.clock';
                """)
    }

    func advance(by duration: Duration) async throws {
        let micros =
            duration.components.seconds * 1_000_000
            + duration.components.attoseconds / 1_000_000_000_000
        try await pool.query(
            "UPDATE shifted.clock SET ahead = ahead + $1::bigint * INTERVAL '1 microsecond'",
            [.integer(micros)])
    }
}

/// A migrated store on a fresh database, shut down when the body is done.
func withStore<Value>(
    connections: Int = 4,
    _ body: (PostgresStore, ShiftedClock) async throws -> Value
) async throws -> Value {
    let url = try await PostgresCluster.shared().createDatabase()
    let plain = try PostgresConfiguration(url: url)
    let configuration = try PostgresConfiguration(url: "\(url)?\(ShiftedClock.parameters)")
    var limits = PostgresPool.Limits(maximumConnections: connections)
    limits.acquireTimeout = .seconds(30)
    let store = PostgresStore(configuration, limits: limits)
    let pool = PostgresPool(plain, limits: PostgresPool.Limits(maximumConnections: 1))
    do {
        try await ShiftedClock(pool: pool).install()
        try await store.migrate()
        let value = try await body(store, ShiftedClock(pool: pool))
        await store.shutdown()
        await pool.shutdown()
        return value
    } catch {
        await store.shutdown()
        await pool.shutdown()
        throw error
    }
}

/// How often each job was ended, by whoever was told that it had ended it.
final class SettlementTally: Sendable {
    private let state = Mutex<[JobID: Int]>([:])

    var counts: [JobID: Int] { state.withLock { $0 } }

    func add(_ job: JobID) { state.withLock { $0[job, default: 0] += 1 } }
}
