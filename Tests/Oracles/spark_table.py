#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a table with Spark in a Hadoop catalog, or runs Iceberg's procedures on one, to compare.

Run it with the Python of `scripts/spark-env`. Spark runs in this process's child with two threads
and listens on the loopback interface only.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time

HOME = pathlib.Path(sys.prefix)
SQLITE_DRIVER = "/usr/share/java/sqlite-jdbc.jar"
NEWEST = "iceberg-spark-runtime.jar"


def session_with(settings, scratch, memory="1g", master="local[2]", jar=NEWEST):
    """A session on the loopback interface only, with Iceberg's extensions and these settings."""
    os.environ["SPARK_HOME"] = str(HOME / "spark-home")
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = sys.executable
    from pyspark.sql import SparkSession

    common = {
        "spark.jars": str((HOME / jar).resolve()),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": memory,
        # It lives for a minute: what the second compiler and a parallel collector cost never pays.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.local.dir": scratch,
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": scratch,
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions."
        "IcebergSparkSessionExtensions",
    }
    builder = SparkSession.builder.master(master).appName("icepack-oracle")
    for key, value in (common | settings).items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


@contextlib.contextmanager
def opened(settings, memory="1g"):
    """A quiet session with a scratch folder of its own, stopped and cleared away at the end."""
    scratch = tempfile.mkdtemp(prefix="icepack-spark-")
    try:
        session = session_with(settings, scratch, memory)
        session.sparkContext.setLogLevel("ERROR")
        yield session
        session.stop()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def answer(settings, actions):
    """Answers each line of standard input, an action and its words, with JSON after "@ "."""
    with opened(settings) as session:
        for line in sys.stdin:
            action, *words = line.split()
            print("@", json.dumps(actions[action](session, *words)), flush=True)


def catalog_settings(name, warehouse, catalog_uri=None):
    """A catalog whose name is that by which a SQL catalog knows itself."""
    catalog = f"spark.sql.catalog.{name}"
    settings = {
        catalog: "org.apache.iceberg.spark.SparkCatalog",
        f"{catalog}.warehouse": f"file://{pathlib.Path(warehouse).resolve()}",
        # A table that another process changed must be read anew.
        f"{catalog}.cache-enabled": "false",
        f"{catalog}.type": "jdbc" if catalog_uri else "hadoop",
    }
    if catalog_uri:
        path = catalog_uri.removeprefix("sqlite:///")
        settings["spark.driver.extraClassPath"] = SQLITE_DRIVER
        settings[f"{catalog}.uri"] = f"jdbc:sqlite:{path}"
        settings[f"{catalog}.jdbc.schema-version"] = "V1"
        # Others write to the same file; without patience SQLite gives up at once.
        settings[f"{catalog}.jdbc.journal_mode"] = "WAL"
        settings[f"{catalog}.jdbc.busy_timeout"] = "20000"
    return settings


def make(session, name, arguments):
    """Inserts, row-level deletes, updates and merges, two branches, a tag, and statistics."""
    catalog = arguments.catalog_name
    session.sql(f"CREATE NAMESPACE IF NOT EXISTS {name.rpartition('.')[0]}")
    session.sql(
        f"""CREATE TABLE {name} (id BIGINT, category STRING, amount BIGINT, at TIMESTAMP)
        USING iceberg PARTITIONED BY (category) TBLPROPERTIES (
          'format-version' = '2', 'write.delete.mode' = 'merge-on-read',
          'write.update.mode' = 'merge-on-read', 'write.merge.mode' = 'merge-on-read')"""
    )
    rows = "id, CASE WHEN id % 3 = 0 THEN 'a' WHEN id % 3 = 1 THEN 'b' ELSE 'c' END AS category"
    rows += ", id * 7 AS amount, TIMESTAMP'2026-01-01 00:00:00' + MAKE_INTERVAL(0,0,0,0,0,0,id)"
    for number in range(arguments.commits):
        first = number * 30
        session.sql(f"INSERT INTO {name} SELECT {rows} AS at FROM RANGE({first}, {first + 30})")
        if number % 4 == 1:
            session.sql(f"DELETE FROM {name} WHERE id >= {first - 20} AND id < {first - 10}")
        if number % 4 == 2:
            session.sql(f"UPDATE {name} SET amount = -amount WHERE id % 50 = {number}")
        if number % 4 == 3:
            session.sql(
                f"""MERGE INTO {name} t
                USING (SELECT {rows} AS at FROM RANGE({first - 15}, {first + 45})) s
                ON t.id = s.id WHEN MATCHED AND s.id % 2 = 0 THEN DELETE
                WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"""
            )
        if number == arguments.commits // 4:
            session.sql(f"ALTER TABLE {name} CREATE BRANCH stale")
            session.sql(f"ALTER TABLE {name} CREATE TAG release RETAIN 365 DAYS")
            session.sql(f"CALL `{catalog}`.system.compute_table_stats(table => '{short(name)}')")
        if number == arguments.commits // 2:
            retention = "WITH SNAPSHOT RETENTION 3 SNAPSHOTS"
            session.sql(f"ALTER TABLE {name} CREATE BRANCH audit {retention}")
            for extra in range(4):
                values = f"({extra + 9_000_000}, 'a', {extra}, TIMESTAMP'2026-02-01 00:00:00')"
                session.sql(f"INSERT INTO {name}.branch_audit VALUES {values}")
    # Replacing the manifests and a file rewrite leave whole generations of files to expire.
    session.sql(f"CALL `{catalog}`.system.rewrite_manifests('{short(name)}')")
    session.sql(
        f"CALL `{catalog}`.system.rewrite_data_files(table => '{short(name)}', "
        "options => MAP('min-input-files', '2'))"
    )
    return {}


