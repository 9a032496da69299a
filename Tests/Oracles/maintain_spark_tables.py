#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the three metadata actions on tables that Spark made, each alone and all in turn.

After each, DuckDB, DataFusion and PyIceberg must read at every reference what they and Spark read
before, nothing that the table names may be missing, and the action must have done its work. In the
end Spark goes on writing, and all must agree again. `differences` names what is not so.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import icepack_command
import pyarrow
import read_rows
import references
from pyiceberg.table import StaticTable

HERE = pathlib.Path(__file__).parent
ACTIONS = {
    "expire_snapshots": ["older_than=2100-01-01T00:00:00Z", "retain_last=1"],
    "rewrite_manifests": [],
    "remove_orphan_files": [],
}
DAYS = 10 * 86_400


class Spark:
    """A program that answers orders from a Spark session, and ends with its input."""

    def __init__(self, python, program, warehouse, log):
        self.log = log
        self.process = subprocess.Popen(
            [python, HERE / program, "--warehouse", warehouse],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("wb"),
            text=True,
        )

    def ask(self, order):
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("@ "):
                return json.loads(line[2:])
        sys.exit(f"Spark ended at {order}:\n{self.log.read_text(errors='replace')[-4000:]}")

    def end(self):
        self.process.stdin.close()
        self.process.wait(60)


class Table:
    """A table in Hadoop's layout as it is now, read by these engines."""

    def __init__(self, folder, engines=("duckdb", "pyiceberg", "datafusion")):
        self.folder, self.engines = folder, engines
        self.stray = folder / "data" / "nobody-names-it.parquet"

    def location(self):
        names = (self.folder / "metadata").glob("v*.metadata.json")
        return max(names, key=lambda path: int(path.name[1:].split(".")[0]))

    def look(self):
        location = f"file:{self.location()}"
        metadata, kinds = references.references(location)
        table = StaticTable.from_metadata(location)
        named = {references.local_path(path): kind for path, kind in kinds.items()}
        present = set(references.files_below(self.folder))
        snapshots = {s["snapshot-id"]: s for s in metadata["snapshots"]}
        return {
            "rows": self.rows(table, location),
            "snapshots": len(snapshots),
            "manifests": len(
                references.manifests_of(snapshots[metadata["current-snapshot-id"]])
            ),
            "missing": sorted(
                path
                for path, kind in named.items()
                if kind != "metadata_log_file" and path not in present
            ),
            "unnamed": sorted(
                path
                for path in present - set(named)
                if not path.endswith(".metadata.json") and "/.icepack-quarantine/" not in path
            ),
            "present": present,
        }

    def rows(self, table, location):
        """What every engine reads at every reference; DataFusion can only read the newest."""
        readers = {}
        if "duckdb" in self.engines:
            readers["duckdb"] = read_rows.duckdb_reader(location)
        if "pyiceberg" in self.engines:
            readers["pyiceberg"] = read_rows.pyiceberg_reader(table)
        found = {
            name: {engine: read(ref.snapshot_id) for engine, read in readers.items()}
            for name, ref in table.metadata.refs.items()
        }
        if "datafusion" in self.engines:
            found["main"]["datafusion"] = read_rows.datafusion_reader(table)(None)
        return found


def disagreements(title, seen, expected):
    """Where an engine reads otherwise than expected."""
    if set(seen) != set(expected):
        return [f"{title}: the references are {sorted(seen)}, not {sorted(expected)}"]
    return [
        f"{title}: {engine} reads {rows} at {ref}, not {expected[ref]}"
        for ref, engines in seen.items()
        for engine, rows in engines.items()
        if rows != expected[ref]
    ]


def sums(look):
    """Of what Spark read, as the others' checksums."""
    return {
        ref: read_rows.checksum(pyarrow.Table.from_pylist(rows))
        for ref, rows in look["rows"].items()
    }


class Timed:
    """What adds up how long its steps take, by their names."""

    def __init__(self):
        self.seconds = {}

    def timed(self, name, body, *arguments):
        started = time.monotonic()
        result = body(*arguments)
        elapsed = time.monotonic() - started
        self.seconds[name] = round(self.seconds.get(name, 0) + elapsed, 1)
        return result


