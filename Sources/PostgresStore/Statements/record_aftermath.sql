-- SPDX-License-Identifier: Apache-2.0
-- For a fence that is no longer current. No row changed means that another attempt came after it.
-- $1 job, $2 attempt, $3 aftermath.
UPDATE jobs SET aftermath = $3::jsonb
WHERE job_id = $1 AND last_attempt_id = $2 AND (attempt_id IS NULL OR attempt_id = $2)
