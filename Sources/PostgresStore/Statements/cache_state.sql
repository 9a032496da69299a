-- SPDX-License-Identifier: Apache-2.0
SELECT synced_at, table_count, (extract(epoch FROM now() - synced_at) * 1000000)::bigint
FROM table_cache_state
