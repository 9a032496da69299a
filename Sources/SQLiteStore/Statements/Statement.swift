// SPDX-License-Identifier: Apache-2.0

/// Every statement of the store, each a constant; the comments give the plan it relies on.
///
/// Times are microseconds. Those that judge leases come from ``now``, never from a worker.
enum Statement {
    /// The clock, moved by the argument.
    ///
    /// `'now'` is the same throughout one statement.
    static let now = """
        SELECT CAST(strftime('%s', 'now') AS INTEGER) * 1000000
            + CAST(substr(strftime('%f', 'now'), 4) AS INTEGER) * 1000 + ?
        """

    /// The columns of a ``JobRow``.
    private static let jobColumns = """
        job_id, database_name, table_name, actions, dry_run, options, status, submitted_at,
        started_at, completed_at, error, progress, engine, engine_reason, attempt_id,
        last_attempt_id, attempt_count, deleted_at, engine_state, aftermath
        """

    /// SEARCH jobs by primary key.
    static let selectJob = "SELECT \(jobColumns) FROM jobs WHERE job_id = :job"

    /// SEARCH jobs USING jobs_idempotency.
    static let selectJobByKey = """
        SELECT \(jobColumns), request_digest FROM jobs
        WHERE idempotency_key = :key AND submitted_at > :since
        ORDER BY submitted_at DESC LIMIT 1
        """

    /// SEARCH job_actions USING its unique index, once per job of the page.
    static let selectResults = """
        SELECT job_id, action, success, message, impact, error, metrics, plan, engine,
            engine_reason, elapsed_seconds
        FROM job_actions WHERE job_id IN (SELECT value FROM json_each(:jobs)) ORDER BY id
        """

    /// A page of jobs, newest first: SEARCH jobs USING jobs_newest, or jobs_newest_of_table or
    /// jobs_newest_of_status when that is given, stopping at the limit.
    static func selectJobs(where conditions: [String]) -> String {
        let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
        return """
            SELECT \(jobColumns) FROM jobs \(filter)
            ORDER BY submitted_at DESC, job_id DESC LIMIT :limit
            """
    }

    /// SEARCH USING COVERING INDEX job_queue_waiting.
    static let selectQueueDepth = """
        SELECT COUNT(*) FROM job_queue WHERE claimed_at IS NULL AND visible_at <= :now
        """
}
