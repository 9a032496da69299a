-- SPDX-License-Identifier: Apache-2.0
-- $1 id.
SELECT id, started_at, completed_at, status, tables_assessed, tables_skipped, tables_healthy,
    jobs_submitted, jobs_completed, jobs_failed, dry_run, error
FROM orchestrator_runs WHERE id = $1::bigint
