#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the tables whose data files the benchmarks rewrite, and rewrites them with Spark.

Run it with the Python of `scripts/spark-env`.

    rewrite_spark.py make WAREHOUSE CATALOG_URI KIND FILES ROWS
    rewrite_spark.py rewrite|rewrite-warm WAREHOUSE CATALOG_URI

KIND is one of small, plain, positions, vectors and equality. The table is demo.lines; its rows have
the columns and the value ranges of TPC-H's lineitem, and a number of their own. `rewrite-warm`
rewrites a small table first, so that what it times is a session at work.
"""

import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests" / "Oracles"))
import lineitem
import spark_table

TABLE = "`default`.demo.lines"
SETTINGS = {
    "spark.sql.shuffle.partitions": "8",
    # It runs long enough for the better compiler, and on both processors.
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC",
}
# Numbers past 32 bits go from Python to Java as the longs that they are.
FIRST = 1 << 33
COLUMNS = lineitem.columns(lineitem.SPARK, "l_id")


def create(session, name, version):
    session.sql("CREATE NAMESPACE IF NOT EXISTS `default`.demo")
    session.sql(
        f"""CREATE TABLE {name} USING iceberg TBLPROPERTIES (
        'format-version' = '{version}', 'write.delete.mode' = 'merge-on-read',
        'write.delete.granularity' = 'file', 'write.distribution-mode' = 'none')
        AS SELECT {COLUMNS} FROM (SELECT id AS i FROM RANGE(0)) """
    )


def fill(session, name, files, rows):
    """As many files of as many rows, in one commit."""
    session.sql(
        f"INSERT INTO {name} SELECT {COLUMNS} "
        f"FROM (SELECT id AS i FROM RANGE({FIRST}, {FIRST + files * rows}, 1, {files}))"
    )


def delete_by_value(session, rows, files):
    """So many equality delete files, of a hundred keys each."""
    table = spark_table.loaded(session, TABLE)

    def keys(number):
        return [FIRST + key * 7919 % rows for key in range(number * 100, number * 100 + 100)]

    spark_table.delete_by_value(
        session,
        table,
        "l_id",
        [
            (f"{table.location()}/data/eq-{number:05d}.parquet", table.spec(), None, keys(number))
            for number in range(files)
        ],
    )


def make(session, kind, files, rows):
    files, rows = int(files), int(rows)
    create(session, TABLE, 3 if kind == "vectors" else 2)
    fill(session, TABLE, files, rows)
    if kind in ("positions", "vectors"):
        # One delete file for each data file and statement.
        for half in (3, 23):
            session.sql(f"DELETE FROM {TABLE} WHERE l_id % 40 = {half}")
    if kind == "equality":
        delete_by_value(session, files * rows, 200)
    found = session.sql(
        f"SELECT content, count(*) AS files, sum(file_size_in_bytes) AS bytes "
        f"FROM {TABLE}.files GROUP BY content"
    ).collect()
    rows, total = session.sql(f"SELECT count(*), sum(l_id) FROM {TABLE}").collect()[0]
    return {
        "files": {row["content"]: row["files"] for row in found},
        "bytes": sum(row["bytes"] for row in found),
        "rows": rows,
        "sum": total,
    }


def procedure(session, name):
    table = name.split(".", 1)[1]
    call = f"CALL `default`.system.rewrite_data_files(table => '{table}')"
    return session.sql(call).collect()[0].asDict()


def warm_up(session):
    warm = "`default`.demo.warm"
    create(session, warm, 2)
    fill(session, warm, 8, 2000)
    procedure(session, warm)
    session.sql(f"DROP TABLE {warm} PURGE")


def rewrite(session):
    session.sql(f"SELECT snapshot_id FROM {TABLE}.refs").collect()
    started = time.monotonic()
    counts = procedure(session, TABLE)
    return {
        "elapsed_seconds": time.monotonic() - started,
        "rewritten_data_files_count": counts["rewritten_data_files_count"],
        "peak_rss_kib": spark_table.peak_memory(session),
    }


def rewrite_warm(session):
    warm_up(session)
    return rewrite(session)


def main(action, warehouse, catalog_uri, *arguments):
    settings = spark_table.catalog_settings("default", warehouse, catalog_uri) | SETTINGS
    actions = {"make": make, "rewrite": rewrite, "rewrite-warm": rewrite_warm}
    with spark_table.opened(settings, memory="4g") as session:
        answer = actions[action](session, *arguments)
    json.dump(answer, sys.stdout)


main(*sys.argv[1:])
