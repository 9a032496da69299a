-- SPDX-License-Identifier: Apache-2.0
-- Writes one action's result, or replaces it. No row changed means fenced.
-- $1 job, $2 attempt, then the result's fields.
WITH held AS (
    SELECT job_id FROM job_queue WHERE job_id = $1 AND attempt_id = $2 FOR UPDATE
)
INSERT INTO job_actions (
    job_id, action, success, message, impact, error, metrics, plan, engine, engine_reason,
    elapsed_seconds)
SELECT held.job_id, $3, $4::boolean, $5, $6, $7, $8::jsonb, $9::jsonb, $10, $11,
    $12::double precision
FROM held
ON CONFLICT (job_id, action) DO UPDATE
SET success = EXCLUDED.success, message = EXCLUDED.message, impact = EXCLUDED.impact,
    error = EXCLUDED.error, metrics = EXCLUDED.metrics, plan = EXCLUDED.plan,
    engine = EXCLUDED.engine, engine_reason = EXCLUDED.engine_reason,
    elapsed_seconds = EXCLUDED.elapsed_seconds
