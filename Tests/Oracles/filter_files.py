#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a table of many files with PyIceberg, and random conditions on its rows.

For each condition it prints which files hold a row that passes, as DuckDB reads them, and which
ones PyIceberg plans. The same seed gives the same rows, partitions and conditions.
"""

import argparse
import datetime
import decimal
import json
import math
import pathlib
import random
import struct

import duckdb
import pyarrow as pa
from pyiceberg import expressions as e
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import parse_transform
from pyiceberg.types import (
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
)

COLUMNS = {
    "flag": (BooleanType(), pa.bool_()),
    "small": (IntegerType(), pa.int32()),
    "big": (LongType(), pa.int64()),
    "narrow": (FloatType(), pa.float32()),
    "wide": (DoubleType(), pa.float64()),
    "price": (DecimalType(9, 2), pa.decimal128(9, 2)),
    "day": (DateType(), pa.date32()),
    "stamp": (TimestampType(), pa.timestamp("us")),
    "moment": (TimestamptzType(), pa.timestamp("us", tz="UTC")),
    "name": (StringType(), pa.string()),
}
SPECS = [
    [],
    [("flag", "identity"), ("small", "bucket[4]")],
    [("small", "truncate[10]"), ("name", "truncate[2]")],
    [("stamp", "month"), ("big", "bucket[3]")],
    [("day", "year"), ("name", "identity")],
    [("moment", "day")],
    [("stamp", "hour"), ("price", "truncate[500]")],
    [("name", "bucket[3]"), ("price", "bucket[3]")],
    [("day", "day"), ("big", "truncate[7]")],
    [("big", "identity")],
    [("day", "bucket[5]"), ("moment", "year")],
    [("stamp", "bucket[4]"), ("narrow", "void")],
]
NAMES = ["", "a", "ab", "abc", "ab\u00fcx", "b", "\u00fc", "\u00fcber", "z\U0001f600", "zz", "%a"]
EPOCH = datetime.datetime(1970, 1, 1)


def narrow(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def value(column, randomness, center):
    """A value near the file's center, so that files differ."""
    near = center + randomness.randrange(-6, 7)
    if randomness.random() < 0.1:
        return None
    if column == "flag":
        return near % 2 == 0
    if column in ("small", "big"):
        return near
    if column in ("narrow", "wide"):
        if randomness.random() < 0.15:
            return math.nan
        number = near / 10
        return narrow(number) if column == "narrow" else number
    if column == "price":
        return decimal.Decimal(near * 25).scaleb(-2)
    if column == "day":
        return (EPOCH + datetime.timedelta(days=near * 20)).date()
    if column in ("stamp", "moment"):
        time = EPOCH + datetime.timedelta(hours=near * 7, microseconds=near)
        return time if column == "stamp" else time.replace(tzinfo=datetime.timezone.utc)
    return NAMES[near % len(NAMES)]


def rows(randomness):
    center = randomness.randrange(-60, 60)
    only_null = {name for name in COLUMNS if randomness.random() < 0.08}
    records = []
    for _ in range(randomness.randrange(1, 5)):
        record = {
            name: None if name in only_null else value(name, randomness, center)
            for name in COLUMNS
        }
        depth = value("big", randomness, center)
        record["nest"] = None if randomness.random() < 0.2 else {"depth": depth}
        records.append(record)
    schema = [pa.field(name, kind) for name, (_, kind) in COLUMNS.items()]
    schema.append(pa.field("nest", pa.struct([pa.field("depth", pa.int64())])))
    return pa.Table.from_pylist(records, pa.schema(schema))


def make(folder, spec, randomness):
    fields = [
        NestedField(i + 1, name, kind, required=False)
        for i, (name, (kind, _)) in enumerate(COLUMNS.items())
    ]
    depth = StructType(NestedField(51, "depth", LongType(), required=False))
    fields.append(NestedField(50, "nest", depth, required=False))
    schema = Schema(*fields)
    parts = [
        PartitionField(
            schema.find_field(name).field_id, 1000 + i, parse_transform(text), f"p{i}"
        )
        for i, (name, text) in enumerate(spec)
    ]
    catalog = SqlCatalog(
        "default", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}"
    )
    catalog.create_namespace("demo")
    table = catalog.create_table("demo.events", schema, partition_spec=PartitionSpec(*parts))
    for _ in range(12):
        table.append(rows(randomness))
    return table


