# SPDX-License-Identifier: Apache-2.0
"""Writes the manifest goldens of this folder; see README.md.

Usage: make_goldens.py FIXTURES
"""

import json
import pathlib
import sys

import fastavro

HERE = pathlib.Path(__file__).parent
SYNC = bytes(range(16))

LIST_IDS = {500, 501, 502, 517, 515, 516, 503, 504, 505, 506, 512, 513, 514, 507, 519, 520}
SUMMARY_IDS = {509, 518, 510, 511}
ENTRY_IDS = {0, 1, 3, 4}
FILE_IDS = {134, 100, 101, 103, 104, 131, 132, 135, 140, 142, 143, 144, 145}


def plain(value):
    return value.hex() if isinstance(value, bytes) else value


def by_id(fields, record, wanted):
    """The wanted fields of a record, keyed by field id; fields without a value are left out."""
    return {
        str(field["field-id"]): plain(record[field["name"]])
        for field in fields
        if field["field-id"] in wanted and record[field["name"]] is not None
    }


def field_with_id(fields, number):
    return next((field for field in fields if field["field-id"] == number), None)


def element_fields(field):
    branches = field["type"] if isinstance(field["type"], list) else [field["type"]]
    array = next(branch for branch in branches if branch != "null")
    return array["items"]["fields"]


def list_row(schema, row):
    result = by_id(schema["fields"], row, LIST_IDS)
    if "507" in result:
        fields = element_fields(field_with_id(schema["fields"], 507))
        result["507"] = [by_id(fields, summary, SUMMARY_IDS) for summary in result["507"]]
    return result


def entry_row(schema, row):
    data_file = field_with_id(schema["fields"], 2)
    result = by_id(schema["fields"], row, ENTRY_IDS)
    result["2"] = by_id(data_file["type"]["fields"], row[data_file["name"]], FILE_IDS)
    return result


def dump(path):
    with open(path, "rb") as file:
        reader = fastavro.reader(file, return_record_name=False)
        schema = reader.writer_schema
        is_list = field_with_id(schema["fields"], 500) is not None
        convert = list_row if is_list else entry_row
        return {
            "kind": "list" if is_list else "manifest",
            "rows": [convert(schema, row) for row in reader],
        }


def fixtures(root):
    paths = sorted((root / "iceberg-tables").rglob("*.avro"))
    paths += sorted((root / "manifest-lists").glob("*.avro"))
    encrypted = {"manifest-list-v3-encrypted.avro"}
    return {
        str(path.relative_to(root)): dump(path) for path in paths if path.name not in encrypted
    }


def required(number, name, kind):
    return {"name": name, "type": kind, "field-id": number}


def optional(number, name, kind):
    return {"name": name, "type": ["null", kind], "default": None, "field-id": number}


def entry_schema(version):
    """The schema of a manifest without partitions, as the specification tables it."""
    data_file = [
        required(100, "file_path", "string"),
        required(101, "file_format", "string"),
        required(102, "partition", {"type": "record", "name": "r102", "fields": []}),
        required(103, "record_count", "long"),
        required(104, "file_size_in_bytes", "long"),
    ]
    if version == 1:
        data_file.append(required(105, "block_size_in_bytes", "long"))
    else:
        data_file.insert(0, required(134, "content", "int"))
    bounds = {
        "type": "array",
        "logicalType": "map",
        "items": {
            "type": "record",
            "name": "k126_v127",
            "fields": [required(126, "key", "int"), required(127, "value", "bytes")],
        },
    }
    data_file += [
        optional(125, "lower_bounds", bounds),
        optional(131, "key_metadata", "bytes"),
        optional(132, "split_offsets", {"type": "array", "items": "long", "element-id": 133}),
        optional(135, "equality_ids", {"type": "array", "items": "int", "element-id": 136}),
        optional(140, "sort_order_id", "int"),
    ]
    if version == 3:
        data_file += [
            optional(142, "first_row_id", "long"),
            optional(143, "referenced_data_file", "string"),
            optional(144, "content_offset", "long"),
            optional(145, "content_size_in_bytes", "long"),
        ]
    fields = [required(0, "status", "int")]
    fields.append((required if version == 1 else optional)(1, "snapshot_id", "long"))
    if version > 1:
        fields += [
            optional(3, "sequence_number", "long"),
            optional(4, "file_sequence_number", "long"),
        ]
    fields.append(
        required(2, "data_file", {"type": "record", "name": "r2", "fields": data_file})
    )
    return {"type": "record", "name": "manifest_entry", "fields": fields}


def list_schema(version):
    count = required if version > 1 else optional
    fields = [
        required(500, "manifest_path", "string"),
        required(501, "manifest_length", "long"),
        required(502, "partition_spec_id", "int"),
    ]
    if version > 1:
        fields += [
            required(517, "content", "int"),
            required(515, "sequence_number", "long"),
            required(516, "min_sequence_number", "long"),
        ]
    fields += [
        required(503, "added_snapshot_id", "long"),
        count(504, "added_files_count", "int"),
        count(505, "existing_files_count", "int"),
        count(506, "deleted_files_count", "int"),
        count(512, "added_rows_count", "long"),
        count(513, "existing_rows_count", "long"),
        count(514, "deleted_rows_count", "long"),
        optional(519, "key_metadata", "bytes"),
    ]
    if version == 3:
        fields.append(optional(520, "first_row_id", "long"))
    return {"type": "record", "name": "manifest_file", "fields": fields}


