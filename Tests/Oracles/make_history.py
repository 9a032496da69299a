#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a table with a very long history by writing its metadata directly.

PyIceberg makes the table and one append; its manifest and manifest list are then the pattern for
all others, so that the history is what a real writer would have left. Each snapshot adds manifests
of its own with one data file each, and lists those of the last few snapshots: a table that is
rewritten all the time. Data files are hard links to the one real file.
"""

import argparse
import copy
import json
import os
import pathlib
import sqlite3
import time

import fastavro
import make_table
from references import local_path

# Below the 65,000 links that an ext4 inode may have.
LINKS_OF_ONE_FILE = 30_000


class Pattern:
    """One file of Avro as a real writer wrote it: its schema, its metadata and its first row."""

    def __init__(self, path):
        with open(path, "rb") as file:
            reader = fastavro.reader(file)
            self.schema = fastavro.parse_schema(copy.deepcopy(reader.writer_schema))
            self.metadata = {
                key: value for key, value in reader.metadata.items() if not key.startswith("avro.")
            }
            self.row = next(iter(reader))

    def write(self, path, rows, **metadata):
        with open(path, "wb") as file:
            fastavro.writer(
                file, self.schema, rows, codec="deflate", metadata=self.metadata | metadata
            )
        return os.path.getsize(path)


class History:
    """Writes snapshots one after the other and collects their metadata."""

    def __init__(self, table, arguments):
        self.arguments = arguments
        self.location = table.metadata.location
        self.folder = pathlib.Path(local_path(self.location))
        with open(local_path(table.metadata_location), "rb") as file:
            self.metadata = json.load(file)
        first = table.current_snapshot()
        self.list_pattern = Pattern(local_path(first.manifest_list))
        self.manifest_pattern = Pattern(local_path(self.list_pattern.row["manifest_path"]))
        self.source = local_path(self.manifest_pattern.row["data_file"]["file_path"])
        self.links = 0
        self.window = []
        self.snapshots = []
        minutes = arguments.days * 24 * 60
        self.step = max(1, minutes * 60_000 // arguments.snapshots)
        self.start = int(time.time() * 1000) - self.step * arguments.snapshots

    def snapshot_id(self, number):
        # Spread over the range, as real ids are, yet the same in every run.
        return (number * 0x9E3779B97F4A7C15) % (2**62) + 1

    def data_file(self, number, index):
        name = f"data/{number:06}-{index}.parquet"
        path = self.folder / name
        if self.links % LINKS_OF_ONE_FILE == LINKS_OF_ONE_FILE - 1:
            path.write_bytes(pathlib.Path(self.source).read_bytes())
            self.source = str(path)
        else:
            os.link(self.source, path)
        self.links += 1
        return f"{self.location}/{name}"

    def manifest(self, number, index):
        snapshot = self.snapshot_id(number)
        row = copy.copy(self.manifest_pattern.row)
        row["status"], row["snapshot_id"] = 1, snapshot
        row["sequence_number"] = row["file_sequence_number"] = None
        row["data_file"] = dict(row["data_file"], file_path=self.data_file(number, index))
        name = f"metadata/{number:06}-m{index}.avro"
        size = self.manifest_pattern.write(self.folder / name, [row])
        return dict(
            self.list_pattern.row,
            manifest_path=f"{self.location}/{name}",
            manifest_length=size,
            sequence_number=number,
            min_sequence_number=number,
            added_snapshot_id=snapshot,
        )

    def add(self, number):
        arguments = self.arguments
        self.window += [self.manifest(number, index) for index in range(arguments.manifests)]
        self.window = self.window[-arguments.manifests * arguments.window :]
        snapshot = self.snapshot_id(number)
        parent = self.snapshot_id(number - 1) if number > 1 else None
        name = f"metadata/snap-{snapshot}.avro"
        own = {"snapshot-id": str(snapshot), "sequence-number": str(number)}
        own["parent-snapshot-id"] = "null" if parent is None else str(parent)
        self.list_pattern.write(self.folder / name, self.window, **own)
        entry = {
            "snapshot-id": snapshot,
            "sequence-number": number,
            "timestamp-ms": self.start + number * self.step,
            "manifest-list": f"{self.location}/{name}",
            "summary": {"operation": "overwrite"},
            "schema-id": 0,
        }
        if parent is not None:
            entry["parent-snapshot-id"] = parent
        self.snapshots.append(entry)

    def finish(self):
        """Writes the metadata file of the whole history and returns its location."""
        last = self.snapshots[-1]
        self.metadata |= {
            "last-sequence-number": last["sequence-number"],
            "last-updated-ms": last["timestamp-ms"],
            "current-snapshot-id": last["snapshot-id"],
            "snapshots": self.snapshots,
            "snapshot-log": [
                {"snapshot-id": s["snapshot-id"], "timestamp-ms": s["timestamp-ms"]}
                for s in self.snapshots
            ],
            "metadata-log": [],
            "refs": {"main": {"snapshot-id": last["snapshot-id"], "type": "branch"}},
        }
        hadoop = self.arguments.layout == "hadoop"
        name = "v1.metadata.json" if hadoop else "00001-history.metadata.json"
        (self.folder / "metadata" / name).write_text(json.dumps(self.metadata))
        if hadoop:
            (self.folder / "metadata" / "version-hint.text").write_text("1")
        return f"{self.location}/metadata/{name}"

    def remove_the_pattern(self, table):
        """The first append has served; nothing references its files any more."""
        first = table.current_snapshot()
        for location in [first.manifest_list, self.list_pattern.row["manifest_path"]]:
            os.remove(local_path(location))
        os.remove(local_path(self.manifest_pattern.row["data_file"]["file_path"]))
        for old in (self.folder / "metadata").glob("0000[01]-????????-*.metadata.json"):
            old.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--warehouse", required=True)
    parser.add_argument("--catalog-uri", help="default: catalog.db inside the warehouse")
    parser.add_argument("--catalog-name", default="default")
    parser.add_argument("--layout", choices=["sql", "hadoop"], default="sql")
    parser.add_argument("--table", default="demo.history")
    parser.add_argument("--snapshots", type=int, default=10_000)
    parser.add_argument("--manifests", type=int, default=5, help="new ones of each snapshot")
    parser.add_argument("--window", type=int, default=4, help="snapshots whose manifests are live")
    parser.add_argument("--keep", type=int, default=100, help="snapshots that `older_than` keeps")
    parser.add_argument("--days", type=int, default=30, help="how far the history goes back")
    parser.add_argument("--tables", type=int, help="so many, named TABLE_1, TABLE_2, ...")
    arguments = parser.parse_args()
    arguments.property, arguments.format_version, arguments.partitioned = [], 2, False

    if arguments.tables is None:
        print(json.dumps(make(arguments)))
        return
    name, tables = arguments.table, []
    for number in range(1, arguments.tables + 1):
        arguments.table = f"{name}_{number}"
        tables.append(make(arguments))
    print(json.dumps(tables))


def make(arguments):
    """Makes one table and returns what its user needs to know."""
    uri, catalog = make_table.open_catalog(arguments)
    table = make_table.create(catalog, arguments)
    table.append(make_table.rows(0, 4, make_table.random.Random(1)))
    history = History(table, arguments)
    for number in range(1, arguments.snapshots + 1):
        history.add(number)
    location = history.finish()
    history.remove_the_pattern(table)
    database, _, name = arguments.table.rpartition(".")
    if arguments.layout == "sql":
        with sqlite3.connect(uri.removeprefix("sqlite:///")) as connection:
            connection.execute(
                "UPDATE iceberg_tables SET metadata_location = ?, "
                "previous_metadata_location = NULL "
                "WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?",
                (location, arguments.catalog_name, database, name),
            )
    cutoff = history.snapshots[-arguments.keep]["timestamp-ms"]
    return {
        "catalog_uri": uri,
        "catalog_name": arguments.catalog_name,
        "warehouse": str(pathlib.Path(arguments.warehouse).resolve()),
        "database": database,
        "table": name,
        "location": history.location,
        "metadata_location": location,
        "snapshots": arguments.snapshots,
        "manifests": arguments.snapshots * arguments.manifests,
        "older_than": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(cutoff // 1000))
        + f".{cutoff % 1000:03}+00:00",
    }


if __name__ == "__main__":
    main()
