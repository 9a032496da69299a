#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures Icepack beside what else one could use, on the same data in the same run."""

import argparse
import datetime
import os
import pathlib
import platform
import statistics
import subprocess
import tempfile
import time

import cycle_script
import fleet_parts
import parquet_parts
import product
import rewrite_parts
from postgres_server import PostgresServer

PARTS = [
    "store", "latency", "memory", "expiry", "orphans", "parquet", "parquet-scan",
    "parquet-memory", "planning", "fleet", "history", "rewrite", "rewrite-s3",
]
HERE = pathlib.Path(__file__).resolve().parent
SPARK_PYTHON = product.ROOT / ".cache" / "spark" / "v35" / "bin" / "python"


class Results:
    """Rows of the table: what, ours, theirs, the ratio, the aim."""

    def __init__(self):
        self.rows = []

    def add(self, what, ours, beside="", ratio="", aim=""):
        self.rows.append((what, ours, beside, ratio, aim))
        print("  " + "  ".join(text for text in self.rows[-1] if text), flush=True)

    def text(self):
        heads = ("what", "Icepack", "beside", "ratio", "aim")
        lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join(lines)


def bench_store(results, scratch, arguments):
    """Cycles of the store's own statements, through our client and through pgbench."""
    with PostgresServer() as server:
        ours, ceiling = [], []
        for run in range(arguments.runs):
            url = server.create_database(f"cycles_{run}")
            command = [product.RELEASE / "icepack-bench", "store-cycles", "--store", url]
            size = ["--connections", "8", "--seconds", str(arguments.seconds)]
            report, _, _ = product.measured([*command, *size], scratch, {})
            ours.append(report["cycles_per_second"])
            ceiling.append(pgbench(server, scratch, f"cycles_{run}", arguments.seconds))
    mine, theirs = statistics.median(ours), statistics.median(ceiling)
    results.add(
        "submit → claim → settle, 8 connections, durable",
        f"{mine:,.0f} cycles/s",
        f"pgbench {theirs:,.0f} cycles/s",
        f"{mine / theirs:.0%}",
        "70 %",
    )


