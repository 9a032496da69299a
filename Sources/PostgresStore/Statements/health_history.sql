-- SPDX-License-Identifier: Apache-2.0
-- $1 limit.
SELECT database_name, table_name, collected_at, payload::text, error
FROM table_health_snapshots ORDER BY collected_at DESC, id DESC LIMIT $1::bigint
