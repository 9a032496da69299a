-- SPDX-License-Identifier: Apache-2.0
-- $1 database or NULL for all.
SELECT database_name, table_name, location, metadata_location, table_uuid, format_version,
    properties, error
FROM table_cache_entries
WHERE database_name = COALESCE($1, database_name)
ORDER BY database_name, table_name
