-- SPDX-License-Identifier: Apache-2.0
SELECT database_name, table_name FROM table_cache_entries WHERE error IS NOT NULL
ORDER BY database_name, table_name
