# SPDX-License-Identifier: Apache-2.0
"""PyIceberg's SqlCatalog as a neighbour in one catalog.

create makes the catalog and db.t and appends three times; append appends once more; each then
prints, as look does, what PyIceberg reads in db.t, as JSON.
"""

import argparse
import json

import pyarrow
import sqlalchemy
from pyiceberg.catalog.sql import SqlCatalog

V0 = """
CREATE TABLE iceberg_tables (
    catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL,
    table_name VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000),
    previous_metadata_location VARCHAR(1000),
    PRIMARY KEY (catalog_name, table_namespace, table_name))
"""
V0_PROPERTIES = """
CREATE TABLE iceberg_namespace_properties (
    catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL,
    property_key VARCHAR(255) NOT NULL, property_value VARCHAR(1000) NOT NULL,
    PRIMARY KEY (catalog_name, namespace, property_key))
"""


def rows(start):
    return pyarrow.table({"x": pyarrow.array(range(start, start + 10), pyarrow.int64())})


def create(catalog):
    catalog.create_namespace("db")
    table = catalog.create_table("db.t", rows(0).schema)
    for start in (0, 10, 20):
        table.append(rows(start))


def look(catalog):
    table = catalog.load_table("db.t")
    return {
        "rows": sorted(table.scan().to_arrow()["x"].to_pylist()),
        "snapshots": [snapshot.snapshot_id for snapshot in table.metadata.snapshots],
        "properties": dict(table.properties),
        "location": table.metadata_location,
        "log": [entry.metadata_file for entry in table.metadata.metadata_log],
        "columns": [
            row[1]
            for row in catalog.engine.connect().execute(
                sqlalchemy.text("PRAGMA table_info(iceberg_tables)")
            )
        ]
        if catalog.engine.dialect.name == "sqlite"
        else [],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["create", "look", "append"])
    parser.add_argument("uri", help="of the catalog, as SQLAlchemy writes it")
    parser.add_argument("warehouse", help="where new tables go")
    parser.add_argument("schema", nargs="?", choices=["v0", "v1"], default="v1")
    arguments = parser.parse_args()
    if arguments.command == "create" and arguments.schema == "v0":
        with sqlalchemy.create_engine(arguments.uri).begin() as connection:
            connection.execute(sqlalchemy.text(V0))
            connection.execute(sqlalchemy.text(V0_PROPERTIES))
    catalog = SqlCatalog("shared", uri=arguments.uri, warehouse=arguments.warehouse)
    if arguments.command == "create":
        create(catalog)
    elif arguments.command == "append":
        catalog.load_table("db.t").append(rows(30))
    print(json.dumps(look(catalog)))


if __name__ == "__main__":
    main()
