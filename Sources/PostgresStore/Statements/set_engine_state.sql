-- SPDX-License-Identifier: Apache-2.0
-- No row changed means fenced. $1 job, $2 attempt, $3 state.
WITH held AS (
    SELECT job_id FROM job_queue WHERE job_id = $1 AND attempt_id = $2 FOR UPDATE
)
UPDATE jobs j SET engine_state = $3::jsonb FROM held WHERE j.job_id = held.job_id
