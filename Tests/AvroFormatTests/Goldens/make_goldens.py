# SPDX-License-Identifier: Apache-2.0
"""Writes the Avro goldens of this folder; see README.md."""

import io
import json
import pathlib

import fastavro
from backports import zstd

HERE = pathlib.Path(__file__).parent
SYNC = bytes(range(16))

# Every type that a reader must read or step over, in an order that mixes both.
SCHEMA = {
    "type": "record",
    "name": "row",
    "namespace": "golden.outer",
    "doc": "Attributes that change nothing: doc, aliases, order, default, logicalType.",
    "aliases": ["line"],
    "fields": [
        {"name": "number", "type": "long", "field-id": 1, "order": "descending"},
        {"name": "small", "type": {"type": "int", "logicalType": "date"}, "field-id": 2},
        {"name": "flag", "type": "boolean", "field-id": 3},
        {"name": "ratio", "type": "float", "field-id": 4},
        {"name": "exact", "type": "double", "field-id": 5},
        {"name": "text", "type": "string", "field-id": 6},
        {"name": "blob", "type": "bytes", "field-id": 7},
        {"name": "maybe", "type": ["null", "long"], "default": None, "field-id": 8},
        {"name": "reversed", "type": ["string", "null"], "field-id": 9},
        {
            "name": "mark",
            "type": {"type": "fixed", "name": "four", "size": 4},
            "field-id": 10,
        },
        {
            "name": "colour",
            "type": {"type": "enum", "name": "colour", "symbols": ["red", "green"]},
            "field-id": 11,
        },
        {
            "name": "list",
            "type": {"type": "array", "items": "long", "element-id": 13},
            "field-id": 12,
        },
        {
            "name": "counts",
            "type": [
                "null",
                {
                    "type": "array",
                    "logicalType": "map",
                    "items": {
                        "type": "record",
                        "name": "k15_v16",
                        "fields": [
                            {"name": "key", "type": "int", "field-id": 15},
                            {"name": "value", "type": "long", "field-id": 16},
                        ],
                    },
                },
            ],
            "field-id": 14,
        },
        {
            "name": "properties",
            "type": {"type": "map", "values": "string", "key-id": 18, "value-id": 19},
            "field-id": 17,
        },
        {
            "name": "nested",
            "type": {
                "type": "record",
                "name": "nested",
                "fields": [
                    {"name": "inner", "type": "string", "field-id": 21},
                    {"name": "again", "type": "four", "field-id": 22},
                    {
                        "name": "empty",
                        "type": {"type": "record", "name": "none", "fields": []},
                        "field-id": 23,
                    },
                ],
            },
            "field-id": 20,
        },
        {
            "name": "tree",
            "type": {
                "type": "record",
                "name": "tree",
                "fields": [
                    {"name": "label", "type": "string", "field-id": 25},
                    {"name": "left", "type": ["null", "tree"], "field-id": 26},
                    {"name": "right", "type": ["null", "golden.outer.tree"], "field-id": 27},
                ],
            },
            "field-id": 24,
        },
        {"name": "either", "type": ["null", "int", "long"], "field-id": 28},
        {"name": "last", "type": "long", "field-id": 29},
    ],
}


def row(i):
    """A row whose values all follow from its number."""
    leaf = {"label": f"leaf {i}", "left": None, "right": None}
    return {
        "number": (-1) ** i * i**5,
        "small": i - 50,
        "flag": i % 3 == 0,
        "ratio": i / 4,
        "exact": i / 3,
        "text": f"row {i} \N{SNOWMAN}" * (i % 4),
        "blob": bytes([i % 256] * (i % 7)),
        "maybe": None if i % 2 else i * 2**40,
        "reversed": None if i % 5 == 0 else f"s{i}",
        "mark": bytes([i % 256, 1, 2, 3]),
        "colour": "green" if i % 2 else "red",
        "list": [i * k for k in range(i % 6)],
        "counts": None if i % 4 == 0 else [{"key": k, "value": i + k} for k in range(i % 9)],
        "properties": {f"key {k}": f"value {i}" for k in range(i % 3)},
        "nested": {"inner": f"inner {i}", "again": b"abcd", "empty": {}},
        "tree": {
            "label": f"root {i}",
            "left": leaf if i % 2 else None,
            "right": dict(leaf, left=leaf),
        },
        "either": [None, i, i * 2**33][i % 3],
        "last": 7 * i,
    }


def expected(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: expected(each) for key, each in value.items()}
    if isinstance(value, list):
        return [expected(each) for each in value]
    return value


def streamed_zstandard(data):
    """One frame that does not state its content's size."""
    compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.content_size_flag: 0})
    return compressor.compress(data) + compressor.flush()


def varint(number):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, "long", number)
    return out.getvalue()


def rewrite_blocks(source, codec, compress):
    """The same container with each block's bytes passed through `compress`."""
    with open(source, "rb") as file:
        blocks = list(fastavro.block_reader(file))
    out = io.BytesIO()
    fastavro.writer(out, SCHEMA, [], codec="null", sync_marker=SYNC)
    head = out.getvalue().replace(varint(4) + b"null", varint(len(codec)) + codec.encode())
    body = b""
    for block in blocks:
        data = compress(block.bytes_.getvalue())
        body += varint(block.num_records) + varint(len(data)) + data + SYNC
    return head + body


def main():
    parsed = fastavro.parse_schema(SCHEMA)
    rows = [row(i) for i in range(60)]
    for codec in ["null", "deflate", "snappy", "zstandard"]:
        with open(HERE / f"rows-{codec}.avro", "wb") as out:
            fastavro.writer(
                out, parsed, rows, codec=codec, sync_interval=2000, sync_marker=SYNC,
                metadata={"note": "codec " + codec},
            )
    streamed = rewrite_blocks(HERE / "rows-null.avro", "zstandard", streamed_zstandard)
    (HERE / "rows-zstandard-unsized.avro").write_bytes(streamed)
    with open(HERE / "rows-none.avro", "wb") as out:
        fastavro.writer(out, parsed, [], codec="deflate", sync_marker=SYNC)

    read_back = []
    with open(HERE / "rows-zstandard-unsized.avro", "rb") as file:
        read_back = list(fastavro.reader(file))
    for plain in read_back:
        # fastavro turns the logical type into a date; the golden is the stored integer.
        plain["small"] = plain["small"].toordinal() - 719163
    (HERE / "rows.json").write_text(json.dumps(expected(read_back)) + "\n")


if __name__ == "__main__":
    main()
