// SPDX-License-Identifier: Apache-2.0

/// Submitting, claiming and everything under a claim.
extension Statement {
    // MARK: Submitting

    /// SEARCH jobs USING COVERING INDEX jobs_one_live_per_table.
    static let selectLiveJob = """
        SELECT job_id FROM jobs
        WHERE database_name = :database AND table_name = :table
            AND status IN ('pending', 'running') AND dry_run = 0
        """

    /// SEARCH table_locks by primary key, then jobs by theirs.
    static let selectLock = """
        SELECT l.holder, l.expires_at, j.engine_state IS NOT NULL AS is_held
        FROM table_locks l LEFT JOIN jobs j ON j.job_id = l.holder
        WHERE l.database_name = :database AND l.table_name = :table
        """

    static let insertJob = """
        INSERT INTO jobs (job_id, database_name, table_name, actions, dry_run, options, status,
            submitted_at, started_at, completed_at, created_at, idempotency_key, request_digest)
        VALUES (:job, :database, :table, :actions, :dryRun, :options, :status,
            :now, :ended, :ended, :now, :key, :digest)
        """

    static let insertQueueRow = """
        INSERT INTO job_queue (job_id, enqueued_at, visible_at) VALUES (:job, :now, :now)
        """

    /// The caller has seen that nobody who matters holds it.
    static let takeLock = """
        INSERT INTO table_locks (database_name, table_name, holder, acquired_at, expires_at)
        VALUES (:database, :table, :job, :now, :expires)
        ON CONFLICT (database_name, table_name) DO UPDATE SET holder = excluded.holder,
            attempt_id = NULL, acquired_at = excluded.acquired_at, expires_at = excluded.expires_at
        """

    // MARK: Claiming

    /// The oldest visible unclaimed job: SEARCH job_queue USING job_queue_waiting, in its order.
    static let selectOldestWaiting = """
        SELECT job_id FROM job_queue WHERE claimed_at IS NULL AND visible_at <= :now
        ORDER BY enqueued_at, rowid LIMIT 1
        """

    static let claimQueueRow = """
        UPDATE job_queue SET claimed_at = :now, claimed_by = :worker, attempt_id = :attempt,
            visible_at = :expires, attempt_count = attempt_count + 1
        WHERE job_id = :job AND claimed_at IS NULL
        """

    static let claimJob = """
        UPDATE jobs SET status = 'running', started_at = COALESCE(started_at, :now),
            attempt_id = :attempt, attempt_count = attempt_count + 1, error = NULL
        WHERE job_id = :job AND status = 'pending'
        """

    /// Puts a lock back that somebody removed by hand; changes nothing if another job has it.
    static let claimLock = """
        INSERT INTO table_locks
            (database_name, table_name, holder, attempt_id, acquired_at, expires_at)
        SELECT database_name, table_name, job_id, :attempt, :now, :expires
        FROM jobs WHERE job_id = :job
        ON CONFLICT (database_name, table_name) DO UPDATE SET
            attempt_id = excluded.attempt_id, expires_at = excluded.expires_at
        WHERE table_locks.holder = excluded.holder
        """

    // MARK: Under a claim; zero rows changed means the fence is gone

    static let renewQueueRow = """
        UPDATE job_queue SET visible_at = :expires WHERE job_id = :job AND attempt_id = :attempt
        """

    static let renewLock = """
        UPDATE table_locks SET expires_at = :expires
        WHERE (database_name, table_name) =
                (SELECT database_name, table_name FROM jobs WHERE job_id = :job)
            AND holder = :job AND attempt_id = :attempt
        """

    static let setProgress = """
        UPDATE jobs SET progress = :progress
        WHERE job_id = :job AND attempt_id = :attempt AND status = 'running'
        """

    static let setEngine = """
        UPDATE jobs SET engine = :engine, engine_reason = :reason
        WHERE job_id = :job AND attempt_id = :attempt AND status = 'running'
        """

    static let setEngineState = """
        UPDATE jobs SET engine_state = :state
        WHERE job_id = :job AND attempt_id = :attempt AND status = 'running'
        """

    static let upsertResult = """
        INSERT INTO job_actions (job_id, action, success, message, impact, error, metrics, plan,
            engine, engine_reason, elapsed_seconds, created_at)
        SELECT job_id, :action, :success, :message, :impact, :error, :metrics, :plan, :engine,
            :engineReason, :elapsed, :now
        FROM jobs WHERE job_id = :job AND attempt_id = :attempt AND status = 'running'
        ON CONFLICT (job_id, action) DO UPDATE SET success = excluded.success,
            message = excluded.message, impact = excluded.impact, error = excluded.error,
            metrics = excluded.metrics, plan = excluded.plan, engine = excluded.engine,
            engine_reason = excluded.engine_reason,
            elapsed_seconds = excluded.elapsed_seconds, created_at = excluded.created_at
        """

    /// Of a dry run, which no attempt ever held.
    static let insertResult = """
        INSERT INTO job_actions (job_id, action, success, message, impact, error, metrics, plan,
            engine, engine_reason, elapsed_seconds, created_at)
        VALUES (:job, :action, :success, :message, :impact, :error, :metrics, :plan, :engine,
            :engineReason, :elapsed, :now)
        """

    /// Whether the claim holds its job now: SEARCH jobs by primary key.
    static let selectHeld = """
        SELECT 1 FROM jobs WHERE job_id = :job AND attempt_id = :attempt AND status = 'running'
        """
}
