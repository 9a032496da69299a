-- SPDX-License-Identifier: Apache-2.0
-- Also run on table_health_snapshots, which has the same columns.
-- $1 database, $2 table, $3 metadata location, $4 time, $5 payload. A look at the same metadata
-- file replaces the one before.
WITH newest AS (
    SELECT id, metadata_location FROM table_status_snapshots
    WHERE database_name = $1 AND table_name = $2
    ORDER BY collected_at DESC, id DESC LIMIT 1),
replaced AS (
    UPDATE table_status_snapshots AS kept
    SET collected_at = GREATEST(kept.collected_at, $4::timestamptz), payload = $5::jsonb,
        error = NULL
    FROM newest
    WHERE kept.id = newest.id AND newest.metadata_location = $3
    RETURNING kept.id)
INSERT INTO table_status_snapshots (
    database_name, table_name, metadata_location, collected_at, payload)
SELECT $1, $2, $3, $4::timestamptz, $5::jsonb WHERE NOT EXISTS (SELECT FROM replaced)
