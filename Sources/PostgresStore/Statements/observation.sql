-- SPDX-License-Identifier: Apache-2.0
-- $1 database, $2 table.
SELECT status.metadata_location, status.collected_at, status.payload::text, health.payload::text,
    COALESCE(status.error, health.error),
    (EXTRACT(EPOCH FROM now() - status.collected_at) * 1000000)::bigint
FROM (
    SELECT * FROM table_status_snapshots
    WHERE database_name = $1 AND table_name = $2
    ORDER BY collected_at DESC, id DESC LIMIT 1) AS status,
(
    SELECT * FROM table_health_snapshots
    WHERE database_name = $1 AND table_name = $2
    ORDER BY collected_at DESC, id DESC LIMIT 1) AS health
