#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Submits actions on one table through Icepack's API, one after the other, and checks each.

After every action all references must read as before, by DuckDB and by PyIceberg, and each count
of the result must be what the manifests and the folder say. The answer names what is not so in
`differences`; the results are in `results`.
"""

import argparse
import datetime
import json
import os
import pathlib
import sqlite3
import sys
import time
import urllib.error
import urllib.request

import read_rows
import references
from pyiceberg.table import StaticTable

TERMINAL = {"completed", "failed", "cancelled"}
LIMIT = 300


def request(method, url, body=None):
    """The status and the JSON of an answer, whatever the status."""
    data = None if body is None else json.dumps(body).encode()
    question = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    question.method = method
    try:
        with urllib.request.urlopen(question, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def finish(api, job):
    """The job once it is over."""
    deadline = time.monotonic() + LIMIT
    while job["status"] not in TERMINAL:
        if time.monotonic() > deadline:
            sys.exit(f"not over after {LIMIT} seconds: {json.dumps(job)}")
        time.sleep(0.1)
        _, job = request("GET", f"{api}/jobs/{job['job_id']}")
    return job


def wait_for_table(api, table):
    """The cache of tables has it."""
    namespace, _, name = table.rpartition(".")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        _, tables = request("GET", f"{api}/tables?database={namespace}")
        if any(known["table_name"] == name for known in tables):
            return
        time.sleep(0.2)
    sys.exit(f"{table} is not in the table cache")


def entries(manifest):
    """The live files of a manifest: path to kind and size."""
    return {
        file["file_path"]: (references.KINDS[file.get("content") or 0], file["file_size_in_bytes"])
        for file in references.entries_of(manifest)
    }


class Table:
    """One table as independent readers see it."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.namespace, _, self.name = arguments.table.rpartition(".")

    def location(self):
        if self.arguments.catalog_file:
            with sqlite3.connect(self.arguments.catalog_file, timeout=20) as connection:
                (location,) = connection.execute(
                    "SELECT metadata_location FROM iceberg_tables WHERE catalog_name = ? "
                    "AND table_namespace = ? AND table_name = ?",
                    (self.arguments.catalog_name, self.namespace, self.name),
                ).fetchone()
            return location
        folder = pathlib.Path(self.arguments.warehouse, self.namespace, self.name, "metadata")
        # Not by the hint, which is away for a moment with every commit.
        versions = [int(path.name[1:].split(".")[0]) for path in folder.glob("v*.metadata.json")]
        return f"file:{folder}/v{max(versions)}.metadata.json"

    def look(self):
        location = self.location()
        metadata, kinds = references.references(location)
        table = StaticTable.from_metadata(location)
        snapshots = {s["snapshot-id"]: s for s in metadata["snapshots"]}
        manifests = references.manifests_of(snapshots[metadata["current-snapshot-id"]])
        live = {}
        for manifest in manifests:
            live |= entries(manifest)
        folder = references.local_path(metadata["location"])
        return {
            "location": location,
            "folder": folder,
            "rows": self.rows(location, table),
            "snapshots": set(snapshots),
            "manifests": set(manifests),
            "live": live,
            "kinds": {references.local_path(path): kind for path, kind in kinds.items()},
            "present": {
                path
                for path in references.files_below(folder)
                if "/.icepack-quarantine/" not in path
            },
        }

    @staticmethod
    def rows(location, table):
        """What each engine reads at each reference."""
        engines = {
            "duckdb": read_rows.duckdb_reader(location, read_rows.fast_checksum),
            "pyiceberg": read_rows.pyiceberg_reader(table, read_rows.fast_checksum),
        }
        return {
            f"{name} by {engine}": read(ref.snapshot_id)
            for name, ref in table.metadata.refs.items()
            for engine, read in engines.items()
        }


def of_kind(live, kinds):
    return {path for path, (kind, _) in live.items() if kind in kinds}


DELETES = {"position_delete_file", "equality_delete_file"}


def swapped(before, after, kinds, prefix):
    """The counts of a rewrite of live files of these kinds."""
    old, new = of_kind(before["live"], kinds), of_kind(after["live"], kinds)
    return {
        f"rewritten_{prefix}_count": len(old - new),
        f"added_{prefix}_count": len(new - old),
        "rewritten_bytes_count": sum(before["live"][path][1] for path in old - new),
    }


def data_rewrite(before, after):
    counts = swapped(before, after, {"data_file"}, "data_files")
    deletes = of_kind(before["live"], DELETES) - of_kind(after["live"], DELETES)
    return counts | {"failed_data_files_count": 0, "removed_delete_files_count": len(deletes)}


def delete_rewrite(before, after):
    kinds = {"position_delete_file"}
    counts = swapped(before, after, kinds, "delete_files")
    new = of_kind(after["live"], kinds) - of_kind(before["live"], kinds)
    return counts | {"added_bytes_count": sum(after["live"][path][1] for path in new)}


def manifest_rewrite(before, after):
    return {
        "rewritten_manifests_count": len(before["manifests"] - after["manifests"]),
        "added_manifests_count": len(after["manifests"] - before["manifests"]),
    }


def expiry(before, after):
    """What became unreferenced, and is gone."""
    counts = {"expired_snapshots_count": len(before["snapshots"] - after["snapshots"])}
    names = {
        "data_file": "deleted_data_files_count",
        "position_delete_file": "deleted_position_delete_files_count",
        "equality_delete_file": "deleted_equality_delete_files_count",
        "manifest": "deleted_manifest_files_count",
        "manifest_list": "deleted_manifest_lists_count",
        "statistics_file": "deleted_statistics_files_count",
    }
    gone = set(before["kinds"]) - set(after["kinds"]) - after["present"]
    for kind, name in names.items():
        counts[name] = sum(1 for path in gone if before["kinds"][path] == kind)
    return counts


