#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Expires one table of a Hadoop catalog with two engines, each restored at the same path.

Two services have the same catalog and different engines. Both must keep the same snapshots and
references, leave the same files, and count the same removals; `differences` says what is not so.
"""

import argparse
import datetime
import json
import pathlib
import shutil
import sys

import maintain_table


def expire(table, api, engine, options):
    """Expires through one service; the counts and the table after it."""
    url = f"{api}/tables/{table.namespace}/{table.name}/maintenance"
    body = {"actions": ["expire_snapshots"], "options": {"expire_snapshots": options}}
    status, job = maintain_table.request("POST", url, body)
    if status != 202:
        sys.exit(f"{engine}: {status} {json.dumps(job)}")
    job = maintain_table.finish(api, job)
    if (job["status"], job["engine"]) != ("completed", engine):
        sys.exit(f"not completed by {engine}: {json.dumps(job)}")
    return job["results"][0]["metrics"], table.look()


def files(state):
    """What is left of the table; every commit has a metadata file of its own."""
    return {path for path in state["present"] if not path.endswith(".metadata.json")}


def differences(before, spark, native):
    found = []
    (spark_counts, spark_state), (native_counts, native_state) = spark, native
    for name in ["snapshots", "rows"]:
        if spark_state[name] != native_state[name]:
            found.append(f"{name} differ")
    if spark_state["rows"] != before["rows"]:
        found.append("rows are not as they were")
    if files(spark_state) != files(native_state):
        found.append(f"files differ: {sorted(files(spark_state) ^ files(native_state))[:5]}")
    if len(native_state["snapshots"]) >= len(before["snapshots"]):
        found.append("nothing was expired")
    for name, count in spark_counts.items():
        if native_counts.get(name) != count:
            found.append(f"{name}: spark {count}, native {native_counts.get(name)}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--spark", required=True, help="the service whose engine is Spark")
    parser.add_argument("--native", required=True, help="the service whose engine is its own")
    parser.add_argument("--table", required=True)
    parser.add_argument("--warehouse", required=True)
    parser.add_argument("--scratch", required=True, help="a folder for the pristine copy")
    arguments = parser.parse_args()
    arguments.catalog_file = None

    table = maintain_table.Table(arguments)
    for api in [arguments.spark, arguments.native]:
        maintain_table.wait_for_table(api, arguments.table)
    before = table.look()
    folder = pathlib.Path(before["folder"])
    pristine = pathlib.Path(arguments.scratch, "pristine")
    shutil.copytree(folder, pristine)
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="microseconds")
    options = {"older_than": now, "retain_last": 2}
    spark = expire(table, arguments.spark, "spark", options)
    shutil.rmtree(folder)
    shutil.copytree(pristine, folder)
    native = expire(table, arguments.native, "native", options)
    print(
        json.dumps(
            {
                "differences": differences(before, spark, native),
                "snapshots_before": len(before["snapshots"]),
                "snapshots_after": len(native[1]["snapshots"]),
                "metrics": native[0],
            }
        )
    )


if __name__ == "__main__":
    main()
