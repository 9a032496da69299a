-- SPDX-License-Identifier: Apache-2.0
-- Cancels a job that is not over; the count says whether it was. The queue row comes first, so a
-- claim or a settlement under way is waited for and then judged by what it left.
-- $1 job, $2 error.
WITH queued AS (
    SELECT job_id, attempt_count FROM job_queue WHERE job_id = $1 FOR UPDATE
),
job AS (
    UPDATE jobs j
    SET status = 'cancelled', completed_at = now(), error = $2,
        last_attempt_id = COALESCE(j.attempt_id, j.last_attempt_id), attempt_id = NULL
    FROM queued
    WHERE j.job_id = queued.job_id AND j.deleted_at IS NULL
        AND j.status IN ('pending', 'running')
    RETURNING j.job_id, j.database_name, j.table_name, queued.attempt_count
),
dequeued AS (
    DELETE FROM job_queue q USING job WHERE q.job_id = job.job_id
),
unlocked AS (
    DELETE FROM table_locks l USING job
    WHERE job.attempt_count = 0 AND l.database_name = job.database_name
        AND l.table_name = job.table_name AND l.holder = job.job_id
)
SELECT count(*) FROM job
