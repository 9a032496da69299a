-- SPDX-License-Identifier: Apache-2.0
-- Along file_journal_open. Only of jobs on the table that this job is on, whose lock it holds: two
-- catalog entries may have one table's uuid.
-- $1 table, $2 after this id, $3 limit, $4 job.
SELECT f.id, f.job_id, f.path, f.kind FROM file_journal f
JOIN jobs author ON author.job_id = f.job_id
JOIN jobs reader ON reader.job_id = $4
WHERE f.table_uuid = $1 AND f.state = 'planned' AND f.id > $2::bigint
    AND author.database_name = reader.database_name AND author.table_name = reader.table_name
ORDER BY f.id
LIMIT $3::bigint
