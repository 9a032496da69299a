#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes data files in Avro with fastavro, as Iceberg's writers spell their schemas.

Prints the table's columns beside `id` and `region`, each file with its rows and length, and what
engines must read: the number of all rows and a sum over them.
"""

import argparse
import datetime
import decimal
import json
import pathlib
import random
import uuid

import fastavro
import pyarrow
import read_rows

UTC = datetime.timezone.utc


def fixed(name, size, **more):
    return {"type": "fixed", "name": name, "size": size} | more


def long(meaning, **more):
    return {"type": "long", "logicalType": meaning} | more


def record(name, fields):
    return {"type": "record", "name": name, "fields": fields}


def field(number, name, kind, required=False):
    return {"name": name, "field-id": number, "type": kind if required else ["null", kind]}


def struct(*members):
    return {"type": "struct", "fields": list(members)}


def column(number, name, kind, required=False):
    return {"id": number, "name": name, "required": required, "type": kind}


def decimal_type(precision, size, scale=2):
    return fixed(f"decimal_{precision}_{scale}", size, logicalType="decimal", precision=precision,
                 scale=scale)


# Number, name, type in the table, in Avro, and in Arrow.
COLUMNS = [
    (3, "small", "int", "int", pyarrow.int32()),
    (4, "single", "float", "float", pyarrow.float32()),
    (5, "ratio", "double", "double", pyarrow.float64()),
    (6, "flag", "boolean", "boolean", pyarrow.bool_()),
    (7, "blob", "binary", "bytes", pyarrow.large_binary()),
    (8, "code", "fixed[4]", fixed("fixed_4", 4), pyarrow.binary(4)),
    (9, "day", "date", {"type": "int", "logicalType": "date"}, pyarrow.date32()),
    (10, "clock", "time", long("time-micros"), pyarrow.time64("us")),
    (11, "at", "timestamp", long("timestamp-micros", **{"adjust-to-utc": False}),
     pyarrow.timestamp("us")),
    (12, "zoned", "timestamptz", long("timestamp-micros", **{"adjust-to-utc": True}),
     pyarrow.timestamp("us", "UTC")),
    (13, "price", "decimal(9, 2)", decimal_type(9, 4), pyarrow.decimal128(9, 2)),
    (14, "total", "decimal(18, 2)", decimal_type(18, 8), pyarrow.decimal128(18, 2)),
    (15, "huge", "decimal(38, 2)", decimal_type(38, 16), pyarrow.decimal128(38, 2)),
    # The second of this type: the schema only names it.
    (16, "fee", "decimal(9, 2)", "decimal_9_2", pyarrow.decimal128(9, 2)),
    (17, "tags",
     {"type": "list", "element-id": 18, "element-required": False, "element": "string"},
     {"type": "array", "element-id": 18, "items": ["null", "string"]},
     pyarrow.list_(pyarrow.large_string())),
    (19, "box",
     struct(column(20, "a", "long", True), column(21, "b", struct(column(22, "c", "string")))),
     record("r19", [
         field(20, "a", "long", True), field(21, "b", record("r21", [field(22, "c", "string")]))]),
     pyarrow.struct([("a", pyarrow.int64()),
                     ("b", pyarrow.struct([("c", pyarrow.large_string())]))])),
    (23, "named",
     {"type": "map", "key-id": 24, "key": "string", "value-id": 25, "value-required": False,
      "value": "long"},
     {"type": "map", "key-id": 24, "value-id": 25, "values": ["null", "long"]},
     pyarrow.map_(pyarrow.large_string(), pyarrow.int64())),
    (26, "numbered",
     {"type": "map", "key-id": 27, "key": "int", "value-id": 28, "value-required": False,
      "value": "string"},
     {"type": "array", "logicalType": "map", "items": record("k27_v28", [
         field(27, "key", "int", True), field(28, "value", "string")])},
     pyarrow.map_(pyarrow.int32(), pyarrow.large_string())),
    (29, "uid", "uuid", fixed("uuid_fixed", 16, logicalType="uuid"), pyarrow.uuid()),
]

SCHEMA = record("table", [field(1, "id", "long"), field(2, "region", "string")] + [
    field(number, name, avro) for number, name, _, avro, _ in COLUMNS])
ARROW = pyarrow.schema([("id", pyarrow.int64()), ("region", pyarrow.large_string())] + [
    (name, arrow) for _, name, _, _, arrow in COLUMNS])


def row(number, rng):
    def cents(digits):
        return decimal.Decimal(rng.randrange(-(10**digits) + 1, 10**digits)).scaleb(-2, wide)

    wide = decimal.Context(prec=60)
    moment = datetime.datetime(1990, 1, 1) + datetime.timedelta(
        microseconds=rng.randrange(10**15))
    values = {
        "small": rng.randrange(-(2**31), 2**31), "single": rng.choice([-0.0, 0.5, 1e30]),
        "ratio": rng.choice([0.1, -1e300, float("inf")]), "flag": rng.random() < 0.5,
        "blob": rng.randbytes(rng.randrange(5)), "code": rng.randbytes(4),
        "day": moment.date(), "clock": moment.time(), "at": moment,
        "zoned": moment.replace(tzinfo=UTC), "price": cents(9), "total": cents(18),
        "huge": cents(38), "fee": cents(9),
        "tags": [rng.choice([None, "", "ä", "x" * 200]) for _ in range(rng.randrange(3))],
        "box": {"a": number, "b": rng.choice([None, {"c": None}, {"c": "in"}])},
        "named": {f"k{index}": rng.choice([None, index]) for index in range(rng.randrange(3))},
        "numbered": [(index, rng.choice([None, "v"])) for index in range(rng.randrange(3))],
        "uid": uuid.UUID(int=rng.getrandbits(128)).bytes,
    }
    kept = {name: None if rng.random() < 0.15 else value for name, value in values.items()}
    return {"id": number, "region": "a"} | kept


def in_avro(row):
    pairs = row["numbered"]
    entries = None if pairs is None else [{"key": key, "value": value} for key, value in pairs]
    return row | {"numbered": entries}


def in_arrow(row):
    named = row["named"]
    return row | {"named": None if named is None else list(named.items())}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", required=True)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    files, everything = [], []
    for index, codec in enumerate(["null", "deflate", "deflate"]):
        rows = [row(1000 * index + number, rng) for number in range(rng.randrange(1, 400))]
        path = pathlib.Path(arguments.folder) / f"rows-{index}.avro"
        with open(path, "wb") as file:
            fastavro.writer(
                file, SCHEMA, map(in_avro, rows), codec=codec, sync_interval=3000)
        files.append({"path": str(path), "rows": len(rows), "size": path.stat().st_size})
        everything += rows
    table = pyarrow.Table.from_pylist([in_arrow(row) for row in everything], schema=ARROW)
    columns = [column(number, name, kind) for number, name, kind, _, _ in COLUMNS]
    print(json.dumps({"columns": columns, "files": files, "read": read_rows.checksum(table)}))


if __name__ == "__main__":
    main()
