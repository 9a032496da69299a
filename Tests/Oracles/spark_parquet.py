#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes Parquet files with Spark, or compares files with those that they were made of through it.

Run it with the Python of `scripts/spark-env`.

    spark_parquet.py make FOLDER
    spark_parquet.py compare JOBS
    spark_parquet.py values FILES

`make` writes files of one schema in several ways: pages of both versions, with and without
dictionaries, in small row groups, with bloom filters. It prints their paths by way. `compare` takes
a JSON list of objects with output, inputs, and deleted for each input, and prints a list of what
is wrong: rows that Spark's two readers see differently, counts by filters that bounds, indexes
and bloom filters answer, row groups that parquet-mr does not skip by their bloom filters. `values`
takes a JSON list of paths and prints, for the reader that takes batches and for the one that takes
rows, what `parquet_values.py` prints for others.
"""

import argparse
import decimal
import hashlib
import json
import pathlib
import re
import struct
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


def leaf_texts(kind, value, depth=0):
    """SQL of the text of each leaf of a value; numbers with a point are marked, and done later."""
    name = kind.typeName()
    if name == "struct":
        for field in kind.fields:
            for text in leaf_texts(field.dataType, f"{value}.`{field.name}`", depth):
                yield f"if({value} IS NULL, 'n', concat('{{', {text}, '}}'))"
    elif name in ("array", "map"):
        parts = [(kind.elementType, value)] if name == "array" else [
            (kind.keyType, f"map_keys({value})"), (kind.valueType, f"map_values({value})")]
        for part, items in parts:
            for text in leaf_texts(part, f"x{depth}", depth + 1):
                text = text if name == "array" else f"concat('{{', {text}, '}}')"
                yield (f"if({value} IS NULL, 'n', concat('[', array_join("
                       f"transform({items}, x{depth} -> {text}), ','), ']'))")
    else:
        text = {
            "boolean": f"CAST(CAST({value} AS INT) AS STRING)",
            "date": f"CAST(unix_date({value}) AS STRING)",
            "timestamp": f"CAST(unix_micros({value}) AS STRING)",
            "float": f"concat('f:', CAST({value} AS STRING))",
            "double": f"concat('d:', CAST({value} AS STRING))",
            "decimal": f"concat('m{getattr(kind, 'scale', 0)}:', CAST({value} AS STRING))",
            "string": f"lower(hex({value}))",
            "binary": f"lower(hex({value}))",
        }.get(name, f"CAST({value} AS STRING)")
        yield f"coalesce({text}, 'n')"


def bits(match):
    mark, text = match.groups()
    if mark[0] == "m":
        number = int(decimal.Decimal(text).scaleb(int(mark[1:])))
        length = (number + (number < 0)).bit_length() // 8 + 1
        return number.to_bytes(length, "big", signed=True).hex()
    return struct.pack(">" + mark, float(text)).hex()


def values(session, paths):
    """What both readers read from each file, as `parquet_values.py` has it."""
    decimal.getcontext().prec = 60
    # Each file has a schema of its own: compiling what reads it would take longer than reading.
    session.conf.set("spark.sql.codegen.wholeStage", "false")
    session.conf.set("spark.sql.codegen.factoryMode", "NO_CODEGEN")
    session.conf.set("spark.sql.parquet.datetimeRebaseModeInRead", "CORRECTED")
    answers = []
    for vectorized in ("true", "false"):
        session.conf.set("spark.sql.parquet.enableVectorizedReader", vectorized)
        session.conf.set("spark.sql.parquet.enableNestedColumnVectorizedReader", vectorized)
        found = {}
        for path in paths:
            try:
                frame = session.read.parquet(path)
                texts = [text for field in frame.schema
                         for text in leaf_texts(field.dataType, f"`{field.name}`")]
                rows = frame.selectExpr(*texts).collect()
                found[path] = [
                    [re.sub(r"\b([fd]|m[0-9]+):([^,\]}]+)", bits, row[leaf]) for row in rows]
                    for leaf in range(len(texts))]
            except Exception as error:  # Told as what this file gave.
                found[path] = f"{type(error).__name__}: {error}"
        answers.append(found)
    return answers


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
            work = {"compare": compare, "values": values}[arguments.what]
            answer = work(session, json.loads(arguments.path.read_text()))
    json.dump(answer, sys.stdout)


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("what", choices=["make", "compare", "values"])
parser.add_argument("path", type=pathlib.Path)
main(parser.parse_args())
