-- SPDX-License-Identifier: Apache-2.0
-- Identifiers and names are compared byte by byte, whatever the database's locale: the order of a
-- listing must be the same everywhere, and it is faster.

CREATE TABLE jobs (
    job_id TEXT COLLATE "C" PRIMARY KEY,
    database_name TEXT COLLATE "C" NOT NULL,
    table_name TEXT COLLATE "C" NOT NULL,
    actions TEXT[] NOT NULL,
    dry_run BOOLEAN NOT NULL DEFAULT FALSE,
    status TEXT COLLATE "C" NOT NULL
        CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    submitted_at TIMESTAMPTZ NOT NULL,
    started_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    error TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    attempt_id TEXT COLLATE "C",
    deleted_at TIMESTAMPTZ,
    options JSONB,
    progress JSONB,
    engine TEXT,
    engine_reason TEXT,
    idempotency_key TEXT COLLATE "C",
    request_digest TEXT,
    last_attempt_id TEXT COLLATE "C",
    attempt_count INTEGER NOT NULL DEFAULT 0,
    engine_state JSONB,
    aftermath JSONB
);

-- Invariant 3, stated once more where no bug of ours can get round it.
CREATE UNIQUE INDEX jobs_one_live_per_table ON jobs (database_name, table_name)
    WHERE status IN ('pending', 'running') AND NOT dry_run;
CREATE INDEX jobs_newest ON jobs (submitted_at DESC, job_id DESC);
CREATE INDEX jobs_newest_of_table
    ON jobs (database_name, table_name, submitted_at DESC, job_id DESC);
CREATE INDEX jobs_newest_of_status ON jobs (status, submitted_at DESC, job_id DESC);
CREATE INDEX jobs_idempotency ON jobs (idempotency_key, submitted_at)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX jobs_completed ON jobs (completed_at) WHERE completed_at IS NOT NULL;

CREATE TABLE job_queue (
    job_id TEXT COLLATE "C" PRIMARY KEY REFERENCES jobs (job_id),
    enqueued_at TIMESTAMPTZ NOT NULL,
    visible_at TIMESTAMPTZ NOT NULL,
    claimed_at TIMESTAMPTZ,
    claimed_by TEXT,
    attempt_id TEXT COLLATE "C",
    attempt_count INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX job_queue_waiting ON job_queue (enqueued_at, visible_at) WHERE claimed_at IS NULL;
CREATE INDEX job_queue_claimed ON job_queue (visible_at) WHERE claimed_at IS NOT NULL;

CREATE TABLE job_actions (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id TEXT COLLATE "C" NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
    action TEXT NOT NULL,
    success BOOLEAN NOT NULL,
    message TEXT NOT NULL DEFAULT '',
    impact TEXT,
    error TEXT,
    metrics JSONB,
    plan JSONB,
    engine TEXT,
    elapsed_seconds DOUBLE PRECISION NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (job_id, action)
);

CREATE TABLE table_locks (
    database_name TEXT COLLATE "C" NOT NULL,
    table_name TEXT COLLATE "C" NOT NULL,
    holder TEXT COLLATE "C" NOT NULL,
    attempt_id TEXT COLLATE "C",
    acquired_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (database_name, table_name)
);

CREATE INDEX table_locks_expiry ON table_locks (expires_at);

CREATE TABLE table_cache_entries (
    database_name TEXT COLLATE "C" NOT NULL,
    table_name TEXT COLLATE "C" NOT NULL,
    location TEXT,
    metadata_location TEXT,
    table_uuid TEXT,
    format_version INTEGER,
    properties JSONB NOT NULL,
    error TEXT,
    generation BIGINT NOT NULL,
    synced_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (database_name, table_name)
);

-- One row once the first sync has ended; an empty catalog has a state too.
CREATE TABLE table_cache_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    generation BIGINT NOT NULL,
    synced_at TIMESTAMPTZ NOT NULL,
    table_count INTEGER NOT NULL
);

CREATE TABLE table_status_snapshots (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    database_name TEXT COLLATE "C" NOT NULL,
    table_name TEXT COLLATE "C" NOT NULL,
    collected_at TIMESTAMPTZ NOT NULL,
    payload JSONB NOT NULL,
    error TEXT
);

CREATE INDEX table_status_snapshots_newest
    ON table_status_snapshots (database_name, table_name, collected_at DESC);

CREATE TABLE table_health_snapshots (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    database_name TEXT COLLATE "C" NOT NULL,
    table_name TEXT COLLATE "C" NOT NULL,
    collected_at TIMESTAMPTZ NOT NULL,
    payload JSONB NOT NULL,
    error TEXT
);

CREATE INDEX table_health_snapshots_newest
    ON table_health_snapshots (database_name, table_name, collected_at DESC);

CREATE TABLE orchestrator_runs (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at TIMESTAMPTZ NOT NULL,
    completed_at TIMESTAMPTZ NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('completed', 'failed', 'partial')),
    tables_assessed INTEGER NOT NULL DEFAULT 0,
    tables_skipped INTEGER NOT NULL DEFAULT 0,
    tables_healthy INTEGER NOT NULL DEFAULT 0,
    jobs_submitted INTEGER NOT NULL DEFAULT 0,
    jobs_completed INTEGER NOT NULL DEFAULT 0,
    jobs_failed INTEGER NOT NULL DEFAULT 0,
    dry_run BOOLEAN NOT NULL DEFAULT FALSE,
    error TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE file_journal (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id TEXT COLLATE "C" NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
    attempt_id TEXT COLLATE "C" NOT NULL,
    table_uuid TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('planned', 'done', 'unknown')),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX file_journal_job_path ON file_journal (job_id, path);
CREATE INDEX file_journal_open ON file_journal (table_uuid, id) WHERE state = 'planned';
CREATE INDEX file_journal_open_of_job ON file_journal (job_id) WHERE state = 'planned';

-- No reference to jobs: the log outlives what it is about.
CREATE TABLE audit_log (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL DEFAULT now(),
    actor TEXT NOT NULL,
    event TEXT NOT NULL,
    job_id TEXT COLLATE "C",
    details JSONB
);

CREATE INDEX audit_log_job ON audit_log (job_id) WHERE job_id IS NOT NULL;
