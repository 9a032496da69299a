-- SPDX-License-Identifier: Apache-2.0
-- Removes ended jobs of this age, along jobs_completed; results and journal go with them. A job
-- that keeps its table for an engine stays.
-- $1 age in microseconds, $2 limit.
WITH old AS (
    SELECT j.job_id FROM jobs j
    WHERE j.completed_at < now() - $1::bigint * INTERVAL '1 microsecond'
        AND j.status IN ('completed', 'failed', 'cancelled')
        AND NOT EXISTS (
            SELECT FROM file_journal f WHERE f.job_id = j.job_id AND f.state = 'planned')
        AND (j.engine_state IS NULL OR NOT EXISTS (
            SELECT FROM table_locks l
            WHERE l.database_name = j.database_name AND l.table_name = j.table_name
                AND l.holder = j.job_id))
    LIMIT $2::bigint
)
DELETE FROM jobs j USING old WHERE j.job_id = old.job_id
