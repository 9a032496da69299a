# SPDX-License-Identifier: Apache-2.0
"""An Iceberg REST server over PyIceberg's SqlCatalog, on the loopback address.

Usage: rest_catalog.py [--certificate FILE --key FILE]

Takes any free port and prints one line of JSON, {"port": N}, when it is ready. It serves many
catalogs, each below a name: http://127.0.0.1:PORT/NAME/v1/config. POST /control with
{"catalog": NAME, "do": …} makes them and sets faults:

create    warehouse, database (a path), options (below)
register  namespace, name, location of a metadata file; makes the namespaces too
fault     match ("POST .*/tables/t"), and one of: status (with type, headers, after: true to carry
          the request out first), cut ("before" or "after" it is carried out), body (a wrong one)
calls     the requests so far: method, path, headers, body

Options of a catalog: page_size; prefix; separator; flat (no nested namespaces); lifetime (of
idempotency keys); credentials (config and storage-credentials of tables, lent when asked for);
lend (credentials of the role `tables` of moto_s3.py for each table's folder, new ones for every
load: {"endpoint", "access_key", "secret_key", "seconds" until they end as told}, with which the
server reads and writes metadata itself); name (by which the database knows the catalog);
oauth ({"id", "secret", "scope", "seconds"}); bearer (a token); uri (that the server moves to).
"""

import argparse
import json
import re
import secrets
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlparse

from pyiceberg import exceptions
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import CommitTableRequest
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER, SortOrder

# In the order in which they are tried; the names are those of Iceberg's own server.
ERRORS = [
    (exceptions.NoSuchTableError, 404, "NoSuchTableException"),
    (exceptions.NoSuchNamespaceError, 404, "NoSuchNamespaceException"),
    (exceptions.NoSuchIcebergTableError, 404, "NoSuchIcebergTableException"),
    (exceptions.NamespaceAlreadyExistsError, 409, "AlreadyExistsException"),
    (exceptions.TableAlreadyExistsError, 409, "AlreadyExistsException"),
    (exceptions.NamespaceNotEmptyError, 409, "NamespaceNotEmptyException"),
    (exceptions.CommitFailedException, 409, "CommitFailedException"),
    (exceptions.ValidationError, 400, "BadRequestException"),
    (ValueError, 400, "BadRequestException"),
    (PermissionError, 403, "ForbiddenException"),
    (FileNotFoundError, 404, "NotFoundException"),
]


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(self, status, kind, message, headers=None):
        super().__init__(message)
        self.status, self.kind, self.headers = status, kind, headers or {}


class Cut(Exception):
    """The connection breaks instead of an answer."""


def error(status, kind, message):
    return {"error": {"message": message, "type": kind, "code": status}}


def document(metadata):
    return json.loads(metadata.model_dump_json())


