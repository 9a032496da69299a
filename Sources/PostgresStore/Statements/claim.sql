-- SPDX-License-Identifier: Apache-2.0
-- Claims the oldest visible unclaimed job. Walks job_queue_waiting in its order and skips what
-- other claims have locked; a row that was claimed since the snapshot is judged anew and skipped.
--
-- Locks queue row, job row and table lock in this order, as every statement here does, so that no
-- two of them can wait for each other. A job that is not pending, or whose table another job has
-- locked, means that somebody has changed the tables by hand: the division by zero undoes the
-- claim and is reported.
--
-- $1 worker, $2 attempt, $3 lease in microseconds.
WITH oldest AS (
    SELECT job_id FROM job_queue
    WHERE claimed_at IS NULL AND visible_at <= now()
    ORDER BY enqueued_at
    FOR UPDATE SKIP LOCKED
    LIMIT 1
),
claimed AS (
    UPDATE job_queue q
    SET claimed_at = now(), claimed_by = $1, attempt_id = $2,
        visible_at = now() + $3::bigint * INTERVAL '1 microsecond',
        attempt_count = q.attempt_count + 1
    FROM oldest
    WHERE q.job_id = oldest.job_id
    RETURNING q.job_id, q.attempt_count
),
job AS (
    UPDATE jobs j
    SET status = 'running', started_at = COALESCE(j.started_at, now()), attempt_id = $2,
        attempt_count = claimed.attempt_count, error = NULL
    FROM claimed
    WHERE j.job_id = claimed.job_id AND j.status = 'pending'
    RETURNING j.*
),
locked AS (
    INSERT INTO table_locks AS l (
        database_name, table_name, holder, attempt_id, acquired_at, expires_at)
    SELECT database_name, table_name, job_id, $2, now(),
        now() + $3::bigint * INTERVAL '1 microsecond'
    FROM job
    ON CONFLICT (database_name, table_name) DO UPDATE
    SET attempt_id = EXCLUDED.attempt_id, expires_at = EXCLUDED.expires_at
    WHERE l.holder = EXCLUDED.holder
    RETURNING l.holder
)
SELECT
    j.job_id, j.database_name, j.table_name, j.actions, j.dry_run, j.status, j.submitted_at,
    j.attempt_count, j.options, j.started_at, j.completed_at, j.error, j.progress, j.engine,
    j.engine_reason, j.attempt_id, j.last_attempt_id, j.deleted_at, j.engine_state, j.aftermath,
    (
        SELECT json_agg(a ORDER BY a.id) FROM job_actions a WHERE a.job_id = j.job_id
    ),
    1 / (SELECT count(*) FROM locked)
FROM claimed LEFT JOIN job j ON j.job_id = claimed.job_id
