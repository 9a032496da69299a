#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints every live entry of a table's current snapshot, and the rows that engines read there.

Manifests are read with fastavro and nothing of Iceberg's; what entries inherit is filled in by the
rules of the specification. Two runs around a rewrite of manifests must print the same entries.
"""

import argparse
import json
import os

import fastavro
import read_rows


def plain(value):
    """A spelling of any value that JSON has."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(member) for member in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return repr(value)


def records(path):
    with open(read_rows.local_path(path), "rb") as file:
        reader = fastavro.reader(file)
        return dict(reader.metadata), list(reader)


def manifests(metadata, snapshot):
    if "manifest-list" not in snapshot:
        return [{"manifest_path": path, "content": 0} for path in snapshot["manifests"]]
    return records(snapshot["manifest-list"])[1]


def first_of(record, *names):
    for name in names:
        if record.get(name) is not None:
            return record[name]
    return None


def entries(manifest):
    """The live entries of a manifest with what they inherit."""
    header, rows = records(manifest["manifest_path"])
    sequence = manifest.get("sequence_number") or 0
    next_row = manifest.get("first_row_id")
    for row in rows:
        status = row["status"]
        file = row["data_file"]
        data_sequence = row.get("sequence_number")
        file_sequence = row.get("file_sequence_number")
        if status == 1 or sequence == 0:
            data_sequence = sequence if data_sequence is None else data_sequence
            file_sequence = sequence if file_sequence is None else file_sequence
        first_row = file.get("first_row_id") if next_row is not None else None
        if (manifest.get("content") or 0) == 0 and status != 2 and next_row is not None:
            if first_row is None:
                first_row = next_row
                next_row += file["record_count"]
        if status == 2:
            continue
        # Version 1 has no such field, and only data.
        carried = {"content": 0} | {
            key: plain(value)
            for key, value in file.items()
            if key not in ("first_row_id", "block_size_in_bytes", "distinct_counts")
            and value is not None
        }
        yield {
            "snapshot_id": first_of(row, "snapshot_id") or manifest.get("added_snapshot_id"),
            "sequence_number": data_sequence,
            "file_sequence_number": file_sequence,
            "first_row_id": first_row,
            "partition_spec_id": int(header.get("partition-spec-id", "0")),
            "data_file": carried,
        }


def rows_of(engine, location, snapshot_id):
    if engine == "duckdb":
        return read_rows.duckdb_reader(location)(snapshot_id)
    from pyiceberg.table import StaticTable

    table = StaticTable.from_metadata(location)
    if engine == "pyiceberg":
        return read_rows.pyiceberg_reader(table)(snapshot_id)
    return read_rows.datafusion_reader(table)(snapshot_id)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", help="the folder that relative locations are below")
    parser.add_argument("--metadata-location", required=True)
    parser.add_argument("--engines", default="", help="duckdb, pyiceberg, datafusion")
    parser.add_argument(
        "--if-able", action="store_true", help="leave out engines that cannot read the table"
    )
    arguments = parser.parse_args()
    if arguments.root:
        os.chdir(arguments.root)
    location = arguments.metadata_location
    with open(read_rows.local_path(location), "rb") as file:
        metadata = json.load(file)
    current = metadata["current-snapshot-id"]
    (snapshot,) = [s for s in metadata["snapshots"] if s["snapshot-id"] == current]
    listed = manifests(metadata, snapshot)
    found = [entry for manifest in listed for entry in entries(manifest)]
    found.sort(key=lambda entry: json.dumps(entry, sort_keys=True))
    rows, unable = {}, {}
    for engine in filter(None, arguments.engines.split(",")):
        try:
            rows[engine] = rows_of(engine, location, current)
        except BaseException as problem:
            # A panic of DataFusion's is no Exception.
            if not arguments.if_able or isinstance(problem, KeyboardInterrupt):
                raise
            unable[engine] = str(problem)
    print(
        json.dumps(
            {
                "entries": found,
                "manifests": [plain(manifest) for manifest in listed],
                "headers": [
                    {k: v for k, v in records(m["manifest_path"])[0].items() if k != "avro.schema"}
                    for m in listed
                ],
                "sizes": [
                    os.path.getsize(read_rows.local_path(m["manifest_path"])) for m in listed
                ],
                "rows": rows,
                "unable": unable,
            }
        )
    )


if __name__ == "__main__":
    main()
