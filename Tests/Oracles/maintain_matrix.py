#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rewrites the files of tables of many shapes that Spark made, and has four engines read them.

The shapes cover every pair of version, layout, deletes, change of the schema and codec that can
occur; a seed decides which, and `--tables` how many of them, those that cover the most first. Each
table is rewritten by us and, restored at the same path, by Spark's procedures. At every reference
engines must read what Spark read before, and rows of version 3 must keep their origin; afterwards
Spark appends, deletes and merges, and all must agree again. `differences` names what is not so.
"""

import argparse
import itertools
import json
import os
import pathlib
import random
import shutil

import icepack_command
import live_entries
from maintain_spark_tables import Spark, Table, Timed, disagreements, sums

SHAPES = {
    "version": ["v1", "v2", "v3"],
    "layout": ["plain", "identity", "bucket", "truncate", "day", "specs"],
    "deletes": ["none", "positions", "vectors", "equality", "mixed"],
    "change": ["same", "add", "drop", "rename", "reorder", "promote", "nested", "default"],
    "codec": ["zstd", "snappy", "gzip", "uncompressed", "avro"],
}


def is_legal(shape):
    version, _, deletes, change, _ = shape
    if version == "v1":
        return deletes == "none" and change != "default"
    if version == "v2":
        return deletes != "vectors" and change != "default"
    # The table is of version 2 until its last commits.
    return not (deletes == "positions" and change == "default")


def pairs(shape):
    return set(itertools.combinations(enumerate(shape), 2))


def covering(seed):
    """Legal shapes that have every pair of values that any has; the most useful first."""
    legal = [shape for shape in itertools.product(*SHAPES.values()) if is_legal(shape)]
    random.Random(seed).shuffle(legal)
    left = set().union(*map(pairs, legal))
    chosen = []
    while left:
        chosen.append(max(legal, key=lambda shape: len(pairs(shape) & left)))
        left -= pairs(chosen[-1])
    return chosen


ENGINES = ["duckdb", "pyiceberg", "datafusion"]


def origins(location):
    """Whence each row of the data files of `main`, all of Avro, comes, deleted ones included.

    Worked out by the rules of the specification: Spark with Iceberg 1.10 miscounts the ids of rows
    in Avro, gives some twice, and stores what it counted with the rows that it updates.
    """
    metadata = json.loads(location.read_bytes())
    current = metadata["current-snapshot-id"]
    (snapshot,) = [s for s in metadata["snapshots"] if s["snapshot-id"] == current]
    found = set()
    for manifest in live_entries.manifests(metadata, snapshot):
        for entry in live_entries.entries(manifest):
            if entry["data_file"]["content"] != 0:
                continue
            _, rows = live_entries.records(entry["data_file"]["file_path"])
            for place, row in enumerate(rows):
                stored = row.get("_row_id"), row.get("_last_updated_sequence_number")
                inherited = entry["first_row_id"] + place, entry["sequence_number"]
                found.add(
                    (row["id"],)
                    + tuple(b if a is None else a for a, b in zip(stored, inherited, strict=True))
                )
    return found


class Run(Timed):
    def __init__(self, arguments):
        super().__init__()
        self.scratch = pathlib.Path(arguments.scratch).resolve()
        self.warehouse = self.scratch / "warehouse"
        self.warehouse.mkdir()
        self.icepack = os.path.abspath(arguments.icepack)
        self.found = []
        self.readers = dict.fromkeys(ENGINES, 0)
        self.spark = Spark(
            os.path.abspath(arguments.spark_python),
            "spark_matrix.py",
            self.warehouse,
            self.scratch / "spark.log",
        )

    def ask(self, action, name):
        return self.timed(f"spark: {action}", self.spark.ask, f"{action} {name}")

    def maintain(self, name, action, *options):
        """What an action reports in numbers; nothing if it failed."""
        settings = {
            "ICEPACK_CATALOG_TYPE": "filesystem",
            "ICEPACK_CATALOG_WAREHOUSE": str(self.warehouse),
        }
        result = self.timed(
            action,
            icepack_command.maintain,
            self.icepack,
            f"demo.{name}",
            action,
            options,
            settings,
        )
        if result.returncode != 0:
            self.found.append(f"{action} of {name}: {result.stdout} {result.stderr[-1000:]}")
            return {}
        return json.loads(result.stdout)["results"][0]

    def expect(self, holds, title, why):
        if not holds:
            self.found.append(f"{title}: {why}")

    def expect_rows(self, table, title, expected):
        seen = self.timed("look", table.look)
        self.found += disagreements(title, seen["rows"], expected)
        self.expect(not seen["missing"], title, f"missing {seen['missing']}")
        self.expect(not seen["unnamed"], title, f"nobody names {seen['unnamed']}")

    def trusted(self, folder, expected):
        """The engines that read the table right as Spark made it; from then on they must.

        Some cannot read some shapes, or misread them, which says nothing of what we do to them.
        """
        able = []
        for engine in ENGINES:
            try:
                seen = self.timed("look", Table(folder, [engine]).look)
            except BaseException as problem:
                # A panic of DataFusion's is no Exception.
                if isinstance(problem, KeyboardInterrupt):
                    raise
                continue
            if not disagreements(engine, seen["rows"], expected):
                able.append(engine)
                self.readers[engine] += 1
        return able

    def rewrite(self, name, shape, table, expected):
        """Both rewrites by us, with a look after each; the second run must have nothing to do."""
        # Vectors are what they should be from the start.
        if shape[2] == "positions" or (shape[0], shape[2]) == ("v2", "mixed"):
            self.rewrite_deletes(name, table, expected, "rewritten_delete_files_count")
        # Of the others equality deletes are left to the rewrite of data files.
        if shape[2] in ["equality", "mixed"] and shape[4] in ["snappy", "avro"]:
            self.rewrite_deletes(
                name,
                table,
                expected,
                "converted_equality_delete_files_count",
                "convert-equality-deletes=true",
            )
        title = "rewrite_data_files"
        result = self.maintain(name, title, "rewrite-all=true")
        done = result.get("metrics", {})
        count = done.get("rewritten_data_files_count", 0)
        self.expect(count > 0, f"{title} of {name}", f"it did nothing: {result}")
        left = done.get("refused_groups_count", 0)
        self.expect(left == 0, f"{title} of {name}", f"it left {result}")
        self.expect_rows(table, f"{title} of {name}", expected)
        if shape[1] == "specs":
            # Rows of the older spec are in files of their own now, beside those of each partition.
            self.maintain(name, title, "min-input-files=2")
            self.expect_rows(table, f"a second {title} of {name}", expected)
        again = self.maintain(name, title, "min-input-files=2").get("metrics", {})
        count = again.get("rewritten_data_files_count")
        self.expect(count == 0, f"{title} of {name}, again", f"it found something: {again}")

    def rewrite_deletes(self, name, table, expected, metric, *options):
        title = "rewrite_position_delete_files"
        done = self.maintain(name, title, "rewrite-all=true", *options).get("metrics", {})
        self.expect(done.get(metric, 0) > 0, f"{title} of {name}", f"it did nothing: {done}")
        self.expect_rows(table, f"{title} of {name}", expected)

    def expect_lineage(self, name, origin, later, known):
        """Rows have the ids that Spark read before, or those that are known of a table in Avro."""
        before, after = origin.get("lineage", []), later.get("lineage", [])
        if known is None:
            ids = {row["_row_id"] for row in after}
            self.expect(after == before, name, "rows changed their ids")
            self.expect(len(ids) == len(after), name, "rows share ids")
        else:
            rows = {(row["id"], row["_row_id"], row["sequence"]) for row in after}
            self.expect(len(rows) == len(before), name, "rows of one origin")
            self.expect(rows <= known, name, f"rows changed their ids: {sorted(rows - known)}")

    def compare(self, shape):
        name = "__".join(shape)
        self.ask("make", name)
        origin = self.ask("look", name)
        expected = sums(origin)
        folder = self.warehouse / "demo" / name
        table = Table(folder, self.trusted(folder, expected))
        known = origins(table.location()) if (shape[0], shape[4]) == ("v3", "avro") else None
        pristine = self.scratch / "pristine" / name
        shutil.copytree(table.folder, pristine)

        self.rewrite(name, shape, table, expected)
        later = self.ask("look", name)
        self.expect(sums(later) == expected, name, "Spark reads other rows than before")
        self.expect_lineage(name, origin, later, known)
        self.ask("write", name)
        last = sums(self.ask("look", name))
        self.expect(last["main"] != expected["main"], name, "Spark wrote nothing")
        self.expect_rows(table, f"{name} after Spark wrote", last)

        shutil.rmtree(table.folder)
        shutil.copytree(pristine, table.folder)
        self.ask("rewrite", name)
        self.expect_rows(table, f"{name} rewritten by Spark", expected)
        shutil.rmtree(table.folder)
        shutil.rmtree(pristine)

    def run(self, shapes):
        for shape in shapes:
            self.compare(shape)
        self.spark.end()
        return {
            "differences": self.found,
            "tables": len(shapes),
            "readers": self.readers,
            "seconds": self.seconds,
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--icepack", required=True, help="the executable")
    parser.add_argument("--spark-python", required=True)
    parser.add_argument("--scratch", required=True, help="an empty folder")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tables", type=int, help="the first of the covering shapes")
    parser.add_argument("--shape", help="only this one: the name of a table")
    arguments = parser.parse_args()
    shapes = covering(arguments.seed)[: arguments.tables]
    if arguments.shape:
        shapes = [tuple(arguments.shape.split("__"))]
    print(json.dumps(Run(arguments).run(shapes)))


if __name__ == "__main__":
    main()
