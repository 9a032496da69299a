# SPDX-License-Identifier: Apache-2.0
"""PyIceberg's REST client as a neighbour in one catalog.

create makes db.t with appends, append appends once more, look only looks; expire removes the oldest
snapshot. Each then prints what PyIceberg reads in db.t, as JSON.
"""

import argparse
import json

import pyarrow
from pyiceberg.catalog.rest import RestCatalog


def rows(start):
    return pyarrow.table({"x": pyarrow.array(range(start, start + 10), pyarrow.int64())})


def look(catalog, name):
    table = catalog.load_table(name)
    return {
        "rows": sorted(table.scan().to_arrow()["x"].to_pylist()),
        "snapshots": [snapshot.snapshot_id for snapshot in table.metadata.snapshots],
        "properties": dict(table.properties),
        "location": table.metadata_location,
        "namespaces": [list(namespace) for namespace in catalog.list_namespaces()],
        "tables": [list(found) for found in catalog.list_tables(table.name()[:-1])],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["create", "look", "append", "expire"])
    parser.add_argument("uri", help="of the catalog")
    parser.add_argument("--table", default="db.t")
    parser.add_argument("--appends", type=int, default=3)
    parser.add_argument("properties", nargs="*", help="of the catalog: key=value")
    arguments = parser.parse_intermixed_args()
    properties = dict(pair.split("=", 1) for pair in arguments.properties)
    catalog = RestCatalog("rest", uri=arguments.uri, **properties)
    name = tuple(arguments.table.split("."))
    if arguments.command == "create":
        for count in range(1, len(name)):
            catalog.create_namespace_if_not_exists(name[:count])
        table = catalog.create_table(name, rows(0).schema)
        for index in range(arguments.appends):
            table.append(rows(10 * index))
    elif arguments.command == "append":
        table = catalog.load_table(name)
        table.append(rows(table.scan().count()))
    elif arguments.command == "expire":
        table = catalog.load_table(name)
        oldest = table.metadata.snapshots[0].snapshot_id
        table.maintenance.expire_snapshots().by_id(oldest).commit()
    print(json.dumps(look(catalog, name)))


if __name__ == "__main__":
    main()
