-- SPDX-License-Identifier: Apache-2.0
-- Stores a dry run that is already over, with its results in their order.
--
-- $1 job, $2 database, $3 table, $4 actions, $5 options, $6 idempotency key, $7 digest,
-- $8 how long keys are remembered, $9 results as an array of objects.
WITH same AS (
    SELECT job_id FROM jobs WHERE job_id = $1
),
earlier AS (
    SELECT job_id, request_digest FROM jobs
    WHERE idempotency_key = $6 AND submitted_at > now() - $8::bigint * INTERVAL '1 microsecond'
    ORDER BY submitted_at DESC LIMIT 1
),
job AS (
    INSERT INTO jobs (
        job_id, database_name, table_name, actions, dry_run, status, submitted_at, started_at,
        completed_at, options, idempotency_key, request_digest)
    SELECT $1, $2, $3, $4::text[], TRUE, 'completed', now(), now(), now(), $5::jsonb, $6, $7
    WHERE NOT EXISTS (SELECT FROM same) AND NOT EXISTS (SELECT FROM earlier)
    RETURNING job_id
),
recorded AS (
    INSERT INTO job_actions (
        job_id, action, success, message, impact, error, metrics, plan, engine, engine_reason,
        elapsed_seconds)
    SELECT job.job_id, r.action, r.success, r.message, r.impact, r.error, r.metrics, r.plan,
        r.engine, r.engine_reason, r.elapsed_seconds
    FROM job, ROWS FROM (
        jsonb_to_recordset($9::jsonb) AS (
            action TEXT, success BOOLEAN, message TEXT, impact TEXT, error TEXT, metrics JSONB,
            plan JSONB, engine TEXT, engine_reason TEXT, elapsed_seconds DOUBLE PRECISION)
    ) WITH ORDINALITY AS r (
        action, success, message, impact, error, metrics, plan, engine, engine_reason,
        elapsed_seconds, n)
    ORDER BY r.n
)
SELECT (SELECT job_id FROM job), (SELECT job_id FROM same), (SELECT job_id FROM earlier),
    (SELECT request_digest FROM earlier)
