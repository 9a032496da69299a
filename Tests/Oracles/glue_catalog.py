# SPDX-License-Identifier: Apache-2.0
"""PyIceberg's GlueCatalog as a neighbour in one catalog.

create makes a table with three appends, append appends once more, look only looks, register makes a
table of a metadata file, plain makes a table of another format. create, append and look print what
PyIceberg reads in the table, as JSON.
"""

import argparse
import json

import pyarrow
from pyiceberg.catalog.glue import GlueCatalog


def rows(start):
    return pyarrow.table({"x": pyarrow.array(range(start, start + 10), pyarrow.int64())})


def look(catalog, name):
    table = catalog.load_table(name)
    described = catalog.glue.get_table(DatabaseName=name[0], Name=name[1])["Table"]
    return {
        "rows": sorted(table.scan().to_arrow()["x"].to_pylist()),
        "snapshots": [snapshot.snapshot_id for snapshot in table.metadata.snapshots],
        "properties": dict(table.properties),
        "location": table.metadata_location,
        "parameters": described["Parameters"],
        "columns": [column["Name"] for column in described["StorageDescriptor"]["Columns"]],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["create", "look", "append", "register", "plain"])
    parser.add_argument("endpoint", help="of Glue")
    parser.add_argument("access_key")
    parser.add_argument("secret_key")
    parser.add_argument("table", help="database.table")
    parser.add_argument("place", nargs="?", help="where new tables go, or a metadata file")
    arguments = parser.parse_args()
    catalog = GlueCatalog(
        "glue",
        **{
            "glue.endpoint": arguments.endpoint,
            "glue.region": "us-east-1",
            "glue.access-key-id": arguments.access_key,
            "glue.secret-access-key": arguments.secret_key,
        },
    )
    name = tuple(arguments.table.split("."))
    if arguments.place:
        catalog.create_namespace_if_not_exists(name[0])
    if arguments.command == "register":
        catalog.register_table(name, arguments.place)
    elif arguments.command == "plain":
        catalog.glue.create_table(
            DatabaseName=name[0],
            TableInput={"Name": name[1], "Parameters": {"classification": "parquet"}},
        )
    else:
        if arguments.command == "create":
            place = f"{arguments.place}/{name[0]}/{name[1]}"
            table = catalog.create_table(name, rows(0).schema, place)
            for start in (0, 10, 20):
                table.append(rows(start))
        elif arguments.command == "append":
            catalog.load_table(name).append(rows(30))
        print(json.dumps(look(catalog, name)))
        return
    print("{}")


if __name__ == "__main__":
    main()
