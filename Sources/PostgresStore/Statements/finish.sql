-- SPDX-License-Identifier: Apache-2.0
-- Ends the attempt and the job. Deleting the queue row is the fence: a cancel or a sweep that came
-- first has deleted it or taken the attempt from it. A job that did not complete and has an engine
-- state keeps its lock; released, its lease ends now. The count says whether the fence held.
-- $1 job, $2 attempt, $3 status, $4 error, $5 whether the lock is released.
WITH settled AS (
    DELETE FROM job_queue WHERE job_id = $1 AND attempt_id = $2 RETURNING job_id
),
job AS (
    UPDATE jobs j
    SET status = $3, error = $4, completed_at = now(), last_attempt_id = $2,
        engine_state = CASE WHEN $3 = 'completed' THEN NULL ELSE j.engine_state END
    FROM settled
    WHERE j.job_id = settled.job_id
    RETURNING j.database_name, j.table_name, j.engine_state IS NOT NULL AS is_held
),
kept AS (
    UPDATE table_locks l SET expires_at = now()
    FROM job
    WHERE $5::boolean AND job.is_held AND l.database_name = job.database_name
        AND l.table_name = job.table_name AND l.holder = $1 AND l.attempt_id = $2
),
unlocked AS (
    DELETE FROM table_locks l USING job
    WHERE $5::boolean AND NOT job.is_held AND l.database_name = job.database_name
        AND l.table_name = job.table_name AND l.holder = $1 AND l.attempt_id = $2
)
SELECT count(*) FROM job
