# SPDX-License-Identifier: Apache-2.0
"""A throwaway PostgreSQL server on the loopback interface, durable as shipped."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile


def binaries():
    """The newest server that Debian installed."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: p.parent.name)
    if not found:
        raise SystemExit("no PostgreSQL server: run scripts/bootstrap test")
    return found[-1]


class PostgresServer:
    """Started on entry with these settings, stopped and removed on exit."""

    def __init__(self, settings=()):
        self.settings = settings
        self.bin = binaries()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="icepack-bench-pg-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        # The server refuses to run as root.
        self.user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []

    def command(self, *arguments):
        subprocess.run(
            [*self.user, *map(str, arguments)],
            check=True,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def __enter__(self):
        self.folder.chmod(0o755)
        if self.user:
            shutil.chown(self.folder, "postgres")
        data = self.folder / "data"
        self.command(
            self.bin / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
            "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        options += "".join(f" -c {setting}" for setting in self.settings)
        self.command(
            self.bin / "pg_ctl", "-D", data, "-w", "-t", "60", "-l", self.folder / "log",
            "-o", options, "start",
        )  # fmt: skip
        return self

    def __exit__(self, *_):
        self.command(self.bin / "pg_ctl", "-D", self.folder / "data", "-m", "fast", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def create_database(self, name):
        self.query(f"CREATE DATABASE {name}", "postgres")
        return f"postgres://postgres@127.0.0.1:{self.port}/{name}"

    def query(self, sql, database):
        result = subprocess.run(
            [self.bin / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"]
            + ["-p", str(self.port), "-U", "postgres", "-d", database, "-c", sql],
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        return result.stdout.split("\n")[:-1]
