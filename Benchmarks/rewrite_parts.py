# SPDX-License-Identifier: Apache-2.0
"""Rewriting data files: whole commands of ours beside Spark's procedure, PyIceberg and DuckDB."""

import json
import pathlib
import shutil
import statistics
import subprocess
import sys

import product

HERE = pathlib.Path(__file__).resolve().parent
CONTENDERS = [sys.executable, HERE / "rewrite_contenders.py"]
SPARK_PYTHON = product.ROOT / ".cache" / "spark" / "v35" / "bin" / "python"
WITH_SPARK = [SPARK_PYTHON, HERE / "rewrite_spark.py"]
COMMAND = [product.RELEASE / "icepack", "maintain", "demo.lines", "--json"]
COMMAND += ["--action", "rewrite_data_files"]
# What each kind is called, and how much faster than Spark, and than the best, it should be.
KINDS = {
    "plain": ("no deletes", "10 × Spark, 5 × the best"),
    "positions": ("5 % of rows deleted by position", "5 × Spark, a tenth of its memory"),
    "vectors": ("5 % of rows deleted by vectors", "5 × Spark, a tenth of its memory"),
    "equality": ("200 files of equality deletes", "5 × Spark, a tenth of its memory"),
}
S3_DELAY = 0.02


class Table:
    """demo.lines in a catalog of its own, restored at the same path for each contender."""

    def __init__(self, scratch):
        self.scratch = scratch
        self.warehouse, self.pristine = scratch / "warehouse", scratch / "pristine"
        self.warehouse.mkdir(parents=True)
        self.uri = f"sqlite:///{self.warehouse}/catalog.db"
        made = {"catalog_uri": self.uri, "warehouse": str(self.warehouse)}
        self.settings = product.catalog_settings(made)
        self.properties = []

    def make(self, command):
        """Runs what makes the table, and keeps it; the answer tells of its files and rows."""
        self.about, _, _ = product.measured(command, self.scratch, self.settings)
        self.warehouse.rename(self.pristine)

    def medians(self, runs, contender):
        """Wall seconds and peak memory in MiB, from the same table each time."""
        seen = []
        for _ in range(runs):
            product.restore(self.pristine, self.warehouse)
            elapsed, peak = contender(self)
            seen.append((elapsed, peak / 1024))
        return [statistics.median(run[index] for run in seen) for index in range(2)]

    def expect_rows(self):
        command = [*CONTENDERS, "digest", self.uri, *self.properties]
        rows, _, _ = product.measured(command, self.scratch, self.settings)
        if any(rows[name] != self.about[name] for name in rows):
            raise SystemExit(f"the rows of {self.about} are now {rows}")


# The contenders: wall seconds and peak memory in KiB of one run.


def with_icepack(table):
    report, elapsed, peak = product.measured(COMMAND, table.scratch, table.settings)
    metrics = report["results"][0]["metrics"]
    if metrics["rewritten_data_files_count"] != table.about["files"]["0"]:
        raise SystemExit(f"of {table.about} only {metrics} was rewritten")
    table.expect_rows()
    return elapsed, peak


def with_spark(table):
    command = [*WITH_SPARK, "rewrite-warm", table.warehouse, table.uri]
    report, _, _ = product.measured(command, table.scratch, {})
    return report["elapsed_seconds"], report["peak_rss_kib"]


def with_new_spark(table):
    """A session of its own, as `spark-submit` starts one."""
    command = [*WITH_SPARK, "rewrite", table.warehouse, table.uri]
    report, elapsed, _ = product.measured(command, table.scratch, {})
    return elapsed, report["peak_rss_kib"]


def with_pyiceberg(table):
    command = [*CONTENDERS, "pyiceberg", table.uri, *table.properties]
    return product.measured(command, table.scratch, table.settings)[1:]


def with_duckdb(table):
    output = table.scratch / "output.parquet"
    command = [*CONTENDERS, "duckdb", table.uri, output]
    return product.measured(command, table.scratch, table.settings)[1:]


def with_transfer(table):
    """The bytes alone, from the first request to the last: what no rewrite can be faster than."""
    command = [*CONTENDERS, "transfer", table.uri, *table.properties]
    report, _, peak = product.measured(command, table.scratch, table.settings)
    return report["elapsed_seconds"], peak


