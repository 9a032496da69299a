-- SPDX-License-Identifier: Apache-2.0
-- The count says whether the fence held. $1 job, $2 attempt.
WITH held AS (
    SELECT job_id FROM job_queue WHERE job_id = $1 AND attempt_id = $2 FOR UPDATE
),
marked AS (
    UPDATE file_journal f SET state = 'unknown' FROM held
    WHERE f.job_id = held.job_id AND f.state = 'planned'
)
SELECT count(*) FROM held
