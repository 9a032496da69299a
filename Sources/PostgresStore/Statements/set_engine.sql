-- SPDX-License-Identifier: Apache-2.0
-- No row changed means fenced. $1 job, $2 attempt, $3 engine, $4 reason.
WITH held AS (
    SELECT job_id FROM job_queue WHERE job_id = $1 AND attempt_id = $2 FOR UPDATE
)
UPDATE jobs j SET engine = $3, engine_reason = $4 FROM held WHERE j.job_id = held.job_id
