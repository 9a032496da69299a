-- SPDX-License-Identifier: Apache-2.0
-- Takes the table's lock and inserts the job with its queue row, all or nothing. One row says what
-- happened; a submission that was refused by a transaction this snapshot does not show yet finds
-- no holder, and is run again.
--
-- Of two submitters of one table the second waits on the lock's row, then judges its new version:
-- the lease it finds has not passed, because now() is when its own transaction began. Were a
-- commit slower than the lease, jobs_one_live_per_table would still refuse the second job.
--
-- $1 job, $2 database, $3 table, $4 actions, $5 options, $6 idempotency key, $7 digest,
-- $8 lease of the lock, $9 how long keys are remembered; durations in microseconds.
WITH same AS (
    SELECT job_id FROM jobs WHERE job_id = $1
),
earlier AS (
    SELECT job_id, request_digest FROM jobs
    WHERE idempotency_key = $6 AND submitted_at > now() - $9::bigint * INTERVAL '1 microsecond'
    ORDER BY submitted_at DESC LIMIT 1
),
live AS (
    SELECT job_id FROM jobs
    WHERE database_name = $2 AND table_name = $3
        AND status IN ('pending', 'running') AND NOT dry_run
),
taken AS (
    INSERT INTO table_locks AS l (database_name, table_name, holder, acquired_at, expires_at)
    SELECT $2, $3, $1, now(), now() + $8::bigint * INTERVAL '1 microsecond'
    WHERE NOT EXISTS (SELECT FROM same) AND NOT EXISTS (SELECT FROM earlier)
        AND NOT EXISTS (SELECT FROM live)
    ON CONFLICT (database_name, table_name) DO UPDATE
    SET holder = EXCLUDED.holder, attempt_id = NULL, acquired_at = EXCLUDED.acquired_at,
        expires_at = EXCLUDED.expires_at
    WHERE l.expires_at <= now()
        AND NOT EXISTS (
            SELECT FROM jobs h
            WHERE h.job_id = l.holder
                AND (h.status IN ('pending', 'running') OR h.engine_state IS NOT NULL))
    RETURNING l.holder
),
job AS (
    INSERT INTO jobs (
        job_id, database_name, table_name, actions, status, submitted_at, options,
        idempotency_key, request_digest)
    SELECT $1, $2, $3, $4::text[], 'pending', now(), $5::jsonb, $6, $7 FROM taken
    RETURNING submitted_at, options
),
queued AS (
    INSERT INTO job_queue (job_id, enqueued_at, visible_at) SELECT $1, now(), now() FROM taken
)
SELECT
    (SELECT submitted_at FROM job), (SELECT options FROM job), (SELECT job_id FROM same),
    (SELECT job_id FROM earlier), (SELECT request_digest FROM earlier),
    COALESCE(
        (SELECT job_id FROM live),
        (SELECT holder FROM table_locks WHERE database_name = $2 AND table_name = $3))
