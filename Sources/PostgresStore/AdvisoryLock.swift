// SPDX-License-Identifier: Apache-2.0

import Jobs
import Postgres

/// Locks that exclude processes, not rows; numbered within a class of our own.
enum AdvisoryLock: Int64 {
    /// Held while migrations are applied.
    case migration = 1
    /// Held while the catalog is listed into the table cache.
    case tableSync = 2
    /// Held during a scheduled run of the orchestrator.
    case orchestratorRun = 3

    /// Held during a cycle of looking at every table.
    case healthSync = 4

    init(_ task: ExclusiveTask) {
        switch task {
        case .tableSync: self = .tableSync
        case .healthSync: self = .healthSync
        case .orchestratorRun: self = .orchestratorRun
        }
    }

    /// `ICEP`, to stay clear of other programs in the same database.
    private static let classID: Int64 = 0x4943_4550

    /// Calls one of the server's advisory lock functions on this lock.
    func statement(_ function: String) -> PostgresStatement {
        PostgresStatement(
            "SELECT \(function)($1::integer, $2::integer)",
            [.integer(Self.classID), .integer(rawValue)], effect: .reads, preparation: .once)
    }
    /// Asks whether the session that runs it has this lock.
    var ownership: PostgresStatement {
        PostgresStatement(
            """
            SELECT EXISTS (
                SELECT FROM pg_locks
                WHERE locktype = 'advisory' AND classid = $1::bigint::oid
                    AND objid = $2::bigint::oid AND objsubid = 2 AND pid = pg_backend_pid()
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                    AND granted)
            """,
            [.integer(Self.classID), .integer(rawValue)], effect: .reads, preparation: .once)
    }
}
