#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a table with PyIceberg whose schema, and if asked partition spec, changed between appends.

Columns are added (also within a struct), dropped, renamed, moved and widened; there are lists, maps
and structs with nulls and empty values. The same seed gives the same rows.
"""

import argparse
import datetime
import decimal
import json
import pathlib
import random

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    HourTransform,
    IdentityTransform,
    TruncateTransform,
)
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FixedType,
    FloatType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
    TimeType,
    UUIDType,
)

SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "number", IntegerType(), required=False),
    NestedField(3, "ratio", FloatType(), required=False),
    NestedField(4, "price", DecimalType(9, 2), required=False),
    NestedField(5, "wide", DecimalType(30, 4), required=False),
    NestedField(6, "text", StringType(), required=False),
    NestedField(7, "flag", BooleanType(), required=False),
    NestedField(8, "day", DateType(), required=False),
    NestedField(9, "clock", TimeType(), required=False),
    NestedField(10, "at", TimestampType(), required=False),
    NestedField(11, "seen", TimestamptzType(), required=False),
    NestedField(12, "raw", BinaryType(), required=False),
    NestedField(13, "four", FixedType(4), required=False),
    NestedField(14, "key", UUIDType(), required=False),
    NestedField(15, "gone", StringType(), required=False),
    NestedField(
        16,
        "place",
        StructType(
            NestedField(17, "x", IntegerType(), required=False),
            NestedField(18, "name", StringType(), required=False),
        ),
        required=False,
    ),
    NestedField(19, "tags", ListType(20, StringType(), element_required=False), required=False),
    NestedField(
        21,
        "scores",
        MapType(22, StringType(), 23, IntegerType(), value_required=False),
        required=False,
    ),
    NestedField(
        24,
        "items",
        ListType(
            25,
            StructType(
                NestedField(26, "count", IntegerType(), required=False),
                NestedField(27, "label", StringType(), required=False),
            ),
            element_required=False,
        ),
        required=False,
    ),
    NestedField(28, "wait what?", DoubleType(), required=False),
)
EPOCH = datetime.datetime(2026, 1, 1)


def value(kind, rng, depth=0):
    """A random value of a type, now and then a null."""
    if depth and rng.random() < 0.2:
        return None
    if isinstance(kind, BooleanType):
        return rng.random() < 0.5
    if isinstance(kind, IntegerType):
        return rng.randrange(-(2**31), 2**31)
    if isinstance(kind, LongType):
        return rng.randrange(-(2**62), 2**62)
    if isinstance(kind, FloatType):
        return rng.choice([0.5, -0.0, 1.25, float("nan"), float("inf")])
    if isinstance(kind, DoubleType):
        return rng.random()
    if isinstance(kind, DecimalType):
        digits = rng.randrange(-(10**kind.precision) + 1, 10**kind.precision)
        return decimal.Decimal(digits).scaleb(-kind.scale, decimal.Context(prec=50))
    if isinstance(kind, DateType):
        return (EPOCH + datetime.timedelta(days=rng.randrange(-500, 500))).date()
    if isinstance(kind, TimeType):
        return (EPOCH + datetime.timedelta(microseconds=rng.randrange(86_400_000_000))).time()
    if isinstance(kind, TimestampType):
        return EPOCH + datetime.timedelta(microseconds=rng.randrange(10**12))
    if isinstance(kind, TimestamptzType):
        moment = EPOCH + datetime.timedelta(microseconds=rng.randrange(10**12))
        return moment.replace(tzinfo=datetime.timezone.utc)
    if isinstance(kind, StringType):
        return rng.choice(["", "ä", "row", "long " * 20]) + str(rng.randrange(100))
    if isinstance(kind, (FixedType, UUIDType)):
        return rng.randbytes(16 if isinstance(kind, UUIDType) else len(kind))
    if isinstance(kind, BinaryType):
        return rng.randbytes(rng.randrange(8))
    if isinstance(kind, StructType):
        return {f.name: value(f.field_type, rng, depth + 1) for f in kind.fields}
    if isinstance(kind, ListType):
        return [value(kind.element_type, rng, depth + 1) for _ in range(rng.randrange(4))]
    if isinstance(kind, MapType):
        return [
            (f"k{i}", value(kind.value_type, rng, depth + 1)) for i in range(rng.randrange(4))
        ]
    raise TypeError(kind)


class Writer:
    def __init__(self, table, arguments):
        self.table = table
        self.count = arguments.rows
        self.rng = random.Random(arguments.seed)
        self.next_id = 0

    def append(self, times=2):
        for _ in range(times):
            schema = self.table.schema()
            columns = {}
            for field in schema.fields:
                if field.name == "id":
                    columns["id"] = list(range(self.next_id, self.next_id + self.count))
                    continue
                columns[field.name] = [
                    value(field.field_type, self.rng, 1) for _ in range(self.count)
                ]
            self.next_id += self.count
            arrow = schema_to_pyarrow(schema, include_field_ids=False)
            self.table.append(pa.Table.from_pydict(columns, schema=arrow))


# What the table is partitioned by in the end, where its spec changes.
LATER = {
    "day": ("day", DayTransform()),
    "hour": ("at", HourTransform()),
    "identity": ("flag", IdentityTransform()),
    "truncate": ("words", TruncateTransform(2)),
    "bucket": ("id", BucketTransform(5)),
}


def evolve(writer, partitioned, into):
    table = writer.table
    writer.append()
    with table.update_schema() as update:
        update.update_column("number", LongType())
        update.update_column("ratio", DoubleType())
        update.update_column("price", DecimalType(18, 2))
        update.add_column("later", StringType())
        update.add_column(("place", "y"), DoubleType())
        update.add_column(("items", "size"), LongType())
    writer.append()
    with table.update_schema() as update:
        update.delete_column("gone")
        update.rename_column("text", "words")
        update.rename_column("place.name", "title")
        update.move_first("seen")
        update.add_column("more", ListType(100, IntegerType(), element_required=False))
    writer.append()
    with table.update_schema() as update:
        update.delete_column("place.x")
        # A new column with the name of an old one is another column.
        update.add_column("gone", LongType())
    if partitioned == "evolved":
        with table.update_spec() as update:
            update.remove_field("number_bucket")
            update.add_field(*LATER[into], "later_part")
    elif partitioned == "dropped":
        with table.update_spec() as update:
            update.remove_field("number_bucket")
    writer.append()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--warehouse", required=True, help="folder of the tables")
    parser.add_argument("--table", default="demo.events")
    parser.add_argument("--rows", type=int, default=50, help="rows of an append")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format-version", type=int, choices=[1, 2], default=2)
    parser.add_argument(
        "--partitioned", choices=["no", "bucket", "flag", "evolved", "dropped"], default="no"
    )
    parser.add_argument("--into", choices=sorted(LATER), default="day", help="with evolved")
    parser.add_argument("--property", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()

    warehouse = pathlib.Path(arguments.warehouse).resolve()
    warehouse.mkdir(parents=True, exist_ok=True)
    uri = f"sqlite:///{warehouse}/catalog.db"
    catalog = SqlCatalog("default", uri=uri, warehouse=f"file://{warehouse}")
    catalog.create_namespace_if_not_exists(arguments.table.rpartition(".")[0])
    properties = dict(item.split("=", 1) for item in arguments.property)
    properties["format-version"] = str(arguments.format_version)
    table = catalog.create_table(
        arguments.table, SCHEMA, partition_spec=PartitionSpec(), properties=properties
    )
    if arguments.partitioned in ("bucket", "evolved", "dropped"):
        with table.update_spec() as update:
            update.add_field("number", BucketTransform(3), "number_bucket")
    elif arguments.partitioned == "flag":
        with table.update_spec() as update:
            update.add_field("flag", IdentityTransform(), "flag")
    evolve(Writer(table, arguments), arguments.partitioned, arguments.into)
    print(json.dumps({"catalog_uri": uri, "metadata_location": table.metadata_location}))


if __name__ == "__main__":
    main()
