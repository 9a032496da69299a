// SPDX-License-Identifier: Apache-2.0

public import Jobs
import Postgres
import WireFormat

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension PostgresStore: JobStore, AuditLog, JobSignals {
    /// A migration may rebuild an index over years of history.
    static let migrationTimeout: Duration = .seconds(30 * 60)

    static let migrations = MigrationPlan([
        Migration(
            version: 1,
            sql: String(decoding: PackageResources.V0001__job_system_sql, as: UTF8.self)),
        Migration(
            version: 2,
            sql: String(decoding: PackageResources.V0002__engine_reason_sql, as: UTF8.self)),
        Migration(
            version: 3,
            sql: String(decoding: PackageResources.V0003__observations_sql, as: UTF8.self)),
        Migration(
            version: 4,
            sql: String(decoding: PackageResources.V0004__table_identities_sql, as: UTF8.self)),
    ])

    public func migrate() async throws(JobStoreError) {
        var configuration = pool.configuration
        configuration.statementTimeout = Self.migrationTimeout
        let connection: PostgresConnection
        do throws(PostgresError) {
            connection = try await PostgresConnection.connect(configuration)
        } catch {
            throw JobStoreError(error)
        }
        // The lock ends with the session.
        defer { connection.close() }
        let applied: [AppliedMigration]
        do throws(PostgresError) {
            try await connection.query(AdvisoryLock.migration.statement("pg_advisory_lock"))
            applied = try await Self.appliedMigrations(on: connection)
        } catch {
            throw JobStoreError(error)
        }
        for migration in try Self.migrations.pending(after: applied) {
            do throws(PostgresError) {
                try await connection.execute(script: migration.script)
            } catch {
                throw JobStoreError(error)
            }
        }
    }

    private static func appliedMigrations(
        on connection: PostgresConnection
    ) async throws(PostgresError) -> [AppliedMigration] {
        try await connection.execute(
            script: """
                CREATE TABLE IF NOT EXISTS schema_migrations (
                    version INTEGER PRIMARY KEY,
                    checksum TEXT NOT NULL,
                    applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
                )
                """)
        let rows = try await connection.query(
            PostgresStatement(
                "SELECT version, checksum FROM schema_migrations ORDER BY version",
                effect: .reads, preparation: .once))
        var applied: [AppliedMigration] = []
        for row in rows {
            applied.append(
                AppliedMigration(version: try row.decode(0), checksum: try row.decode(1)))
        }
        return applied
    }

    public func ping(within limit: Duration) async throws(JobStoreError) {
        let pool = pool
        let outcome = await withTaskGroup(of: Result<Void, JobStoreError>.self) { group in
            group.addTask {
                do throws(PostgresError) {
                    try await pool.query("SELECT 1", effect: .reads)
                    return .success(())
                } catch {
                    return .failure(JobStoreError(error))
                }
            }
            group.addTask {
                // Cancelled as soon as the query has an answer, which is then the outcome.
                try? await Task.sleep(for: limit)
                return .failure(.unavailable(reason: "no answer within \(limit)"))
            }
            let first = await group.next() ?? .failure(.unavailable(reason: "no answer"))
            group.cancelAll()
            return first
        }
        try outcome.get()
    }

    public func shutdown() async {
        await sender.finish()
        await listening.close()
        hub.finish()
        await pool.shutdown()
    }

    public func audit(_ event: AuditEvent) async throws(JobStoreError) {
        _ = try await run(
            Statement.audit,
            [
                .prose(event.actor), .prose(event.event), .optional(event.jobID?.rawValue),
                .json(event.details.isNull ? nil : event.details),
            ])
    }

    public func signals() async -> AsyncStream<JobSignal> {
        listening.start()
        return hub.stream()
    }
}

extension Migration {
    /// The migration and the note that it was applied, as one transaction.
    fileprivate var script: String {
        """
        BEGIN;
        \(sql)
        INSERT INTO schema_migrations (version, checksum) VALUES (\(version), '\(checksum)');
        COMMIT;
        """
    }
}
