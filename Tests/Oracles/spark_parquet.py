#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes Parquet files with Spark, or compares files with those that they were made of through it.

Run it with the Python of `scripts/spark-env`.

    spark_parquet.py make FOLDER
    spark_parquet.py compare JOBS

`make` writes files of one schema in several ways: pages of both versions, with and without
dictionaries, in small row groups, with bloom filters. It prints their paths by way. `compare` takes
a JSON list of objects with output, inputs, and deleted for each input, and prints a list of what
is wrong: rows that Spark's two readers see differently, counts by filters that bounds, indexes
and bloom filters answer, row groups that parquet-mr does not skip by their bloom filters.
"""

import argparse
import hashlib
import json
import pathlib
import sys

import spark_table

ROWS = 500

COLUMNS = """
    CASE WHEN id % 11 = 0 THEN NULL ELSE id % 2 = 0 END AS flag,
    CAST(id % 100 AS BYTE) AS tiny, CAST(id % 1000 - 500 AS SHORT) AS small,
    CASE WHEN id % 7 = 0 THEN NULL ELSE CAST(id * 40503 % 9973 AS INT) END AS number,
    id * 2654435761 % 1000000007 AS large,
    CAST(CASE WHEN id % 50 = 0 THEN 'NaN' WHEN id % 51 = 0 THEN '-0.0' ELSE id / 7 END AS FLOAT)
      AS single,
    CASE WHEN id % 53 = 0 THEN CAST('NaN' AS DOUBLE) ELSE id / 3.0D END AS ratio,
    CAST(id % 9999 / 100 AS DECIMAL(9, 2)) AS price, CAST(id * 12345 AS DECIMAL(18, 4)) AS sum,
    CAST(id AS DECIMAL(38, 10)) AS wide,
    CASE WHEN id % 5 = 0 THEN NULL ELSE concat('customer-', id % 40) END AS customer,
    md5(CAST(id AS STRING)) AS token,
    unhex(md5(CAST(id % 9 AS STRING))) AS bytes,
    date_add(DATE'2024-01-01', CAST(id % 400 AS INT)) AS day,
    timestamp_micros(1700000000000000 + id * 1234567) AS at,
    CAST(timestamp_micros(1700000000000000 - id) AS TIMESTAMP_NTZ) AS local,
    CASE WHEN id % 13 = 0 THEN NULL
      ELSE transform(sequence(0, id % 4), x -> IF(x = 2, NULL, CAST(x * id AS INT))) END AS list,
    array(array(id % 3, NULL), array()) AS lists,
    map('a', id % 5, concat('k', id % 3), NULL) AS map,
    named_struct('x', id % 100, 'parts', array(named_struct('name', concat('p', id % 20),
      'weight', id / 9.0D))) AS pair,
    CAST(NULL AS STRING) AS nothing
"""

WAYS = {
    "usual": {"compression": "snappy"},
    "second": {"compression": "zstd", "parquet.writer.version": "v2"},
    "plain": {"compression": "gzip", "parquet.enable.dictionary": "false"},
    "small": {
        "compression": "zstd", "parquet.block.size": "40000", "parquet.page.row.count.limit": "100",
        "parquet.block.size.row.check.min": "50", "parquet.block.size.row.check.max": "100",
        "parquet.block.row.count.limit": "300"},
    "filters": {
        "compression": "zstd", "parquet.enable.dictionary#id": "false",
        "parquet.bloom.filter.enabled#id": "true", "parquet.bloom.filter.enabled#token": "true",
        "parquet.bloom.filter.max.bytes": "65536", "parquet.enable.dictionary#token": "false"},
}


def make(session, folder):
    made = {}
    for number, (name, options) in enumerate(WAYS.items()):
        # Two files of each way, with numbers of their own that are even and in no order.
        first = number * 2 * ROWS
        frame = session.sql(
            f"""SELECT id * 2 AS id, {COLUMNS} FROM (
            SELECT {first} + (id * 7919 % {2 * ROWS}) AS id FROM RANGE(0, {2 * ROWS}, 1, 2))""")
        target = folder / name
        frame.write.options(**options).parquet(str(target))
        made[name] = sorted(str(path) for path in target.glob("*.parquet"))
    return made


def rows_of(session, paths, vectorized):
    """The rows of many files by one job, each file's in their order."""
    session.conf.set("spark.sql.parquet.enableVectorizedReader", vectorized)
    session.conf.set("spark.sql.parquet.enableNestedColumnVectorizedReader", vectorized)
    frame = session.read.parquet(*paths).selectExpr("input_file_name() AS file_of_row", "*")
    rows = {path: [] for path in paths}
    for row in frame.collect():
        path = row.file_of_row.removeprefix("file://")
        rows[path].append((row.id, row.token, repr(row[1:])))
    return rows


