-- SPDX-License-Identifier: Apache-2.0
-- Makes syncs follow each other: the row is locked until the transaction ends. $1 tables.
INSERT INTO table_cache_state (id, generation, synced_at, table_count)
VALUES (1, 1, now(), $1::integer)
ON CONFLICT (id) DO UPDATE
SET generation = table_cache_state.generation + 1, synced_at = now(), table_count = $1::integer