def literal(column, randomness):
    """A literal as SQL and as PyIceberg takes it."""
    found = None
    while found is None or (isinstance(found, float) and math.isnan(found)):
        found = value(column, randomness, randomness.randrange(-60, 60))
    if column == "flag":
        return ("TRUE" if found else "FALSE"), found
    if column in ("day",):
        return f"DATE '{found}'", found.isoformat()
    if column in ("stamp", "moment"):
        text = found.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
        kind = "TIMESTAMP" if column == "stamp" else "TIMESTAMPTZ"
        zone = "" if column == "stamp" else "+00:00"
        return f"{kind} '{text}{zone}'", found.isoformat()
    if column == "name":
        return f"'{found}'", found
    if column == "price":
        return str(found), found
    return repr(found), found


COMPARISONS = {
    "=": e.EqualTo,
    "!=": e.NotEqualTo,
    "<": e.LessThan,
    "<=": e.LessThanOrEqual,
    ">": e.GreaterThan,
    ">=": e.GreaterThanOrEqual,
}


def test(randomness):
    column = randomness.choice(list(COLUMNS) + ["nest.depth"])
    kind = "big" if column == "nest.depth" else column
    choice = randomness.random()
    if choice < 0.12:
        return f"{column} IS NULL", e.IsNull(column)
    if choice < 0.2:
        return f"{column} IS NOT NULL", e.NotNull(column)
    if kind in ("narrow", "wide") and choice < 0.35:
        return f"isnan({column})", e.IsNaN(column)
    if kind == "name" and choice < 0.5:
        prefix = randomness.choice(NAMES[:-1])
        return f"{column} LIKE '{prefix}%'", e.StartsWith(column, prefix)
    if choice < 0.6 and kind != "flag":
        texts, values = zip(*(literal(kind, randomness) for _ in range(3)))
        return f"{column} IN ({', '.join(texts)})", e.In(column, values)
    if choice < 0.68 and kind != "flag":
        (low, first), (high, last) = literal(kind, randomness), literal(kind, randomness)
        both = e.And(e.GreaterThanOrEqual(column, first), e.LessThanOrEqual(column, last))
        return f"{column} BETWEEN {low} AND {high}", both
    symbols = ["=", "!="] if kind == "flag" else list(COMPARISONS)
    symbol = randomness.choice(symbols)
    text, found = literal(kind, randomness)
    return f"{column} {symbol} {text}", COMPARISONS[symbol](column, found)


def condition(randomness, depth=0):
    choice = randomness.random()
    if depth == 3 or choice < 0.45:
        return test(randomness)
    if choice < 0.6:
        text, expression = condition(randomness, depth + 1)
        return f"NOT ({text})", e.Not(expression)
    (left, first), (right, second) = (condition(randomness, depth + 1) for _ in range(2))
    if choice < 0.8:
        return f"({left}) AND ({right})", e.And(first, second)
    return f"({left}) OR ({right})", e.Or(first, second)


def path(text):
    return text.removeprefix("file://")


def planned(table, expression):
    """The files that PyIceberg plans; None where it compares a null of a partition and fails."""
    try:
        tasks = list(table.scan(row_filter=expression).plan_files())
    except TypeError:
        return None
    return sorted(path(task.file.file_path) for task in tasks)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--conditions", type=int, default=60)
    arguments = parser.parse_args()
    randomness = random.Random(arguments.seed)
    folder = pathlib.Path(arguments.folder).resolve()
    table = make(folder, SPECS[arguments.seed % len(SPECS)], randomness)
    files = sorted(path(task.file.file_path) for task in table.scan().plan_files())
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    listed = ", ".join(f"'{file}'" for file in files)
    connection.execute(
        f"CREATE TABLE t AS SELECT * FROM read_parquet([{listed}], filename = true, "
        "hive_partitioning = false)"
    )
    conditions = []
    for _ in range(arguments.conditions):
        text, expression = condition(randomness)
        found = connection.execute(f"SELECT DISTINCT filename FROM t WHERE {text}").fetchall()
        conditions.append(
            {
                "text": text.replace("TIMESTAMPTZ", "TIMESTAMP"),
                "matching": sorted(row[0] for row in found),
                "planned": planned(table, expression),
            }
        )
    report = {
        "metadata": path(table.metadata_location),
        "files": files,
        "conditions": conditions,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
