# SPDX-License-Identifier: Apache-2.0
"""moto's S3, IAM and STS on the loopback address, with signatures and policies enforced.

Takes any free port and prints one line of JSON when it is ready: its port, and the keys of the two
users that it has. `icepack` may do everything; `reader` may read objects and nothing else. The role
`tables` may do everything in S3, and may be assumed by signature or by web identity. It runs until
it is told to stop.
"""

import json
import os
import sys
import threading
from datetime import timedelta
from types import SimpleNamespace

# From the first call on; users are made below, behind the server's back.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "0"

from moto.iam.models import iam_backends  # noqa: E402
from moto.moto_server.werkzeug_app import (  # noqa: E402
    DomainDispatcherApplication,
    create_backend_app,
)
from moto.s3.models import FakeKey  # noqa: E402
from moto.s3.responses import S3Response  # noqa: E402
from moto.sts.responses import TokenResponse  # noqa: E402
from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: E402

ACCOUNT = "123456789012"


class Handler(WSGIRequestHandler):
    """Keeps connections open, as a real store does."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:
        print(message % args, file=sys.stderr)


def policy(actions: list[str]) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}],
        }
    )


def let_objects_be_old() -> None:
    """Those whose metadata say `days-old` came so many days ago."""

    def shifted(describe):
        def described(key: FakeKey) -> str:
            days = int(key.metadata.get("x-amz-meta-days-old", 0))
            return describe(SimpleNamespace(last_modified=key.last_modified - timedelta(days=days)))

        return property(described)

    for name in ["last_modified_ISO8601", "last_modified_RFC1123"]:
        setattr(FakeKey, name, shifted(getattr(FakeKey, name).fget))


def allow_web_identity() -> None:
    """Its token stands for the signature, which moto would look for in vain."""
    authorize = TokenResponse._authenticate_and_authorize_normal_action

    def authorize_signed(self: TokenResponse, resource: str = "*") -> None:
        if self._get_action() != "AssumeRoleWithWebIdentity":
            authorize(self, resource)

    TokenResponse._authenticate_and_authorize_normal_action = authorize_signed


def create_atomically() -> None:
    """Lets one request at a time look for an object and create it, which moto does in two steps."""
    lock = threading.Lock()
    for name in ["put_object", "_key_response_post"]:
        unlocked = getattr(S3Response, name)

        def locked(self: S3Response, *values: object, unlocked=unlocked, **named: object):
            with lock:
                return unlocked(self, *values, **named)

        setattr(S3Response, name, locked)


def user(name: str, actions: list[str]) -> dict[str, str]:
    backend = iam_backends[ACCOUNT]["aws"]
    backend.create_user("us-east-1", name)
    backend.put_user_policy(name, "may", policy(actions))
    key = backend.create_access_key(name)
    return {"access_key": key.access_key_id, "secret_key": key.secret_access_key}


def role(name: str, actions: list[str]) -> None:
    backend = iam_backends[ACCOUNT]["aws"]
    backend.create_role(name, policy(["sts:AssumeRole"]), "/", None, "", [], "3600")
    backend.put_role_policy(name, "may", policy(actions))


def main() -> None:
    allow_web_identity()
    let_objects_be_old()
    create_atomically()
    role("tables", ["s3:*"])
    users = {
        "icepack": user("icepack", ["*"]),
        "reader": user("reader", ["s3:GetObject"]),
    }
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server(
        "127.0.0.1", 0, application, threaded=True, request_handler=Handler
    )
    print(json.dumps({"port": server.server_port, **users}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
