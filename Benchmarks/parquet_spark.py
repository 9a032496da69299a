#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes Parquet files for the benchmarks with Spark, or makes one of many.

Run it with the Python of `scripts/spark-env`.

    parquet_spark.py make FOLDER TABLE FILES ROWS
    parquet_spark.py coalesce OUTPUT INPUT...

The rows are those of `parquet_contenders.py`.
"""

import json
import os
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests" / "Oracles"))
import lineitem
import spark_table

COLUMNS = {"lineitem": lineitem.columns(lineitem.SPARK, "id"), "wide": """
    i AS id,
    i * 2654435761 % 1000000007 AS account,
    CAST(i * 40503 % 97 AS INT) AS kind,
    md5(CAST(i * 7919 AS STRING)) AS token,
    concat('customer-', i * 31 % 5000) AS customer,
    element_at(array('open', 'paid', 'sent', 'lost'), CAST(1 + i * 17 % 4 AS INT)) AS status,
    CAST(i * 48271 % 10000019 / 100.0BD AS DECIMAL(18, 2)) AS price,
    i * 16807 % 1000003 / 1000.0D AS weight,
    timestamp_micros(1704067200000000 + i * 1371 % 31536000 * 1000000) AS at,
    date_add(DATE'2024-01-01', CAST(i % 365 AS INT)) AS day,
    CASE WHEN i % 3 = 0 THEN NULL ELSE concat('note ', i * 131 % 1000) END AS note,
    array(i % 7, i % 11, i % 13) AS list,
    map('a', i % 5, 'b', i % 3) AS map,
    named_struct('x', i % 100, 'y', concat('part-', i % 50)) AS pair,
    i % 2 = 0 AS flag
"""}


def make(session, folder, table, files, rows):
    target = pathlib.Path(folder) / "made"
    count = int(files) * int(rows)
    session.sql(
        f"SELECT {COLUMNS[table]} FROM (SELECT id AS i FROM RANGE(0, {count}, 1, {files}))"
    ).write.option("compression", "zstd").parquet(str(target))
    # Partitions are numbered in the order of their rows, and so are their files.
    for number, path in enumerate(sorted(target.glob("*.parquet"))):
        path.rename(pathlib.Path(folder) / f"{number:05d}.parquet")
    shutil.rmtree(target)
    return {}


def processor_seconds(session):
    """What the Java process has used so far."""
    pid = session._jvm.java.lang.ProcessHandle.current().pid()
    # The name, in parentheses, may hold anything.
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def coalesce(session, output, *inputs):
    """One file of many; tells the CPU seconds of that alone and not of the session's start."""
    started = processor_seconds(session)
    with tempfile.TemporaryDirectory(dir=pathlib.Path(output).parent) as folder:
        target = pathlib.Path(folder) / "one"
        session.read.parquet(*inputs).coalesce(1).write.option("compression", "zstd").parquet(
            str(target))
        made, = target.glob("*.parquet")
        made.replace(output)
    return {
        "spark_cpu_seconds": processor_seconds(session) - started,
        "spark_peak_kib": spark_table.peak_memory(session),
    }


def main(what, *arguments):
    scratch = tempfile.mkdtemp(prefix="icepack-bench-spark-")
    try:
        settings = {
            "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
            # It runs long enough for the better compiler.
            "spark.driver.extraJavaOptions": "-XX:+UseParallelGC"}
        session = spark_table.session_with(settings, scratch, memory="4g")
        session.sparkContext.setLogLevel("ERROR")
        answer = {"make": make, "coalesce": coalesce}[what](session, *arguments)
        session.stop()
        json.dump(answer, sys.stdout)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


main(*sys.argv[1:])
