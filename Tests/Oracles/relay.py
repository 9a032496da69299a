#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Passes bytes between one port of the loopback address and another, both ways.

It prints its port and runs until it is killed, which cuts every connection through it; stopped by
SIGSTOP it is a network that has gone silent. It ends with the process that it watches.
"""

import argparse
import os
import pathlib
import socket
import sys
import threading
import time


def pump(source, target):
    """One direction of a connection, until either end closes."""
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # Either side may go at any time; then the other goes too.
        for end in [source, target]:
            end.close()


def connect(client, port):
    try:
        server = socket.create_connection(("127.0.0.1", port))
    except OSError:
        client.close()
        return
    for source, target in [(client, server), (server, client)]:
        threading.Thread(target=pump, args=(source, target), daemon=True).start()


def watch(pid):
    """Ends this process when another is gone; one that nobody has reaped counts as gone."""
    while True:
        try:
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
        except OSError:
            state = "X"
        if state in ("Z", "X"):
            os._exit(0)
        time.sleep(0.3)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--to", type=int, required=True, help="the port to reach")
    parser.add_argument("--port", type=int, default=0, help="default: any")
    parser.add_argument("--watch", type=int, required=True, help="end when this process is gone")
    arguments = parser.parse_args()

    listener = socket.create_server(("127.0.0.1", arguments.port))
    threading.Thread(target=watch, args=(arguments.watch,), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        connect(client, arguments.to)


if __name__ == "__main__":
    sys.exit(main())
