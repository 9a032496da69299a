-- SPDX-License-Identifier: Apache-2.0
-- Claims the job that this very transaction has submitted, which its enqueueing time tells from
-- one submitted earlier. $1 job, $2 worker, $3 attempt, $4 lease in microseconds.
WITH claimed AS (
    UPDATE job_queue
    SET claimed_at = now(), claimed_by = $2, attempt_id = $3,
        visible_at = now() + $4::bigint * INTERVAL '1 microsecond', attempt_count = 1
    WHERE job_id = $1 AND claimed_at IS NULL AND attempt_count = 0 AND enqueued_at = now()
    RETURNING job_id
),
job AS (
    UPDATE jobs j
    SET status = 'running', started_at = now(), attempt_id = $3, attempt_count = 1
    FROM claimed
    WHERE j.job_id = claimed.job_id
    RETURNING j.job_id, j.database_name, j.table_name
)
UPDATE table_locks l
SET attempt_id = $3, expires_at = now() + $4::bigint * INTERVAL '1 microsecond'
FROM job
WHERE l.database_name = job.database_name AND l.table_name = job.table_name
    AND l.holder = job.job_id
