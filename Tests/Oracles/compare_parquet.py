#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares Parquet files with the files that they were made of.

Takes a JSON list of objects: output, inputs, and for each input deleted, the positions of rows that
were left out. Prints a list of what is wrong: rows that PyArrow or DuckDB read differently,
statistics that do not hold, filters on bounds that lose rows, checksums that do not match.
"""

import argparse
import json
import math
import sys

import duckdb
import pyarrow
import pyarrow.compute
import pyarrow.parquet


def kept(rows, deleted):
    gone = set(deleted)
    return [row for position, row in enumerate(rows) if position not in gone]


def check_arrow(output, inputs, deleted, wrong):
    got = pyarrow.parquet.ParquetFile(output, page_checksum_verification=True).read()
    tables = []
    for path, gone in zip(inputs, deleted):
        table = pyarrow.parquet.ParquetFile(path).read()
        rows = pyarrow.array(kept(range(len(table)), gone), pyarrow.int64())
        tables.append(table.take(rows) if gone else table)
    wanted = pyarrow.concat_tables(tables)
    for name in wanted.column_names:
        left = got.column(name).combine_chunks()
        right = wanted.column(name).combine_chunks()
        if repr(left.to_pylist()) != repr(right.to_pylist()):
            wrong.append(f"PyArrow reads {name} differently")


def check_duckdb(connection, output, inputs, deleted, wrong):
    # One file after the other, in the order of its rows.
    query = "SELECT * FROM read_parquet('{}')"
    got = connection.execute(query.format(output)).to_arrow_table().to_pylist()
    wanted = []
    for path, gone in zip(inputs, deleted):
        rows = connection.execute(query.format(path)).to_arrow_table().to_pylist()
        wanted += kept(rows, gone)
    if repr(got) != repr(wanted):
        wrong.append("DuckDB reads other rows")
    ids = [row["id"] for row in wanted]
    if not ids:
        return
    low, high = min(ids), max(ids)
    for probe in {low, (low + high) // 2, high, high + 1}:
        count = connection.execute(
            f"SELECT count(*) FROM read_parquet('{output}') WHERE id = {probe}").fetchone()[0]
        if count != ids.count(probe):
            wrong.append(f"DuckDB finds {count} rows with id {probe} instead of {ids.count(probe)}")


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


def main(jobs):
    connection = duckdb.connect()
    found = []
    for job in jobs:
        wrong = []
        output, inputs, deleted = job["output"], job["inputs"], job["deleted"]
        check_arrow(output, inputs, deleted, wrong)
        check_duckdb(connection, output, inputs, deleted, wrong)
        check_statistics(output, wrong)
        found += [f"{output}: {text}" for text in wrong]
    json.dump(found, sys.stdout)


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("jobs", type=argparse.FileType())
main(json.load(parser.parse_args().jobs))
