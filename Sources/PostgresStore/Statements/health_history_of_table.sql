-- SPDX-License-Identifier: Apache-2.0
-- $1 limit, $2 database, $3 table.
SELECT database_name, table_name, collected_at, payload::text, error
FROM table_health_snapshots WHERE database_name = $2 AND table_name = $3
ORDER BY collected_at DESC, id DESC LIMIT $1::bigint