def pgbench(server, scratch, database, seconds):
    """Cycles per second that pgbench reaches with the same statements."""
    server.query("TRUNCATE jobs, job_queue, job_actions, table_locks CASCADE", database)
    command = [server.bin / "pgbench", "-n", "-M", "prepared", "-c", "8", "-j", "2"]
    place = ["-h", "127.0.0.1", "-p", server.port, "-U", "postgres", database]
    script = scratch / "cycle.sql"
    script.write_text(cycle_script.cycle())
    subprocess.run(
        [str(a) for a in [*command, "-T", seconds, "-f", script, *place]],
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    # Not pgbench's own figure: a round that found nothing to claim is no cycle.
    (count,) = server.query("SELECT count(*) FROM jobs WHERE status = 'completed'", database)
    return int(count) / seconds


def bench_latency(results, scratch, arguments):
    """From submission to claim, by the database's clock, the worker in another process."""
    table = ["--warehouse", scratch / "latency", "--commits", 2, "--no-refs"]
    made = product.oracle("make_table.py", *table)
    with PostgresServer() as server:
        settings = product.catalog_settings(made)
        settings["ICEPACK_STORE"] = server.create_database("latency")
        settings["ICEPACK_MAX_CONCURRENT_JOBS"] = "0"
        with product.Server(scratch, settings) as service:
            worker = product.start("worker", scratch, settings)
            try:
                for _ in range(arguments.samples):
                    run_job(service)
            finally:
                product.stop(worker)
        rows = server.query(
            "SELECT extract(epoch FROM started_at - submitted_at) * 1000 FROM jobs", "latency"
        )
    # The first job meets a worker that has only just started.
    milliseconds = sorted(float(row) for row in rows[1:])
    p50 = statistics.median(milliseconds)
    p99 = milliseconds[min(len(milliseconds) - 1, int(len(milliseconds) * 0.99))]
    results.add("submit to claim, p50, Postgres", f"{p50:.1f} ms")
    results.add("submit to claim, p99, Postgres", f"{p99:.1f} ms", aim="under 50 ms")


def run_job(service):
    body = {"actions": ["expire_snapshots"]}
    job = service.post("/tables/demo/events/maintenance", body)
    deadline = time.monotonic() + 60
    while job["status"] in ("pending", "running"):
        if time.monotonic() > deadline:
            raise SystemExit(f"a job did not end: {job}")
        time.sleep(0.02)
        job = service.get(f"/jobs/{job['job_id']}")
    if job["status"] != "completed":
        raise SystemExit(f"a job did not complete: {job}")


def bench_memory(results, scratch, arguments):
    """Resident memory of an idle service on either store."""
    table = ["--warehouse", scratch / "memory", "--commits", 2, "--no-refs"]
    settings = product.catalog_settings(product.oracle("make_table.py", *table))
    with PostgresServer() as server:
        stores = {"SQLite": {}, "Postgres": {"ICEPACK_STORE": server.create_database("memory")}}
        for name, store in stores.items():
            with product.Server(scratch, settings | store) as service:
                time.sleep(arguments.idle_seconds)
                resident = service.resident_kib() / 1024
                own = service.resident_kib("RssAnon") / 1024
            results.add(f"idle `icepack serve` on {name}", f"{resident:.1f} MiB", aim="40 MB")
            results.add("of which not pages of program files", f"{own:.1f} MiB")


class History:
    """The long history, restored at the same path for each contender."""

    def __init__(self, scratch, snapshots):
        self.warehouse, self.pristine = scratch / "warehouse", scratch / "pristine"
        place = ["--warehouse", self.warehouse]
        self.made = product.oracle("make_history.py", *place, "--snapshots", snapshots)
        os.rename(self.warehouse, self.pristine)

    def restore(self):
        product.restore(self.pristine, self.warehouse)


def expire_with_icepack(history, scratch):
    command = [product.RELEASE / "icepack", "maintain", "demo.history", "--json"]
    command += ["--action", "expire_snapshots", "--option", "retain_last=1"]
    command += ["--option", f"older_than={history.made['older_than']}"]
    settings = product.catalog_settings(history.made)
    report, elapsed, peak = product.measured(command, scratch, settings)
    return elapsed, peak, report["results"][0]["metrics"]


def expire_with_spark(history):
    moment = history.made["older_than"].replace("T", " ").removesuffix("+00:00")
    place = ["--warehouse", history.warehouse, "--catalog-uri", history.made["catalog_uri"]]
    options = ["--table", "demo.history", "--older-than", moment, "--memory", "2g"]
    report = product.oracle("spark_table.py", "expire", *place, *options, python=SPARK_PYTHON)
    return report["elapsed_seconds"], report["peak_rss_kib"], report["metrics"]


def expire_with_pyiceberg(history):
    place = ["--catalog-uri", history.made["catalog_uri"], "--table", "demo.history"]
    report = product.oracle(
        "expire_pyiceberg.py", *place, "--older-than", history.made["older_than"]
    )
    return report["elapsed_seconds"], report["peak_rss_kib"], {}


def bench_expiry(results, scratch, arguments):
    history = History(scratch, arguments.snapshots)
    contenders = {
        "Icepack": (lambda: expire_with_icepack(history, scratch), arguments.runs),
        "Spark": (lambda: expire_with_spark(history), arguments.spark_runs),
        "PyIceberg, no files removed": (lambda: expire_with_pyiceberg(history), arguments.runs),
    }
    times, peaks, metrics = {}, {}, {}
    for name, (contender, runs) in contenders.items():
        if runs == 0:
            continue
        seen = []
        for _ in range(runs):
            history.restore()
            seen.append(contender())
        times[name] = statistics.median(elapsed for elapsed, _, _ in seen)
        peaks[name] = statistics.median(peak for _, peak, _ in seen) / 1024
        metrics[name] = seen[-1][2]
    for name in metrics.get("Spark", {}):
        if metrics["Spark"][name] != metrics["Icepack"].get(name):
            raise SystemExit(f"{name}: Spark {metrics['Spark']}, Icepack {metrics['Icepack']}")
    mine = times.pop("Icepack")
    what = f"expire {arguments.snapshots:,} snapshots, {history.made['manifests']:,} manifests"
    for name, elapsed in times.items():
        aim = "10 ×" if name == "Spark" else ""
        beside = f"{name} {elapsed:.1f} s"
        results.add(what, f"{mine:.1f} s", beside, f"{elapsed / mine:.1f} ×", aim)
    for name, peak in peaks.items():
        if name != "Icepack":
            beside = f"{name} {peak:,.0f} MiB"
            results.add("its peak memory", f"{peaks['Icepack']:,.0f} MiB", beside)


def bench_orphans(results, scratch, arguments):
    """Looking for orphans, and moving them, in a folder of very many files."""
    size = ["--listed", arguments.listed, "--live", arguments.listed // 5]
    made = product.oracle("make_orphans.py", "--warehouse", scratch / "warehouse", *size)
    command = [product.RELEASE / "icepack", "maintain", "demo.orphans", "--json"]
    command += ["--action", "remove_orphan_files"]
    settings = product.catalog_settings(made)
    looked, times, peaks = None, [], []
    for _ in range(arguments.runs):
        report, elapsed, peak = product.measured([*command, "--dry-run"], scratch, settings)
        looked = report["results"][0]["plan"]["orphan_files_count"]
        times.append(elapsed)
        peaks.append(peak / 1024)
    mine, peak = statistics.median(times), max(peaks)
    what = f"look for orphans among {arguments.listed:,} files, {arguments.listed // 5:,} live"
    if arguments.spark_runs:
        place = ["--warehouse", made["warehouse"], "--catalog-uri", made["catalog_uri"]]
        options = ["--table", "demo.orphans", "--memory", "2g"]
        seen = [
            product.oracle("spark_table.py", "orphans", *place, *options, python=SPARK_PYTHON)
            for _ in range(arguments.spark_runs)
        ]
        found = seen[0]["metrics"]["orphan_files_count"]
        if found != looked:
            raise SystemExit(f"Spark found {found} orphans, Icepack {looked}")
        theirs = statistics.median(run["elapsed_seconds"] for run in seen)
        results.add(what, f"{mine:.1f} s", f"Spark {theirs:.1f} s", f"{theirs / mine:.1f} ×")
        spark_peak = statistics.median(run["peak_rss_kib"] for run in seen) / 1024
        results.add(
            "its peak memory", f"{peak:,.0f} MiB", f"Spark {spark_peak:,.0f} MiB", "", "256 MB"
        )
    else:
        results.add(what, f"{mine:.1f} s")
        results.add("its peak memory", f"{peak:,.0f} MiB", aim="256 MB")
    report, elapsed, peak = product.measured(command, scratch, settings)
    moved = report["results"][0]["metrics"]["quarantined_files_count"]
    if moved != looked:
        raise SystemExit(f"{looked} orphans were found, {moved} moved")
    results.add(f"look again and move {moved:,} files", f"{elapsed:.1f} s")
    results.add("its peak memory", f"{peak / 1024:,.0f} MiB", aim="256 MB")


def bench_planning(results, scratch, arguments):
    """Status and plan of a large table from its manifests, the whole process."""
    size = ["--files", arguments.files, "--uniform", 1000]
    made = product.oracle("scan_table.py", scratch / "table", *size)
    command = [product.RELEASE / "icepack-bench", "plan-table", "--metadata", made["metadata"]]
    ours, theirs = [], []
    for _ in range(arguments.runs):
        report, elapsed, peak = product.measured(command, scratch, {})
        if report["files"] != arguments.files:
            raise SystemExit(f"planned {report['files']} files of {arguments.files}")
        ours.append((elapsed, peak / 1024))
        theirs.append(product.oracle("plan_pyiceberg.py", made["metadata"]))
    mine, peak = map(statistics.median, zip(*ours))
    others = {"PyIceberg's plan_files": theirs}
    if arguments.spark_runs:
        others["Spark's planner, warm"] = [
            product.oracle("plan_spark.py", made["metadata"], python=SPARK_PYTHON)
            for _ in range(arguments.spark_runs)
        ]
    what = f"status and plan of {arguments.files:,} files in 1,000 partitions"
    for name, runs in others.items():
        other = statistics.median(run["elapsed_seconds"] for run in runs)
        beside = f"{name} {other:.1f} s"
        results.add(what, f"{mine:.2f} s", beside, f"{other / mine:.1f} ×", "under 2 s")
        memory = f"{name} {statistics.median(run['peak_rss_kib'] for run in runs) / 1024:,.0f} MiB"
        results.add("its peak memory", f"{peak:,.0f} MiB", memory, aim="300 MB")


def machine():
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{model}, {os.cpu_count()} processors, {platform.system()} {platform.machine()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; default: all")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--spark-runs", type=int, default=1, help="0 leaves Spark out")
    parser.add_argument("--seconds", type=int, default=10, help="of each store run")
    parser.add_argument("--samples", type=int, default=200, help="jobs for the latency")
    parser.add_argument("--idle-seconds", type=int, default=10)
    parser.add_argument("--snapshots", type=int, default=10_000)
    parser.add_argument("--listed", type=int, default=1_000_000, help="files among the orphans")
    parser.add_argument("--parquet-files", type=int, default=100, help="of 50,000 rows each")
    parser.add_argument("--files", type=int, default=100_000, help="of the table to plan")
    parser.add_argument("--parquet-small-files", type=int, default=1000, help="of 2,000 rows")
    parser.add_argument("--rewrite-files", type=int, default=300, help="of 20,000 rows each")
    parser.add_argument("--tables", type=int, default=50_000, help="of the fleet")
    parser.add_argument("--history", type=int, default=1_000_000, help="rows of each kind")
    parser.add_argument("--write", action="store_true", help="write RESULTS-<date>.md")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")

    results = Results()
    benches = {
        "store": bench_store,
        "latency": bench_latency,
        "memory": bench_memory,
        "expiry": bench_expiry,
        "orphans": bench_orphans,
        "parquet": parquet_parts.bench_rewriting,
        "parquet-scan": parquet_parts.bench_scans,
        "parquet-memory": parquet_parts.bench_memory,
        "planning": bench_planning,
        "fleet": fleet_parts.bench_fleet,
        "history": fleet_parts.bench_history,
        "rewrite": rewrite_parts.bench_rewrite,
        "rewrite-s3": rewrite_parts.bench_rewrite_s3,
    }
    for part in arguments.parts or PARTS:
        print(f"{part}:", flush=True)
        with tempfile.TemporaryDirectory(prefix="icepack-bench-") as scratch:
            benches[part](results, pathlib.Path(scratch), arguments)
    load = os.getloadavg()[0]
    text = f"{results.text()}\n\n{machine()}; load {load:.1f} at the end.\n"
    print("\n" + text)
    if arguments.write:
        date = datetime.date.today().isoformat()
        path = HERE / f"RESULTS-{date}.md"
        path.write_text(f"# Results of {date}\n\n{text}")


if __name__ == "__main__":
    main()
