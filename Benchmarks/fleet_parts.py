# SPDX-License-Identifier: Apache-2.0
"""The fleet: very many tables looked after, and a long history read, with a real Postgres."""

import json
import pathlib
import statistics

import product
from postgres_server import PostgresServer

DRIVER = product.RELEASE / "icepack-bench"
COUNTING = ["shared_preload_libraries=pg_stat_statements", "pg_stat_statements.max=1000"]
SNAPSHOTS = 8
# What a table's health looks like, so that a page has the bytes of one.
HEALTH = {
    "health_status": "Warning",
    "issues": [
        {
            "code": code,
            "severity": "warning",
            "message": "it has more of them than the threshold of the warning allows",
            "evidence": {"count": 117, "pct": 61.25, "avg_bytes": 1048576, "threshold": 100},
        }
        for code in ("small_files", "too_many_snapshots", "position_deletes")
    ],
    "collection": {
        "source": "live",
        "collected_at": "2026-01-01T00:00:00.000000Z",
        "duration_ms": 41,
        "snapshot_id": 4611686018427387904,
        "stale": False,
        "warnings": [],
        "last_error": None,
    },
}


def make_template(scratch):
    """A metadata file with some snapshots, all of which have one manifest list."""
    size = ["--files", 20, "--uniform", 4, "--format-version", 2]
    made = product.oracle("scan_table.py", scratch / "table", *size)
    path = pathlib.Path(made["metadata"])
    document = json.loads(path.read_text())
    (newest,) = document["snapshots"]
    hour = 3_600_000
    document["snapshots"] = [
        newest
        | {
            "snapshot-id": newest["snapshot-id"] + number,
            "timestamp-ms": newest["timestamp-ms"] + number * hour,
        }
        for number in range(SNAPSHOTS)
    ]
    last = document["snapshots"][-1]
    document["current-snapshot-id"] = last["snapshot-id"]
    document["last-updated-ms"] = last["timestamp-ms"]
    document["refs"] = {"main": {"snapshot-id": last["snapshot-id"], "type": "branch"}}
    document["snapshot-log"] = [
        {"snapshot-id": s["snapshot-id"], "timestamp-ms": s["timestamp-ms"]}
        for s in document["snapshots"]
    ]
    path.write_text(json.dumps(document))
    return path


class Fleet:
    """Simulated tables over a real store; each step is a process of its own."""

    def __init__(self, server, scratch, arguments):
        self.server, self.scratch, self.tables = server, scratch, arguments.tables
        url = server.create_database("fleet")
        server.query("CREATE EXTENSION pg_stat_statements", "postgres")
        self.options = ["--store", url, "--metadata", make_template(scratch)]
        self.options += ["--tables", self.tables]

    def step(self, name):
        """The step's report, peak memory in MiB, and the statements that it ran."""
        self.server.query("SELECT pg_stat_statements_reset()", "postgres")
        command = [DRIVER, "fleet", name, *self.options]
        report, _, peak = product.measured(command, self.scratch, {})
        (statements,) = self.server.query(
            "SELECT sum(s.calls) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid"
            " WHERE d.datname = 'fleet'",
            "postgres",
        )
        return report, peak / 1024, int(statements)


def check(what, seen, expected):
    if seen != expected:
        raise SystemExit(f"{what}: {seen}, not {expected}")


