-- SPDX-License-Identifier: Apache-2.0
-- For a fence of a job that is over; the count says whether it is. A lock that the job's engine
-- state keeps stays. $1 job, $2 attempt.
WITH job AS (
    SELECT database_name, table_name, engine_state FROM jobs
    WHERE job_id = $1 AND last_attempt_id = $2 AND (attempt_id IS NULL OR attempt_id = $2)
        AND status IN ('completed', 'failed', 'cancelled')
),
unlocked AS (
    DELETE FROM table_locks l USING job
    WHERE job.engine_state IS NULL AND l.database_name = job.database_name
        AND l.table_name = job.table_name AND l.holder = $1 AND l.attempt_id = $2
)
SELECT count(*) FROM job
