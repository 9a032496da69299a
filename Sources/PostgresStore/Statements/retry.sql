-- SPDX-License-Identifier: Apache-2.0
-- Sends the job back to the queue, or fails it when its attempts are used up. The lock stays with
-- a job that goes on or has an engine state, and its lease ends. The count says whether the fence
-- held. $1 job, $2 attempt, $3 error, $4 delay in microseconds, $5 attempts.
WITH held AS (
    SELECT job_id, attempt_count < $5::integer AS again FROM job_queue
    WHERE job_id = $1 AND attempt_id = $2
    FOR UPDATE
),
requeued AS (
    UPDATE job_queue q
    SET claimed_at = NULL, claimed_by = NULL, attempt_id = NULL,
        visible_at = now() + $4::bigint * INTERVAL '1 microsecond'
    FROM held
    WHERE q.job_id = held.job_id AND held.again
),
dequeued AS (
    DELETE FROM job_queue q USING held WHERE q.job_id = held.job_id AND NOT held.again
),
job AS (
    UPDATE jobs j
    SET status = CASE WHEN held.again THEN 'pending' ELSE 'failed' END, error = $3,
        attempt_id = CASE WHEN held.again THEN NULL ELSE j.attempt_id END, last_attempt_id = $2,
        completed_at = CASE WHEN held.again THEN NULL ELSE now() END
    FROM held
    WHERE j.job_id = held.job_id
    RETURNING j.database_name, j.table_name, held.again,
        held.again OR j.engine_state IS NOT NULL AS keeps
),
kept AS (
    UPDATE table_locks l
    SET attempt_id = CASE WHEN job.again THEN NULL ELSE l.attempt_id END, expires_at = now()
    FROM job
    WHERE job.keeps AND l.database_name = job.database_name AND l.table_name = job.table_name
        AND l.holder = $1
),
unlocked AS (
    DELETE FROM table_locks l USING job
    WHERE NOT job.keeps AND l.database_name = job.database_name
        AND l.table_name = job.table_name AND l.holder = $1 AND l.attempt_id = $2
)
SELECT count(*) FROM job
