#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Digests the tables that `icepack demo` made, read by DuckDB, PyIceberg and DataFusion.

The digest is the one that the command prints: of each row the ids and values of its fields in
ascending order, absorbed word by word, and the sum over all rows.
"""

import argparse
import datetime
import json
import pathlib
import struct

from pyiceberg.table import StaticTable

import read_rows

START = 0x6C62272E07BB014262B821756295C58D
MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
MASK = 2**128 - 1
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MICROSECOND = datetime.timedelta(microseconds=1)


def words(value):
    """The kind of a value, and the value in words of 64 bits."""
    if value is None:
        return (0,)
    if isinstance(value, bool):
        return (4, int(value))
    if isinstance(value, datetime.datetime):
        value = (value - EPOCH) // MICROSECOND
    if isinstance(value, int):
        return (1, value % 2**64)
    if isinstance(value, float):
        return (2, *struct.unpack("<Q", struct.pack("<d", value)))
    text = value.encode()
    padded = text + bytes(-len(text) % 8)
    return (3, len(text), *struct.unpack(f"<{len(padded) // 8}Q", padded))


def row_digest(row, ids):
    state = START
    for name, field in ids:
        for word in (field, *words(row[name])):
            state = (state ^ word) * MULTIPLIER & MASK
            state ^= state >> 67
    for shift in (61, 73, 59):
        state = (state ^ state >> shift) * MULTIPLIER & MASK
    return state ^ state >> 64


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--warehouse", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    found = {}
    for hint in sorted(arguments.warehouse.glob("*/*/metadata/version-hint.text")):
        location = f"file://{hint.parent}/v{hint.read_text()}.metadata.json"
        table = StaticTable.from_metadata(location)
        ids = sorted(
            ((field.name, field.field_id) for field in table.schema().fields),
            key=lambda pair: pair[1],
        )

        def digest(rows):
            total = sum(row_digest(r, ids) for b in rows.to_batches() for r in b.to_pylist())
            return {"rows": rows.num_rows, "digest": f"{total & MASK:032x}"}

        snapshot = table.metadata.current_snapshot_id
        name = f"{hint.parent.parent.parent.name}.{hint.parent.parent.name}"
        found[name] = {
            "duckdb": read_rows.duckdb_reader(location, digest)(snapshot),
            "pyiceberg": read_rows.pyiceberg_reader(table, digest)(snapshot),
            "datafusion": read_rows.datafusion_reader(table, digest)(snapshot),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
