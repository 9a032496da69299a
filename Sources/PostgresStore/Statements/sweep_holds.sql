-- SPDX-License-Identifier: Apache-2.0
-- Gives up the oldest engine holds whose lease is longer past than they may be held, and says so
-- in job and audit log; sweep_locks.sql, which runs next, finds their locks dead. Returns each job.
--
-- $1 the longest hold in microseconds, $2 members of the aftermath, $3 actor, $4 event,
-- $5 details, $6 limit.
WITH old AS (
    SELECT j.job_id FROM table_locks l
    JOIN jobs j ON j.job_id = l.holder
    WHERE l.expires_at < now() - $1::bigint * INTERVAL '1 microsecond'
        AND j.status IN ('completed', 'failed', 'cancelled') AND j.engine_state IS NOT NULL
    ORDER BY l.expires_at
    FOR UPDATE OF j SKIP LOCKED
    LIMIT $6::bigint
),
job AS (
    UPDATE jobs j
    SET engine_state = NULL, aftermath = CASE
        WHEN jsonb_typeof(j.aftermath) = 'object' THEN j.aftermath ELSE '{}'
    END || $2::jsonb
    FROM old
    WHERE j.job_id = old.job_id
    RETURNING j.job_id, j.database_name, j.table_name
),
audited AS (
    INSERT INTO audit_log (actor, event, job_id, details)
    SELECT $3, $4, job_id,
        $5::jsonb || jsonb_build_object('table', database_name || '.' || table_name)
    FROM job
)
SELECT job_id FROM job
