-- SPDX-License-Identifier: Apache-2.0
-- Also run on table_health_snapshots, which has the same columns.
-- $1 database, $2 table, $3 metadata location, $4 time.
WITH newest AS (
    SELECT id FROM table_status_snapshots
    WHERE database_name = $1 AND table_name = $2
    ORDER BY collected_at DESC, id DESC LIMIT 1)
UPDATE table_status_snapshots AS kept
SET collected_at = GREATEST(kept.collected_at, $4::timestamptz)
FROM newest
WHERE kept.id = newest.id AND kept.metadata_location = $3 AND kept.error IS NULL
RETURNING kept.id
