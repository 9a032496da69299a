#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a table with PyIceberg in a SQL catalog, with a history worth maintaining.

Commits cycle through appends, a copy-on-write delete and an overwrite of a range. On the way the
table gets the branches `audit` (with commits of its own) and `stale` (an old snapshot), and the
tag `release`. The same seed gives the same rows.
"""

import argparse
import datetime
import json
import pathlib
import random

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import LongType, NestedField, StringType, TimestamptzType

SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "category", StringType(), required=False),
    NestedField(3, "amount", LongType(), required=False),
    NestedField(4, "note", StringType(), required=False),
    NestedField(5, "at", TimestamptzType(), required=False),
)
ARROW_SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("category", pa.string()),
        pa.field("amount", pa.int64()),
        pa.field("note", pa.string()),
        pa.field("at", pa.timestamp("us", tz="UTC")),
    ]
)
CATEGORIES = ["north", "east", "south", "west"]
EPOCH = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)


def rows(first, count, randomness):
    ids = list(range(first, first + count))
    columns = [
        ids,
        [randomness.choice(CATEGORIES) for _ in ids],
        [randomness.randrange(-1000, 1000) for _ in ids],
        [None if i % 7 == 0 else f"row {i} ü" for i in ids],
        [EPOCH + datetime.timedelta(seconds=i) for i in ids],
    ]
    return pa.Table.from_arrays(
        [pa.array(c, f.type) for c, f in zip(columns, ARROW_SCHEMA)], schema=ARROW_SCHEMA
    )


def open_catalog(arguments):
    warehouse = pathlib.Path(arguments.warehouse).resolve()
    warehouse.mkdir(parents=True, exist_ok=True)
    uri = arguments.catalog_uri or f"sqlite:///{warehouse}/catalog.db"
    return uri, SqlCatalog(arguments.catalog_name, uri=uri, warehouse=f"file://{warehouse}")


def create(catalog, arguments):
    namespace = arguments.table.rpartition(".")[0]
    catalog.create_namespace_if_not_exists(namespace)
    spec = PartitionSpec()
    if arguments.partitioned:
        spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "category"))
    properties = dict(item.split("=", 1) for item in arguments.property)
    properties.setdefault("format-version", str(arguments.format_version))
    return catalog.create_table(
        arguments.table, SCHEMA, partition_spec=spec, properties=properties
    )


def between(low, high):
    return And(GreaterThanOrEqual("id", low), LessThan("id", high))


def change(table, number, next_id, arguments, randomness):
    """Makes commit `number`; an overwrite is two snapshots of one transaction."""
    count = arguments.rows
    # Changes hit recent rows, so that files come and go between the references.
    low = max(0, next_id - 6 * count) + randomness.randrange(0, 4 * count)
    if number % 10 == 6 and next_id > 4 * count:
        table.delete(between(low, low + max(1, count // 3)))
    elif number % 10 == 8 and next_id > 4 * count:
        table.overwrite(rows(low, count, randomness), between(low, low + count))
    else:
        table.append(rows(next_id, count, randomness))
        return next_id + count
    return next_id


def write_history(table, arguments):
    randomness = random.Random(arguments.seed)
    quarter, half = arguments.commits // 4, arguments.commits // 2
    next_id = 0
    for number in range(arguments.commits):
        next_id = change(table, number, next_id, arguments, randomness)
        if arguments.no_refs:
            continue
        here = table.current_snapshot().snapshot_id
        if number == quarter:
            table.manage_snapshots().create_branch(here, "stale").commit()
            table.manage_snapshots().create_tag(here, "release").commit()
        if number == half:
            table.manage_snapshots().create_branch(here, "audit").commit()
        if number > half and number % max(2, arguments.commits // 10) == 0:
            table.append(rows(10_000_000 + number * 100, 3, randomness), branch="audit")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--warehouse", required=True, help="folder of the tables")
    parser.add_argument("--catalog-uri", help="default: catalog.db inside the warehouse")
    parser.add_argument("--catalog-name", default="default")
    parser.add_argument("--table", default="demo.events")
    parser.add_argument("--commits", type=int, default=20)
    parser.add_argument("--rows", type=int, default=20, help="rows of an append")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format-version", type=int, choices=[1, 2], default=2)
    parser.add_argument("--partitioned", action="store_true")
    parser.add_argument("--no-refs", action="store_true", help="no branches, no tag")
    parser.add_argument("--property", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()

    uri, catalog = open_catalog(arguments)
    table = create(catalog, arguments)
    write_history(table, arguments)

    table = catalog.load_table(arguments.table)
    print(
        json.dumps(
            {
                "catalog_uri": uri,
                "catalog_name": arguments.catalog_name,
                "warehouse": str(pathlib.Path(arguments.warehouse).resolve()),
                "database": arguments.table.rpartition(".")[0],
                "table": arguments.table.rpartition(".")[2],
                "location": table.metadata.location,
                "metadata_location": table.metadata_location,
                "current_snapshot_id": table.metadata.current_snapshot_id,
                "snapshots": len(table.metadata.snapshots),
                "refs": {name: ref.snapshot_id for name, ref in table.metadata.refs.items()},
            }
        )
    )


if __name__ == "__main__":
    main()
