-- SPDX-License-Identifier: Apache-2.0
-- Also run on table_health_snapshots, which has the same columns.
-- $1 age in microseconds, $2 limit.
DELETE FROM table_status_snapshots WHERE id IN (
    SELECT id FROM table_status_snapshots
    WHERE collected_at < now() - $1::bigint * INTERVAL '1 microsecond'
    LIMIT $2::bigint)
