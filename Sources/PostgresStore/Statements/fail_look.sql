-- SPDX-License-Identifier: Apache-2.0
-- Also run on table_health_snapshots, which has the same columns.
-- $1 database, $2 table, $3 reason; for a table without a look $4 time and $5 payload, or NULL.
WITH newest AS (
    SELECT id FROM table_status_snapshots
    WHERE database_name = $1 AND table_name = $2
    ORDER BY collected_at DESC, id DESC LIMIT 1),
failed AS (
    UPDATE table_status_snapshots AS kept SET error = $3
    FROM newest WHERE kept.id = newest.id)
INSERT INTO table_status_snapshots (
    database_name, table_name, collected_at, payload, error)
SELECT $1, $2, $4::timestamptz, $5::jsonb, $3
WHERE $5::jsonb IS NOT NULL AND NOT EXISTS (SELECT FROM newest)