class Tables:
    """One catalog: the protocol over PyIceberg's, one request at a time."""

    def __init__(self, warehouse, database, options):
        self.options = options
        name, files = options.get("name", "rest"), self.file_properties()
        uri = f"sqlite:///{database}"
        self.catalog = SqlCatalog(name, uri=uri, warehouse=warehouse, **files)
        self.lock = threading.RLock()
        self.faults, self.calls = [], []
        self.tokens, self.answers = {}, {}

    def file_properties(self):
        lend = self.options.get("lend")
        if lend is None:
            return {}
        return {
            "s3.endpoint": lend["endpoint"],
            "s3.access-key-id": lend["access_key"],
            "s3.secret-access-key": lend["secret_key"],
            "s3.region": "us-east-1",
        }

    def lent(self, location):
        """Credentials for what lies below a table's location."""
        import boto3

        lend = self.options["lend"]
        service = boto3.client(
            "sts",
            endpoint_url=lend["endpoint"],
            aws_access_key_id=lend["access_key"],
            aws_secret_access_key=lend["secret_key"],
            region_name="us-east-1",
        )
        role = "arn:aws:iam::123456789012:role/tables"
        keys = service.assume_role(RoleArn=role, RoleSessionName="rest")["Credentials"]
        properties = {
            "s3.access-key-id": keys["AccessKeyId"],
            "s3.secret-access-key": keys["SecretAccessKey"],
            "s3.session-token": keys["SessionToken"],
            "s3.session-token-expires-at-ms": str(int((time.time() + lend["seconds"]) * 1000)),
        }
        return {
            "config": {"s3.endpoint": lend["endpoint"], "s3.region": "us-east-1"},
            "storage-credentials": [{"prefix": location + "/", "config": properties}],
        }

    def levels(self, text):
        return tuple(unquote(text).split(unquote(self.options.get("separator", "%1F"))))

    def register(self, namespace, name, location):
        for count in range(1, len(namespace) + 1):
            self.catalog.create_namespace_if_not_exists(tuple(namespace[:count]))
        self.catalog.register_table((*namespace, name), location)

    def fault(self, method, path):
        for index, fault in enumerate(self.faults):
            if re.fullmatch(fault["match"], f"{method} {path}"):
                return self.faults.pop(index)
        return None

    # The requests.

    def answer(self, method, url, headers, raw):
        """The status, the body and more headers."""
        parts, query = url.path.strip("/").split("/")[1:], parse_qs(url.query)
        with self.lock:
            if parts == ["v1", "oauth", "tokens"]:
                return 200, self.token(raw)
            self.authorise(headers)
            if parts == ["v1", "config"]:
                return 200, self.config(query)
            prefix = [part for part in self.options.get("prefix", "").split("/") if part]
            if parts[: 1 + len(prefix)] != ["v1", *prefix]:
                raise Refusal(404, "NoSuchEndpoint", url.path)
            key = headers.get("Idempotency-Key") if "lifetime" in self.options else None
            if key in self.answers:
                return self.answers[key]
            body = json.loads(raw) if raw else {}
            found = self.route(method, parts[1 + len(prefix) :], query, body, headers)
            if key:
                self.answers[key] = found
            return found

    def token(self, raw):
        client, form = self.options.get("oauth"), parse_qs(raw.decode())
        if client is None:
            raise Refusal(404, "NoSuchEndpoint", "no OAuth2 here")
        given = {name: form.get(f"client_{name}", [""])[0] for name in ("id", "secret")}
        if given != {"id": client["id"], "secret": client["secret"]}:
            raise Refusal(401, "invalid_client", f"not a client: {given}")
        if form.get("grant_type") != ["client_credentials"]:
            raise Refusal(400, "unsupported_grant_type", "client_credentials only")
        if form.get("scope") != [client.get("scope", "catalog")]:
            raise Refusal(400, "invalid_scope", f"not {form.get('scope')}")
        token, seconds = secrets.token_urlsafe(), client.get("seconds", 3600)
        self.tokens[token] = time.monotonic() + seconds
        return {"access_token": token, "token_type": "bearer", "expires_in": seconds}

    def authorise(self, headers):
        given = headers.get("Authorization", "")
        if "bearer" in self.options and given != f"Bearer {self.options['bearer']}":
            raise Refusal(401, "NotAuthorizedException", f"not the token: {given}")
        if "oauth" in self.options:
            end = self.tokens.get(given.removeprefix("Bearer "))
            if end is None:
                raise Refusal(401, "NotAuthorizedException", f"not a token: {given}")
            if end < time.monotonic():
                raise Refusal(419, "AuthenticationTimeoutException", f"expired: {given}")

    def config(self, query):
        overrides = {
            name: self.options[name] for name in ("prefix", "uri") if name in self.options
        }
        if "separator" in self.options:
            overrides["namespace-separator"] = self.options["separator"]
        if "warehouse" in query:
            overrides["warehouse"] = query["warehouse"][0]
        reply = {"defaults": {"clients": "4"}, "overrides": overrides}
        if "lifetime" in self.options:
            reply["idempotency-key-lifetime"] = self.options["lifetime"]
        return reply

    def page(self, member, elements, query):
        size = self.options.get("page_size")
        if not size or "pageToken" not in query:
            return {member: elements}
        start = int(query["pageToken"][0] or 0)
        reply = {member: elements[start : start + size], "next-page-token": None}
        if start + size < len(elements):
            reply["next-page-token"] = str(start + size)
        return reply

    def route(self, method, parts, query, body, headers):
        catalog = self.catalog
        if parts == ["namespaces"]:
            if method == "POST":
                namespace = tuple(body["namespace"])
                catalog.create_namespace(namespace, body.get("properties") or {})
                return 200, {"namespace": list(namespace), "properties": body.get("properties")}
            parent = self.levels(query["parent"][0]) if "parent" in query else ()
            if parent and self.options.get("flat"):
                raise Refusal(400, "BadRequestException", "no nested namespaces")
            found = [list(levels) for levels in sorted(catalog.list_namespaces(parent))]
            return 200, self.page("namespaces", found, query)
        if parts == ["transactions", "commit"]:
            return self.transaction(body["table-changes"], headers)
        if len(parts) < 2 or parts[0] != "namespaces":
            raise Refusal(404, "NoSuchEndpoint", "/".join(parts))
        namespace = self.levels(parts[1])
        # Of a table nobody is told more than that there is none: Spark asks for `t.snapshots` as
        # for a table in the namespace `t` first.
        if len(parts) == 4 and parts[2] == "tables":
            return self.table(method, (*namespace, unquote(parts[3])), body, headers)
        properties = catalog.load_namespace_properties(namespace)
        if len(parts) == 2 and method in ("GET", "HEAD"):
            return 200, {"namespace": list(namespace), "properties": properties}
        if parts[2:] == ["tables"] and method == "GET":
            found = sorted(catalog.list_tables(namespace))
            names = [{"namespace": list(name[:-1]), "name": name[-1]} for name in found]
            return 200, self.page("identifiers", names, query)
        if parts[2:] == ["tables"] and method == "POST":
            return 200, self.loaded(self.created(namespace, body), headers)
        if len(parts) == 5 and parts[4] == "metrics":
            return 204, None
        raise Refusal(404, "NoSuchEndpoint", "/".join(parts))

    def created(self, namespace, body):
        spec, order = body.get("partition-spec"), body.get("write-order")
        return self.catalog.create_table(
            (*namespace, body["name"]),
            Schema.model_validate(body["schema"]),
            body.get("location"),
            PartitionSpec.model_validate(spec) if spec else UNPARTITIONED_PARTITION_SPEC,
            SortOrder.model_validate(order) if order else UNSORTED_SORT_ORDER,
            body.get("properties") or {},
        )

    def table(self, method, identifier, body, headers):
        if method == "DELETE":
            self.catalog.drop_table(identifier)
            return 204, None
        table = self.catalog.load_table(identifier)
        if method != "POST":
            return 200, self.loaded(table, headers)
        body.setdefault(
            "identifier", {"namespace": list(identifier[:-1]), "name": identifier[-1]}
        )
        request = CommitTableRequest.model_validate(body)
        done = self.catalog.commit_table(table, request.requirements, request.updates)
        return 200, {
            "metadata-location": done.metadata_location,
            "metadata": document(done.metadata),
        }

    def transaction(self, changes, headers):
        """One table's changes, as DuckDB commits them."""
        if len(changes) != 1:
            raise Refusal(400, "BadRequestException", "one table at a time")
        name = changes[0]["identifier"]
        self.table("POST", (*name["namespace"], name["name"]), changes[0], headers)
        return 204, None

    def loaded(self, table, headers):
        reply = {
            "metadata-location": table.metadata_location,
            "metadata": document(table.metadata),
        }
        if headers.get("X-Iceberg-Access-Delegation") == "vended-credentials":
            reply |= self.options.get("credentials", {})
            if "lend" in self.options:
                reply |= self.lent(table.metadata.location)
        return reply


