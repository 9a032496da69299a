# SPDX-License-Identifier: Apache-2.0
"""moto's Glue on the loopback address, with signatures enforced, and stricter than it comes.

Usage: moto_glue.py

Takes any free port and prints one line of JSON when it is ready: its port, and the keys of a user
who may do everything. Other than moto's own it refuses an update that names another version than
the current one, as Glue does, and gives out lists in pages of two.

POST /control makes the next call of an operation fail: {"operation": "UpdateTable", and one of
"status" (with "type", "message"; "after": true to carry it out first) and "cut" ("before" or
"after" it is carried out)}. GET /control answers with the bodies of the updates so far.
"""

import json
import os
import socket
import sys
import threading
from io import BytesIO

# From the first call on; the user is made below, behind the server's back.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "0"

from moto.core.exceptions import JsonRESTError  # noqa: E402
from moto.glue.responses import GlueResponse  # noqa: E402
from moto.iam.models import iam_backends  # noqa: E402
from moto.moto_server.werkzeug_app import (  # noqa: E402
    DomainDispatcherApplication,
    create_backend_app,
)
from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: E402

ACCOUNT = "123456789012"
PAGE = 2
LISTS = {"GetDatabases": "DatabaseList", "GetTables": "TableList"}


class Handler(WSGIRequestHandler):
    """Keeps connections open, as the real service does."""

    protocol_version = "HTTP/1.1"

    def log(self, type, message, *args):
        print(message % args, file=sys.stderr)


def refuse_other_versions():
    """Glue's optimistic lock, which moto has not."""
    update, lock = GlueResponse.update_table, threading.Lock()

    def update_version(self):
        wanted = self.parameters.get("VersionId")
        with lock:
            table = self.glue_backend.get_table(
                self.parameters["DatabaseName"], self.parameters["TableInput"]["Name"]
            )
            if wanted is not None and wanted != table.as_dict()["VersionId"]:
                raise JsonRESTError("ConcurrentModificationException", "Update table failed")
            return update(self)

    GlueResponse.update_table = update_version


class Strict:
    """Pages and faults around moto."""

    def __init__(self, application):
        self.application = application
        self.faults, self.updates = [], []

    def __call__(self, environ, start):
        if environ["PATH_INFO"] == "/control":
            return self.control(environ, start)
        operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(raw)
        if operation == "UpdateTable":
            self.updates.append(json.loads(raw))
        fault = next((fault for fault in self.faults if fault["operation"] == operation), {})
        if fault:
            self.faults.remove(fault)
        if fault.get("cut") == "before":
            self.cut(environ)
        if "status" in fault and not fault.get("after"):
            return self.answer(start, fault["status"], self.error(fault))
        seen = {}

        def remember(status, headers, problem=None):
            seen["status"], seen["headers"] = status, headers
            return lambda data: None

        body = b"".join(self.application(environ, remember))
        if fault.get("cut") == "after":
            self.cut(environ)
        if "status" in fault:
            return self.answer(start, fault["status"], self.error(fault))
        if operation in LISTS and seen["status"].startswith("200"):
            return self.answer(start, 200, self.page(operation, raw, json.loads(body)))
        headers = [pair for pair in seen["headers"] if pair[0].lower() != "content-length"]
        start(seen["status"], [*headers, ("Content-Length", str(len(body)))])
        return [body]

    @staticmethod
    def error(fault):
        if "type" not in fault:
            return "<html>a proxy's page</html>"
        return {"__type": fault["type"], "Message": fault.get("message", "as told")}

    @staticmethod
    def page(operation, raw, reply):
        member, first = LISTS[operation], int(json.loads(raw).get("NextToken") or 0)
        elements = reply[member]
        page = {member: elements[first : first + PAGE]}
        if first + PAGE < len(elements):
            page["NextToken"] = str(first + PAGE)
        return page

    @staticmethod
    def answer(start, status, body):
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        headers = [
            ("Content-Type", "application/x-amz-json-1.1"),
            ("Content-Length", str(len(data))),
        ]
        start(f"{status} As told", headers)
        return [data]

    @staticmethod
    def cut(environ):
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError

    def control(self, environ, start):
        if environ["REQUEST_METHOD"] == "POST":
            raw = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            self.faults.append(json.loads(raw))
        return self.answer(start, 200, {"updates": self.updates})


def main():
    refuse_other_versions()
    backend = iam_backends[ACCOUNT]["aws"]
    backend.create_user("us-east-1", "icepack")
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    backend.put_user_policy("icepack", "may", policy)
    key = backend.create_access_key("icepack")
    application = Strict(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Handler)
    print(
        json.dumps(
            {
                "port": server.server_port,
                "access_key": key.access_key_id,
                "secret_key": key.secret_access_key,
            }
        ),
        flush=True,
    )
    server.serve_forever()


if __name__ == "__main__":
    main()