def short(name):
    return name.split(".", 1)[1]


def expire(session, name, arguments):
    # The first statement pays for the session; the procedure should not.
    session.sql(f"SELECT snapshot_id FROM {name}.refs").collect()
    options = [f"table => '{short(name)}'"]
    if arguments.older_than:
        options.append(f"older_than => TIMESTAMP '{arguments.older_than}'")
    if arguments.retain_last:
        options.append(f"retain_last => {arguments.retain_last}")
    if arguments.clean_expired_metadata:
        options.append("clean_expired_metadata => true")
    call = f"CALL `{arguments.catalog_name}`.system.expire_snapshots({', '.join(options)})"
    started = time.monotonic()
    counts = session.sql(call).collect()[0].asDict()
    return {"elapsed_seconds": round(time.monotonic() - started, 3), "metrics": counts}


def orphans(session, name, arguments):
    """Lists orphans as Iceberg's procedure finds them, and removes nothing."""
    session.sql(f"SELECT snapshot_id FROM {name}.refs").collect()
    call = (
        f"CALL `{arguments.catalog_name}`.system.remove_orphan_files("
        f"table => '{short(name)}', dry_run => true)"
    )
    started = time.monotonic()
    count = session.sql(call).count()
    return {
        "elapsed_seconds": round(time.monotonic() - started, 3),
        "metrics": {"orphan_files_count": count},
    }


def loaded(session, name):
    """The table as Iceberg's own classes have it."""
    util = session._jvm.org.apache.iceberg.spark.Spark3Util
    return util.loadIcebergTable(session._jsparkSession, name)


def delete_by_value(session, table, column, files):
    """Equality delete files, which Spark's SQL cannot write, in one commit.

    Each of `files` is a path, a partition spec, a partition, and the values of the rows that go.
    """
    jvm = session._jvm
    api = jvm.org.apache.iceberg
    columns = jvm.java.util.ArrayList()
    columns.add(column)
    schema = table.schema().select(columns)
    keys = session.sparkContext._gateway.new_array(jvm.int, 1)
    keys[0] = table.schema().findField(column).fieldId()
    change = table.newRowDelta()
    for path, spec, partition, values in files:
        factory = api.data.GenericAppenderFactory(table.schema(), spec, keys, schema, None)
        output = api.encryption.EncryptionUtil.plainAsEncryptedOutput(
            table.io().newOutputFile(path)
        )
        writer = factory.newEqDeleteWriter(output, api.FileFormat.PARQUET, partition)
        for value in values:
            record = api.data.GenericRecord.create(schema)
            record.setField(column, value)
            writer.write(record)
        writer.close()
        change.addDeletes(writer.toDeleteFile())
    change.commit()


def describe(session, name):
    refs = session.sql(f"SELECT name, snapshot_id FROM {name}.refs").collect()
    log = session.sql(f"SELECT file FROM {name}.metadata_log_entries ORDER BY timestamp").collect()
    return {
        "metadata_location": log[-1]["file"],
        "refs": {row["name"]: row["snapshot_id"] for row in refs},
        "snapshots": session.sql(f"SELECT snapshot_id FROM {name}.snapshots").count(),
    }


def peak_memory(session):
    """The largest resident size of the Java process so far, in KiB."""
    pid = session._jvm.java.lang.ProcessHandle.current().pid()
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("action", choices=["make", "expire", "orphans"])
    parser.add_argument("--warehouse", required=True)
    parser.add_argument("--catalog-uri", help="a SQLite JDBC catalog instead of the Hadoop one")
    parser.add_argument("--catalog-name", default="default")
    parser.add_argument("--table", default="demo.events")
    parser.add_argument("--commits", type=int, default=12)
    parser.add_argument("--older-than", help="in UTC, such as 2026-11-01 12:00:00.000000")
    parser.add_argument("--retain-last", type=int)
    parser.add_argument("--clean-expired-metadata", action="store_true")
    parser.add_argument("--memory", default="1g")
    arguments = parser.parse_args()

    settings = catalog_settings(
        arguments.catalog_name, arguments.warehouse, arguments.catalog_uri
    )
    with opened(settings, arguments.memory) as session:
        name = f"{quoted(arguments.catalog_name)}.{arguments.table}"
        action = {"make": make, "expire": expire, "orphans": orphans}[arguments.action]
        result = action(session, name, arguments) | describe(session, name)
        result["peak_rss_kib"] = peak_memory(session)
    print(json.dumps(result))


def quoted(name):
    """`default` is a word of Spark's grammar."""
    return f"`{name}`"


if __name__ == "__main__":
    main()
