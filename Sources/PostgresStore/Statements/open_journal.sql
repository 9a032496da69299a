-- SPDX-License-Identifier: Apache-2.0
-- Along file_journal_open. $1 table, $2 after this id, $3 limit.
SELECT id, job_id, path, kind FROM file_journal
WHERE table_uuid = $1 AND state = 'planned' AND id > $2::bigint
ORDER BY id
LIMIT $3::bigint
