-- SPDX-License-Identifier: Apache-2.0
-- Closes this job's planned files; the count says whether the fence held.
-- $1 job, $2 attempt, $3 paths.
WITH held AS (
    SELECT job_id FROM job_queue WHERE job_id = $1 AND attempt_id = $2 FOR UPDATE
),
closed AS (
    UPDATE file_journal f SET state = 'done' FROM held
    WHERE f.job_id = held.job_id AND f.state = 'planned' AND f.path = ANY ($3::text[])
)
SELECT count(*) FROM held
