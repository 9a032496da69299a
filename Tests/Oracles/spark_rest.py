#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Spark and our actions in turns on tables of one REST catalog, each through its own client.

Run it with the Python of `scripts/spark-env`. After each action Spark must read the rows that it
wrote; in the end it goes on writing, and our actions after it. `differences` names what is not so.
"""

import argparse
import json
import os

import icepack_command
import spark_table
from spark_writer import CATALOG, ROW_LEVEL, history, plain, rows

TABLES = {
    "plain": history(1, ROW_LEVEL[:1]),
    "deleted": history(2, ROW_LEVEL, "PARTITIONED BY (category)"),
}
ACTIONS = {
    "rewrite_data_files": ["min-input-files=2"],
    "rewrite_manifests": [],
    "expire_snapshots": ["older_than=2100-01-01T00:00:00Z", "retain_last=1"],
}


def settings(uri):
    catalog = f"spark.sql.catalog.{CATALOG}"
    return {
        catalog: "org.apache.iceberg.spark.SparkCatalog",
        f"{catalog}.type": "rest",
        f"{catalog}.uri": uri,
        f"{catalog}.cache-enabled": "false",
        f"{catalog}.rest-metrics-reporting-enabled": "false",
    }


class Run:
    def __init__(self, session, arguments):
        self.session, self.arguments = session, arguments
        self.found = []

    def read(self, name):
        found = plain(self.session.sql(f"SELECT * FROM {CATALOG}.demo.{name}"))
        return sorted(found, key=lambda row: row["id"])

    def snapshots(self, name):
        return self.session.sql(f"SELECT * FROM {CATALOG}.demo.{name}.snapshots").count()

    def maintain(self, name, action):
        before = self.snapshots(name)
        settings = {"ICEPACK_CATALOG_TYPE": "rest", "ICEPACK_CATALOG_URI": self.arguments.uri}
        result = icepack_command.maintain(
            self.arguments.icepack, f"demo.{name}", action, ACTIONS[action], settings
        )
        if result.returncode != 0:
            self.found.append(f"{action} of {name}: {result.stdout} {result.stderr[-1000:]}")
        elif self.snapshots(name) == before:
            self.found.append(f"{action} of {name} did nothing: {result.stdout}")

    def turn(self, name):
        expected = self.read(name)
        for action in ACTIONS:
            self.maintain(name, action)
            if self.read(name) != expected:
                self.found.append(f"{action} of {name}: Spark reads other rows")
        return expected

    def run(self):
        self.session.sql(f"CREATE NAMESPACE {CATALOG}.demo")
        for name, statements in TABLES.items():
            table = f"{CATALOG}.demo.{name}"
            for statement in statements:
                self.session.sql(statement.format(t=table))
            first = self.turn(name)
            self.session.sql(f"INSERT INTO {table} {rows(1000, 10)}")
            self.session.sql(f"DELETE FROM {table} WHERE id BETWEEN 20 AND 24 OR id = 1003")
            second = self.turn(name)
            gone = {20, 21, 22, 23, 24} & {row["id"] for row in first}
            if len(second) != len(first) + 9 - len(gone):
                self.found.append(f"{name}: {len(second)} rows after Spark wrote again")
        return {"differences": self.found, "tables": list(TABLES)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--uri", required=True, help="of the REST catalog")
    parser.add_argument("--icepack", required=True, help="the executable")
    arguments = parser.parse_args()
    arguments.icepack = os.path.abspath(arguments.icepack)
    with spark_table.opened(settings(arguments.uri)) as session:
        report = Run(session, arguments).run()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
