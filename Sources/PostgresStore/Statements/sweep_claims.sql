-- SPDX-License-Identifier: Apache-2.0
-- Takes lapsed claims from their attempts, oldest first, along job_queue_claimed. A renewal that is
-- under way is skipped; one that has been committed since the snapshot is seen when the row is
-- locked, and its row is left alone. Returns each job and whether it was given up.
--
-- $1 attempts, $2 first delay, $3 longest delay in microseconds, $4 limit.
WITH lapsed AS (
    SELECT job_id, attempt_id, attempt_count, attempt_count < $1::integer AS again
    FROM job_queue
    WHERE claimed_at IS NOT NULL AND visible_at <= now()
    ORDER BY visible_at
    FOR UPDATE SKIP LOCKED
    LIMIT $4::bigint
),
requeued AS (
    UPDATE job_queue q
    SET claimed_at = NULL, claimed_by = NULL, attempt_id = NULL,
        visible_at = now() + INTERVAL '1 microsecond' * LEAST(
            $2::bigint * power(2, LEAST(q.attempt_count - 1, 60)), $3::bigint)
    FROM lapsed
    WHERE q.job_id = lapsed.job_id AND lapsed.again
),
dequeued AS (
    DELETE FROM job_queue q USING lapsed WHERE q.job_id = lapsed.job_id AND NOT lapsed.again
),
job AS (
    UPDATE jobs j
    SET status = CASE WHEN lapsed.again THEN 'pending' ELSE 'failed' END,
        error = CASE
            WHEN lapsed.again THEN NULL
            WHEN lapsed.attempt_count = 1 THEN 'Abandoned after 1 attempt'
            ELSE format('Abandoned after %s attempts', lapsed.attempt_count)
        END,
        completed_at = CASE WHEN lapsed.again THEN NULL ELSE now() END,
        last_attempt_id = lapsed.attempt_id, attempt_id = NULL
    FROM lapsed
    WHERE j.job_id = lapsed.job_id
    RETURNING j.job_id, j.database_name, j.table_name, lapsed.again
),
locked AS (
    UPDATE table_locks l SET attempt_id = NULL
    FROM job
    WHERE job.again AND l.database_name = job.database_name AND l.table_name = job.table_name
        AND l.holder = job.job_id
)
SELECT job_id, NOT again FROM job
