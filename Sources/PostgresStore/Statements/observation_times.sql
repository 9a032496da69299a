-- SPDX-License-Identifier: Apache-2.0
-- Leaps along table_status_snapshots_newest from each table's newest look to the next table: one
-- descent into the index for each table, however many looks there are.
WITH RECURSIVE newest AS (
    (
        SELECT database_name, table_name, collected_at FROM table_status_snapshots
        ORDER BY database_name, table_name, collected_at DESC LIMIT 1
    )
    UNION ALL
    SELECT following.* FROM newest, LATERAL (
        SELECT database_name, table_name, collected_at FROM table_status_snapshots AS looks
        WHERE (looks.database_name, looks.table_name) > (newest.database_name, newest.table_name)
        ORDER BY database_name, table_name, collected_at DESC LIMIT 1
    ) AS following
)
SELECT database_name, table_name, collected_at FROM newest
