#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints what PyArrow or DuckDB reads from Parquet files, leaf by leaf and row by row.

For each file a list of leaves, each a list of one text per row, or the error as a string. A text
is n for null, [a,b] for a list, {a} for a struct of which a is the leaf's part, else the value:
integers, dates and times as numbers, numbers with a point as the hexadecimal digits of their
bits, everything else as the hexadecimal digits of its bytes; decimals as those of the shortest
two's complement.
"""

import argparse
import json
import sys

import duckdb
import pyarrow
import pyarrow.parquet


def integer_bytes(value):
    return value.to_bytes((value + (value < 0)).bit_length() // 8 + 1, "big", signed=True).hex()


def unscaled(value, scale):
    sign, digits, exponent = value.as_tuple()
    number = int("".join(map(str, digits))) * 10 ** (exponent + scale)
    return integer_bytes(-number if sign else number)


def primitive(array):
    kind, types = array.type, pyarrow.types
    if types.is_null(kind):
        return ["n"] * len(array)
    if types.is_floating(kind):
        width = kind.bit_width
        bits = array.view(f"uint{width}").to_pylist()
        texts = [f"{v:0{width // 4}x}" if v is not None else "" for v in bits]
    elif types.is_boolean(kind):
        texts = [str(int(v)) if v is not None else "" for v in array.to_pylist()]
    elif types.is_decimal(kind):
        texts = [unscaled(v, kind.scale) if v is not None else "" for v in array.to_pylist()]
    elif types.is_temporal(kind):
        whole = array.view(f"int{kind.bit_width}")
        texts = [str(v) for v in whole.to_pylist()]
    elif types.is_integer(kind):
        texts = [str(v) for v in array.to_pylist()]
    else:
        binary = array
        if types.is_string(kind):
            binary = array.view(pyarrow.binary())
        elif types.is_large_string(kind):
            binary = array.view(pyarrow.large_binary())
        texts = [v.hex() if v is not None else "" for v in binary.to_pylist()]
    valid = array.is_valid().to_pylist()
    return [text if there else "n" for text, there in zip(texts, valid)]


def nested(array, values):
    offsets = array.offsets.to_pylist()
    valid = array.is_valid().to_pylist()
    return [
        "[" + ",".join(values[start:end]) + "]" if there else "n"
        for start, end, there in zip(offsets, offsets[1:], valid)
    ]


def leaves(array):
    types = pyarrow.types
    if isinstance(array, pyarrow.ExtensionArray):
        array = array.storage
    if types.is_dictionary(array.type):
        array = array.dictionary_decode()
    kind = array.type
    if types.is_struct(kind):
        valid = array.is_valid().to_pylist()
        for child in array.flatten():
            for values in leaves(child):
                yield ["{" + v + "}" if there else "n" for v, there in zip(values, valid)]
    elif types.is_map(kind):
        for child in (array.keys, array.items):
            for values in leaves(child):
                yield nested(array, ["{" + v + "}" for v in values])
    elif types.is_list(kind) or types.is_large_list(kind):
        for values in leaves(array.values):
            yield nested(array, values)
    else:
        yield primitive(array)


def read_arrow(path):
    return pyarrow.parquet.ParquetFile(path, page_checksum_verification=True).read()


def read_duckdb(path):
    connection = duckdb.connect()
    connection.execute("SET arrow_lossless_conversion = true")
    connection.execute("SET TimeZone = 'UTC'")
    return connection.execute("SELECT * FROM read_parquet(?)", [path]).to_arrow_table()


def texts(path, read):
    try:
        table = read(path)
        found = []
        for column in table.columns:
            parts = [list(leaves(chunk)) for chunk in column.chunks]
            if not parts:
                parts = [list(leaves(pyarrow.nulls(0, column.type)))]
            found += [sum(rows, []) for rows in zip(*parts)]
        return found
    except Exception as error:
        return f"{type(error).__name__}: {error}"


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("files", nargs="+", metavar="FILE")
parser.add_argument("--duckdb", action="store_true", help="what DuckDB reads, not PyArrow")
arguments = parser.parse_args()
reader = read_duckdb if arguments.duckdb else read_arrow
json.dump({path: texts(path, reader) for path in arguments.files}, sys.stdout)