def orphans(before, after):
    """Files that nothing references: they stay in a dry run, and else are all gone."""
    gone = before["present"] - after["present"]
    known = set(before["kinds"])
    counts = {"orphan_files_count": len(before["present"] - known)}
    if gone:
        counts["quarantined_files_count"] = len(gone - known)
    return counts


COUNTS = {
    "rewrite_data_files": data_rewrite,
    "rewrite_position_delete_files": delete_rewrite,
    "rewrite_manifests": manifest_rewrite,
    "expire_snapshots": expiry,
    "remove_orphan_files": orphans,
}
# Counts that one of the two versions of Iceberg does not tell.
OPTIONAL = {"removed_delete_files_count"}


def plant_orphans(folder):
    """Three files that nobody wrote, five days old."""
    then = time.time() - 5 * 86400
    for number in range(3):
        stray = pathlib.Path(folder, "data", f"stray {number} ü.parquet")
        stray.write_bytes(b"not of any table")
        os.utime(stray, (then, then))


def summary(table):
    """A table as a test wants to see it after something went wrong on it."""
    state = table.look()
    metadata = references.load_metadata(state["location"])
    return {
        "location": state["location"],
        "rows": state["rows"],
        "snapshots": [
            {"id": s["snapshot-id"], "operation": s["summary"]["operation"]}
            for s in metadata["snapshots"]
        ],
        "unreferenced": sorted(state["present"] - set(state["kinds"])),
        "missing": missing(state),
        "live_data_files": len(of_kind(state["live"], {"data_file"})),
    }


def missing(state):
    """Referenced files that are not there; the log only says where old metadata was."""
    return sorted(
        path
        for path, kind in state["kinds"].items()
        if kind != "metadata_log_file" and not os.path.exists(path)
    )


class Run:
    """The actions on one table, with what was found wrong."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.table = Table(arguments)
        self.url = f"{arguments.api}/tables/{self.table.namespace}/{self.table.name}/maintenance"
        self.found = []
        self.results = []

    def expect(self, truth, sentence):
        if not truth:
            self.found.append(sentence)

    def act(self, action, options, before):
        body = {"actions": [action], "options": {action: options}}
        status, job = request("POST", self.url, body)
        if status != 202:
            sys.exit(f"{action}: {status} {json.dumps(job)}")
        job = finish(self.arguments.api, job)
        after = self.table.look()
        if job["status"] != "completed":
            self.found.append(f"{action}: {json.dumps(job)}")
            return after
        (result,) = job["results"]
        self.results.append(result)
        self.expect(job["engine"] == "spark", f"{action}: the job's engine is {job['engine']}")
        self.expect(job["engine_reason"], f"{action}: no reason for the engine")
        self.expect(result["engine"] == "spark", f"{action}: ran on {result['engine']}")
        self.expect(after["rows"] == before["rows"], f"{action}: rows differ")
        self.compare(action, result["metrics"], COUNTS[action](before, after))
        lost = missing(after)
        self.expect(not lost, f"{action}: lost {lost[:3]}")
        return after

    def compare(self, action, told, seen):
        for name, count in seen.items():
            if name in OPTIONAL and name not in told:
                continue
            self.expect(
                told.get(name) == count, f"{action}: {name} is {told.get(name)}, really {count}"
            )
        worked = any(count for name, count in seen.items() if name in told)
        self.expect(worked, f"{action}: had nothing to do, which shows nothing: {told}")

    def remove_orphans(self, state):
        """Spark lists the orphans; Icepack decides and moves them, in a dry run none."""
        plant_orphans(state["folder"])
        before = self.table.look()
        dry = self.act("remove_orphan_files", {"dry_run": True}, before)
        self.expect(dry["present"] == before["present"], "a dry run moved files")
        after = self.act("remove_orphan_files", {}, dry)
        self.expect(after["present"] <= set(after["kinds"]), "orphans stayed")
        return after


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--api", help="where Icepack listens")
    parser.add_argument("--look", action="store_true", help="only say how the table is now")
    parser.add_argument("--table", required=True)
    parser.add_argument("--warehouse", help="of a Hadoop catalog")
    parser.add_argument("--catalog-file", help="or the SQLite file of a SQL catalog")
    parser.add_argument("--catalog-name", default="default")
    parser.add_argument("--no-deletes", action="store_true", help="the table has none")
    arguments = parser.parse_args()

    if arguments.look:
        print(json.dumps(summary(Table(arguments))))
        return
    wait_for_table(arguments.api, arguments.table)
    run = Run(arguments)
    state = run.table.look()
    initial = state
    if not arguments.no_deletes:
        state = run.act("rewrite_position_delete_files", {"rewrite-all": True}, state)
    state = run.act("rewrite_data_files", {"min-input-files": 2}, state)
    state = run.act("rewrite_manifests", {}, state)
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="microseconds")
    state = run.act("expire_snapshots", {"older_than": now, "retain_last": 1}, state)
    # What other writers left behind by themselves is none of this.
    for path in state["present"] - set(state["kinds"]):
        os.remove(path)
    state = run.remove_orphans(state)
    print(
        json.dumps(
            {
                "differences": run.found,
                "files_before": len(initial["live"]),
                "files_after": len(state["live"]),
                "references": len(initial["rows"]) // 2,
                "results": run.results,
            }
        )
    )


if __name__ == "__main__":
    main()
