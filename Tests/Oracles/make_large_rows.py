#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a table with PyIceberg in a SQL catalog, whose rows are large and do not compress.

Prints where it is. With `check` it reads the table back and prints a digest of its rows instead.
"""

import argparse
import hashlib
import json
import os
import pathlib

import pyarrow
from pyiceberg.catalog.sql import SqlCatalog


def rows(first, arguments):
    ids = range(first, first + arguments.rows)
    values = [os.urandom(arguments.row_bytes) for _ in ids]
    return pyarrow.table({
        "id": pyarrow.array(ids, pyarrow.int64()),
        "value": pyarrow.array(values, pyarrow.large_binary()),
    })


def digest(table):
    """The same for the same rows in any order; one file after the other, as there are many."""
    total = count = 0
    for batch in table.scan().to_arrow_batch_reader():
        for identifier, value in zip(batch["id"].to_pylist(), batch["value"]):
            row = hashlib.sha256(b"%d " % identifier + value.as_buffer().to_pybytes())
            total ^= int.from_bytes(row.digest(), "big")
            count += 1
    return f"{count} {total:064x}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("command", choices=["make", "check"])
    parser.add_argument("--warehouse", required=True)
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--rows", type=int, default=100, help="of each file")
    parser.add_argument("--row-bytes", type=int, default=100_000)
    arguments = parser.parse_args()
    warehouse = pathlib.Path(arguments.warehouse).resolve()
    warehouse.mkdir(parents=True, exist_ok=True)
    uri = f"sqlite:///{warehouse}/catalog.db"
    catalog = SqlCatalog("default", uri=uri, warehouse=f"file://{warehouse}")
    if arguments.command == "make":
        catalog.create_namespace("demo")
        table = catalog.create_table("demo.large", rows(0, arguments).schema)
        for file in range(arguments.files):
            table.append(rows(file * arguments.rows, arguments))
    table = catalog.load_table("demo.large")
    files = [task.file for task in table.scan().plan_files()]
    print(json.dumps({
        "catalog_uri": uri, "digest": digest(table),
        "file_sizes": sorted(file.file_size_in_bytes for file in files),
    }))


if __name__ == "__main__":
    main()
