#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a table of manifests without data files, and says which deletes apply to which file.

The manifests are written with fastavro, and the deletes are matched by comparing every data file
with every delete file under the rules of the specification (Scan Planning), so that nothing of it
is shared with the program that is tested. The same seed gives the same table.

With --uniform the table has that many equal partitions and no deletes, for measurements.
"""

import argparse
import json
import pathlib
import random

import fastavro

PATH_ID = 2147483546
OLD = ("old", 0, [("category", 1000, 2, "identity", "string")])
NEW = (
    "new",
    1,
    [("category", 1000, 2, "identity", "string"), ("amount_bucket", 1001, 3, "bucket[8]", "int")],
)
BARE = ("bare", 2, [])


def optional(name, kind, field_id):
    return {"name": name, "type": ["null", kind], "default": None, "field-id": field_id}


def required(name, kind, field_id):
    return {"name": name, "type": kind, "field-id": field_id}


def bounds(name, field_id):
    record = {
        "type": "record",
        "name": f"k{field_id + 1}_v{field_id + 2}",
        "fields": [required("key", "int", field_id + 1), required("value", "bytes", field_id + 2)],
    }
    return optional(name, {"type": "array", "items": record, "logicalType": "map"}, field_id)


def entry_schema(spec):
    partition = {
        "type": "record",
        "name": "r102",
        "fields": [optional(name, kind, fid) for name, fid, _, _, kind in spec[2]],
    }
    file = [
        required("content", "int", 134),
        required("file_path", "string", 100),
        required("file_format", "string", 101),
        required("partition", partition, 102),
        required("record_count", "long", 103),
        required("file_size_in_bytes", "long", 104),
        bounds("lower_bounds", 125),
        bounds("upper_bounds", 128),
        optional("equality_ids", {"type": "array", "items": "int", "element-id": 136}, 135),
        optional("sort_order_id", "int", 140),
        optional("first_row_id", "long", 142),
        optional("referenced_data_file", "string", 143),
        optional("content_offset", "long", 144),
        optional("content_size_in_bytes", "long", 145),
    ]
    return {
        "type": "record",
        "name": "manifest_entry",
        "fields": [
            required("status", "int", 0),
            optional("snapshot_id", "long", 1),
            optional("sequence_number", "long", 3),
            optional("file_sequence_number", "long", 4),
            required("data_file", {"type": "record", "name": "r2", "fields": file}, 2),
        ],
    }


LIST_SCHEMA = {
    "type": "record",
    "name": "manifest_file",
    "fields": [
        required("manifest_path", "string", 500),
        required("manifest_length", "long", 501),
        required("partition_spec_id", "int", 502),
        required("content", "int", 517),
        required("sequence_number", "long", 515),
        required("min_sequence_number", "long", 516),
        required("added_snapshot_id", "long", 503),
        required("added_files_count", "int", 504),
        required("existing_files_count", "int", 505),
        required("deleted_files_count", "int", 506),
        required("added_rows_count", "long", 512),
        required("existing_rows_count", "long", 513),
        required("deleted_rows_count", "long", 514),
    ],
}
SNAPSHOT_ID = 77


class Table:
    def __init__(self, folder, version):
        self.folder = pathlib.Path(folder)
        self.version = version
        (self.folder / "metadata").mkdir(parents=True)
        self.rows = []
        self.data = []
        self.deletes = []
        self.sequence_number = 0

    def manifest(self, spec, content, sequence_number, entries):
        """Writes a manifest; half of the entries inherit their sequence number."""
        path = self.folder / "metadata" / f"m{len(self.rows)}.avro"
        counts = [0, 0, 0]
        rows = [0, 0, 0]
        for entry in entries:
            counts[entry["status"]] += 1
            rows[entry["status"]] += entry["data_file"]["record_count"]
        metadata = {
            "format-version": str(self.version),
            "content": ["data", "deletes"][content],
            "partition-spec-id": str(spec[1]),
            "partition-spec": json.dumps(spec_fields(spec)),
            "schema": json.dumps(SCHEMA),
            "schema-id": "0",
        }
        with open(path, "wb") as file:
            fastavro.writer(file, entry_schema(spec), entries, codec="deflate", metadata=metadata)
        live = [e["sequence_number"] or sequence_number for e in entries if e["status"] != 2]
        self.rows.append(
            {
                "manifest_path": str(path),
                "manifest_length": path.stat().st_size,
                "partition_spec_id": spec[1],
                "content": content,
                "sequence_number": sequence_number,
                "min_sequence_number": min(live, default=sequence_number),
                "added_snapshot_id": SNAPSHOT_ID,
                "added_files_count": counts[1],
                "existing_files_count": counts[0],
                "deleted_files_count": counts[2],
                "added_rows_count": rows[1],
                "existing_rows_count": rows[0],
                "deleted_rows_count": rows[2],
            }
        )
        for entry in entries:
            if entry["status"] == 2:
                continue
            file = dict(entry["data_file"], spec=spec[1])
            file["seq"] = entry["sequence_number"] or sequence_number
            (self.deletes if content else self.data).append(file)
        self.sequence_number = max(self.sequence_number, sequence_number)

    def finish(self, properties):
        manifest_list = self.folder / "metadata" / "snap-77.avro"
        metadata = {"format-version": str(self.version)}
        with open(manifest_list, "wb") as file:
            fastavro.writer(file, LIST_SCHEMA, self.rows, codec="deflate", metadata=metadata)
        document = {
            "format-version": self.version,
            "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1",
            "location": str(self.folder),
            "last-sequence-number": self.sequence_number,
            "last-updated-ms": 1700000000000,
            "last-column-id": 3,
            "schemas": [SCHEMA],
            "current-schema-id": 0,
            "partition-specs": [
                {"spec-id": spec[1], "fields": spec_fields(spec)} for spec in (OLD, NEW, BARE)
            ],
            "default-spec-id": 1,
            "last-partition-id": 1001,
            "sort-orders": [{"order-id": 0, "fields": []}],
            "default-sort-order-id": 0,
            "properties": properties,
            "current-snapshot-id": SNAPSHOT_ID,
            "snapshots": [
                {
                    "snapshot-id": SNAPSHOT_ID,
                    "sequence-number": self.sequence_number,
                    "timestamp-ms": 1700000000000,
                    "manifest-list": str(manifest_list),
                    "summary": {"operation": "append"},
                    "schema-id": 0,
                }
            ],
            "snapshot-log": [],
            "metadata-log": [],
        }
        if self.version >= 3:
            document["next-row-id"] = 0
        path = self.folder / "metadata" / "v1.metadata.json"
        path.write_text(json.dumps(document))
        return str(path)


SCHEMA = {
    "type": "struct",
    "schema-id": 0,
    "fields": [
        {"id": 1, "name": "id", "required": True, "type": "long"},
        {"id": 2, "name": "category", "required": False, "type": "string"},
        {"id": 3, "name": "amount", "required": False, "type": "long"},
    ],
}


def spec_fields(spec):
    return [
        {"name": name, "field-id": fid, "source-id": source, "transform": transform}
        for name, fid, source, transform, _ in spec[2]
    ]


def file(content, path, partition, records, size, **more):
    base = dict.fromkeys(
        ["lower_bounds", "upper_bounds", "equality_ids", "sort_order_id", "first_row_id"]
    )
    base |= dict.fromkeys(["referenced_data_file", "content_offset", "content_size_in_bytes"])
    base |= {
        "content": content,
        "file_path": path,
        "file_format": "PARQUET",
        "partition": partition,
        "record_count": records,
        "file_size_in_bytes": size,
    }
    return base | more


def entry(status, sequence_number, data_file):
    return {
        "status": status,
        "snapshot_id": SNAPSHOT_ID,
        "sequence_number": sequence_number,
        "file_sequence_number": sequence_number,
        "data_file": data_file,
    }


def random_partition(spec, randomness):
    values = {"category": randomness.choice(["north", "east", "ü", None])}
    values["amount_bucket"] = randomness.choice([0, 1, None])
    return {name: values[name] for name, *_ in spec[2]}


def random_entry(sequence_number, randomness, data_file):
    status = randomness.choice([0, 1, 1, 1, 2])
    # Only what was added by this manifest's own commit inherits.
    if status == 1 and randomness.random() < 0.5:
        return entry(status, None, data_file)
    return entry(status, randomness.randint(1, sequence_number), data_file)


def random_table(table, count, randomness):
    sequence_number = 0
    while len(table.data) < count:
        sequence_number += 1
        spec = randomness.choice([OLD, NEW, NEW, BARE])
        entries = []
        for index in range(randomness.randint(1, 12)):
            path = f"{table.folder}/data/{sequence_number}-{index}.parquet"
            records = randomness.choice([0, 1, 100, 100, 1000])
            size = randomness.choice([10, 500, 800, 1000, 1500, 2500])
            data = file(0, path, random_partition(spec, randomness), records, size)
            entries.append(random_entry(sequence_number, randomness, data))
        table.manifest(spec, 0, sequence_number, entries)
        if randomness.random() < 0.6:
            random_deletes(table, sequence_number + 1, randomness)
            sequence_number += 1
    return table


def random_deletes(table, sequence_number, randomness):
    spec = randomness.choice([OLD, NEW, BARE])
    targets = [data for data in table.data if data["spec"] == spec[1]]
    entries = []
    vectors = {d["referenced_data_file"] for d in table.deletes if d["file_format"] == "PUFFIN"}
    for index in range(randomness.randint(1, 6)):
        path = f"{table.folder}/data/{sequence_number}-{index}-deletes.parquet"
        size = randomness.choice([10, 60, 100, 150])
        kind = randomness.choice(["equality", "partition", "named", "bound", "vector"])
        if kind == "equality":
            partition = random_partition(spec, randomness)
            entries.append(file(2, path, partition, 5, size, equality_ids=[1]))
        elif kind == "partition" or not targets:
            partition = random_partition(spec, randomness)
            entries.append(file(1, path, partition, 9, size))
        else:
            target = randomness.choice(targets)
            more = {}
            if kind == "named":
                more["referenced_data_file"] = target["file_path"]
            elif kind == "bound":
                bound = [{"key": PATH_ID, "value": target["file_path"].encode()}]
                more = {"lower_bounds": bound, "upper_bounds": bound}
            elif table.version < 3 or target["file_path"] in vectors:
                continue
            else:
                vectors.add(target["file_path"])
                more = {
                    "referenced_data_file": target["file_path"],
                    "file_format": "PUFFIN",
                    "content_offset": 4,
                    "content_size_in_bytes": randomness.randint(20, 90),
                }
            deleted = randomness.choice([1, 20, 60, 2000])
            entries.append(file(1, path, target["partition"], deleted, size, **more))
    rows = [entry(1, None, data_file) for data_file in entries]
    if rows:
        table.manifest(spec, 1, sequence_number, rows)


def scope(delete):
    """The one data file that a position delete file is for, or None."""
    if delete["referenced_data_file"]:
        return delete["referenced_data_file"]
    lower = {b["key"]: b["value"] for b in delete["lower_bounds"] or []}.get(PATH_ID)
    upper = {b["key"]: b["value"] for b in delete["upper_bounds"] or []}.get(PATH_ID)
    return lower.decode() if lower and lower == upper else None


def applies(delete, data):
    same = delete["spec"] == data["spec"] and delete["partition"] == data["partition"]
    if delete["content"] == 2:
        return delete["seq"] > data["seq"] and (same or delete["spec"] == BARE[1])
    if delete["seq"] < data["seq"]:
        return False
    path = scope(delete)
    return path == data["file_path"] if path else same


def expectation(table, data):
    found = [delete for delete in table.deletes if applies(delete, data)]
    vectors = [d for d in found if d["file_format"] == "PUFFIN"]
    if vectors:
        found = [d for d in found if d["content"] == 2 or d["file_format"] == "PUFFIN"]
    known = sum(d["record_count"] for d in found if d["content"] == 1 and scope(d))
    return {
        "path": data["file_path"],
        "records": data["record_count"],
        "bytes": data["file_size_in_bytes"],
        "spec": data["spec"],
        "partition": list(data["partition"].values()),
        "sequence_number": data["seq"],
        "vectors": len(vectors),
        "positions": sum(d["content"] == 1 for d in found) - len(vectors),
        "equalities": sum(d["content"] == 2 for d in found),
        "known_deleted": min(known, data["record_count"]),
    }


def uniform_table(table, count, partitions):
    size = 64
    for start in range(0, count, 2000):
        entries = []
        for index in range(start, min(start + 2000, count)):
            number = index % partitions
            partition = {"category": f"category-{number // 8}", "amount_bucket": number % 8}
            folder = f"{table.folder}/data/category-{number // 8}/{number % 8}"
            path = f"{folder}/part-{index:08}.parquet"
            entries.append(entry(1, None, file(0, path, partition, 1000, size << 20)))
        table.manifest(NEW, 0, start // 2000 + 1, entries)
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--format-version", type=int, default=3)
    parser.add_argument("--uniform", type=int, default=0, metavar="PARTITIONS")
    parser.add_argument("--property", action="append", default=[])
    arguments = parser.parse_args()
    table = Table(arguments.folder, arguments.format_version)
    if arguments.uniform:
        uniform_table(table, arguments.files, arguments.uniform)
    else:
        random_table(table, arguments.files, random.Random(arguments.seed))
    path = table.finish(dict(item.split("=", 1) for item in arguments.property))
    files = [] if arguments.uniform else [expectation(table, data) for data in table.data]
    print(json.dumps({"metadata": path, "deletes": len(table.deletes), "files": files}))


if __name__ == "__main__":
    main()
