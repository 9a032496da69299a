#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `make bench` measures of Parquet: rewriting, how its outputs scan, and its memory."""

import itertools
import os
import pathlib
import resource
import statistics
import sys

import product

HERE = pathlib.Path(__file__).resolve().parent
CONTENDERS = HERE / "parquet_contenders.py"
SPARK_PYTHON = product.ROOT / ".cache" / "spark" / "v35" / "bin" / "python"
WITH_SPARK = [SPARK_PYTHON, HERE / "parquet_spark.py"]
OURS = product.ROOT / ".build" / "release" / "parquet-bench"
TABLES = ("lineitem", "wide")
WAYS = ("copy", "stitch", "filter", "encode")
BUDGET = 256 << 20


def made(scratch, writer, table, files, rows):
    folder = scratch / f"{writer}-{table}-{rows}"
    folder.mkdir()
    program = WITH_SPARK + ["make"] if writer == "spark" else [
        sys.executable, CONTENDERS, f"make-{writer}"]
    make = [*program, folder, table, str(files), str(rows)]
    product.measured(make, scratch, {})
    inputs = sorted(folder.glob("*.parquet"))
    megabytes = sum(path.stat().st_size for path in inputs) / 1e6
    return inputs, f"{len(inputs):,} files of {writer}, {table}, {megabytes:,.0f} MB"


def rewritten(command, scratch):
    """Runs a rewrite: wall and CPU seconds, peak memory and the size of the new file."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    report, elapsed, peak = product.measured(command, scratch, {})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # Spark's process is not one that the system counts among our children.
    processor = report.get("spark_cpu_seconds", processor)
    peak = report.get("spark_peak_kib", peak)
    return elapsed, processor, peak / 1024, report


def median_of(runs, command, scratch):
    seen = [rewritten(command, scratch) for _ in range(runs)]
    return [statistics.median(run[index] for run in seen) for index in range(3)]


def bench_rewriting(results, scratch, arguments):
    """Many files into one: copied against cat, the other ways against DuckDB and PyArrow."""
    output = scratch / "output.parquet"

    def measure(way, inputs, columns=1):
        ours = [OURS, "--columns-at-once", str(columns), way]
        command = ours if way in WAYS else [sys.executable, CONTENDERS, way]
        runs = arguments.runs
        if way == "spark":
            # A session of its own, started and warmed up included.
            command, runs = WITH_SPARK + ["coalesce"], arguments.spark_runs
        wall, processor, peak = median_of(runs, [*command, output, *inputs], scratch)
        return wall, processor, peak, output.stat().st_size / 1e6

    def compare(way, others, inputs, what, aim, figure=1):
        # Two columns at once take less time, and more of the processors: they share a core here.
        mine = measure(way, inputs, columns=1 if figure else os.cpu_count())
        for name in others:
            theirs = measure(name, inputs)
            results.add(
                f"{way} {what}, {('wall', 'CPU')[figure]}", f"{mine[figure]:.2f} s",
                f"{name} {theirs[figure]:.2f} s", f"{theirs[figure] / mine[figure]:.1f} ×", aim)
            results.add(
                "its peak memory; size", f"{mine[2]:,.0f} MiB; {mine[3]:,.0f} MB",
                f"{theirs[2]:,.0f} MiB; {theirs[3]:,.0f} MB")

    writers = ["arrow", "duckdb"] + (["spark"] if arguments.spark_runs else [])
    for table, writer in itertools.product(TABLES, writers):
        inputs, what = made(scratch, writer, table, arguments.parquet_files, 50000)
        cat = ["sh", "-c", 'out=$1; shift; cat "$@" > "$out"; echo {}', "cat", output, *inputs]
        copied = measure("copy", inputs)[0]
        plain = median_of(arguments.runs, cat, scratch)[0]
        results.add(
            f"copy {what}", f"{copied:.2f} s", f"cat {plain:.2f} s", f"{copied / plain:.1f} ×",
            "1.3 × its wall time")
        others = ["duckdb", "arrow"] + (["spark"] if writer == "spark" else [])
        compare("stitch", others, inputs, what, "5 ×" if writer == "spark" else "2 ×")
        compare("filter", ["duckdb-filter", "arrow-filter"], inputs, f"{what}, 1 % of rows", "2 ×")
        compare("encode", ["arrow"], inputs, what, "1 ×")
        for path in inputs:
            path.unlink()
    inputs, what = made(scratch, "arrow", "wide", arguments.parquet_small_files, 2000)
    compare("stitch", ["duckdb", "arrow"], inputs, what, "5 ×", figure=0)


def bench_scans(results, scratch, arguments):
    """Reading what was copied and stitched beside what was encoded anew from the same files."""
    sources = [
        ("arrow", arguments.parquet_files, 50000), ("duckdb", arguments.parquet_files, 50000),
        ("arrow", arguments.parquet_small_files, 2000)]
    for table, (writer, files, rows) in itertools.product(TABLES, sources):
        inputs, what = made(scratch, writer, table, files, rows)
        outputs = {way: scratch / f"{way}.parquet" for way in ("encode", "stitch", "copy")}
        for way, output in outputs.items():
            product.measured([OURS, way, output, *inputs], scratch, {})
        seen = {way: {} for way in outputs}
        # In turns, so that what disturbs the machine disturbs all of them.
        for _ in range(arguments.runs):
            for way, output in outputs.items():
                command = [sys.executable, CONTENDERS, "scan", table, output]
                for name, seconds in product.measured(command, scratch, {})[0].items():
                    seen[way].setdefault(name, []).append(seconds)
        wanted = outputs["encode"].stat().st_size
        # Row groups as small as these are stitched, unless copying is asked for by name.
        aims = {"stitch": ("1.10 ×", "1.05 ×"), "copy": ("", "")}
        for way in ("stitch", "copy"):
            size = outputs[way].stat().st_size
            results.add(
                f"{way} {what}, size", f"{size / 1e6:,.0f} MB", f"encode {wanted / 1e6:,.0f} MB",
                f"{size / wanted:.2f} ×", aims[way][0])
            for name in seen[way]:
                mine, theirs = (min(seen[each][name]) for each in (way, "encode"))
                results.add(
                    f"its scan by {name}, CPU", f"{mine:.2f} s", f"encode {theirs:.2f} s",
                    f"{mine / theirs:.2f} ×", aims[way][1])


def bench_memory(results, scratch, arguments):
    """The most memory that rewriting takes with 256 MB: large pages, and very many small files."""
    folder = scratch / "large"
    folder.mkdir()
    kinds = product.oracle("make_large_pages.py", folder)
    cases = [(f"two files of {kind}", [path, path]) for kind, path in kinds.items()]
    inputs, what = made(scratch, "arrow", "wide", arguments.parquet_small_files, 2000)
    cases.append((what, inputs))
    for what, paths in cases:
        for way in WAYS:
            command = [OURS, "--memory", str(BUDGET), way, scratch / "output.parquet", *paths]
            report, elapsed, _ = product.measured(command, scratch, {})
            peak = report["peak_bytes"] / (1 << 20)
            results.add(f"{way} {what}", f"{peak:,.0f} MiB", f"{elapsed:.1f} s", "", "256 MiB")
