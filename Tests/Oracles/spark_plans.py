#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rewrites files of random tables with Iceberg's procedures, each with random options.

Run it with the Python of `scripts/spark-env`. Prints a list: for each call the options, the
metadata files before and after it, and what the procedure said. A seed makes the same table and
options again.
"""

import argparse
import json
import random

import spark_table

CATALOG = "lake"
LAYOUTS = [
    "",
    "PARTITIONED BY (category)",
    "PARTITIONED BY (bucket(4, id))",
    "PARTITIONED BY (truncate(1, category), days(at))",
]
NEVER = 2_147_483_647


def rows(first, count, width, files):
    """Rows that do not compress well, in some files for each partition."""
    return (
        f"SELECT /*+ REPARTITION({files}) */ id, "
        "CASE id % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'b' ELSE NULL END AS category, "
        "TIMESTAMP'2026-01-01 00:00:00' + MAKE_INTERVAL(0, 0, 0, CAST(id % 2 AS INT)) AS at, "
        f"SUBSTR(REPEAT(SHA2(CAST(id AS STRING), 512), 3), 1, {width}) AS text "
        f"FROM RANGE({first}, {first + count})"
    )


class Table:
    def __init__(self, session, seed):
        self.session, self.seed = session, seed
        self.random = random.Random(seed)
        self.name = f"{CATALOG}.demo.t{seed}"
        self.version = self.random.choice([1, 2, 2, 2, 3, 3])

    def sql(self, text):
        return self.session.sql(text.replace("{t}", self.name))

    def make(self):
        # Deletes of a table that was of version 2 are files still when it is of version 3.
        properties = {
            "format-version": min(self.version, 2),
            "write.distribution-mode": "none",
            "write.delete.mode": "merge-on-read" if self.version > 1 else "copy-on-write",
            "write.delete.granularity": self.random.choice(["file", "partition"]),
        }
        text = ", ".join(f"'{key}' = '{value}'" for key, value in properties.items())
        self.sql(
            "CREATE TABLE {t} (id BIGINT, category STRING, at TIMESTAMP, text STRING) "
            f"USING iceberg {self.random.choice(LAYOUTS)} TBLPROPERTIES ({text})"
        )
        first = 0
        steps = self.random.randint(3, 7)
        evolves = self.random.randrange(steps) if self.random.random() < 0.3 else None
        upgrades = self.random.randrange(1, steps) if self.version == 3 else None
        for step in range(steps):
            count = self.random.choice([5, 40, 200, 600])
            text = rows(first, count, self.random.choice([4, 64, 300]), self.random.randint(1, 3))
            self.sql(f"INSERT INTO {{t}} {text}")
            first += count
            if step == evolves:
                self.sql("ALTER TABLE {t} ADD PARTITION FIELD bucket(2, text)")
            if step == upgrades:
                self.sql("ALTER TABLE {t} SET TBLPROPERTIES ('format-version' = '3')")
            if step > 0 and self.random.random() < 0.6:
                divisor = self.random.choice([2, 5, 11, 30])
                rest = self.random.randrange(divisor)
                self.sql(f"DELETE FROM {{t}} WHERE id % {divisor} = {rest}")

    def metadata(self):
        log = self.sql("SELECT file FROM {t}.metadata_log_entries ORDER BY timestamp").collect()
        return log[-1]["file"]

    def sizes(self, smallest, largest):
        """A target between two powers of two, and sometimes limits that are not the usual ones."""
        target = int(2 ** self.random.uniform(smallest, largest))
        options = {
            "target-file-size-bytes": target,
            "min-input-files": self.random.randint(1, 6),
            "rewrite-all": self.random.random() < 0.1,
        }
        if self.random.random() < 0.4:
            options["min-file-size-bytes"] = int(target * self.random.uniform(0.05, 0.95))
        if self.random.random() < 0.4:
            options["max-file-size-bytes"] = int(target * self.random.uniform(1.1, 4))
        return options

    def data_options(self):
        """Without partial progress, with which Spark leaves out a group on a busy machine now and
        then, and counts it nowhere."""
        return self.sizes(11.5, 18) | {
            "delete-file-threshold": self.random.choice([1, 2, 3, NEVER]),
            "delete-ratio-threshold": self.random.choice([0.05, 0.1, 0.3, 0.5, 1.0]),
        }

    def call(self, action, options):
        pairs = ", ".join(f"'{key}', '{str(value).lower()}'" for key, value in options.items())
        before = self.metadata()
        result = self.sql(
            f"CALL {CATALOG}.system.{action}(table => 'demo.t{self.seed}', options => MAP({pairs}))"
        ).collect()[0]
        return {
            "seed": self.seed,
            "action": action,
            "options": options,
            "before": before,
            "after": self.metadata(),
            "result": result.asDict(),
        }

    def calls(self):
        if self.version > 1:
            yield self.call("rewrite_position_delete_files", self.sizes(10.5, 13))
        yield self.call("rewrite_data_files", self.data_options())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--warehouse", required=True)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--tables", type=int, default=10)
    arguments = parser.parse_args()
    made = []
    with spark_table.opened(spark_table.catalog_settings(CATALOG, arguments.warehouse)) as session:
        session.sql(f"CREATE NAMESPACE {CATALOG}.demo")
        for seed in range(arguments.first, arguments.first + arguments.tables):
            table = Table(session, seed)
            table.make()
            made += table.calls()
    print(json.dumps(made))


if __name__ == "__main__":
    main()