def bench_fleet(results, scratch, arguments):
    """Listing, looking at and selecting from many tables: time, memory, statements."""
    tables = arguments.tables
    with PostgresServer(COUNTING) as server:
        fleet = Fleet(server, scratch, arguments)

        def run(name, step, time_aim="", memory_aim=""):
            report, peak, statements = fleet.step(step)
            results.add(f"{name}, {tables:,} tables", f"{report['seconds']:.1f} s", aim=time_aim)
            results.add("its peak memory", f"{peak:,.0f} MiB", aim=memory_aim)
            per_table = [
                (statements, "statements"),
                (report["catalog_loads"], "catalog reads"),
                (report["storage_reads"], "storage reads"),
            ]
            counts = ", ".join(f"{count / tables:.3f} {what}" for count, what in per_table)
            results.add("of each table", counts)
            return report

        first = run("first sync", "sync", "1 min", "200 MB")
        check("tables listed", first["tables"], tables)
        again = run("the next sync", "sync", "1 min", "200 MB")
        check("tables listed", again["tables"], tables)
        looked = run("first health cycle", "health", "", "200 MB")["cycle"]
        check("tables looked at", (looked["looked"], looked["failed"]), (tables, 0))
        cheap = run("a health cycle without changes", "health", "", "200 MB")
        check("unchanged tables", cheap["cycle"]["unchanged"], tables)
        check("catalog reads of unchanged tables", cheap["catalog_loads"], tables)
        check("storage reads of unchanged tables", cheap["storage_reads"], 0)
        chosen = run("the orchestrator's selection", "select", "", "200 MB")["run"]
        # One in ten is opted out.
        enrolled = tables - (tables + 9) // 10
        check("tables assessed", (chosen["tables_assessed"], chosen["error"]), (enrolled, None))


def fill(server, rows, tables):
    """That many jobs with a result each, assessments, and a tenth as many runs."""
    actions = "ARRAY['expire_snapshots', 'rewrite_data_files']"
    health = json.dumps(HEALTH)
    for statement in [
        f"""INSERT INTO jobs (job_id, database_name, table_name, actions, status, submitted_at,
                started_at, completed_at, error, attempt_count, engine, engine_reason)
            SELECT md5(n::text), 'db', 't_' || n % {tables}, {actions},
                CASE WHEN n % 51 = 0 THEN 'failed' ELSE 'completed' END, at, at, at,
                CASE WHEN n % 51 = 0 THEN 'the table changed while it was rewritten' END, 1,
                'native', 'the plan has 1.2 GB, which is within the limit of this process'
            FROM (SELECT n, now() - ({rows} - n) * INTERVAL '10 s' AS at
                FROM generate_series(1, {rows}) AS n) AS numbers""",
        """INSERT INTO job_actions (job_id, action, success, message, metrics, elapsed_seconds)
            SELECT job_id, action, status = 'completed', 'done',
                '{"deleted_data_files_count": 12, "deleted_manifest_files_count": 3,
                  "deleted_manifest_lists_count": 7, "rewritten_bytes_count": 123456789}', 1.5
            FROM jobs, unnest(actions) AS action""",
        f"""INSERT INTO table_health_snapshots (database_name, table_name, metadata_location,
                collected_at, payload)
            SELECT database_name, table_name, 's3://lake/' || job_id, submitted_at, '{health}'
            FROM jobs""",
        f"""INSERT INTO orchestrator_runs (started_at, completed_at, status, tables_assessed)
            SELECT now() - ({rows} - n) * INTERVAL '10 s', now() - ({rows} - n) * INTERVAL '10 s',
                'completed', 500
            FROM generate_series(1, {rows}) AS n""",
        "VACUUM ANALYZE",
    ]:
        server.query(statement, "history")


def bench_history(results, scratch, arguments):
    """The pages of a long history, through the store's own calls."""
    tables = 500
    with PostgresServer() as server:
        command = [DRIVER, "history", "--store", server.create_database("history")]
        product.measured([*command, "--migrate"], scratch, {})
        fill(server, arguments.history, tables)
        runs = [
            product.measured([*command, "--calls", 200, "--tables", tables], scratch, {})[0]
            for _ in range(arguments.runs)
        ]
    for query in runs[0]:
        if not runs[0][query]["rows"]:
            raise SystemExit(f"{query}: no rows")
        median, slowest = (
            statistics.median(run[query][key] for run in runs) for key in ("median_ms", "p99_ms")
        )
        results.add(
            f"{query}, a page of {arguments.history:,} rows",
            f"{median:.2f} ms, p99 {slowest:.2f} ms",
            aim="10 ms",
        )
