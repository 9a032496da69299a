// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import ObjectStorage
import SQLCatalog
import Synchronization
import TestSupport

/// An SQL catalog in a PostgreSQL server of its own, which fails by its own means.
///
/// A commit that waits for a standby that does not exist is durable already; who ends its
/// connection then, or stops the server, loses an answer that was a success.
final class FailingPostgres: FailingCatalog {
    let table = ManifestTable.identifier
    private let cluster: PostgresCluster
    private let url: String
    private let failing = Mutex<Task<Void, any Error>?>(nil)
    private let repairs = Mutex<[@Sendable (FailingPostgres) async throws -> Void]>([])

    init(_ metadata: String) async throws {
        // Whoever wants to wait for the standby says so; nobody else does.
        cluster = try await .start(settings: ["synchronous_standby_names=nobody"])
        url = try await cluster.createDatabase()
        try await execute(SQLTable.statements(metadata))
    }

    func catalog() throws -> SQLCatalog<LocalStorage> {
        try SQLCatalog(name: "test", uri: url, storage: LocalStorage())
    }

    private var database: String { String(url.split(separator: "/").last ?? "") }

    @discardableResult
    private func execute(_ sql: String, in name: String? = nil) async throws -> String {
        try await cluster.execute(sql, database: name ?? database)
    }

    func failCommit(_ fault: CatalogFault) async throws {
        let body =
            switch fault {
            case .cutBefore: "PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(60);"
            case .errorAfterSuccess, .cutAfter:
                "PERFORM set_config('synchronous_commit', 'on', true);"
            }
        try await execute(
            """
            CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN \(body) RETURN NEW; END $$;
            CREATE CONSTRAINT TRIGGER fail AFTER UPDATE ON iceberg_tables
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()
            """)
        repairs.withLock { $0.append { try await $0.execute("DROP FUNCTION fail() CASCADE") } }
        let waiting = "pg_stat_activity WHERE wait_event = 'SyncRep'"
        switch fault {
        case .cutBefore: return
        case .errorAfterSuccess:
            // Unstructured because it acts in the middle of the test's next call.
            let task = Task {
                try await eventually("a commit waits") {
                    try await self.execute("SELECT pg_terminate_backend(pid) FROM \(waiting)")
                        .hasPrefix("t")
                }
            }
            failing.withLock { $0 = task }
        case .cutAfter:
            let task = Task {
                try await eventually("a commit waits") {
                    try await self.execute("SELECT count(*) FROM \(waiting)").hasPrefix("1")
                }
                try await self.cluster.stop()
            }
            failing.withLock { $0 = task }
            repairs.withLock { $0.insert({ try await $0.cluster.resume() }, at: 0) }
        }
    }

    func failLooks(_ fault: CatalogFault) async throws {
        switch fault {
        case .errorAfterSuccess:
            try await execute("ALTER TABLE iceberg_tables RENAME TO away")
            repairs.withLock {
                $0.append { try await $0.execute("ALTER TABLE away RENAME TO iceberg_tables") }
            }
        case .cutBefore:
            try await cluster.stop()
            repairs.withLock { $0.append { try await $0.cluster.resume() } }
        case .cutAfter:
            try await execute(
                """
                ALTER DATABASE \(database) ALLOW_CONNECTIONS false;
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = '\(database)'
                """, in: "postgres")
            repairs.withLock {
                $0.append { bed in
                    try await bed.execute(
                        "ALTER DATABASE \(bed.database) ALLOW_CONNECTIONS true", in: "postgres")
                }
            }
        }
    }

    func heal() async throws {
        let task = failing.withLock { task in
            defer { task = nil }
            return task
        }
        try await task?.value
        let repairs = repairs.withLock { repairs in
            defer { repairs = [] }
            return repairs
        }
        for repair in repairs { try await repair(self) }
    }
}
