#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes an inventory of objects as a Parquet file with PyArrow, with times in one of many ways."""

import argparse
import datetime
import json

import pyarrow
import pyarrow.parquet

TIMES = {
    "milliseconds": pyarrow.timestamp("ms"),
    "microseconds": pyarrow.timestamp("us", tz="UTC"),
    "nanoseconds": pyarrow.timestamp("ns"),
    "int96": pyarrow.timestamp("us"),
    "integer": pyarrow.int64(),
    "text": pyarrow.string(),
}


def time_of(milliseconds, way):
    if milliseconds is None or way == "integer":
        return milliseconds
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc)
    return moment.isoformat() if way == "text" else moment


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", help="the file to write")
    parser.add_argument("--way", choices=sorted(TIMES), default="milliseconds")
    parser.add_argument("--split", action="store_true", help="bucket and key instead of a path")
    parser.add_argument("--rows", required=True, help="JSON: pairs of a path and milliseconds")
    arguments = parser.parse_args()

    rows = json.loads(arguments.rows)
    paths = [path for path, _ in rows]
    columns = {"path": paths}
    if arguments.split:
        parts = [path.removeprefix("s3://").partition("/") for path in paths]
        columns = {"bucket": [part[0] for part in parts], "key": [part[2] for part in parts]}
    columns |= {"is_latest": [True] * len(rows), "size": [5] * len(rows)}
    times = [time_of(time, arguments.way) for _, time in rows]
    columns["last_modified_date"] = pyarrow.array(times, TIMES[arguments.way])
    pyarrow.parquet.write_table(
        pyarrow.table(columns),
        arguments.output,
        # Small, so that groups and pages of several columns end at different rows.
        row_group_size=3,
        use_deprecated_int96_timestamps=arguments.way == "int96",
    )
    print(json.dumps({"rows": len(rows)}))


if __name__ == "__main__":
    main()
