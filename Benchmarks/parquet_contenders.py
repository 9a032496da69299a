#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes Parquet files for the benchmarks, and rewrites them with DuckDB or PyArrow.

    parquet_contenders.py make-arrow|make-duckdb FOLDER TABLE FILES ROWS
    parquet_contenders.py duckdb|arrow|duckdb-filter|arrow-filter OUTPUT INPUT...
    parquet_contenders.py scan TABLE FILE

A filter leaves out one row in a hundred, the same ones as `parquet-bench filter`.
A scan reads all columns, then two, with both, and tells the CPU seconds of each.
"""

import json
import sys
import time

import lineitem

ROW_GROUP = 1 << 20
# Numbers in a column of sequence are scrambled by multiplying with odd numbers, so that no
# generator's state makes two runs differ.
COLUMNS = {"lineitem": lineitem.columns(lineitem.DUCKDB, "id"), "wide": """
    i AS id,
    (i * 2654435761) % 1000000007 AS account,
    (i * 40503 % 97)::INTEGER AS kind,
    md5((i * 7919)::VARCHAR) AS token,
    'customer-' || (i * 31 % 5000) AS customer,
    ['open', 'paid', 'sent', 'lost'][1 + (i * 17 % 4)] AS status,
    ((i * 48271 % 10000019) / 100)::DECIMAL(18, 2) AS price,
    ((i * 16807) % 1000003) / 1000.0 AS weight,
    TIMESTAMP '2024-01-01' + INTERVAL (i * 1371 % 31536000) SECOND AS at,
    DATE '2024-01-01' + (i % 365)::INTEGER AS day,
    CASE WHEN i % 3 = 0 THEN NULL ELSE 'note ' || (i * 131 % 1000) END AS note,
    [i % 7, i % 11, i % 13] AS list,
    MAP {'a': i % 5, 'b': i % 3} AS map,
    {'x': i % 100, 'y': 'part-' || (i % 50)} AS pair,
    i % 2 = 0 AS flag
"""}
# A number and a text that are often asked for.
TWO_COLUMNS = {"lineitem": ("l_partkey", "l_comment"), "wide": ("account", "customer")}


def query(table, start, end):
    return f"SELECT {COLUMNS[table]} FROM range({start}, {end}) t(i)"


def make(writer, folder, table, files, rows):
    import duckdb

    connection = duckdb.connect()
    made = []
    for number in range(files):
        path = f"{folder}/{number:05d}.parquet"
        source = query(table, number * rows, (number + 1) * rows)
        if writer == "make-duckdb":
            connection.execute(f"COPY ({source}) TO '{path}' (FORMAT parquet, CODEC 'zstd')")
        else:
            import pyarrow.parquet

            data = connection.execute(source).to_arrow_table()
            pyarrow.parquet.write_table(
                data, path, compression="zstd", compression_level=3, write_page_index=True)
        made.append(path)
    return made


# Which rows go, by their number.
DELETED = "(id * 2654435761) % 1000003 % 100 = 0"


def rewrite_with_duckdb(output, inputs, filtered):
    import duckdb

    where = f"WHERE NOT ({DELETED})" if filtered else ""
    connection = duckdb.connect(config={"threads": 2})
    connection.execute(
        f"COPY (SELECT * FROM read_parquet({inputs}) {where}) TO '{output}' "
        f"(FORMAT parquet, CODEC 'zstd', ROW_GROUP_SIZE {ROW_GROUP})")


def kept(ids):
    import pyarrow.compute as compute

    def remainder(values, divisor):
        whole = compute.multiply(compute.divide(values, divisor), divisor)
        return compute.subtract(values, whole)

    scrambled = remainder(compute.multiply(ids, 2654435761), 1000003)
    return compute.not_equal(remainder(scrambled, 100), 0)


def rewrite_with_arrow(output, inputs, filtered):
    import pyarrow.dataset
    import pyarrow.parquet

    dataset = pyarrow.dataset.dataset(inputs)
    with pyarrow.parquet.ParquetWriter(
        output, dataset.schema, compression="zstd", compression_level=3
    ) as writer:
        held, rows = [], 0
        for batch in dataset.to_batches(use_threads=False):
            if filtered:
                batch = batch.filter(kept(batch.column("id")))
            held.append(batch)
            rows += batch.num_rows
            if rows >= ROW_GROUP:
                writer.write_table(pyarrow.Table.from_batches(held), row_group_size=rows)
                held, rows = [], 0
        if held:
            writer.write_table(pyarrow.Table.from_batches(held), row_group_size=rows)


def scan(table, path):
    import duckdb
    import pyarrow.parquet

    connection = duckdb.connect(config={"threads": 1})
    source = f"FROM read_parquet('{path}')"
    number, text = TWO_COLUMNS[table]

    def fetch_all():
        # Counting them would be answered by statistics where nothing is missing.
        for _ in connection.execute(f"SELECT * {source}").fetch_record_batch(1 << 17):
            pass

    scans = {
        "DuckDB of all columns": fetch_all,
        "DuckDB of two columns": lambda: connection.execute(
            f"SELECT sum({number}), max({text}) {source}").fetchall(),
        "PyArrow of all columns": lambda: pyarrow.parquet.read_table(path, use_threads=False),
        "PyArrow of two columns": lambda: pyarrow.parquet.read_table(
            path, columns=[number, text], use_threads=False),
    }
    seconds = {}
    for name, run in scans.items():
        run()
        times = []
        for _ in range(3):
            start = time.process_time()
            run()
            times.append(time.process_time() - start)
        seconds[name] = min(times)
    return seconds


def main(what, *arguments):
    if what == "scan":
        json.dump(scan(*arguments), sys.stdout)
    elif what.startswith("make-"):
        folder, table, files, rows = arguments
        json.dump(make(what, folder, table, int(files), int(rows)), sys.stdout)
    else:
        name, _, filtered = what.partition("-")
        rewrite = {"duckdb": rewrite_with_duckdb, "arrow": rewrite_with_arrow}[name]
        rewrite(arguments[0], list(arguments[1:]), bool(filtered))
        json.dump({}, sys.stdout)


main(*sys.argv[1:])