CATALOGS = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body=None, headers=None, raw=None):
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def handle_request(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlparse(self.path)
        try:
            if url.path == "/control":
                return self.reply(200, control(json.loads(raw)))
            tables = CATALOGS.get(url.path.split("/")[1])
            if tables is None:
                return self.reply(404, raw=b"<html>no catalog</html>")
            tables.calls.append(
                {
                    "method": self.command,
                    "path": self.path,
                    "headers": {name.lower(): value for name, value in self.headers.items()},
                    "body": raw.decode(),
                }
            )
            return self.serve(tables, url, raw)
        except Cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def serve(self, tables, url, raw):
        fault = tables.fault(self.command, url.path) or {}
        if fault.get("cut") == "before":
            raise Cut
        if "status" in fault and not fault.get("after"):
            return self.fail(fault)
        try:
            status, body = tables.answer(self.command, url, self.headers, raw)
            headers = {}
        except Refusal as refusal:
            status, headers = refusal.status, refusal.headers
            body = error(status, refusal.kind, str(refusal))
            if url.path.endswith("/tokens"):
                body = {"error": refusal.kind, "error_description": str(refusal)}
        except Exception as problem:
            for kind, code, name in ERRORS:
                if isinstance(problem, kind):
                    status, headers, body = code, {}, error(code, name, str(problem))
                    break
            else:
                status, headers = 500, {}
                body = error(500, type(problem).__name__, str(problem))
        if fault.get("cut") == "after":
            raise Cut
        if "status" in fault:
            return self.fail(fault)
        if "body" in fault:
            return self.reply(status, raw=fault["body"].encode())
        return self.reply(status, body, headers)

    def fail(self, fault):
        status, headers = fault["status"], fault.get("headers")
        if "type" in fault:
            body = error(status, fault["type"], fault.get("message", "as told"))
            return self.reply(status, body, headers)
        return self.reply(status, headers=headers, raw=b"<html>a proxy's page</html>")

    do_GET = do_POST = do_DELETE = do_HEAD = handle_request


def control(order):
    name = order["catalog"]
    if order["do"] == "create":
        CATALOGS[name] = Tables(order["warehouse"], order["database"], order.get("options", {}))
        return {}
    tables = CATALOGS[name]
    if order["do"] == "register":
        with tables.lock:
            tables.register(order["namespace"], order["name"], order["location"])
    elif order["do"] == "fault":
        tables.faults.append(order["fault"])
    elif order["do"] == "calls":
        return {"calls": tables.calls}
    return {}


def listening():
    # Many tests connect at once, on a machine that may be busy.
    ThreadingHTTPServer.request_queue_size = 128
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    return server


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--certificate", help="in PEM: serve over TLS")
    parser.add_argument("--key", help="of the certificate, in PEM")
    arguments = parser.parse_args()
    server = listening()
    if arguments.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(arguments.certificate, arguments.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(json.dumps({"port": server.server_port}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
