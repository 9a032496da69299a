// SPDX-License-Identifier: Apache-2.0

/// How attempts and jobs end.
extension Statement {
    // MARK: Settling

    /// What an engine may still run is to be found again unless the job completed.
    static let finishJob = """
        UPDATE jobs SET status = :status, error = :error, completed_at = :now,
            last_attempt_id = attempt_id,
            engine_state = CASE WHEN :status = 'completed' THEN NULL ELSE engine_state END
        WHERE job_id = :job AND attempt_id = :attempt AND status = 'running'
        """

    static let deleteQueueRow = """
        DELETE FROM job_queue WHERE job_id = :job AND attempt_id = :attempt
        """

    /// By holder and attempt, so that a successor's lock stays; and not while an engine state keeps
    /// the table.
    static let releaseLock = """
        DELETE FROM table_locks
        WHERE (database_name, table_name) =
                (SELECT database_name, table_name FROM jobs
                    WHERE job_id = :job AND engine_state IS NULL)
            AND holder = :job AND attempt_id IS :attempt
        """

    /// What ``releaseLock`` left because of an engine state may be looked at from now on.
    static let endLease = """
        UPDATE table_locks SET expires_at = :now
        WHERE (database_name, table_name) =
                (SELECT database_name, table_name FROM jobs WHERE job_id = :job)
            AND holder = :job AND attempt_id IS :attempt
        """

    /// Back to the queue, by a retry or a sweep.
    static let requeueJob = """
        UPDATE jobs SET status = 'pending', error = :error, last_attempt_id = attempt_id,
            attempt_id = NULL
        WHERE job_id = :job AND attempt_id = :attempt AND status = 'running'
        """

    static let requeueQueueRow = """
        UPDATE job_queue SET claimed_at = NULL, claimed_by = NULL, attempt_id = NULL,
            visible_at = :visible
        WHERE job_id = :job AND attempt_id = :attempt
        """

    /// The lock stays with the job; no attempt holds it.
    ///
    /// `:expires` null leaves its lease alone.
    static let detachLock = """
        UPDATE table_locks SET attempt_id = NULL, expires_at = COALESCE(:expires, expires_at)
        WHERE (database_name, table_name) =
                (SELECT database_name, table_name FROM jobs WHERE job_id = :job)
            AND holder = :job
        """

    // MARK: With a fence that is no longer current

    static let setAftermath = """
        UPDATE jobs SET aftermath = :aftermath,
            engine_state = CASE WHEN :stopped THEN NULL ELSE engine_state END
        WHERE job_id = :job AND last_attempt_id = :attempt
            AND (attempt_id IS NULL OR (attempt_id = :attempt AND status <> 'running'))
        """

    /// Of a job that is over, whichever of its attempts it is under.
    static let freeTable = """
        DELETE FROM table_locks
        WHERE (database_name, table_name) =
                (SELECT database_name, table_name FROM jobs WHERE job_id = :job
                    AND status IN ('completed', 'failed', 'cancelled'))
            AND holder = :job
        """

    /// Whether the job is over and this was its last attempt.
    static let selectEnded = """
        SELECT 1 FROM jobs
        WHERE job_id = :job AND last_attempt_id = :attempt
            AND (attempt_id IS NULL OR attempt_id = :attempt)
            AND status IN ('completed', 'failed', 'cancelled')
        """

    // MARK: Cancelling and deleting

    static let cancelJob = """
        UPDATE jobs SET status = 'cancelled', error = :error, completed_at = :now,
            last_attempt_id = COALESCE(attempt_id, last_attempt_id), attempt_id = NULL
        WHERE job_id = :job AND status IN ('pending', 'running')
        """

    static let deleteQueueRowOfCancelled = "DELETE FROM job_queue WHERE job_id = :job"

    static let softDelete = """
        UPDATE jobs SET deleted_at = :now WHERE job_id = :job AND deleted_at IS NULL
        """

    // MARK: Sweeping

    /// SEARCH job_queue USING job_queue_claimed, oldest lapse first.
    static let selectLapsed = """
        SELECT job_id, attempt_id, attempt_count FROM job_queue
        WHERE claimed_at IS NOT NULL AND visible_at <= :now ORDER BY visible_at LIMIT :limit
        """

    static let abandonJob = """
        UPDATE jobs SET status = 'failed', error = :error, completed_at = :now,
            last_attempt_id = attempt_id, attempt_id = NULL
        WHERE job_id = :job AND attempt_id = :attempt AND status = 'running'
        """

    /// SEARCH table_locks USING table_locks_expiry, then jobs by primary key.
    static let deleteDeadLocks = """
        DELETE FROM table_locks WHERE (database_name, table_name) IN (
            SELECT l.database_name, l.table_name FROM table_locks l
            LEFT JOIN jobs j ON j.job_id = l.holder
            WHERE l.expires_at <= :now
                AND (j.job_id IS NULL OR j.engine_state IS NULL
                    AND j.status IN ('completed', 'failed', 'cancelled'))
            LIMIT :limit)
        """

    /// Tables that stay locked after their job because of its engine state: SEARCH table_locks
    /// USING table_locks_expiry, then jobs by primary key.
    static let selectHolds = """
        SELECT j.job_id, j.last_attempt_id, j.database_name, j.table_name, j.engine_state,
            j.aftermath
        FROM table_locks l JOIN jobs j ON j.job_id = l.holder
        WHERE l.expires_at < :before AND j.engine_state IS NOT NULL
            AND j.status IN ('completed', 'failed', 'cancelled')
        ORDER BY l.expires_at LIMIT :limit
        """

    /// ``deleteDeadLocks`` then finds the lock dead.
    static let giveUpHold = """
        UPDATE jobs SET engine_state = NULL, aftermath = :aftermath WHERE job_id = :job
        """

    // MARK: Purging

    /// SEARCH jobs USING jobs_completed; results and closed journal rows go with their job.
    ///
    /// A job that keeps its table for an engine stays.
    static let purgeJobs = """
        DELETE FROM jobs
        WHERE completed_at < :limit AND status IN ('completed', 'failed', 'cancelled')
            AND NOT EXISTS (SELECT 1 FROM file_journal f
                WHERE f.job_id = jobs.job_id AND f.state = 'planned')
            AND (engine_state IS NULL OR NOT EXISTS (SELECT 1 FROM table_locks l
                WHERE l.database_name = jobs.database_name AND l.table_name = jobs.table_name
                    AND l.holder = jobs.job_id))
        """

    /// SCAN: these are small, and purging is rare.
    static let purgeStatusSnapshots = """
        DELETE FROM table_status_snapshots WHERE collected_at < :limit
        """
    static let purgeHealthSnapshots = """
        DELETE FROM table_health_snapshots WHERE collected_at < :limit
        """
    static let purgeRuns = "DELETE FROM orchestrator_runs WHERE completed_at < :limit"
}