def skipped(session, path, column, value):
    """How many rows are left after parquet-mr looked at statistics, dictionaries and filters."""
    java = session._jvm
    api = java.org.apache.parquet.filter2.predicate.FilterApi
    binary = java.org.apache.parquet.io.api.Binary.fromString(value)
    predicate = api.eq(api.binaryColumn(column), binary)
    source = java.org.apache.parquet.hadoop.util.HadoopInputFile.fromPath(
        java.org.apache.hadoop.fs.Path(path), session._jsc.hadoopConfiguration())
    options = java.org.apache.parquet.ParquetReadOptions.builder().withRecordFilter(
        java.org.apache.parquet.filter2.compat.FilterCompat.get(predicate)
    ).useBloomFilter(True).useColumnIndexFilter(False).useRecordFilter(False).build()
    reader = java.org.apache.parquet.hadoop.ParquetFileReader.open(source, options)
    count = reader.getRecordCount()
    reader.close()
    return count


def compare(session, jobs):
    outputs = [job["output"] for job in jobs]
    inputs = sorted({path for job in jobs for path in job["inputs"]})
    sources = rows_of(session, inputs, "true")
    readers = [rows_of(session, outputs, vectorized) for vectorized in ("true", "false")]
    found = []
    for job in jobs:
        output, wrong, wanted = job["output"], [], []
        for path, deleted in zip(job["inputs"], job["deleted"]):
            gone = set(deleted)
            wanted += [row for place, row in enumerate(sources[path]) if place not in gone]
        for got in (reader[output] for reader in readers):
            if got != wanted:
                first = next((i for i, pair in enumerate(zip(got, wanted)) if pair[0] != pair[1]),
                             "the end")
                wrong.append(f"reads {len(got)} rows, not {len(wanted)}; another at {first}")
        wrong += probe(session, job, wanted)
        found += [f"{output}: {text}" for text in wrong]
    return found


def probe(session, job, rows):
    """Filters that bounds, indexes and bloom filters answer."""
    output, wrong = job["output"], []
    number, token, _ = rows[7]
    count = session.read.parquet(output).where(f"id = {number}").count()
    if count != 1:
        wrong.append(f"finds {count} rows with id {number}, not one")
    for column in job["filters"]:
        if not skipped(session, output, column, token):
            wrong.append(f"skips the row group that has {token}")
        absent = [hashlib.md5(f"absent {key}".encode()).hexdigest() for key in range(20)]
        left = sum(1 for value in absent if skipped(session, output, column, value))
        if left > 3:
            wrong.append(f"reads for {left} of 20 values that {column} does not have")
    return wrong


def main(arguments):
    settings = {"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS"}
    with spark_table.opened(settings) as session:
        if arguments.what == "make":
            answer = make(session, arguments.path)
        else:
            answer = compare(session, json.loads(arguments.path.read_text()))
    json.dump(answer, sys.stdout)


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("what", choices=["make", "compare"])
parser.add_argument("path", type=pathlib.Path)
main(parser.parse_args())
