// SPDX-License-Identifier: Apache-2.0

/// The file journal, the table cache, the audit log and the schema's own table.
extension Statement {
    // MARK: The journal

    /// A closed path is planned again; a planned or unknown one stays as it is.
    static let planFile = """
        INSERT INTO file_journal (job_id, attempt_id, table_uuid, path, kind, state, created_at)
        VALUES (:job, :attempt, :uuid, :path, :kind, 'planned', :now)
        ON CONFLICT (job_id, path) DO UPDATE SET state = 'planned',
            attempt_id = excluded.attempt_id
        WHERE file_journal.state = 'done'
        """

    /// SEARCH file_journal USING its unique index, once per path.
    static let closeFiles = """
        UPDATE file_journal SET state = 'done'
        WHERE job_id = :job AND path IN (SELECT value FROM json_each(:paths))
            AND state = 'planned'
        """

    /// SEARCH file_journal USING file_journal_open_of_job.
    static let markFilesUnknown = """
        UPDATE file_journal SET state = 'unknown' WHERE job_id = :job AND state = 'planned'
        """

    /// SEARCH file_journal USING file_journal_open, in its order.
    ///
    /// Only of jobs on the table that this job is on, whose lock it holds: two catalog entries may
    /// have one table's uuid.
    static let selectOpenFiles = """
        SELECT f.id, f.job_id, f.path, f.kind FROM file_journal f
        JOIN jobs author ON author.job_id = f.job_id
        JOIN jobs reader ON reader.job_id = :job
        WHERE f.table_uuid = :uuid AND f.state = 'planned' AND f.id > :after
            AND author.database_name = reader.database_name
            AND author.table_name = reader.table_name
        ORDER BY f.id LIMIT :limit
        """

    /// SEARCH file_journal by primary key, once per id.
    static let closeReplayedFiles = """
        UPDATE file_journal SET state = 'done'
        WHERE id IN (SELECT value FROM json_each(:ids)) AND state = 'planned'
        """

    // MARK: The table cache

    private static let cacheColumns = """
        database_name, table_name, location, metadata_location, table_uuid, format_version,
        properties, error
        """

    static let selectCachedTable = """
        SELECT \(cacheColumns) FROM table_cache_entries
        WHERE database_name = :database AND table_name = :table
        """

    static let selectCachedTables = """
        SELECT \(cacheColumns) FROM table_cache_entries ORDER BY database_name, table_name
        """

    static let selectUnreadableTables = """
        SELECT \(cacheColumns) FROM table_cache_entries WHERE error IS NOT NULL
        ORDER BY database_name, table_name
        """

    static let selectCachedTablesOfDatabase = """
        SELECT \(cacheColumns) FROM table_cache_entries
        WHERE database_name = :database ORDER BY table_name
        """

    static let selectCacheState = """
        SELECT synced_at, table_count FROM table_cache_state WHERE id = 1
        """

    static let deleteCachedTables = "DELETE FROM table_cache_entries"

    static let insertCachedTable = """
        INSERT INTO table_cache_entries (\(cacheColumns), generation, synced_at)
        VALUES (:database, :table, :location, :metadata, :uuid, :version, :properties, :error,
            (SELECT generation FROM table_cache_state WHERE id = 1), :now)
        """

    static let advanceCacheState = """
        INSERT INTO table_cache_state (id, generation, synced_at, table_count)
        VALUES (1, 1, :now, :count)
        ON CONFLICT (id) DO UPDATE SET generation = generation + 1,
            synced_at = excluded.synced_at, table_count = excluded.table_count
        """

    // MARK: The audit log

    static let insertAuditEvent = """
        INSERT INTO audit_log (at, actor, event, job_id, details)
        VALUES (:now, :actor, :event, :job, :details)
        """

    // MARK: The schema

    static let createMigrations = """
        CREATE TABLE IF NOT EXISTS schema_migrations (
            version INTEGER PRIMARY KEY NOT NULL,
            checksum TEXT NOT NULL,
            applied_at INTEGER NOT NULL
        ) STRICT
        """

    static let hasMigrations = """
        SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'
        """

    static let selectMigrations = "SELECT version, checksum FROM schema_migrations"

    static let insertMigration = """
        INSERT INTO schema_migrations (version, checksum, applied_at)
        VALUES (:version, :checksum, :now)
        """
}