class Run(Timed):
    def __init__(self, arguments):
        super().__init__()
        self.scratch = pathlib.Path(arguments.scratch).resolve()
        self.warehouse = self.scratch / "warehouse"
        self.pristine = self.scratch / "pristine"
        self.warehouse.mkdir()
        self.icepack = os.path.abspath(arguments.icepack)
        self.found = []
        python = os.path.abspath(arguments.spark_python)
        self.spark = Spark(
            python, "spark_writer.py", self.warehouse, self.scratch / "spark.log"
        )

    def icepack_run(self, table, action):
        settings = {
            "ICEPACK_CATALOG_TYPE": "filesystem",
            "ICEPACK_CATALOG_WAREHOUSE": str(self.warehouse),
        }
        result = icepack_command.maintain(
            self.icepack, table, action, ACTIONS[action], settings
        )
        if result.returncode != 0:
            self.found.append(f"{action} on {table}: {result.stderr[-1000:]} {result.stdout}")

    def restore(self, table):
        shutil.rmtree(table.folder)
        shutil.copytree(self.pristine / table.folder.name, table.folder)

    def step(self, table, name, action, before, expected):
        """Runs an action and says what is not as it must be."""
        title = f"{action} on {name}"
        self.timed("icepack", self.icepack_run, f"demo.{name}", action)
        after = self.timed("look", table.look)
        self.found += disagreements(title, after["rows"], expected)
        if after["missing"]:
            self.found.append(f"{title}: missing {after['missing']}")
        strays = [str(table.stray)] if action != "remove_orphan_files" else []
        if table.stray.exists() and after["unnamed"] != strays:
            self.found.append(f"{title}: unnamed {after['unnamed']}")
        did = {
            "expire_snapshots": after["snapshots"] < before["snapshots"],
            "rewrite_manifests": after["manifests"] < before["manifests"],
            "remove_orphan_files": not table.stray.exists(),
        }
        if not did[action]:
            self.found.append(f"{title}: it did nothing")
        return after

    def run(self):
        names = self.timed("make", self.spark.ask, "make")
        origin = self.timed("spark looks", self.spark.ask, "look")
        shutil.copytree(self.warehouse / "demo", self.pristine)
        for name in names:
            table = Table(self.warehouse / "demo" / name)
            expected = sums(origin[name])
            self.prepare(table)
            before = self.timed("look", table.look)
            self.found += disagreements(f"{name} as it was made", before["rows"], expected)
            # The first of all in turn is alone as well.
            for action in list(ACTIONS)[1:]:
                self.step(table, name, action, before, expected)
                self.restore(table)
            state = before
            for action in ACTIONS:
                state = self.step(table, name, action, state, expected)
        later = self.timed("spark looks", self.spark.ask, "look")
        for name in names:
            if later[name].get("lineage") != origin[name].get("lineage"):
                self.found.append(f"{name}: the rows' origin is told otherwise")
        self.timed("spark writes", self.spark.ask, "write")
        last = self.timed("spark looks", self.spark.ask, "look")
        for name in names:
            after = self.timed("look", Table(self.warehouse / "demo" / name).look)
            title = f"{name} after Spark wrote"
            self.found += disagreements(title, after["rows"], sums(last[name]))
            if sums(last[name])["main"] == sums(origin[name])["main"]:
                self.found.append(f"{title}: it has the same rows as before")
        self.spark.end()
        return {"differences": self.found, "tables": list(names), "seconds": self.seconds}

    def prepare(self, table):
        """A file that nobody names, and everything long ago, so that age spares nothing."""
        table.stray.write_bytes(b"stray")
        past = time.time() - DAYS
        for parent, _, files in os.walk(table.folder):
            for file in files:
                os.utime(os.path.join(parent, file), (past, past))
        shutil.rmtree(self.pristine / table.folder.name)
        shutil.copytree(table.folder, self.pristine / table.folder.name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--icepack", required=True, help="the executable")
    parser.add_argument("--spark-python", required=True)
    parser.add_argument("--scratch", required=True, help="an empty folder")
    arguments = parser.parse_args()
    print(json.dumps(Run(arguments).run()))


if __name__ == "__main__":
    main()
