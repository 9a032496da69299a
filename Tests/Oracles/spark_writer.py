#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One Spark session that makes tables of every kind, reads them, and goes on writing to them.

Run it with the Python of `scripts/spark-env`. It takes one word a line from standard input (make,
look or write) and answers each with one line of JSON after "@ "; it ends with its input.
"""

import argparse

import spark_table

CATALOG = "lake"
MERGE_ON_READ = {
    f"write.{action}.mode": "merge-on-read" for action in ["delete", "update", "merge"]
}
ROWS = "id, CASE id % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'b' ELSE 'c' END AS category, "
ROWS += "id * 7 AS amount, DATE_ADD(DATE'2026-01-01', CAST(id % 40 AS INT)) AS day"


def rows(first, count):
    return f"SELECT {ROWS} FROM RANGE({first}, {first + count})"


def history(version, changes=(), layout=""):
    """Statements that make a table and give it several manifests; `{t}` is its name."""
    properties = {"format-version": version} | (MERGE_ON_READ if version > 1 else {})
    text = ", ".join(f"'{key}' = '{value}'" for key, value in properties.items())
    return [
        "CREATE TABLE {t} (id BIGINT, category STRING, amount BIGINT, day DATE) "
        f"USING iceberg {layout} TBLPROPERTIES ({text})",
        "INSERT INTO {t} " + rows(0, 40),
        "INSERT INTO {t} " + rows(40, 40),
        *changes,
        "INSERT INTO {t} " + rows(200, 20),
    ]


ROW_LEVEL = [
    "DELETE FROM {t} WHERE id BETWEEN 5 AND 12",
    "UPDATE {t} SET amount = -amount WHERE id % 10 = 3",
    "MERGE INTO {t} t USING (" + rows(60, 40) + ") s ON t.id = s.id "
    "WHEN MATCHED AND s.id % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET amount = 0 "
    "WHEN NOT MATCHED THEN INSERT *",
]
TABLES = {
    "v1": history(1, ROW_LEVEL[:1], "PARTITIONED BY (category)"),
    "positions": history(2, ROW_LEVEL, "PARTITIONED BY (category)"),
    "vectors": history(3, ROW_LEVEL, "PARTITIONED BY (category)"),
    "evolved": history(
        2,
        [
            "ALTER TABLE {t} ADD PARTITION FIELD category",
            "INSERT INTO {t} " + rows(80, 20),
            "ALTER TABLE {t} REPLACE PARTITION FIELD category WITH bucket(4, id)",
            "INSERT INTO {t} " + rows(100, 20),
            "ALTER TABLE {t} ADD PARTITION FIELD month(day)",
            ROW_LEVEL[0],
            "INSERT INTO {t} " + rows(120, 10),
        ],
    ),
    "branched": history(
        2,
        [
            "ALTER TABLE {t} CREATE TAG first RETAIN 365 DAYS",
            "ALTER TABLE {t} CREATE BRANCH audit WITH SNAPSHOT RETENTION 2 SNAPSHOTS",
            ROW_LEVEL[0],
            "INSERT INTO {t}.branch_audit " + rows(300, 10),
            "DELETE FROM {t}.branch_audit WHERE id < 4",
            "INSERT INTO {t}.branch_audit " + rows(310, 10),
            "ALTER TABLE {t} CREATE BRANCH stale",
        ],
    ),
}


def make(session):
    session.sql(f"CREATE NAMESPACE {CATALOG}.demo")
    for name, statements in TABLES.items():
        for statement in statements:
            session.sql(statement.format(t=f"{CATALOG}.demo.{name}"))
    return {name: f"demo.{name}" for name in TABLES}


def look(session):
    """The rows of every reference, and of version 3 what they say of their origin."""
    found = {}
    for name in TABLES:
        table = f"{CATALOG}.demo.{name}"
        refs = [row["name"] for row in session.sql(f"SELECT name FROM {table}.refs").collect()]
        found[name] = {
            "rows": {
                ref: plain(session.sql(f"SELECT * FROM {table} VERSION AS OF '{ref}'"))
                for ref in refs
            }
        }
    lineage = "SELECT id, _row_id, _last_updated_sequence_number AS sequence FROM "
    vectors = plain(session.sql(f"{lineage} {CATALOG}.demo.vectors"))
    found["vectors"]["lineage"] = sorted(vectors, key=lambda row: row["id"])
    return found


def plain(frame):
    return [
        {key: str(value) if key == "day" else value for key, value in row.asDict().items()}
        for row in frame.collect()
    ]


def write(session):
    """An append and a delete to each, and to the branch."""
    targets = [*TABLES, "branched.branch_audit"]
    for name in targets:
        table = f"{CATALOG}.demo.{name}"
        session.sql(f"INSERT INTO {table} {rows(1000, 10)}")
        session.sql(f"DELETE FROM {table} WHERE id BETWEEN 20 AND 24 OR id = 1003")
    return {"written": targets}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--warehouse", required=True)
    arguments = parser.parse_args()
    settings = spark_table.catalog_settings(CATALOG, arguments.warehouse)
    spark_table.answer(settings, {"make": make, "look": look, "write": write})


if __name__ == "__main__":
    main()
