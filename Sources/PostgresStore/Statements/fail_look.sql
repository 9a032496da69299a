-- SPDX-License-Identifier: Apache-2.0
-- Also run on table_health_snapshots, which has the same columns.
-- $1 database, $2 table, $3 reason.
UPDATE table_status_snapshots SET error = $3
WHERE id = (
    SELECT id FROM table_status_snapshots
    WHERE database_name = $1 AND table_name = $2
    ORDER BY collected_at DESC, id DESC LIMIT 1)
