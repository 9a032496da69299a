-- SPDX-License-Identifier: Apache-2.0
-- Removes what this transaction's generation does not list.
DELETE FROM table_cache_entries
WHERE generation <> (SELECT generation FROM table_cache_state)
