#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a table whose folder holds many files, most of which nothing needs.

As `make_history.py` does it: PyIceberg's own manifest is the pattern for one with very many
entries. Files are hard links, and look ten days old but for what the table's writers made.
"""

import argparse
import copy
import json
import os
import pathlib
import sqlite3
import time

import make_history
import make_table
from references import local_path

ENTRIES_OF_A_MANIFEST = 10_000
FILES_OF_A_FOLDER = 10_000
AGE_SECONDS = 10 * 24 * 3600


class Links:
    """Makes names for one small file, and for copies of it once it has too many."""

    def __init__(self, source):
        self.source = source
        self.content = pathlib.Path(source).read_bytes()
        self.count = 0
        self.then = time.time() - AGE_SECONDS
        os.utime(source, (self.then, self.then))

    def add(self, path):
        if self.count == make_history.LINKS_OF_ONE_FILE:
            self.count = 0
            pathlib.Path(path).write_bytes(self.content)
            os.utime(path, (self.then, self.then))
            self.source = path
        else:
            os.link(self.source, path)
        self.count += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--warehouse", required=True)
    parser.add_argument("--catalog-uri", help="default: catalog.db inside the warehouse")
    parser.add_argument("--catalog-name", default="default")
    parser.add_argument("--table", default="demo.orphans")
    parser.add_argument("--listed", type=int, default=1_000_000)
    parser.add_argument("--live", type=int, default=200_000)
    arguments = parser.parse_args()
    arguments.property, arguments.format_version, arguments.partitioned = [], 2, False
    arguments.layout, arguments.snapshots, arguments.days = "sql", 1, 30
    arguments.manifests, arguments.window = 1, 1

    uri, catalog = make_table.open_catalog(arguments)
    table = make_table.create(catalog, arguments)
    table.append(make_table.rows(0, 4, make_table.random.Random(1)))
    history = make_history.History(table, arguments)
    links = Links(history.source)
    paths = fill(history, links, arguments)
    write_snapshot(history, paths[: arguments.live])
    location = history.finish()
    with sqlite3.connect(uri.removeprefix("sqlite:///")) as connection:
        connection.execute(
            "UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = NULL",
            (location,),
        )
    print(
        json.dumps(
            {
                "catalog_uri": uri,
                "warehouse": arguments.warehouse,
                "location": history.location,
                "orphans": arguments.listed - arguments.live,
            }
        )
    )


def fill(history, links, arguments):
    """Makes the files; live ones and orphans lie side by side."""
    paths = []
    for number in range(arguments.listed):
        # Spread, so that each folder has some of both.
        folder = number % max(1, arguments.listed // FILES_OF_A_FOLDER)
        name = f"data/part={folder:04}/{number * 0x9E3779B97F4A7C15 % 2**64:016x}.parquet"
        if number < arguments.listed // FILES_OF_A_FOLDER + 1:
            os.makedirs((history.folder / name).parent, exist_ok=True)
        links.add(str(history.folder / name))
        paths.append(f"{history.location}/{name}")
    return paths


def write_snapshot(history, live):
    """One snapshot whose manifests name the live files."""
    snapshot = history.snapshot_id(1)
    rows = []
    for start in range(0, len(live), ENTRIES_OF_A_MANIFEST):
        chunk = live[start : start + ENTRIES_OF_A_MANIFEST]
        entries = []
        for path in chunk:
            row = copy.copy(history.manifest_pattern.row)
            row["status"], row["snapshot_id"] = 1, snapshot
            row["sequence_number"] = row["file_sequence_number"] = None
            row["data_file"] = dict(row["data_file"], file_path=path)
            entries.append(row)
        name = f"metadata/live-m{start // ENTRIES_OF_A_MANIFEST}.avro"
        size = history.manifest_pattern.write(history.folder / name, entries)
        rows.append(
            dict(
                history.list_pattern.row,
                manifest_path=f"{history.location}/{name}",
                manifest_length=size,
                sequence_number=1,
                min_sequence_number=1,
                added_snapshot_id=snapshot,
                added_files_count=len(chunk),
                existing_files_count=0,
                deleted_files_count=0,
            )
        )
    name = f"metadata/snap-{snapshot}.avro"
    own = {"snapshot-id": str(snapshot), "sequence-number": "1", "parent-snapshot-id": "null"}
    history.list_pattern.write(history.folder / name, rows, **own)
    history.snapshots.append(
        {
            "snapshot-id": snapshot,
            "sequence-number": 1,
            "timestamp-ms": int(time.time() * 1000),
            "manifest-list": f"{history.location}/{name}",
            "summary": {"operation": "append"},
            "schema-id": 0,
        }
    )
    assert local_path(history.location) == str(history.folder)


if __name__ == "__main__":
    main()
