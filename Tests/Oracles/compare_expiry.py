#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Expires one table twice, restored at the same path: with Iceberg on Spark, and through our API.

Both must keep the same snapshots and references, leave the same files, count the same removals and
leave no file that nothing references; every remaining snapshot must read as before.
"""

import argparse
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import urllib.request

import oracle_server

HERE = pathlib.Path(__file__).parent
TABLE = "demo.events"


def run(command, folder, environment=None):
    result = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        sys.exit(f"{command[0]} ended with {result.returncode}:\n{result.stderr[-4000:]}")
    return json.loads(result.stdout)


class Service:
    """`icepack serve` on a port of its choice, with the embedded store."""

    def __init__(self, executable, folder, settings):
        self.log = folder / "serve.log"
        self.process = subprocess.Popen(
            [executable, "serve"],
            cwd=folder,
            env=settings | {"ICEPACK_PORT": "0"},
            stdin=subprocess.DEVNULL,
            stdout=self.log.open("wb"),
            stderr=subprocess.STDOUT,
        )

    def __enter__(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            listening = re.search(r"listening url=(\S+)", self.log.read_text(errors="replace"))
            if listening and self.is_ready(listening[1]):
                self.url = listening[1]
                return self
            time.sleep(0.1)
        self.__exit__()
        sys.exit(f"the service was not ready:\n{self.log.read_text(errors='replace')[-4000:]}")

    def is_ready(self, url):
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=10):
                return True
        except OSError:
            return False

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)


class Comparison:
    """One table, its pristine copy, and the two engines."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.scratch = pathlib.Path(arguments.scratch).resolve()
        self.warehouse = self.scratch / "warehouse"
        self.pristine = self.scratch / "pristine"
        self.catalog_uri = None
        if arguments.writer == "pyiceberg":
            self.catalog_uri = f"sqlite:///{self.warehouse}/catalog.db"

    def oracle(self, program, *arguments):
        return run([*oracle_server.command(program), *arguments], self.scratch)

    def spark(self, action, *arguments):
        catalog = ["--catalog-uri", self.catalog_uri] if self.catalog_uri else []
        program = [self.arguments.spark_python, HERE / "spark_table.py", action]
        place = ["--warehouse", self.warehouse, "--table", TABLE]
        return run([*program, *place, *catalog, *arguments], self.scratch)

    def make(self):
        if self.catalog_uri:
            place = ["--warehouse", self.warehouse, "--table", TABLE]
            size = ["--commits", self.arguments.commits, "--rows", 10]
            made = self.oracle("make_table.py", *place, *size)
        else:
            made = self.spark("make", "--commits", "8")
        # Whatever is committed later is younger than this, and all that was made is older.
        self.cutoff = datetime.datetime.now(datetime.timezone.utc)
        shutil.copytree(self.warehouse, self.pristine)
        return made["metadata_location"]

    def restore(self):
        shutil.rmtree(self.warehouse)
        shutil.copytree(self.pristine, self.warehouse)

    def expire_with_spark(self):
        moment = self.cutoff.strftime("%Y-%m-%d %H:%M:%S.%f")
        result = self.spark("expire", "--older-than", moment, "--retain-last", 2)
        return result["metrics"]

    def expire_with_icepack(self):
        # Only our own settings: the variables that steer the tests are none of the product's.
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("ICEPACK_")}
        settings = {"ICEPACK_CATALOG_TYPE": "filesystem"}
        if self.catalog_uri:
            settings["ICEPACK_CATALOG_TYPE"] = "sql"
            settings["ICEPACK_CATALOG_URI"] = self.catalog_uri
        settings["ICEPACK_CATALOG_WAREHOUSE"] = str(self.warehouse)
        moment = self.cutoff.isoformat(timespec="microseconds")
        command = ["submit", TABLE, "--action", "expire_snapshots", "--wait", "--json"]
        options = ["--option", f"older_than={moment}", "--option", "retain_last=2"]
        with Service(self.arguments.icepack, self.scratch, inherited | settings) as service:
            address = {"ICEPACK_API_URL": service.url}
            job = run(
                [self.arguments.icepack, *command, *options], self.scratch, inherited | address
            )
        (result,) = job["results"]
        return result["metrics"]

    def location(self):
        """The current metadata, found as a reader would."""
        if self.catalog_uri:
            refs = ["--catalog-uri", self.catalog_uri, "--table", TABLE, "--refs-only"]
            return self.oracle("read_rows.py", *refs)["metadata_location"]
        folder = self.warehouse / TABLE.replace(".", "/") / "metadata"
        version = (folder / "version-hint.text").read_text().strip()
        return f"file:{folder}/v{version}.metadata.json"

    def look(self, location):
        rows = self.oracle("read_rows.py", "--metadata-location", location)
        files = self.oracle(
            "references.py", "--metadata-location", location, "--files", "--strict"
        )
        remaining = {path for path in files["present"] if not path.endswith(".metadata.json")}
        return {
            "snapshots": rows["snapshots"],
            "refs": rows["refs"],
            "files": sorted(remaining),
            # Old metadata files that fell out of the table's own log are orphan removal's to find.
            "unreferenced": [f for f in files["unreferenced"] if not f.endswith(".metadata.json")],
        }


def differences(before, spark, icepack, counts):
    """What is not as it must be, in sentences."""
    found = []
    for name in ["refs", "snapshots", "files"]:
        if spark[name] != icepack[name]:
            keys = set(spark[name]) ^ set(icepack[name])
            found.append(f"{name} differ: {sorted(keys)[:5] or 'in their values'}")
    for engine, state in [("spark", spark), ("icepack", icepack)]:
        if state["unreferenced"]:
            found.append(f"{engine} left unreferenced files: {state['unreferenced'][:5]}")
        for snapshot, rows in state["snapshots"].items():
            if before["snapshots"].get(snapshot) != rows:
                found.append(f"{engine}: snapshot {snapshot} reads differently")
        if len(state["snapshots"]) >= len(before["snapshots"]):
            found.append(f"{engine} expired nothing")
    for name, count in counts["spark"].items():
        if counts["icepack"].get(name) != count:
            found.append(f"{name}: spark {count}, icepack {counts['icepack'].get(name)}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--writer", choices=["spark", "pyiceberg"], required=True)
    parser.add_argument("--icepack", required=True, help="the executable")
    parser.add_argument("--spark-python", required=True)
    parser.add_argument("--scratch", required=True, help="an empty folder")
    parser.add_argument("--commits", type=int, default=40, help="of the table of PyIceberg")
    arguments = parser.parse_args()

    # Commands run in the scratch folder. Not resolved: a virtual environment's Python is a link.
    arguments.icepack = os.path.abspath(arguments.icepack)
    arguments.spark_python = os.path.abspath(arguments.spark_python)
    comparison = Comparison(arguments)
    before = comparison.look(comparison.make())
    counts = {"spark": comparison.expire_with_spark()}
    spark = comparison.look(comparison.location())
    comparison.restore()
    counts["icepack"] = comparison.expire_with_icepack()
    icepack = comparison.look(comparison.location())

    found = differences(before, spark, icepack, counts)
    result = {
        "differences": found,
        "snapshots_before": len(before["snapshots"]),
        "snapshots_after": len(icepack["snapshots"]),
        "files_before": len(before["files"]),
        "files_after": len(icepack["files"]),
        "metrics": counts["icepack"],
    }
    print(json.dumps(result))
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
