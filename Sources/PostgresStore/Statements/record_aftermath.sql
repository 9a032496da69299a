-- SPDX-License-Identifier: Apache-2.0
-- For a fence that is no longer current. Once the engine has stopped nothing is to be found again,
-- and a job that is over gives its table back. The count says whether no other attempt came after.
-- $1 job, $2 attempt, $3 aftermath, $4 whether it says that the engine has stopped.
WITH job AS (
    UPDATE jobs
    SET aftermath = $3::jsonb,
        engine_state = CASE WHEN $4::boolean THEN NULL ELSE engine_state END
    WHERE job_id = $1 AND last_attempt_id = $2 AND (attempt_id IS NULL OR attempt_id = $2)
    RETURNING database_name, table_name, status
),
unlocked AS (
    DELETE FROM table_locks l USING job
    WHERE $4::boolean AND job.status IN ('completed', 'failed', 'cancelled')
        AND l.database_name = job.database_name AND l.table_name = job.table_name
        AND l.holder = $1
)
SELECT count(*) FROM job
