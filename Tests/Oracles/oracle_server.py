#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs oracles in processes forked from one that has their libraries loaded already.

Loading PyIceberg, PyArrow and DuckDB takes over a second of processor time, and a test run calls
hundreds of programs. `oracle_server.py serve` loads them once and prints `ready NAME`, the name of
its socket; `oracle_server.py call NAME PROGRAM [ARGUMENT ...]` runs a program there, with the
caller's folder, environment and output, and ends with the program's status. Programs that run
others find the socket's name in ICEPACK_ORACLE_SERVER.
"""

import importlib
import json
import os
import runpy
import signal
import socket
import sys
import traceback

LIBRARIES = [
    "boto3",
    "datafusion",
    "duckdb",
    "fastavro",
    "pyarrow.dataset",
    "pyarrow.fs",
    "pyarrow.parquet",
    "pyiceberg.catalog.glue",
    "pyiceberg.catalog.rest",
    "pyiceberg.catalog.sql",
    "pyiceberg.io.pyarrow",
    "pyiceberg.table",
]

# What a program ends with that died without a status of its own.
DIED = 70


def serve():
    # A thread in a library's pool would not exist in the forked processes.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    for library in LIBRARIES:
        importlib.import_module(library)
    name = f"icepack-oracles-{os.getpid()}"
    # The kernel reaps: nobody here waits for the programs.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        # In the abstract namespace: there is no file to be left behind.
        listener.bind(f"\0{name}")
        listener.listen(64)
        print(f"ready {name}", flush=True)
        while True:
            caller, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                run(caller)
            caller.close()


def run(caller):
    """Runs one program in this process, which ends with it."""
    status = DIED
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _, outputs, _, _ = socket.recv_fds(caller, 1, 2)
        with caller.makefile("rb") as stream:
            request = json.load(stream)
        for number, output in enumerate(outputs, start=1):
            os.dup2(output, number)
            os.close(output)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"], ICEPACK_ORACLE_SERVER=request["server"])
        sys.argv = request["command"]
        sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
            status = 0
        except SystemExit as end:
            if isinstance(end.code, str):
                print(end.code, file=sys.stderr)
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        sys.stdout.flush()
    except BaseException:
        status = 1
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        caller.sendall(bytes([status & 255]))
        os._exit(0)


def command(program):
    """What runs an oracle: through the server that this process was forked from, if it was."""
    here = os.path.dirname(os.path.abspath(__file__))
    name = os.environ.get("ICEPACK_ORACLE_SERVER")
    through = ["-I", "-S", os.path.join(here, "oracle_server.py"), "call", name] if name else []
    return [sys.executable, *through, os.path.join(here, program)]


def call(name, command):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.connect(f"\0{name}")
        socket.send_fds(server, [b"."], [1, 2])
        request = {"command": command, "server": name, "folder": os.getcwd()}
        request["environment"] = dict(os.environ)
        server.sendall(json.dumps(request).encode())
        server.shutdown(socket.SHUT_WR)
        status = server.recv(1)
    return status[0] if status else DIED


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    elif sys.argv[1:2] == ["call"] and len(sys.argv) > 3:
        sys.exit(call(sys.argv[2], sys.argv[3:]))
    else:
        sys.exit(__doc__)
