#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What else one could rewrite a table's data files with, and a table in a bucket to rewrite.

    rewrite_contenders.py pyiceberg CATALOG_URI [PROPERTY=VALUE...]
    rewrite_contenders.py duckdb CATALOG_URI OUTPUT
    rewrite_contenders.py transfer CATALOG_URI [PROPERTY=VALUE...]
    rewrite_contenders.py make CATALOG_URI WAREHOUSE FILES [PROPERTY=VALUE...]
    rewrite_contenders.py digest CATALOG_URI [PROPERTY=VALUE...]

The table is demo.lines of the catalog `default`. PyIceberg reads all rows and overwrites the table
with them. DuckDB writes the rows that it reads to one file, and commits nothing. `transfer` moves
the bytes of a rewrite and looks at none of them: every file is fetched, and as much is stored in
one and fetched again; what it prints is how long that took, without the start of Python.
"""

import concurrent.futures
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests" / "Oracles"))
import pyarrow
import pyarrow.compute
import pyarrow.fs
import read_rows
from pyiceberg.catalog.sql import SqlCatalog

TABLE = "demo.lines"
# Of a file of about a megabyte.
ROWS = 8000
# How much of a large file is fetched in one request, and how many requests are open at once.
PIECE, AT_ONCE = 8 << 20, 16


def opened(uri, properties):
    return SqlCatalog("default", uri=uri, **dict(item.split("=", 1) for item in properties))


def rewrite_with_pyiceberg(uri, *properties):
    table = opened(uri, properties).load_table(TABLE)
    table.overwrite(table.scan().to_arrow())
    return {}


def rewrite_with_duckdb(uri, output):
    location = opened(uri, []).load_table(TABLE).metadata_location
    connection = read_rows.connect_duckdb(["avro", "iceberg"])
    connection.execute(
        f"COPY (SELECT * FROM iceberg_scan('{location}')) TO '{output}' "
        "(FORMAT parquet, CODEC 'zstd')"
    )
    return {}


def transfer(uri, *properties):
    table = opened(uri, properties).load_table(TABLE)
    options = table.io.properties
    store = pyarrow.fs.S3FileSystem(
        access_key=options["s3.access-key-id"], secret_key=options["s3.secret-access-key"],
        endpoint_override=options["s3.endpoint"], region=options["s3.region"])
    paths = [task.file.file_path.removeprefix("s3://") for task in table.scan().plan_files()]
    copy = f"{table.location().removeprefix('s3://')}/transfer"

    def piece(path, start=None, size=None):
        with store.open_input_file(path) as file:
            return file.read() if start is None else file.read_at(size, start)

    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as threads:
        files = list(threads.map(piece, paths))
        with store.open_output_stream(copy) as stream:
            for file in files:
                stream.write(file)
        total = sum(map(len, files))
        starts = range(0, total, PIECE)
        sizes = [min(PIECE, total - start) for start in starts]
        again = list(threads.map(piece, [copy] * len(sizes), starts, sizes))
    elapsed = time.monotonic() - began
    if sum(map(len, again)) != total:
        raise SystemExit("what was stored is not what was fetched")
    return {"elapsed_seconds": elapsed}


def make(uri, warehouse, files, *properties):
    """So many files of about a megabyte, in one commit; their bytes hardly compress."""
    catalog = opened(uri, [*properties, f"warehouse={warehouse}"])
    catalog.create_namespace("demo")
    schema = pyarrow.schema({"l_id": pyarrow.int64(), "token": pyarrow.binary()}.items())
    table = catalog.create_table(TABLE, schema)
    with table.transaction() as transaction:
        for number in range(int(files)):
            ids = list(range(number * ROWS, (number + 1) * ROWS))
            tokens = [os.urandom(125) for _ in ids]
            transaction.append(pyarrow.table([ids, tokens], schema=schema))
    tasks = list(catalog.load_table(TABLE).scan().plan_files())
    count = ROWS * int(files)
    return {
        "files": {"0": len(tasks)},
        "bytes": sum(task.file.file_size_in_bytes for task in tasks),
        "rows": count,
        "sum": count * (count - 1) // 2,
    }


def digest(uri, *properties):
    """The number of rows and the sum of theirs: by DuckDB, or in a bucket by PyIceberg."""
    table = opened(uri, properties).load_table(TABLE)
    if properties:
        ids = table.scan(selected_fields=("l_id",)).to_arrow()["l_id"]
        return {"rows": len(ids), "sum": pyarrow.compute.sum(ids).as_py()}
    rows = read_rows.connect_duckdb(["avro", "iceberg"]).execute(
        f"SELECT count(*), sum(l_id) FROM iceberg_scan('{table.metadata_location}')"
    )
    count, total = rows.fetchone()
    return {"rows": count, "sum": int(total)}


COMMANDS = {
    "pyiceberg": rewrite_with_pyiceberg,
    "duckdb": rewrite_with_duckdb,
    "transfer": transfer,
    "make": make,
    "digest": digest,
}


if __name__ == "__main__":
    json.dump(COMMANDS[sys.argv[1]](*sys.argv[2:]), sys.stdout)
