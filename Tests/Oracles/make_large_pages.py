#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes Parquet files whose pages take nearly 64 MiB, and one of many row groups.

Each kind is a file: values that do not compress, byte strings and numbers, lists of them, one value
as large as a page, pages of millions of positions in a small dictionary, and of positions in one of
long texts, lists of nothing but nulls. Prints the paths by kind.
With --share the pages are that much smaller.
"""

import argparse
import json
import os
import pathlib
import sys

import pyarrow
import pyarrow.compute
import pyarrow.parquet

PAGE = 63 << 20


def write(path, table, page, **options):
    # One page for each row group: it ends after a batch that makes it large enough.
    settings = {
        "compression": "zstd", "use_dictionary": False, "data_page_size": page,
        "max_rows_per_page": 1 << 30, "write_batch_size": 1 << 12, "write_page_index": True}
    settings.update(options)
    pyarrow.parquet.write_table(table, path, store_schema=False, **settings)


def random_numbers(count):
    return pyarrow.Array.from_buffers(
        pyarrow.int64(), count, [None, pyarrow.py_buffer(os.urandom(count * 8))])


def strings(page):
    width = min(100_000, page // 10)
    count = page // (width + 4)
    values = [os.urandom(width) for _ in range(count)]
    return pyarrow.table({"v": pyarrow.array(values, pyarrow.binary())}), {
        "write_batch_size": 1, "row_group_size": count}


def texts(page):
    # Two row groups in pages of version 2, compressed apart from their levels.
    count = page // 20
    values = pyarrow.compute.cast(random_numbers(count), pyarrow.string())
    return pyarrow.table({"v": values}), {
        "data_page_version": "2.0", "compression": "snappy", "row_group_size": count // 2 + 1}


def numbers(page):
    count = page // 8
    return pyarrow.table({"v": random_numbers(count)}), {"row_group_size": count}


def lists(page):
    count = page // 10
    offsets = pyarrow.array(range(0, count + 1, 8), pyarrow.int32())
    values = pyarrow.ListArray.from_arrays(offsets, random_numbers(count))
    return pyarrow.table({"v": values}), {"row_group_size": len(values)}


def single(page):
    values = pyarrow.array([os.urandom(page - 8), b"", None], pyarrow.binary())
    return pyarrow.table({"v": values}), {"write_batch_size": 1}


def positions(page):
    count = page // 4 // 4096 * 4096
    mask = pyarrow.scalar(255, pyarrow.int64())
    values = pyarrow.compute.bit_wise_and(random_numbers(count), mask)
    return pyarrow.table({"v": values}), {"use_dictionary": True, "row_group_size": count}


def unfolded(page):
    # One page of positions in three hundred kilobytes of texts that stands for 370 MB of them.
    count = page // 512
    names = [f"{index:06d}" + "x" * 2994 for index in range(100)]
    mask = pyarrow.scalar(63, pyarrow.int64())
    positions = pyarrow.compute.bit_wise_and(random_numbers(count), mask).cast(pyarrow.int32())
    values = pyarrow.DictionaryArray.from_arrays(positions, pyarrow.array(names))
    return pyarrow.table({"v": values}), {"use_dictionary": True, "row_group_size": count}


def nulls(page):
    # Millions of entries in lists, in a page of a few bytes.
    count = page // 8
    offsets = pyarrow.array(range(0, count + 1, 8), pyarrow.int32())
    values = pyarrow.ListArray.from_arrays(offsets, pyarrow.nulls(count, pyarrow.int64()))
    return pyarrow.table({"v": values}), {"row_group_size": len(values)}


def groups(page):
    count = page // 640
    names = pyarrow.array([f"name-{index % 977}" for index in range(count)])
    table = pyarrow.table({"v": random_numbers(count), "name": names})
    return table, {"use_dictionary": ["name"], "row_group_size": 100, "data_page_size": 1 << 20}


KINDS = [strings, texts, numbers, lists, single, positions, unfolded, nulls, groups]


def main(folder, share, kinds):
    page = int(PAGE * share)
    made = {}
    for kind in KINDS:
        if kinds and kind.__name__ not in kinds:
            continue
        table, options = kind(page)
        path = folder / f"{kind.__name__}.parquet"
        write(path, table, page, **options)
        made[kind.__name__] = str(path)
    json.dump(made, sys.stdout)


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--share", type=float, default=1)
parser.add_argument("--kind", action="append", help="only that one; may be repeated")
arguments = parser.parse_args()
main(arguments.folder, arguments.share, arguments.kind)
