-- SPDX-License-Identifier: Apache-2.0
-- Ends the attempt and the job. Deleting the queue row is the fence: a cancel or a sweep that came
-- first has deleted it or taken the attempt from it. The count says whether it held.
-- $1 job, $2 attempt, $3 status, $4 error, $5 whether the lock is released.
WITH settled AS (
    DELETE FROM job_queue WHERE job_id = $1 AND attempt_id = $2 RETURNING job_id
),
job AS (
    UPDATE jobs j
    SET status = $3, error = $4, completed_at = now(), last_attempt_id = $2
    FROM settled
    WHERE j.job_id = settled.job_id
    RETURNING j.database_name, j.table_name
),
unlocked AS (
    DELETE FROM table_locks l USING job
    WHERE $5::boolean AND l.database_name = job.database_name AND l.table_name = job.table_name
        AND l.holder = $1 AND l.attempt_id = $2
)
SELECT count(*) FROM job
