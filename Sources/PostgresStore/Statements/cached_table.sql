-- SPDX-License-Identifier: Apache-2.0
-- $1 database, $2 table.
SELECT database_name, table_name, location, metadata_location, table_uuid, format_version,
    properties, error
FROM table_cache_entries
WHERE database_name = $1 AND table_name = $2
