#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the partition of every data file with what PyIceberg makes of the rows in it."""

import argparse
import datetime
import decimal
import json
import math

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.transforms import VoidTransform

EPOCH = datetime.date(1970, 1, 1)


def plain(value):
    """A value in a form in which it does not matter how a library has it."""
    if isinstance(value, datetime.datetime):
        moment = value.replace(tzinfo=None) - datetime.datetime(1970, 1, 1)
        return str(moment // datetime.timedelta(microseconds=1))
    if isinstance(value, datetime.date):
        return str((value - EPOCH).days)
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    if isinstance(value, decimal.Decimal):
        return str(value.normalize())
    if isinstance(value, bytes):
        return value.hex()
    return None if value is None else str(value)


def made_of(rows, table, field):
    """The values of a partition field that rows have."""
    if isinstance(field.transform, VoidTransform):
        return {None}
    schema = table.schema()
    name = schema.find_column_name(field.source_id)
    transform = field.transform.pyarrow_transform(schema.find_type(field.source_id))
    return {plain(value) for value in transform(rows[name].combine_chunks()).to_pylist()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--catalog-uri", required=True)
    parser.add_argument("--table", default="demo.events")
    arguments = parser.parse_args()
    table = SqlCatalog("default", uri=arguments.catalog_uri).load_table(arguments.table)
    partitions, specs, wrong = set(), set(), []
    for task in table.scan().plan_files():
        file = task.file
        scan = ArrowScan(table.metadata, table.io, table.schema(), AlwaysTrue())
        rows = scan.to_table([task])
        specs.add(file.spec_id)
        values = [plain(file.partition[i]) for i in range(len(file.partition))]
        partitions.add(tuple(values))
        for field, value in zip(table.specs()[file.spec_id].fields, values):
            found = made_of(rows, table, field)
            if found != {value}:
                wrong.append(f"{file.file_path}: {field.name} is {value}, rows have {found}")
    print(
        json.dumps(
            {"partitions": len(partitions), "specs": sorted(specs), "wrong": sorted(wrong)}
        )
    )


if __name__ == "__main__":
    main()
