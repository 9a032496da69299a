-- SPDX-License-Identifier: Apache-2.0
-- $1 age in microseconds, $2 limit.
DELETE FROM orchestrator_runs WHERE id IN (
    SELECT id FROM orchestrator_runs
    WHERE completed_at < now() - $1::bigint * INTERVAL '1 microsecond'
    LIMIT $2::bigint)
