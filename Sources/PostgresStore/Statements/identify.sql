-- SPDX-License-Identifier: Apache-2.0
-- $1 database, $2 table, $3 UUID. Writes only where the UUID is new under the name. Of two that
-- come at once one may find no row: the UUID is known to neither for longer than now.
WITH known AS (
    SELECT since FROM table_identities
    WHERE database_name = $1 AND table_name = $2 AND table_uuid = $3),
changed AS (
    INSERT INTO table_identities AS i (database_name, table_name, table_uuid)
    SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM known)
    ON CONFLICT (database_name, table_name) DO UPDATE
    SET table_uuid = EXCLUDED.table_uuid, since = now()
    WHERE i.table_uuid <> EXCLUDED.table_uuid
    RETURNING i.since)
SELECT since FROM known UNION ALL SELECT since FROM changed
