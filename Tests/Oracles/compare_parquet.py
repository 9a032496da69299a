#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares a Parquet file with the files that it was made of.

Prints a list of what is wrong: rows that PyArrow or DuckDB read differently, statistics that do
not hold, filters on bounds that lose rows, checksums that do not match.
"""

import argparse
import json
import math
import sys

import duckdb
import pyarrow
import pyarrow.compute
import pyarrow.parquet


def check_arrow(output, inputs, wrong):
    got = pyarrow.parquet.ParquetFile(output, page_checksum_verification=True).read()
    wanted = pyarrow.concat_tables(pyarrow.parquet.ParquetFile(path).read() for path in inputs)
    for name in wanted.column_names:
        left = got.column(name).combine_chunks()
        right = wanted.column(name).combine_chunks()
        if repr(left.to_pylist()) != repr(right.to_pylist()):
            wrong.append(f"PyArrow reads {name} differently")


def check_duckdb(output, inputs, wrong):
    connection = duckdb.connect()
    files = ", ".join(f"'{path}'" for path in inputs)
    # One file after the other, in the order of its rows.
    query = "SELECT * FROM read_parquet({})"
    got = connection.execute(query.format(f"'{output}'")).to_arrow_table().to_pylist()
    wanted = []
    for path in inputs:
        wanted += connection.execute(query.format(f"'{path}'")).to_arrow_table().to_pylist()
    if repr(got) != repr(wanted):
        wrong.append("DuckDB reads other rows")
    ids = "SELECT min(id), max(id) FROM read_parquet([{}])".format(files)
    low, high = connection.execute(ids).fetchone()
    if low is None:
        return
    for probe in {low, (low + high) // 2, high, high + 1}:
        for path in (f"'{output}'", f"[{files}]"):
            count = connection.execute(
                f"SELECT count(*) FROM read_parquet({path}) WHERE id = {probe}").fetchone()[0]
            if path.startswith("'"):
                mine = count
            elif mine != count:
                wrong.append(f"DuckDB finds {mine} rows with id {probe} instead of {count}")


def check_statistics(output, wrong):
    file = pyarrow.parquet.ParquetFile(output)
    for group in range(file.metadata.num_row_groups):
        table = file.read_row_group(group)
        for index in range(file.metadata.num_columns):
            chunk = file.metadata.row_group(group).column(index)
            statistics = chunk.statistics
            if "." in chunk.path_in_schema or statistics is None:
                continue
            values = table.column(chunk.path_in_schema)
            name = f"{chunk.path_in_schema} in row group {group}"
            if statistics.null_count is not None and statistics.null_count != values.null_count:
                wrong.append(f"{name} has {values.null_count} nulls, not {statistics.null_count}")
            if not statistics.has_min_max or values.null_count == len(values):
                continue
            numbers = [v for v in values.to_pylist() if v is not None and v == v]
            low, high = statistics.min, statistics.max
            if numbers and (min(numbers) < low or max(numbers) > high):
                wrong.append(f"{name} lies outside {low}...{high}")
            if isinstance(low, float) and (math.isnan(low) or math.isnan(high)):
                wrong.append(f"{name} has a bound that is no number")


def main(output, inputs):
    wrong = []
    check_arrow(output, inputs, wrong)
    check_duckdb(output, inputs, wrong)
    check_statistics(output, wrong)
    json.dump(wrong, sys.stdout)


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("output")
parser.add_argument("inputs", nargs="+")
arguments = parser.parse_args()
main(arguments.output, arguments.inputs)
