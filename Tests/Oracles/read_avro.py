#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the metadata and records of Avro files, one object for each, as fastavro reads them."""

import json
import sys

import fastavro
from live_entries import plain


def main():
    files = []
    for path in sys.argv[1:]:
        with open(path, "rb") as file:
            reader = fastavro.reader(file)
            files.append(
                {"metadata": dict(reader.metadata), "records": [plain(row) for row in reader]}
            )
    print(json.dumps(files))


if __name__ == "__main__":
    main()
