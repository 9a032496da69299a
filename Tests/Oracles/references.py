#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lists every file that the remaining snapshots of a table reference, and compares the folder.

Walks metadata, manifest lists and manifests with fastavro, which knows nothing of Iceberg, so the
answer owes nothing to any implementation of the table format.
"""

import argparse
import gzip
import json
import os
import sqlite3
import sys
import urllib.parse

import fastavro

STATUS_DELETED = 2
KINDS = {0: "data_file", 1: "position_delete_file", 2: "equality_delete_file"}


def local_path(location):
    if location.startswith("file:"):
        return urllib.parse.unquote(urllib.parse.urlparse(location).path)
    return location


def load_metadata(location):
    path = local_path(location)
    opener = gzip.open if path.endswith(".gz") or ".gz.metadata" in path else open
    with opener(path, "rb") as file:
        return json.load(file)


def records(location):
    with open(local_path(location), "rb") as file:
        yield from fastavro.reader(file)


def manifests_of(snapshot):
    """The manifests of a snapshot; version 1 may list them in the snapshot itself."""
    if "manifest-list" in snapshot:
        return [row["manifest_path"] for row in records(snapshot["manifest-list"])]
    return snapshot.get("manifests", [])


def entries_of(manifest):
    for entry in records(manifest):
        if entry["status"] != STATUS_DELETED:
            yield entry["data_file"]


def references(metadata_location):
    """Every referenced location with its kind."""
    metadata = load_metadata(metadata_location)
    kinds = {metadata_location: "metadata_file"}
    for item in metadata.get("metadata-log", []):
        kinds[item["metadata-file"]] = "metadata_log_file"
    for key in ["statistics", "partition-statistics"]:
        for item in metadata.get(key, []):
            kinds[item["statistics-path"]] = "statistics_file"
    manifests = set()
    for snapshot in metadata.get("snapshots", []):
        if "manifest-list" in snapshot:
            kinds[snapshot["manifest-list"]] = "manifest_list"
        manifests.update(manifests_of(snapshot))
    for manifest in manifests:
        kinds[manifest] = "manifest"
        for file in entries_of(manifest):
            kinds[file["file_path"]] = KINDS[file.get("content") or 0]
    return metadata, kinds


def files_below(folder):
    for parent, _, names in os.walk(folder):
        for name in names:
            # The hint and the checksums of Hadoop's local file system belong to no snapshot.
            if name.endswith(".crc") or name.startswith("version-hint"):
                continue
            yield os.path.join(parent, name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--metadata-location", help="of the table")
    parser.add_argument("--catalog-file", help="or ask this SQLite catalog for it")
    parser.add_argument("--table", default="demo.events")
    parser.add_argument(
        "--folder", help="folder to compare with; default: the table's location, if local"
    )
    parser.add_argument("--files", action="store_true", help="print every path, not only counts")
    parser.add_argument(
        "--strict", action="store_true", help="fail if a referenced file is missing"
    )
    arguments = parser.parse_args()

    location = arguments.metadata_location
    if location is None:
        with sqlite3.connect(arguments.catalog_file) as connection:
            (location,) = connection.execute(
                "SELECT metadata_location FROM iceberg_tables "
                "WHERE table_namespace || '.' || table_name = ?",
                (arguments.table,),
            ).fetchone()
    metadata, kinds = references(location)
    referenced = {local_path(location): kind for location, kind in kinds.items()}
    present = set(files_below(arguments.folder or local_path(metadata["location"])))
    counts = {}
    for kind in referenced.values():
        counts[kind] = counts.get(kind, 0) + 1
    # Old metadata files may be gone: the log only says where they were.
    missing = sorted(
        path
        for path, kind in referenced.items()
        if kind != "metadata_log_file" and not os.path.exists(path)
    )
    result = {
        "snapshots": [s["snapshot-id"] for s in metadata.get("snapshots", [])],
        "refs": sorted(metadata.get("refs", {})),
        "counts": counts,
        "files_present": len(present),
        "bytes_present": sum(os.path.getsize(path) for path in present),
        "missing": missing,
        "unreferenced": sorted(present - set(referenced)),
    }
    if arguments.files:
        result["referenced"] = referenced
        result["present"] = sorted(present)
    print(json.dumps(result))
    if arguments.strict and missing:
        sys.exit(f"{len(missing)} referenced files are missing")


if __name__ == "__main__":
    main()
