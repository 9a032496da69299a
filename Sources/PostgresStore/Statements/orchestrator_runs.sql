-- SPDX-License-Identifier: Apache-2.0
-- $1 limit. Backwards along the primary key.
SELECT id, started_at, completed_at, status, tables_assessed, tables_skipped, tables_healthy,
    jobs_submitted, jobs_completed, jobs_failed, dry_run, error
FROM orchestrator_runs ORDER BY id DESC LIMIT $1::bigint
