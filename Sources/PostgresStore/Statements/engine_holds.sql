-- SPDX-License-Identifier: Apache-2.0
-- Tables that stay locked after their job because of its engine state, and whose lease has passed,
-- along table_locks_expiry. $1 limit.
SELECT j.job_id, j.last_attempt_id, j.database_name, j.table_name, j.engine_state, j.aftermath
FROM table_locks l
JOIN jobs j ON j.job_id = l.holder
WHERE l.expires_at <= now() AND j.status IN ('completed', 'failed', 'cancelled')
    AND j.engine_state IS NOT NULL
ORDER BY l.expires_at
LIMIT $1::bigint
