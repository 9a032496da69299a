#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes Parquet files of one schema in many ways, with PyArrow and DuckDB.

Prints the lists of files that can become one file: those of PyArrow and those of DuckDB.
"""

import argparse
import datetime
import decimal
import json
import pathlib
import random
import sys

import duckdb
import pyarrow
import pyarrow.parquet

SCHEMA = pyarrow.schema([
    pyarrow.field("id", pyarrow.int64(), nullable=False),
    pyarrow.field("small", pyarrow.int32()),
    pyarrow.field("flag", pyarrow.bool_()),
    pyarrow.field("ratio", pyarrow.float64()),
    pyarrow.field("single", pyarrow.float32()),
    pyarrow.field("name", pyarrow.string()),
    pyarrow.field("unique", pyarrow.string()),
    pyarrow.field("price", pyarrow.decimal128(20, 4)),
    pyarrow.field("day", pyarrow.date32()),
    pyarrow.field("at", pyarrow.timestamp("us", "UTC")),
    pyarrow.field("tags", pyarrow.list_(pyarrow.string())),
    pyarrow.field("nested", pyarrow.list_(pyarrow.list_(pyarrow.int32()))),
    pyarrow.field("pair", pyarrow.struct([("a", pyarrow.int64()), ("b", pyarrow.string())])),
    pyarrow.field("map", pyarrow.map_(pyarrow.string(), pyarrow.int64())),
    pyarrow.field("nothing", pyarrow.string()),
    pyarrow.field("constant", pyarrow.string()),
])


def rows(count, rng, base):
    epoch = datetime.date(1970, 1, 1)
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)

    def maybe(value):
        return None if rng.random() < 0.1 else value

    for index in range(count):
        yield {
            "id": base + index,
            # Not the ends of 32 bits: DuckDB packs differences in 33 bits then, PyArrow reads 32.
            "small": maybe(rng.choice([-(2**29), -1, 0, 1, 7, 2**29 - 1])),
            "flag": maybe(rng.random() < 0.5),
            "ratio": maybe(rng.choice([0.0, -0.0, 1.5, float("nan"), float("inf"), rng.random()])),
            "single": maybe(rng.choice([-0.0, 0.5, rng.random()])),
            "name": maybe(rng.choice(["", "a", "ä€", "z" * 80, "name-%d" % rng.randrange(40)])),
            "unique": "%032x" % rng.getrandbits(128),
            "price": maybe(decimal.Decimal(rng.randrange(-(10**12), 10**12)) / 10000),
            "day": maybe(epoch + datetime.timedelta(days=rng.randrange(-9999, 30000))),
            "at": maybe(start + datetime.timedelta(microseconds=rng.randrange(10**15))),
            "tags": maybe([maybe("t%d" % rng.randrange(9)) for _ in range(rng.randrange(4))]),
            "nested": maybe(
                [maybe([rng.randrange(99)] * rng.randrange(3)) for _ in range(rng.randrange(3))]),
            "pair": maybe({"a": maybe(rng.randrange(9)), "b": maybe("b%d" % rng.randrange(9))}),
            "map": maybe([("k%d" % key, maybe(key)) for key in range(rng.randrange(3))]),
            "nothing": None,
            "constant": "the same everywhere",
        }


WAYS = [
    {"compression": "zstd"},
    {"compression": "snappy", "use_dictionary": False},
    {"compression": "zstd", "data_page_version": "2.0", "data_page_size": 3000},
    {"compression": "none", "write_page_index": True, "write_page_checksum": True},
    {"compression": "gzip", "use_dictionary": False, "column_encoding": {
        "id": "DELTA_BINARY_PACKED", "unique": "DELTA_BYTE_ARRAY", "constant": "DELTA_BYTE_ARRAY",
        "name": "DELTA_LENGTH_BYTE_ARRAY", "ratio": "BYTE_STREAM_SPLIT", "flag": "RLE"}},
    {"compression": "lz4", "data_page_version": "2.0", "write_page_index": True},
    {"compression": "brotli", "dictionary_pagesize_limit": 500},
    {"compression": "zstd", "write_page_index": True, "write_batch_size": 50,
     "data_page_size": 500},
]


def main(folder, seed):
    rng = random.Random(seed)
    base, made = 0, []
    for number in range(rng.randrange(3, 9)):
        way = dict(rng.choice(WAYS))
        count = rng.choice([0, 1, 9, 300, 3000])
        table = pyarrow.Table.from_pylist(list(rows(count, rng, base)), schema=SCHEMA)
        base += count
        path = folder / f"arrow-{number}.parquet"
        pyarrow.parquet.write_table(
            table, path, row_group_size=rng.choice([100, 5000]), store_schema=False, **way)
        made.append(str(path))
    connection = duckdb.connect()
    duck = []
    for number, path in enumerate(made):
        codec = rng.choice(["zstd", "snappy", "uncompressed"])
        version = rng.choice(["v1", "v2"])
        copy = folder / f"duck-{number}.parquet"
        connection.execute(
            f"COPY (SELECT * FROM read_parquet('{path}')) TO '{copy}' "
            f"(FORMAT parquet, CODEC '{codec}', PARQUET_VERSION {version})")
        duck.append(str(copy))
    json.dump([made, duck], sys.stdout)


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("seed", type=int)
arguments = parser.parse_args()
main(arguments.folder, arguments.seed)
