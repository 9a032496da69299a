-- SPDX-License-Identifier: Apache-2.0
-- Times are whole microseconds since 1970-01-01 UTC. JSON is text.

CREATE TABLE jobs (
    job_id TEXT PRIMARY KEY NOT NULL,
    database_name TEXT NOT NULL,
    table_name TEXT NOT NULL,
    actions TEXT NOT NULL,
    dry_run INTEGER NOT NULL DEFAULT 0 CHECK (dry_run IN (0, 1)),
    status TEXT NOT NULL
        CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    submitted_at INTEGER NOT NULL,
    started_at INTEGER,
    completed_at INTEGER,
    error TEXT,
    created_at INTEGER NOT NULL,
    attempt_id TEXT,
    deleted_at INTEGER,
    options TEXT,
    progress TEXT,
    engine TEXT,
    engine_reason TEXT,
    idempotency_key TEXT,
    request_digest TEXT,
    last_attempt_id TEXT,
    attempt_count INTEGER NOT NULL DEFAULT 0,
    engine_state TEXT,
    aftermath TEXT
) STRICT;

-- Invariant 3, stated once more where no bug of ours can get round it.
CREATE UNIQUE INDEX jobs_one_live_per_table ON jobs (database_name, table_name)
    WHERE status IN ('pending', 'running') AND dry_run = 0;
CREATE INDEX jobs_newest ON jobs (submitted_at DESC, job_id DESC);
CREATE INDEX jobs_newest_of_table
    ON jobs (database_name, table_name, submitted_at DESC, job_id DESC);
CREATE INDEX jobs_newest_of_status ON jobs (status, submitted_at DESC, job_id DESC);
CREATE INDEX jobs_idempotency ON jobs (idempotency_key, submitted_at)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX jobs_completed ON jobs (completed_at) WHERE completed_at IS NOT NULL;

CREATE TABLE job_queue (
    job_id TEXT PRIMARY KEY NOT NULL REFERENCES jobs (job_id),
    enqueued_at INTEGER NOT NULL,
    visible_at INTEGER NOT NULL,
    claimed_at INTEGER,
    claimed_by TEXT,
    attempt_id TEXT,
    attempt_count INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX job_queue_waiting ON job_queue (enqueued_at, visible_at) WHERE claimed_at IS NULL;
CREATE INDEX job_queue_claimed ON job_queue (visible_at) WHERE claimed_at IS NOT NULL;

CREATE TABLE job_actions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
    action TEXT NOT NULL,
    success INTEGER NOT NULL CHECK (success IN (0, 1)),
    message TEXT NOT NULL DEFAULT '',
    impact TEXT,
    error TEXT,
    metrics TEXT,
    plan TEXT,
    engine TEXT,
    elapsed_seconds REAL NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    UNIQUE (job_id, action)
) STRICT;

CREATE TABLE table_locks (
    database_name TEXT NOT NULL,
    table_name TEXT NOT NULL,
    holder TEXT NOT NULL,
    attempt_id TEXT,
    acquired_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (database_name, table_name)
) STRICT, WITHOUT ROWID;

CREATE INDEX table_locks_expiry ON table_locks (expires_at);

CREATE TABLE table_cache_entries (
    database_name TEXT NOT NULL,
    table_name TEXT NOT NULL,
    location TEXT,
    metadata_location TEXT,
    table_uuid TEXT,
    format_version INTEGER,
    properties TEXT NOT NULL,
    error TEXT,
    generation INTEGER NOT NULL,
    synced_at INTEGER NOT NULL,
    PRIMARY KEY (database_name, table_name)
) STRICT, WITHOUT ROWID;

-- One row once the first sync has ended; an empty catalog has a state too.
CREATE TABLE table_cache_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL,
    synced_at INTEGER NOT NULL,
    table_count INTEGER NOT NULL
) STRICT;

CREATE TABLE table_status_snapshots (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    database_name TEXT NOT NULL,
    table_name TEXT NOT NULL,
    collected_at INTEGER NOT NULL,
    payload TEXT NOT NULL,
    error TEXT
) STRICT;

CREATE INDEX table_status_snapshots_newest
    ON table_status_snapshots (database_name, table_name, collected_at DESC);

CREATE TABLE table_health_snapshots (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    database_name TEXT NOT NULL,
    table_name TEXT NOT NULL,
    collected_at INTEGER NOT NULL,
    payload TEXT NOT NULL,
    error TEXT
) STRICT;

CREATE INDEX table_health_snapshots_newest
    ON table_health_snapshots (database_name, table_name, collected_at DESC);

CREATE TABLE orchestrator_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at INTEGER NOT NULL,
    completed_at INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('completed', 'failed', 'partial')),
    tables_assessed INTEGER NOT NULL DEFAULT 0,
    tables_skipped INTEGER NOT NULL DEFAULT 0,
    tables_healthy INTEGER NOT NULL DEFAULT 0,
    jobs_submitted INTEGER NOT NULL DEFAULT 0,
    jobs_completed INTEGER NOT NULL DEFAULT 0,
    jobs_failed INTEGER NOT NULL DEFAULT 0,
    dry_run INTEGER NOT NULL DEFAULT 0 CHECK (dry_run IN (0, 1)),
    error TEXT,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE file_journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
    attempt_id TEXT NOT NULL,
    table_uuid TEXT NOT NULL,
    path TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('planned', 'done', 'unknown')),
    created_at INTEGER NOT NULL,
    UNIQUE (job_id, path)
) STRICT;

CREATE INDEX file_journal_open ON file_journal (table_uuid, id) WHERE state = 'planned';
CREATE INDEX file_journal_open_of_job ON file_journal (job_id) WHERE state = 'planned';

-- No reference to jobs: the log outlives what it is about.
CREATE TABLE audit_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    event TEXT NOT NULL,
    job_id TEXT,
    details TEXT
) STRICT;

CREATE INDEX audit_log_job ON audit_log (job_id) WHERE job_id IS NOT NULL;
