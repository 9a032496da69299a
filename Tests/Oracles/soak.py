#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rewrites manifests in a loop, and expires snapshots, while PyIceberg commits five times a second.

Says what came of it. Fails if the writer is slower than that, if more than one of its commits a
minute fails, if we get through less than every tenth time, or if three engines do not read every
row that was appended.
"""

import argparse
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import icepack_command

HERE = pathlib.Path(__file__).resolve().parent
TABLE = "demo.events"
ROWS = 5


def oracle(program, *arguments):
    command = [sys.executable, str(HERE / program), *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def count_rows(uri, engines):
    place = oracle("read_rows.py", "--catalog-uri", uri, "--refs-only")["metadata_location"]
    read = oracle("live_entries.py", "--metadata-location", place, "--engines", engines)
    return {engine: found["rows"] for engine, found in read["rows"].items()}


def expire(icepack, settings):
    """Keeps the history short, which PyIceberg reads and writes whole with every commit."""
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    options = ["retain_last=5", f"older_than={now}"]
    done = icepack_command.maintain(icepack, TABLE, "expire_snapshots", options, settings)
    if done.returncode != 0 and "Commit conflict" not in done.stdout + done.stderr:
        sys.exit(f"an expiry failed: {done.stdout} {done.stderr}")


def rewrite(icepack, settings, tries):
    if sum(tries.values()) % 20 == 19:
        expire(icepack, settings)
    done = icepack_command.maintain(icepack, TABLE, "rewrite_manifests", [], settings)
    if done.returncode != 0 and "Commit conflict" in done.stdout + done.stderr:
        tries["lost"] += 1
        return
    if done.returncode != 0:
        sys.exit(f"a rewrite failed: {done.stdout} {done.stderr}")
    metrics = json.loads(done.stdout)["results"][0]["metrics"]
    changed = metrics["rewritten_manifests_count"] or metrics["added_manifests_count"]
    tries["committed" if changed else "had nothing to do"] += 1


def run(icepack, folder, seconds, rate):
    made = oracle(
        "make_table.py", "--warehouse", folder, "--commits", "4", "--no-refs",
        # Who commits five times a second does not wait its 100 ms and more.
        "--property", "commit.retry.min-wait-ms=10",
    )
    uri = made["catalog_uri"]
    settings = {
        "ICEPACK_CATALOG_TYPE": "sql",
        "ICEPACK_CATALOG_URI": uri,
        "ICEPACK_CATALOG_WAREHOUSE": made["warehouse"],
    }
    before = count_rows(uri, "pyiceberg")["pyiceberg"]
    pace = ["--seconds", str(seconds), "--interval", str(1 / rate), "--rows", str(ROWS)]
    tries = {"committed": 0, "lost": 0, "had nothing to do": 0}
    begun = time.monotonic()
    writer = subprocess.Popen(
        [sys.executable, str(HERE / "append_loop.py"), "--catalog-uri", uri, *pace],
        stdout=subprocess.PIPE,
    )
    try:
        while writer.poll() is None:
            rewrite(icepack, settings, tries)
    finally:
        writer.kill()
    counts = json.loads(writer.stdout.read())
    counts["per second"] = round(counts["committed"] / (time.monotonic() - begun), 2)
    print(json.dumps({"seconds": seconds, "PyIceberg": counts, "rewrite_manifests": tries}))
    after = count_rows(uri, "duckdb,datafusion,pyiceberg")
    expected = before + counts["committed"] * ROWS
    problems = {
        f"the writer was to commit {rate} times a second": counts["committed"]
        < 0.98 * seconds * rate,
        "too many appends failed": counts["failed"] > max(1, seconds // 60),
        # At least every tenth of those that tried to commit.
        "too few rewrites got through": tries["committed"] * 9 < max(1, tries["lost"]),
        f"{expected} rows were to be read, and are {after}": set(after.values()) != {expected},
    }
    return [problem for problem, holds in problems.items() if holds]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--icepack", required=True, help="the executable")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rate", type=float, default=5, help="commits of the writer a second")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="icepack-soak-") as folder:
        problems = run(arguments.icepack, folder, arguments.seconds, arguments.rate)
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
