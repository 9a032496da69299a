-- SPDX-License-Identifier: Apache-2.0
-- Renews the claim's lease and the table lock's, and stores progress with the store's time. No row
-- changed means fenced. $1 job, $2 attempt, $3 lease in microseconds, $4 progress.
WITH mine AS (
    SELECT j.job_id FROM jobs j
    JOIN table_locks l ON l.database_name = j.database_name AND l.table_name = j.table_name
    WHERE j.job_id = $1 AND l.holder = $1 AND l.attempt_id = $2
),
renewed AS (
    UPDATE job_queue q
    SET visible_at = now() + $3::bigint * INTERVAL '1 microsecond'
    FROM mine
    WHERE q.job_id = mine.job_id AND q.attempt_id = $2
    RETURNING q.job_id
),
job AS (
    UPDATE jobs j
    SET progress = $4::jsonb || jsonb_build_object(
        'updated_at', (extract(epoch FROM now()) * 1000000)::bigint)
    FROM renewed
    WHERE j.job_id = renewed.job_id
    RETURNING j.database_name, j.table_name
)
UPDATE table_locks l
SET expires_at = now() + $3::bigint * INTERVAL '1 microsecond'
FROM job
WHERE l.database_name = job.database_name AND l.table_name = job.table_name
    AND l.holder = $1 AND l.attempt_id = $2
