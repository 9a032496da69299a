-- SPDX-License-Identifier: Apache-2.0
-- Closes planned files of any job; the count says whether the fence held.
-- $1 job, $2 attempt, $3 ids.
WITH held AS (
    SELECT job_id FROM job_queue WHERE job_id = $1 AND attempt_id = $2 FOR UPDATE
),
closed AS (
    UPDATE file_journal f SET state = 'done' FROM held
    WHERE f.id = ANY ($3::bigint[]) AND f.state = 'planned'
)
SELECT count(*) FROM held
