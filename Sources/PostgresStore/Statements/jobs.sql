-- SPDX-License-Identifier: Apache-2.0
-- A listing's head; PostgresStore adds the conditions that were asked for, so that each
-- combination gets a plan of its own, and the order.
SELECT
    j.job_id, j.database_name, j.table_name, j.actions, j.dry_run, j.status, j.submitted_at,
    j.attempt_count, j.options, j.started_at, j.completed_at, j.error, j.progress, j.engine,
    j.engine_reason, j.attempt_id, j.last_attempt_id, j.deleted_at, j.engine_state, j.aftermath,
    (
        SELECT json_agg(a ORDER BY a.id) FROM job_actions a WHERE a.job_id = j.job_id
    )
FROM jobs j
WHERE TRUE
