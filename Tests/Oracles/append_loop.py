#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Appends to a table of a SQL catalog again and again, as a streaming writer does.

Prints how many appends were committed and how many failed. An append that fails because somebody
else committed first is counted and not repeated.
"""

import argparse
import json
import random
import time

from make_table import rows
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--catalog-uri", required=True)
    parser.add_argument("--catalog-name", default="default")
    parser.add_argument("--table", default="demo.events")
    parser.add_argument("--commits", type=int, default=1)
    parser.add_argument("--rows", type=int, default=5)
    parser.add_argument("--interval", type=float, default=0.2, help="seconds between appends")
    arguments = parser.parse_args()
    randomness = random.Random(1)
    catalog = SqlCatalog(arguments.catalog_name, uri=arguments.catalog_uri)
    committed, failed = 0, 0
    for number in range(arguments.commits):
        begun = time.monotonic()
        table = catalog.load_table(arguments.table)
        data = rows(50_000_000 + number * arguments.rows, arguments.rows, randomness)
        try:
            table.append(data)
            committed += 1
        except CommitFailedException:
            failed += 1
        time.sleep(max(0.0, begun + arguments.interval - time.monotonic()))
    print(json.dumps({"committed": committed, "failed": failed}))


if __name__ == "__main__":
    main()
