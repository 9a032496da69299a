#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a Spark Thrift Server on the loopback interface until it or a watched process is gone.

Run it with the Python of `scripts/spark-env`. Ports are ephemeral unless they are given, as to a
server that comes back. When the server accepts sessions, one line of JSON on standard output says
where it listens, which process it is, and which Spark and Iceberg it has; its log goes to standard
error. To end it, end that process. When the watched process goes first, the folder goes too.

Two catalogs: `lab` in Hadoop's layout below lab/, and `sq`, a JDBC catalog over catalog.db with its
tables below sq/.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time

import spark_table

JARS = {"1.10": spark_table.NEWEST, "1.9": "iceberg-1.9.jar"}
TRANSPORTS = {"nosasl": ("binary", "NOSASL"), "plain": ("binary", "NONE"), "http": ("http", "NONE")}


def is_alive(pid):
    """Whether a process runs; one that nobody has reaped yet does not."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    except OSError:
        return False
    return state not in ("", "Z", "X")


def open_session(arguments, scratch):
    folder = pathlib.Path(arguments.folder).resolve()
    for name in ["lab", "sq"]:
        (folder / name).mkdir(parents=True, exist_ok=True)
    settings = spark_table.catalog_settings("lab", folder / "lab")
    uri = f"sqlite:///{folder}/catalog.db"
    settings |= spark_table.catalog_settings("sq", folder / "sq", uri)
    settings |= {"spark.ui.enabled": "true", "spark.ui.port": str(arguments.ui_port)}
    settings |= dict(item.split("=", 1) for item in arguments.setting)
    return spark_table.session_with(
        settings, scratch, arguments.memory, arguments.master, JARS[arguments.iceberg]
    )


def serve(session, transport, port, arguments):
    """Starts the Thrift service of a transport inside the session's JVM; its port."""
    mode, authentication = TRANSPORTS[transport]
    jvm = session._jvm
    options = {
        "hive.server2.transport.mode": mode,
        "hive.server2.authentication": authentication,
        "hive.server2.thrift.port": str(port),
        "hive.server2.thrift.http.port": "0",
        "hive.server2.long.polling.timeout": f"{arguments.long_polling}ms",
    }
    for key, value in options.items():
        jvm.java.lang.System.setProperty(key, value)
    # Else this service would take the configuration of the one before.
    jvm.org.apache.hadoop.hive.ql.session.SessionState.detachSession()
    package = jvm.org.apache.spark.sql.hive.thriftserver
    server = package.HiveThriftServer2.startWithContext(session._jsparkSession.sqlContext())
    for service in server.getServices():
        if not service.getName().startswith("Thrift"):
            continue
        if mode == "binary":
            return service.getPortNumber()
        return bind_to_loopback(service, port)
    raise RuntimeError("the Thrift server has no Thrift service")


def bind_to_loopback(service, port):
    """Over HTTP Spark listens on every interface and has no setting for it: bind again."""
    field = service.getClass().getDeclaredField("httpServer")
    field.setAccessible(True)
    (connector,) = field.get(service).getConnectors()
    connector.stop()
    connector.setHost("127.0.0.1")
    connector.setPort(port)
    connector.start()
    return connector.getLocalPort()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", required=True, help="where the tables and the catalog go")
    parser.add_argument("--iceberg", choices=sorted(JARS), default="1.10")
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--memory", default="1g")
    parser.add_argument(
        "--long-polling", type=int, default=5000, help="how long a status waits, in milliseconds"
    )
    parser.add_argument(
        "--port", action="append", default=[], metavar="TRANSPORT=PORT", help="default: any"
    )
    parser.add_argument("--ui-port", type=int, default=0)
    parser.add_argument("--setting", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--watch", type=int, help="end when this process is gone")
    arguments = parser.parse_args()

    # The only way to say where the binary transport listens that Spark heeds.
    os.environ["HIVE_SERVER2_THRIFT_BIND_HOST"] = "127.0.0.1"
    scratch = tempfile.mkdtemp(prefix="icepack-thrift-")
    try:
        session = open_session(arguments, scratch)
        pid = session._jvm.java.lang.ProcessHandle.current().pid()
        wanted = dict(item.split("=") for item in arguments.port)
        ports = {
            name: serve(session, name, int(wanted.get(name, 0)), arguments) for name in TRANSPORTS
        }
        # The first statement of a JVM takes seconds; better now than in somebody's time limit.
        (row,) = session.sql("SELECT lab.system.iceberg_version() AS version").collect()
        report = {
            "ports": ports,
            "ui": session.sparkContext.uiWebUrl,
            "pid": pid,
            "spark": session.version,
            "iceberg": row["version"],
        }
        print(json.dumps(report), flush=True)
        while is_alive(pid) and (not arguments.watch or is_alive(arguments.watch)):
            time.sleep(0.2)
        if is_alive(pid):
            os.kill(pid, 9)
            shutil.rmtree(arguments.folder, ignore_errors=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
