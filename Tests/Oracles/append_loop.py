#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Appends to a table of a SQL catalog again and again, as a streaming writer does.

Prints how many appends were committed, how many failed after PyIceberg's own retries, and how many
of its tries to commit were refused because somebody else had committed first.
"""

import argparse
import itertools
import json
import logging
import random
import time

from make_table import rows
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException


class CountingCatalog(SqlCatalog):
    refused = 0

    def commit_table(self, table, requirements, updates):
        try:
            return super().commit_table(table, requirements, updates)
        except CommitFailedException:
            self.refused += 1
            raise


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--catalog-uri", required=True)
    parser.add_argument("--catalog-name", default="default")
    parser.add_argument("--table", default="demo.events")
    parser.add_argument("--commits", type=int, default=1)
    parser.add_argument("--seconds", type=float, help="go on so long, however many commits")
    parser.add_argument("--rows", type=int, default=5)
    parser.add_argument("--interval", type=float, default=0.2, help="seconds from append to append")
    arguments = parser.parse_args()
    # Refused tries are counted and told at the end; PyIceberg would print a line for each.
    logging.getLogger("pyiceberg.table").setLevel(logging.ERROR)
    randomness = random.Random(1)
    catalog = CountingCatalog(arguments.catalog_name, uri=arguments.catalog_uri)
    committed, failed = 0, 0
    start = time.monotonic()
    for number in itertools.count():
        if arguments.seconds is None:
            if number == arguments.commits:
                break
        elif time.monotonic() - start >= arguments.seconds:
            break
        table = catalog.load_table(arguments.table)
        data = rows(50_000_000 + number * arguments.rows, arguments.rows, randomness)
        try:
            table.append(data)
            committed += 1
        except CommitFailedException:
            failed += 1
        # By the clock: after a slow append the next ones catch up.
        due = start + (number + 1) * arguments.interval
        time.sleep(max(0.0, due - time.monotonic()))
    counts = {"committed": committed, "failed": failed, "refused": catalog.refused}
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
