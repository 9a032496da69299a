-- SPDX-License-Identifier: Apache-2.0
-- $1 age in microseconds, $2 limit.
DELETE FROM audit_log WHERE id IN (
    SELECT id FROM audit_log
    WHERE at < now() - $1::bigint * INTERVAL '1 microsecond'
    LIMIT $2::bigint)
