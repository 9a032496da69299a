-- SPDX-License-Identifier: Apache-2.0
-- Frees locks whose lease has passed and whose holder is over, with no engine state, or gone, along
-- table_locks_expiry.
-- A lock that a submission has taken since the snapshot has a new lease, which is seen when the
-- row is locked. $1 limit.
WITH dead AS (
    SELECT l.database_name, l.table_name FROM table_locks l
    WHERE l.expires_at <= now()
        AND NOT EXISTS (
            SELECT FROM jobs j
            WHERE j.job_id = l.holder
                AND (j.status IN ('pending', 'running') OR j.engine_state IS NOT NULL))
    ORDER BY l.expires_at
    FOR UPDATE OF l SKIP LOCKED
    LIMIT $1::bigint
)
DELETE FROM table_locks l USING dead
WHERE l.database_name = dead.database_name AND l.table_name = dead.table_name
