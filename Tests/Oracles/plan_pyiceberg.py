#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plans the files of a table with PyIceberg, and says how long it took."""

import argparse
import json
import resource
import time

from pyiceberg.table import StaticTable


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("metadata")
    arguments = parser.parse_args()
    started = time.monotonic()
    table = StaticTable.from_metadata(arguments.metadata)
    files = sum(1 for _ in table.scan().plan_files())
    report = {
        "files": files,
        "elapsed_seconds": time.monotonic() - started,
        "peak_rss_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
