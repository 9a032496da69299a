-- SPDX-License-Identifier: Apache-2.0
-- From the index alone.
SELECT database_name, table_name, max(collected_at) FROM table_status_snapshots
GROUP BY database_name, table_name
