-- SPDX-License-Identifier: Apache-2.0
-- $1 age in microseconds, $2 limit.
DELETE FROM table_health_snapshots WHERE id IN (
    SELECT id FROM table_health_snapshots
    WHERE collected_at < now() - $1::bigint * INTERVAL '1 microsecond'
    LIMIT $2::bigint)