def without_ids(schema):
    """The schema as writers wrote it that knew nothing of field ids."""
    if isinstance(schema, dict):
        return {k: without_ids(v) for k, v in schema.items() if not k.endswith("-id")}
    if isinstance(schema, list):
        return [without_ids(each) for each in schema]
    return schema


def data_file(number, **more):
    return {
        "content": 0,
        "file_path": f"s3://bucket/table/data/{number:05}.parquet",
        "file_format": "PARQUET",
        "partition": {},
        "record_count": 100 + number,
        "file_size_in_bytes": 5000 + number,
        "block_size_in_bytes": 64 << 20,
        "lower_bounds": [{"key": 1, "value": b"\x01\x00"}, {"key": 2, "value": b""}],
        **more,
    }


def entries(version):
    explicit = {"sequence_number": 3, "file_sequence_number": 3, "snapshot_id": 33}
    rows = [
        {"status": 1, "snapshot_id": 44 if version == 1 else None, "data_file": data_file(1)},
        {"status": 0, **explicit, "data_file": data_file(2, split_offsets=[4, 4096])},
        {"status": 2, **explicit, "data_file": data_file(3, sort_order_id=1)},
        {"status": 1, "snapshot_id": 44, "sequence_number": 2, "data_file": data_file(4)},
    ]
    if version == 3:
        rows.append({"status": 0, **explicit, "data_file": data_file(5, first_row_id=7000)})
    return rows


def delete_entries():
    vector = dict(
        content=1, file_format="puffin", record_count=2, content_offset=4, content_size_in_bytes=44,
        referenced_data_file="s3://bucket/table/data/00001.parquet",
        file_path="s3://bucket/table/data/vectors.puffin",
    )
    rows = [
        data_file(6, **vector),
        data_file(7, **{**vector, "content_offset": 48, "referenced_data_file": "s3://b/2"}),
        data_file(8, content=2, equality_ids=[1, 2]),
        data_file(9, content=1),
    ]
    return [{"status": 1, "snapshot_id": None, "data_file": row} for row in rows]


def list_rows(version):
    row = {
        "manifest_path": f"s3://bucket/table/metadata/v{version}-m0.avro",
        "manifest_length": 7000,
        "partition_spec_id": 0,
        "content": 0,
        "sequence_number": 5,
        "min_sequence_number": 2,
        "added_snapshot_id": 55,
        "added_files_count": 2,
        "existing_files_count": 1,
        "deleted_files_count": 1,
        "added_rows_count": 205,
        "existing_rows_count": 102,
        "deleted_rows_count": 103,
        "first_row_id": 1000,
    }
    deletes = dict(row, manifest_path=f"s3://bucket/table/metadata/v{version}-m1.avro", content=1)
    deletes.update(first_row_id=None, added_files_count=4, existing_files_count=0)
    if version > 1:
        return [row, deletes]
    uncounted = {key: None for key in row if key.endswith("_count")}
    return [row, dict(row, **uncounted)]


def write(name, schema, rows, codec="deflate", **metadata):
    metadata = {key.replace("_", "-"): str(value) for key, value in metadata.items()}
    path = HERE / name
    with open(path, "wb") as out:
        fastavro.writer(
            out, fastavro.parse_schema(schema), rows, codec=codec, sync_marker=SYNC,
            metadata=metadata,
        )
    return path


def main():
    root = pathlib.Path(sys.argv[1])
    written = []
    for version in [1, 2, 3]:
        content = {} if version == 1 else {"content": "data"}
        written.append(write(
            f"v{version}-manifest.avro", entry_schema(version), entries(version),
            format_version=version, partition_spec_id=0, **content,
        ))
        written.append(write(
            f"v{version}-list.avro", list_schema(version), list_rows(version),
            codec=["null", "snappy", "deflate"][version - 1], format_version=version,
        ))
    written.append(write(
        "v3-deletes.avro", entry_schema(3), delete_entries(), format_version=3, content="deletes",
    ))
    expected = {path.name: dump(path) for path in written}
    # Nothing but rows and a schema: no metadata, no ids.
    write("bare-manifest.avro", without_ids(entry_schema(2)), entries(2))
    write("bare-list.avro", without_ids(list_schema(2)), list_rows(2))
    mixed = entry_schema(2)
    del mixed["fields"][1]["field-id"]
    write("mixed-ids-manifest.avro", mixed, entries(2))
    write("v4-manifest.avro", entry_schema(3), entries(3), format_version=4, content="data")
    dump_json("written.json", expected)
    dump_json("fixtures.json", fixtures(root))


def dump_json(name, value):
    lines = [f"{json.dumps(key)}: {json.dumps(each)}" for key, each in value.items()]
    (HERE / name).write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
