#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads every snapshot and reference of a table with DuckDB and with PyIceberg.

DataFusion reads the current snapshot, the only one that it can. For each this prints the number
of rows and a checksum that does not depend on their order, so two runs around a maintenance job,
or two engines in one run, can be compared. Engines that disagree are an error.
"""

import argparse
import hashlib
import importlib.util
import json
import pathlib
import sys
import urllib.parse

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import StaticTable


def local_path(location):
    """The path of a location that may be a file URI, and of one that is meant to be relative."""
    if location.startswith("file:"):
        parts = urllib.parse.urlparse(location)
        return urllib.parse.unquote(parts.netloc + parts.path)
    return location


# From so many rows on, DuckDB spells and digests them: Python takes 30 microseconds for each.
MANY_ROWS = 5000


def checksum(arrow_table):
    """The number of rows and the sum, modulo 2**64, of a digest of each."""
    total = 0
    if arrow_table.num_rows >= MANY_ROWS:
        return checksum_of_many(arrow_table)
    names = sorted(arrow_table.column_names)
    for batch in arrow_table.select(names).to_batches():
        for row in batch.to_pylist():
            text = json.dumps(row, sort_keys=True, default=plain).encode()
            digest = hashlib.blake2b(text, digest_size=8).digest()
            total = (total + int.from_bytes(digest, "big")) % 2**64
    return {"rows": arrow_table.num_rows, "checksum": f"{total:016x}"}


def checksum_of_many(arrow_table):
    """The same kind of digest of a large table, whatever engine read it."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("rows", arrow_table.select(sorted(arrow_table.column_names)))
    (total,) = connection.execute(
        "SELECT SUM(md5_number_lower(rows::VARCHAR || to_json(rows)::VARCHAR)::HUGEINT)"
        " FROM rows"
    ).fetchone()
    return {"rows": arrow_table.num_rows, "checksum": f"{total % 2**64:016x}"}


def fast_checksum(arrow_table):
    """The same for large tables, with DuckDB's hash: for comparing one engine with itself."""
    import duckdb

    names = ", ".join(f'"{name}"' for name in sorted(arrow_table.column_names))
    (found,) = duckdb.sql(
        f"SELECT COUNT(*), SUM(HASH({names})::HUGEINT) FROM arrow_table"
    ).fetchall()
    return {"rows": found[0], "checksum": str(found[1])}


def plain(value):
    """A spelling of values that JSON lacks, the same for every engine."""
    if hasattr(value, "astimezone") and value.tzinfo is not None:
        import datetime

        return value.astimezone(datetime.timezone.utc).isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def connect_duckdb(extensions):
    """DuckDB with extensions that come as Python packages; it fetches nothing by itself.

    Its cache of files is off: with it DuckDB 1.5.5 now and then takes one deletion vector of a
    Puffin file for its neighbour, depending on the order in which it comes by them.
    """
    import duckdb

    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "enable_external_file_cache": "false",
        }
    )
    for name in extensions:
        package = importlib.util.find_spec(f"duckdb_extension_{name}")
        folder = pathlib.Path(package.submodule_search_locations[0])
        (extension,) = folder.glob(f"extensions/*/{name}.duckdb_extension")
        connection.execute(f"LOAD '{extension}'")
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def duckdb_scan(connection, path, digest=checksum):
    codec = ", metadata_compression_codec = 'gzip'" if ".gz." in path else ""

    def read(snapshot_id):
        result = connection.execute(
            f"SELECT * FROM iceberg_scan('{path}', snapshot_from_id = {snapshot_id}{codec})"
        )
        reader = result.arrow()
        return digest(reader if hasattr(reader, "num_rows") else reader.read_all())

    return read


def duckdb_reader(metadata_location, digest=checksum):
    connection = connect_duckdb(["avro", "iceberg"])
    return duckdb_scan(connection, local_path(metadata_location), digest)


def pyiceberg_reader(table, digest=checksum):
    return lambda snapshot_id: digest(table.scan(snapshot_id=snapshot_id).to_arrow())


def datafusion_reader(table, digest=checksum):
    """Of the table's current snapshot, whatever it is asked for."""
    import datafusion

    context = datafusion.SessionContext()
    context.register_table("t", table)
    return lambda _: digest(context.table("t").to_arrow_table())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--metadata-location", help="read this metadata file")
    parser.add_argument("--catalog-uri", help="or ask this SQL catalog for it")
    parser.add_argument("--catalog-name", default="default")
    parser.add_argument("--table", default="demo.events")
    parser.add_argument("--engines", default="duckdb,pyiceberg,datafusion")
    parser.add_argument(
        "--refs-only", action="store_true", help="only the snapshots that references name"
    )
    arguments = parser.parse_args()

    location = arguments.metadata_location
    if location is None:
        catalog = SqlCatalog(arguments.catalog_name, uri=arguments.catalog_uri)
        location = catalog.load_table(arguments.table).metadata_location
    table = StaticTable.from_metadata(location)
    readers = {}
    for engine in arguments.engines.split(","):
        makers = {
            "duckdb": lambda: duckdb_reader(location),
            "pyiceberg": lambda: pyiceberg_reader(table),
            "datafusion": lambda: datafusion_reader(table),
        }
        readers[engine] = makers[engine]()

    refs = {name: ref.snapshot_id for name, ref in table.metadata.refs.items()}
    wanted = [s.snapshot_id for s in table.metadata.snapshots]
    if arguments.refs_only:
        wanted = sorted(set(refs.values()))
    snapshots = {}
    for snapshot_id in wanted:
        seen = {
            engine: read(snapshot_id)
            for engine, read in readers.items()
            if engine != "datafusion" or snapshot_id == table.metadata.current_snapshot_id
        }
        results = list(seen.values())
        if any(result != results[0] for result in results):
            sys.exit(f"the engines disagree on snapshot {snapshot_id}: {seen}")
        snapshots[str(snapshot_id)] = results[0]
    print(
        json.dumps(
            {
                "metadata_location": location,
                "engines": list(readers),
                "current_snapshot_id": table.metadata.current_snapshot_id,
                "refs": refs,
                "snapshots": snapshots,
            }
        )
    )


if __name__ == "__main__":
    main()
