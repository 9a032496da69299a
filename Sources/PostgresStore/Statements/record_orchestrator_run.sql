-- SPDX-License-Identifier: Apache-2.0
-- $1 started, $2 completed, $3 status, $4-$9 counts, $10 dry run, $11 error.
INSERT INTO orchestrator_runs (
    started_at, completed_at, status, tables_assessed, tables_skipped, tables_healthy,
    jobs_submitted, jobs_completed, jobs_failed, dry_run, error)
VALUES (
    $1::timestamptz, $2::timestamptz, $3, $4::integer, $5::integer, $6::integer, $7::integer,
    $8::integer, $9::integer, $10::boolean, $11)
RETURNING id, started_at, completed_at, status, tables_assessed, tables_skipped, tables_healthy,
    jobs_submitted, jobs_completed, jobs_failed, dry_run, error
