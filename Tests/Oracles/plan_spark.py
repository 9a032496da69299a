#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plans a rewrite of a table's data files as Iceberg's procedure does, and says how long it took.

Run it with the Python of `scripts/spark-env`. Nothing is read or written but metadata. Two plans
are made, and the second one counts: a process that is warm.
"""

import argparse
import json
import time

import spark_table


def plan(session, metadata):
    java = session._jvm
    files = java.org.apache.iceberg.hadoop.HadoopFileIO(session._jsc.hadoopConfiguration())
    operations = java.org.apache.iceberg.StaticTableOperations(metadata, files)
    table = java.org.apache.iceberg.BaseTable(operations, "planned")
    planner = java.org.apache.iceberg.actions.BinPackRewriteFilePlanner(table)
    planner.init(java.java.util.HashMap())
    groups = planner.plan()
    return {"groups": groups.totalGroupCount()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("metadata")
    arguments = parser.parse_args()
    with spark_table.opened({}, memory="2g") as session:
        plan(session, arguments.metadata)
        started = time.monotonic()
        report = plan(session, arguments.metadata)
        report["elapsed_seconds"] = time.monotonic() - started
        report["peak_rss_kib"] = spark_table.peak_memory(session)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
