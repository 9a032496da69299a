-- SPDX-License-Identifier: Apache-2.0
-- Plans files; the count says whether the fence held. A path that is there already is planned
-- again if it was done, and stays unknown if it was unknown.
-- $1 job, $2 attempt, $3 table, $4 paths, $5 kinds.
WITH held AS (
    SELECT job_id FROM job_queue WHERE job_id = $1 AND attempt_id = $2 FOR UPDATE
),
planned AS (
    INSERT INTO file_journal (job_id, attempt_id, table_uuid, path, kind, state)
    SELECT held.job_id, $2, $3, f.path, f.kind, 'planned'
    FROM held, (
        SELECT DISTINCT ON (path) path, kind, n
        FROM unnest($4::text[], $5::text[]) WITH ORDINALITY AS given (path, kind, n)
        ORDER BY path, n
    ) f
    ORDER BY f.n
    ON CONFLICT (job_id, path) DO UPDATE
    SET state = 'planned', attempt_id = EXCLUDED.attempt_id
    WHERE file_journal.state = 'done'
)
SELECT count(*) FROM held
