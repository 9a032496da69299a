#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A table in a bucket: made by PyIceberg, read by three engines, listed by boto3.

bucket creates the bucket; make does too, with a table that has a history, as make_table does in a
folder; read prints the rows of every snapshot as DuckDB and PyIceberg see them, and of the current
one as DataFusion does, and fails if they differ; append commits once more; age makes every object
ten days old, and one that nobody names; list compares the bucket with what the table references;
alias makes the catalog name a second table, whose metadata is anywhere.
"""

import argparse
import json
import os
import pathlib
import random
import sys
import tempfile
import urllib.parse

import boto3
import make_table
import read_rows
import references
import sqlalchemy
from pyiceberg.catalog.sql import SqlCatalog


def properties(arguments):
    """What PyIceberg needs to know of the store."""
    return {
        "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
        "s3.endpoint": arguments.endpoint,
        "s3.access-key-id": arguments.access_key,
        "s3.secret-access-key": arguments.secret_key,
        "s3.region": "us-east-1",
        # DataFusion's reader would look for a host of the bucket's name.
        "s3.path-style-access": "true",
    }


def client(arguments):
    return boto3.client(
        "s3",
        endpoint_url=arguments.endpoint,
        aws_access_key_id=arguments.access_key,
        aws_secret_access_key=arguments.secret_key,
        region_name="us-east-1",
    )


def catalog(arguments):
    return SqlCatalog(
        "default",
        uri=arguments.catalog_uri,
        warehouse=f"{arguments.scheme}://{arguments.bucket}/wh",
        **properties(arguments),
    )


def make_bucket(arguments):
    client(arguments).create_bucket(Bucket=arguments.bucket)
    return {"bucket": arguments.bucket}


def make(arguments):
    make_bucket(arguments)
    arguments.property = [f"format-version={arguments.format_version}"]
    opened = catalog(arguments)
    make_table.write_history(make_table.create(opened, arguments), arguments)
    table = opened.load_table(arguments.table)
    return {
        "location": table.metadata.location,
        "metadata_location": table.metadata_location,
        "snapshots": len(table.metadata.snapshots),
    }


def duckdb_reader(arguments, metadata_location):
    connection = read_rows.connect_duckdb(["httpfs", "avro", "iceberg"])
    host = urllib.parse.urlparse(arguments.endpoint).netloc
    connection.execute(
        "CREATE SECRET (TYPE s3, KEY_ID ?, SECRET ?, REGION 'us-east-1', ENDPOINT ?, "
        "URL_STYLE 'path', USE_SSL false)",
        [arguments.access_key, arguments.secret_key, host],
    )
    return read_rows.duckdb_scan(connection, metadata_location)


def read(arguments):
    table = catalog(arguments).load_table(arguments.table)
    by_duckdb = duckdb_reader(arguments, table.metadata_location)
    by_pyiceberg = read_rows.pyiceberg_reader(table)
    by_datafusion = read_rows.datafusion_reader(table)
    snapshots = {}
    for snapshot in table.metadata.snapshots:
        seen = [by_duckdb(snapshot.snapshot_id), by_pyiceberg(snapshot.snapshot_id)]
        if snapshot.snapshot_id == table.metadata.current_snapshot_id:
            seen.append(by_datafusion(snapshot.snapshot_id))
        if any(rows != seen[0] for rows in seen):
            sys.exit(f"the engines disagree on snapshot {snapshot.snapshot_id}: {seen}")
        snapshots[str(snapshot.snapshot_id)] = seen[0]
    return {
        "current_snapshot_id": table.metadata.current_snapshot_id,
        "refs": {name: ref.snapshot_id for name, ref in table.metadata.refs.items()},
        "snapshots": snapshots,
    }


def append(arguments):
    """One more commit, as another writer makes it afterwards."""
    table = catalog(arguments).load_table(arguments.table)
    table.append(make_table.rows(50_000_000, 5, random.Random(7)))
    return {"metadata_location": table.metadata_location}


def age(arguments):
    s3 = client(arguments)
    old = {"days-old": "10"}
    location = catalog(arguments).load_table(arguments.table).metadata.location
    stray = location.split("://", 1)[1].split("/", 1)[1] + "/data/nobody-names-it"
    s3.put_object(Bucket=arguments.bucket, Key=stray, Body=b"stray", Metadata=old)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=arguments.bucket)
    for key in [item["Key"] for page in pages for item in page.get("Contents", [])]:
        s3.copy_object(
            Bucket=arguments.bucket,
            Key=key,
            CopySource={"Bucket": arguments.bucket, "Key": key},
            Metadata=old,
            MetadataDirective="REPLACE",
        )
    return {"stray": stray}


def alias(arguments):
    engine = sqlalchemy.create_engine(arguments.catalog_uri)
    namespace, _, name = arguments.table.rpartition(".")
    row = {
        "catalog_name": "default",
        "table_namespace": namespace,
        "table_name": name,
        "metadata_location": arguments.metadata_location,
        "iceberg_type": "TABLE",
    }
    columns = ", ".join(row)
    values = ", ".join(f":{column}" for column in row)
    with engine.begin() as connection:
        connection.execute(
            sqlalchemy.text(f"INSERT INTO iceberg_tables ({columns}) VALUES ({values})"), row
        )
    return row


def list_bucket(arguments):
    s3 = client(arguments)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=arguments.bucket)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    location = catalog(arguments).load_table(arguments.table).metadata_location

    def key_of(location):
        return location.split("://", 1)[1].split("/", 1)[1]

    with tempfile.TemporaryDirectory() as folder:
        for key in keys:
            path = pathlib.Path(folder, key)
            path.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(arguments.bucket, key, str(path))
        references.local_path = lambda location: os.path.join(folder, key_of(location))
        _, kinds = references.references(location)
    referenced = {key_of(location): kind for location, kind in kinds.items()}
    return {
        "objects": len(keys),
        "missing": sorted(
            key
            for key, kind in referenced.items()
            if kind != "metadata_log_file" and key not in keys
        ),
        "unreferenced": sorted(set(keys) - set(referenced)),
    }


def main():
    commands = {
        "bucket": make_bucket,
        "make": make,
        "read": read,
        "append": append,
        "age": age,
        "alias": alias,
        "list": list_bucket,
    }
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("command", choices=commands)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--access-key", required=True)
    parser.add_argument("--secret-key", required=True)
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--catalog-uri", help="for all but bucket")
    parser.add_argument("--scheme", default="s3", choices=["s3", "s3a", "s3n"])
    parser.add_argument("--table", default="demo.events")
    parser.add_argument("--metadata-location", help="for alias")
    parser.add_argument("--commits", type=int, default=12)
    parser.add_argument("--rows", type=int, default=20, help="rows of an append")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format-version", type=int, choices=[1, 2], default=2)
    parser.set_defaults(partitioned=False, no_refs=False)
    arguments = parser.parse_args()
    print(json.dumps(commands[arguments.command](arguments)))


if __name__ == "__main__":
    main()
