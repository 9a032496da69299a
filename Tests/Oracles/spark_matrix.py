#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One Spark session that makes tables of any shape, reads them, writes to them, and rewrites them.

Run it with the Python of `scripts/spark-env`. A table's name says its shape: `v2__day__positions__
rename__zstd` (see SHAPES). It takes an action and a table a line from standard input (make, look,
write, rewrite), and answers each with one line of JSON after "@ "; it ends with its input.
"""

import argparse

import spark_table

CATALOG = "lake"
LAYOUTS = {
    "plain": "",
    "identity": "PARTITIONED BY (category)",
    "bucket": "PARTITIONED BY (bucket(3, id))",
    "truncate": "PARTITIONED BY (truncate(2, name))",
    "day": "PARTITIONED BY (days(day))",
    "specs": "PARTITIONED BY (category)",
}
# How Parquet is compressed; or files are in Avro, data and deletes, until the table wants Parquet.
CODECS = ["zstd", "snappy", "gzip", "uncompressed", "avro"]
# What a column is, and what its value is in terms of the row's id.
COLUMNS = {
    "id": ("BIGINT", "id"),
    "name": ("STRING", "CONCAT('n', id)"),
    "category": ("STRING", "CASE id % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'b' END"),
    "amount": ("INT", "CAST(id * 7 AS INT)"),
    "ratio": ("FLOAT", "CAST(id * 0.5 AS FLOAT)"),
    "price": ("DECIMAL(9, 2)", "CAST(id * 1.25 AS DECIMAL(9, 2))"),
    "day": ("DATE", "DATE_ADD(DATE'2026-01-01', CAST(id % 3 AS INT))"),
    "place": (
        "STRUCT<x: INT, y: STRING>",
        "NAMED_STRUCT('x', CAST(id AS INT), 'y', CONCAT('y', id % 5))",
    ),
}
CHANGES = {
    "same": [],
    "add": ["ALTER TABLE {t} ADD COLUMN added STRING"],
    "drop": ["ALTER TABLE {t} DROP COLUMN price"],
    "rename": ["ALTER TABLE {t} RENAME COLUMN amount TO total"],
    "reorder": ["ALTER TABLE {t} ALTER COLUMN ratio FIRST"],
    "promote": [
        "ALTER TABLE {t} ALTER COLUMN amount TYPE BIGINT",
        "ALTER TABLE {t} ALTER COLUMN ratio TYPE DOUBLE",
        "ALTER TABLE {t} ALTER COLUMN price TYPE DECIMAL(18, 2)",
    ],
    "nested": [
        "ALTER TABLE {t} ADD COLUMN place.z INT",
        "ALTER TABLE {t} RENAME COLUMN place.y TO why",
    ],
    # Spark's SQL knows none; the change is made through Iceberg's own interface.
    "default": [],
}
DELETES = ["none", "positions", "vectors", "equality", "mixed"]
SHAPES = {
    "version": ["v1", "v2", "v3"],
    "layout": list(LAYOUTS),
    "deletes": DELETES,
    "change": list(CHANGES),
    "codec": CODECS,
}


class Table:
    def __init__(self, session, name):
        self.session, self.short = session, name
        self.name = f"{CATALOG}.demo.{name}"
        self.version, self.layout, self.deletes, self.change, self.codec = name.split("__")

    def sql(self, text):
        return self.session.sql(text.replace("{t}", self.name))

    # What Iceberg's own interface can and SQL cannot.

    @property
    def jvm(self):
        return self.session._jvm

    def loaded(self):
        return spark_table.loaded(self.session, self.name)

    def add_default(self):
        api = self.jvm.org.apache.iceberg
        value = api.expressions.Expressions.lit("given")
        text = api.types.Types.StringType.get()
        self.loaded().updateSchema().addColumn("added", text, "with a default", value).commit()

    def delete_by_name(self, ids):
        """An equality delete file for each partition, which names rows of any."""
        table = self.loaded()
        place = f"{table.location()}/data/eq-{table.currentSnapshot().snapshotId()}"
        names = [f"n{key}" for key in ids]
        spark_table.delete_by_value(
            self.session,
            table,
            "name",
            [
                (f"{place}-{number}.parquet", spec, partition, names)
                for number, (spec, partition) in enumerate(self.partitions(table).values())
            ],
        )

    @staticmethod
    def partitions(table):
        found = {}
        tasks = table.newScan().planFiles().iterator()
        while tasks.hasNext():
            task = tasks.next()
            partition = task.file().partition().copy()
            found[(task.spec().specId(), partition.toString())] = (task.spec(), partition)
        tasks.close()
        return found

    # Making, reading, writing.

    def insert(self, first, count, branch=""):
        values = {name: value for name, (_, value) in COLUMNS.items()}
        now = {field.name: field for field in self.sql("SELECT * FROM {t}").schema.fields}
        if "total" in now:
            values["total"] = values.pop("amount")
        if "added" in now:
            values["added"] = "CONCAT('added ', id)"
        if len(now["place"].dataType.fieldNames()) == 3:
            values["place"] = (
                "NAMED_STRUCT('x', CAST(id AS INT), 'why', CONCAT('y', id % 5), "
                "'z', CAST(id AS INT))"
            )
        chosen = ", ".join(f"{values[name]} AS {name}" for name in now)
        self.sql(
            f"INSERT INTO {{t}}{branch} SELECT /*+ REPARTITION(2) */ {chosen} "
            f"FROM RANGE({first}, {first + count})"
        )

    def create(self):
        # Deletes of a table that was of version 2 are files still when it is of version 3.
        upgrades = self.version == "v3" and self.deletes == "positions"
        properties = {
            "format-version": 2 if upgrades else self.version[1:],
            "write.distribution-mode": "none",
        }
        if self.codec == "avro":
            properties["write.format.default"] = "avro"
        else:
            properties["write.parquet.compression-codec"] = self.codec
        if self.version != "v1":
            for action in ["delete", "update", "merge"]:
                properties[f"write.{action}.mode"] = "merge-on-read"
        text = ", ".join(f"'{key}' = '{value}'" for key, value in properties.items())
        columns = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
        self.sql(
            f"CREATE TABLE {{t}} ({columns}) USING iceberg {LAYOUTS[self.layout]} "
            f"TBLPROPERTIES ({text})"
        )
        return upgrades

    def make(self):
        by_position = self.deletes in ["positions", "vectors", "mixed"]
        by_value = self.deletes in ["equality", "mixed"]
        self.session.sql(f"CREATE NAMESPACE IF NOT EXISTS {CATALOG}.demo")
        upgrades = self.create()
        self.insert(0, 30)
        self.insert(30, 30)
        self.sql("ALTER TABLE {t} CREATE TAG first")
        if by_position:
            self.sql("DELETE FROM {t} WHERE id % 7 = 3")
        self.sql("ALTER TABLE {t} CREATE BRANCH audit")
        if by_value:
            self.delete_by_name([10, 11, 12, 50])
            # As old as no delete, and named by one.
            self.insert(10, 2)
        for statement in CHANGES[self.change]:
            self.sql(statement)
        if self.change == "default":
            self.add_default()
        if self.layout == "specs":
            self.sql("ALTER TABLE {t} ADD PARTITION FIELD bucket(2, id)")
        self.insert(100, 20)
        if by_position:
            self.sql("UPDATE {t} SET name = CONCAT(name, '!') WHERE id % 11 = 5")
        if by_value:
            self.delete_by_name([100, 101, 10])
        if upgrades:
            self.sql("ALTER TABLE {t} SET TBLPROPERTIES ('format-version' = '3')")
        self.insert(130, 10)
        self.insert(300, 5, ".branch_audit")
        if self.codec == "avro":
            self.sql("ALTER TABLE {t} SET TBLPROPERTIES ('write.format.default' = 'parquet')")
        return {}

    def look(self):
        """The rows of every reference, and of version 3 what they say of their origin."""
        refs = [row["name"] for row in self.sql("SELECT name FROM {t}.refs").collect()]
        found = {
            "rows": {
                ref: plain(self.sql(f"SELECT * FROM {{t}} VERSION AS OF '{ref}'")) for ref in refs
            }
        }
        if self.version == "v3":
            lineage = "SELECT id, _row_id, _last_updated_sequence_number AS sequence FROM {t}"
            origin = plain(self.sql(lineage))
            found["lineage"] = sorted(origin, key=lambda row: (row["id"], row["_row_id"]))
        return found

    def write(self):
        self.insert(1000, 10)
        self.sql("DELETE FROM {t} WHERE id BETWEEN 20 AND 24 OR id = 1003")
        self.sql(
            "MERGE INTO {t} t USING (SELECT id FROM RANGE(1, 9)) s ON t.id = s.id "
            "WHEN MATCHED AND s.id % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET name = 'met'"
        )
        self.insert(400, 3, ".branch_audit")
        return {}

    def rewrite(self):
        """Spark's own procedures; what they say."""
        said = {}
        for action in ["rewrite_position_delete_files", "rewrite_data_files"]:
            call = (
                f"CALL {CATALOG}.system.{action}(table => 'demo.{self.short}', "
                "options => MAP('rewrite-all', 'true'))"
            )
            if self.version != "v1" or action == "rewrite_data_files":
                said[action] = self.sql(call).collect()[0].asDict()
        return said


def plain(frame):
    """Rows as JSON has them; what it lacks as the other engines' readers spell it."""
    return [
        {key: spelled(value) for key, value in row.asDict(recursive=True).items()}
        for row in frame.collect()
    ]


def spelled(value):
    if value is None or isinstance(value, (bool, int, float, str, dict)):
        return value
    return str(value)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--warehouse", required=True)
    arguments = parser.parse_args()
    actions = {
        name: lambda session, table, name=name: getattr(Table(session, table), name)()
        for name in ["make", "look", "write", "rewrite"]
    }
    settings = spark_table.catalog_settings(CATALOG, arguments.warehouse)
    spark_table.answer(settings, actions)


if __name__ == "__main__":
    main()
