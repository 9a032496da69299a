#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Expires snapshots with PyIceberg, which rewrites metadata and removes no files."""

import argparse
import datetime
import json
import resource
import time

from pyiceberg.catalog.sql import SqlCatalog


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--catalog-uri", required=True)
    parser.add_argument("--catalog-name", default="default")
    parser.add_argument("--table", default="demo.events")
    parser.add_argument("--older-than", required=True, help="ISO 8601 with an offset")
    arguments = parser.parse_args()

    catalog = SqlCatalog(arguments.catalog_name, uri=arguments.catalog_uri)
    started = time.monotonic()
    table = catalog.load_table(arguments.table)
    before = len(table.metadata.snapshots)
    limit = datetime.datetime.fromisoformat(arguments.older_than)
    table.maintenance.expire_snapshots().older_than(limit).commit()
    elapsed = time.monotonic() - started
    after = len(catalog.load_table(arguments.table).metadata.snapshots)
    print(
        json.dumps(
            {
                "elapsed_seconds": round(elapsed, 3),
                "peak_rss_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
                "snapshots_before": before,
                "snapshots_after": after,
            }
        )
    )


if __name__ == "__main__":
    main()
