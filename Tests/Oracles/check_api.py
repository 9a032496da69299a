#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks a running server against the OpenAPI document that it serves.

Prints JSON: whether the document is valid, and what schemathesis found with every check on.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.request

import openapi_spec_validator

CONFIGURATION = """
# A repeated Idempotency-Key with another body is refused, which no schema can say; neither can
# it say that one file size must be below another, or one time after another. A purge
# names a job or says that it means all, not both.
[[operations]]
include-operation-id = ["submitMaintenance", "planMaintenance", "recordRun", "purgeQuarantine"]
checks.positive_data_acceptance.expected-statuses = [
    "2xx", "401", "403", "404", "409", "422", "429", "5xx"
]
"""


def main(url):
    with urllib.request.urlopen(f"{url}/openapi.json") as response:
        document = json.load(response)
    openapi_spec_validator.validate(document)

    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "schemathesis.toml").write_text(CONFIGURATION)
        result = subprocess.run(
            [
                str(pathlib.Path(sys.executable).parent / "schemathesis"),
                "run",
                f"{url}/openapi.json",
                "--checks=all",
                "--phases=examples,coverage,fuzzing,stateful",
                "--max-examples=30",
                "--seed=1",
                # How fast either side is on a busy machine is not what is checked here.
                "--request-timeout=120",
                "--max-response-time=120",
                "--suppress-health-check=all",
                "--continue-on-failure",
                "--no-color",
            ],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    failures = re.findall(r"^ *- (.+)$", result.stdout, re.MULTILINE)
    print(
        json.dumps(
            {
                "document": "valid",
                "exit_code": result.returncode,
                "failures": sorted(set(failures)) if result.returncode else [],
                "output": result.stdout[-20000:],
            }
        )
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="where the server listens, such as http://127.0.0.1:8000")
    main(parser.parse_args().url)
