#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes Parquet files with bloom filters, or asks other readers about those in a file.

    probe_bloom.py make FOLDER
    probe_bloom.py probe FILE

`make` prints the paths of files by PyArrow that can become one, with filters of `id` and `name`.
Numbers of `id` are all even. `probe` prints for each column how many of its values DuckDB or
DataFusion would miss, and in how many row groups DuckDB's reader excludes values that are not
there, and whether DataFusion's excludes all of them.
"""

import argparse
import json
import pathlib
import re
import sys

import datafusion
import duckdb
import pyarrow
import pyarrow.parquet

ROWS = 3000


def make(folder):
    made = []
    for number in range(3):
        ids = [(number * ROWS + row) * 2 for row in range(ROWS)]
        # In no order, so that bounds exclude nothing.
        ids = [ids[(position * 7919) % ROWS] for position in range(ROWS)]
        table = pyarrow.table({
            "id": pyarrow.array(ids, pyarrow.int64()),
            "name": [f"name-{key}" for key in ids],
            "ratio": [key / 4 for key in ids],
            "day": pyarrow.array([key // 2 for key in ids], pyarrow.date32()),
        })
        path = folder / f"bloom-{number}.parquet"
        pyarrow.parquet.write_table(
            table, path, use_dictionary=False, row_group_size=1000, store_schema=False,
            bloom_filter_options={"id": {"ndv": 1000}, "name": {"ndv": 1000, "fpp": 0.01}})
        made.append(str(path))
    return made


def literal(value):
    return f"'{value}'" if isinstance(value, str) else str(value)


def probe_duckdb(connection, path, column, value):
    """In how many row groups the value is excluded."""
    rows = connection.execute(
        "SELECT bloom_filter_excludes FROM parquet_bloom_probe(?, ?, ?)",
        [path, column, value]).fetchall()
    return sum(1 for row in rows if row[0])


def probe_datafusion(path, column, value):
    """How many rows there are, and how many row groups are left after a look at the filters."""
    context = datafusion.SessionContext()
    context.register_parquet("t", path)
    query = f'SELECT * FROM t WHERE "{column}" = {literal(value)}'
    rows = sum(batch.num_rows for batch in context.sql(query).collect())
    plan = str([b.to_pydict() for b in context.sql(f"EXPLAIN ANALYZE {query}").collect()])
    found = re.search(r"row_groups_pruned_bloom_filter=(\d+) total → (\d+) matched", plan)
    return rows, int(found.group(2)) if found else None


def probe(path):
    connection = duckdb.connect()
    file = pyarrow.parquet.ParquetFile(path, page_checksum_verification=True)
    groups = file.metadata.num_row_groups
    found = {}
    for column in ("id", "name"):
        missed, excluded, pruned = 0, 0, 0
        for group in range(groups):
            values = file.read_row_group(group, columns=[column]).column(0).to_pylist()
            for value in values[::97]:
                # Each value is once in the file.
                excluding = probe_duckdb(connection, path, column, value)
                missed += 1 if excluding >= groups else 0
            rows, _ = probe_datafusion(path, column, values[0])
            missed += 1 if rows != 1 else 0
        absent = [2 * key + 1 for key in range(0, ROWS, 100)]
        for key in absent:
            value = key if column == "id" else f"name-{key}"
            excluded += probe_duckdb(connection, path, column, value)
        for key in absent[:5]:
            rows, left = probe_datafusion(path, column, key if column == "id" else f"name-{key}")
            if rows:
                missed += 1
            pruned += 1 if left == 0 else 0
        found[column] = {
            "missed": missed, "excluded": excluded, "probes": len(absent) * groups,
            "pruned": pruned}
    return found


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("what", choices=["make", "probe"])
parser.add_argument("path", type=pathlib.Path)
arguments = parser.parse_args()
answer = make(arguments.path) if arguments.what == "make" else probe(str(arguments.path))
json.dump(answer, sys.stdout)