def compare(results, table, what, others, aim, arguments):
    mine, peak = table.medians(arguments.runs, with_icepack)
    memory = []
    for name, contender in others.items():
        runs = arguments.spark_runs if "Spark" in name else arguments.runs
        if runs == 0:
            continue
        theirs, other = table.medians(runs, contender)
        results.add(
            what, f"{mine:.2f} s", f"{name} {theirs:.2f} s", f"{theirs / mine:.1f} ×", aim)
        memory.append((f"{name} {other:,.0f} MiB", f"{other / peak:.1f} ×"))
    for beside, ratio in memory:
        results.add("its peak memory", f"{peak:,.0f} MiB", beside, ratio, "512 MB")


def described(table, what):
    files, deletes = table.about["files"]["0"], sum(table.about["files"].values())
    also = f" and {deletes - files:,} of deletes" if deletes > files else ""
    return (
        f"rewrite {files:,} data files{also}, {table.about['rows']:,} rows, "
        f"{table.about['bytes'] / 1e6:,.1f} MB, {what}")


def bench_rewrite(results, scratch, arguments):
    """What Spark wrote: a small table, and TPC-H's lineitem with each kind of deletes."""
    small = Table(scratch / "small")
    small.make([*WITH_SPARK, "make", small.warehouse, small.uri, "small", "5", "1600"])
    others = {
        "Spark": with_spark, "Spark with its start": with_new_spark, "PyIceberg": with_pyiceberg}
    aim = "2 × Spark, 50 × with its start"
    compare(results, small, described(small, "no deletes"), others, aim, arguments)
    for kind, (what, aim) in KINDS.items():
        table = Table(scratch / kind)
        size = [str(arguments.rewrite_files), "20000"]
        table.make([*WITH_SPARK, "make", table.warehouse, table.uri, kind, *size])
        others = {"Spark": with_spark}
        # PyIceberg reads no equality deletes, and writes no tables of version 3.
        if kind in ("plain", "positions"):
            others["PyIceberg"] = with_pyiceberg
        # DuckDB takes minutes over equality deletes, and no heed of their sequence numbers.
        if kind != "equality":
            others["DuckDB, no commit"] = with_duckdb
        compare(results, table, described(table, what), others, aim, arguments)
        shutil.rmtree(table.scratch)


def bench_rewrite_s3(results, scratch, arguments):
    """Files in a bucket whose server is far away."""
    objects = scratch / "objects"
    objects.mkdir()
    server = subprocess.Popen(
        [sys.executable, HERE / "delayed_s3.py", str(S3_DELAY), objects],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        user = json.loads(server.stdout.readline())
        key, secret = user["access_key"], user["secret_key"]
        endpoint = f"http://127.0.0.1:{user['port']}"
        table = Table(scratch / "s3")
        warehouse = "s3://rewrites/warehouse"
        table.settings |= {
            "ICEPACK_CATALOG_WAREHOUSE": warehouse,
            "ICEPACK_S3_ENDPOINT": endpoint,
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": "us-east-1",
            # rclone ignores If-None-Match, and nobody else writes there.
            "ICEPACK_S3_CONDITIONAL_WRITES": "look-first",
            # Those of PyArrow come after the body, which rclone refuses.
            "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        }
        table.properties = [
            f"s3.endpoint={endpoint}", f"s3.access-key-id={key}",
            f"s3.secret-access-key={secret}", "s3.region=us-east-1"]
        bucket = ["--endpoint", endpoint, "--access-key", key, "--secret-key", secret]
        product.oracle("s3_table.py", "bucket", *bucket, "--bucket", "rewrites")
        table.make([*CONTENDERS, "make", table.uri, warehouse, "200", *table.properties])
        what = described(table, f"in S3, {S3_DELAY * 1000:.0f} ms for each request")
        others = {"PyIceberg": with_pyiceberg, "its bytes alone, by PyArrow": with_transfer}
        compare(results, table, what, others, "under 3 s", arguments)
    finally:
        server.stdin.close()
        server.wait()
