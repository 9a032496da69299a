# SPDX-License-Identifier: Apache-2.0
"""Runs the product as a user does."""

import os
import subprocess
import tempfile


def maintain(icepack, table, action, options, settings):
    """One action on a table, without a service; the finished process, whatever came of it."""
    command = [icepack, "maintain", table, "--action", action, "--json"]
    for option in options:
        command += ["--option", option]
    # Only our own settings: the variables that steer the tests are none of the product's.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ICEPACK_")}
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment | settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
