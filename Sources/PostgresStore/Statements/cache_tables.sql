-- SPDX-License-Identifier: Apache-2.0
-- Takes some tables into the generation that this transaction began.
-- $1 databases, $2 tables, $3 locations, $4 metadata locations, $5 UUIDs, $6 format versions,
-- $7 properties, $8 errors.
INSERT INTO table_cache_entries (
    database_name, table_name, location, metadata_location, table_uuid, format_version,
    properties, error, generation, synced_at)
SELECT t.database_name, t.table_name, t.location, t.metadata_location, t.table_uuid,
    t.format_version, t.properties, t.error, s.generation, s.synced_at
FROM table_cache_state s,
    unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[],
        $7::jsonb[], $8::text[]
    ) AS t (
        database_name, table_name, location, metadata_location, table_uuid, format_version,
        properties, error)
ON CONFLICT (database_name, table_name) DO UPDATE
SET location = EXCLUDED.location, metadata_location = EXCLUDED.metadata_location,
    table_uuid = EXCLUDED.table_uuid, format_version = EXCLUDED.format_version,
    properties = EXCLUDED.properties, error = EXCLUDED.error,
    generation = EXCLUDED.generation, synced_at = EXCLUDED.synced_at
