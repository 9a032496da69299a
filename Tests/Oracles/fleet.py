#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a fleet of tables of every kind in a SQL catalog with PyIceberg, and reads it with DuckDB,
which deletes the rows of some as well: by position.

`make` goes round the kinds until there are enough tables and prints, for each, its name and kind.
`read` prints what DuckDB reads of every table that can be read: how many rows, and a checksum.
"""

import argparse
import json
import pathlib
import random
import shutil
import sqlite3
import threading

import make_table
import rest_catalog
from pyiceberg.catalog.sql import SqlCatalog
from read_rows import checksum, connect_duckdb, local_path

# Snapshots expire at once; small files are left alone.
EXPIRING = {
    "history.expire.max-snapshot-age-ms": "1",
    "history.expire.min-snapshots-to-keep": "1",
    "icepack.min_input_files": "100",
}
# Each kind: the database, the properties, and how many appends.
KINDS = {
    "healthy": ("db", {}, 1),
    "expiring": ("db", EXPIRING, 4),
    "scattered": ("db", {"icepack.min_input_files": "100"}, 12),
    "fragmented": ("db", {}, 8),
    "heavy": ("db", {"icepack.min_input_files": "100"}, 2),
    "optedout": ("db", EXPIRING | {"icepack.maintenance_enabled": "false"}, 4),
    "skipped": ("db", EXPIRING | {"compaction_skip": "true"}, 4),
    "elsewhere": ("other", EXPIRING, 4),
    "wrong": (
        "db",
        EXPIRING
        | {"icepack.maintenance_cadence_hours": "soon", "icepack.max_snapshot_age_days": "-3"},
        4,
    ),
    "broken": ("db", EXPIRING, 2),
    "missing": ("db", EXPIRING, 2),
}
# Nobody can read these.
UNREADABLE = ("broken", "missing")


def delete_rows(names, warehouse):
    """Deletes half of the rows of tables, on an Iceberg REST server over the same catalog."""
    server = rest_catalog.listening()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rest_catalog.CATALOGS["fleet"] = rest_catalog.Tables(
        f"file://{warehouse}", f"{warehouse}/catalog.db", {"name": "default"}
    )
    duck = connect_duckdb(["avro", "httpfs", "iceberg"])
    endpoint = f"http://127.0.0.1:{server.server_port}/fleet"
    duck.execute(
        f"ATTACH '' AS fleet (TYPE iceberg, ENDPOINT '{endpoint}', AUTHORIZATION_TYPE 'none')"
    )
    for name in names:
        duck.execute(f"DELETE FROM fleet.{name} WHERE id % 2 = 0")
    duck.close()
    server.shutdown()


def make(arguments):
    warehouse = pathlib.Path(arguments.warehouse).resolve()
    warehouse.mkdir(parents=True)
    uri = f"sqlite:///{warehouse}/catalog.db"
    catalog = SqlCatalog("default", uri=uri, warehouse=f"file://{warehouse}")
    randomness = random.Random(arguments.seed)
    tables = []
    for number in range(arguments.tables):
        kind = list(KINDS)[number % len(KINDS)]
        database, properties, appends = KINDS[kind]
        catalog.create_namespace_if_not_exists(database)
        name = f"{database}.{kind}_{number}"
        table = catalog.create_table(name, make_table.SCHEMA, properties=properties)
        for turn in range(appends):
            table.append(make_table.rows(turn * 20, 20, randomness))
        if kind == "broken":
            pathlib.Path(local_path(table.metadata_location)).write_text("{")
        if kind == "missing":
            shutil.rmtree(local_path(table.location()))
        tables.append({"name": name, "kind": kind})
    delete_rows([one["name"] for one in tables if one["kind"] == "heavy"], warehouse)
    return {"catalog_uri": uri, "tables": tables}


def read(arguments):
    connection = sqlite3.connect(arguments.catalog_file)
    rows = connection.execute(
        "SELECT table_namespace, table_name, metadata_location FROM iceberg_tables"
    ).fetchall()
    connection.close()
    duck = connect_duckdb(["avro", "iceberg"])
    found = {}
    for database, name, location in rows:
        if name.partition("_")[0] in UNREADABLE:
            continue
        scan = duck.execute("SELECT * FROM iceberg_scan(?)", [local_path(location)])
        found[f"{database}.{name}"] = checksum(scan.fetch_arrow_table())
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("--warehouse", required=True)
    making.add_argument("--tables", type=int, required=True)
    making.add_argument("--seed", type=int, default=1)
    reading = commands.add_parser("read")
    reading.add_argument("--catalog-file", required=True)
    arguments = parser.parse_args()
    print(json.dumps(make(arguments) if arguments.command == "make" else read(arguments)))


if __name__ == "__main__":
    main()
