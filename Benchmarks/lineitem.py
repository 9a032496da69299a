# SPDX-License-Identifier: Apache-2.0
"""Rows with the columns and the value ranges of TPC-H's lineitem, as SQL over a row number `i`.

TPC-H's own generator has to be built from sources; what matters here is how the values repeat and
compress.
"""

WORDS = [
    "carefully", "final", "deposits", "sleep", "quickly", "regular", "ideas", "bold", "pinto"]
INSTRUCTIONS = ["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"]
MODES = ["REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"]


class Dialect:
    """What Spark and DuckDB say differently."""

    def __init__(self, remainder, element, day):
        # A scrambled row number modulo another; an element of a list, from 1; a day after another.
        self.remainder, self.element, self.day = remainder, element, day


SPARK = Dialect(
    lambda seed, count: f"CAST(pmod(xxhash64(i, {seed}), {count}) AS INT)",
    lambda texts, index: f"element_at(array({texts}), {index})",
    lambda first, days: f"date_add(DATE'{first}', {days})",
)
DUCKDB = Dialect(
    lambda seed, count: f"CAST(hash(i, {seed}) % {count} AS INT)",
    lambda texts, index: f"([{texts}])[{index}]",
    lambda first, days: f"(DATE'{first}' + {days})",
)


def columns(dialect, number):
    """The columns; `number` is what the column of the row number is called."""

    def whole(low, high, seed):
        return f"({low} + {dialect.remainder(seed, high - low + 1)})"

    def decimal(value):
        return f"CAST({value} AS DECIMAL(15, 2))"

    def picked(texts, seed):
        quoted = ", ".join(f"'{text}'" for text in texts)
        return dialect.element(quoted, whole(1, len(texts), seed))

    return f"""
        i - i % 4 + 1 AS l_orderkey,
        CAST({whole(1, 200_000, 2)} AS BIGINT) AS l_partkey,
        CAST({whole(1, 10_000, 3)} AS BIGINT) AS l_suppkey,
        CAST(i % 4 + 1 AS INT) AS l_linenumber,
        {decimal(whole(1, 50, 4))} AS l_quantity,
        {decimal(whole(90_000, 10_000_000, 5) + " / 100.0")} AS l_extendedprice,
        {decimal(whole(0, 10, 6) + " / 100.0")} AS l_discount,
        {decimal(whole(0, 8, 7) + " / 100.0")} AS l_tax,
        {picked("ANR", 8)} AS l_returnflag,
        {picked("FO", 9)} AS l_linestatus,
        {dialect.day("1992-01-02", whole(0, 2525, 10))} AS l_shipdate,
        {dialect.day("1992-01-31", whole(0, 2465, 11))} AS l_commitdate,
        {dialect.day("1992-01-04", whole(0, 2553, 12))} AS l_receiptdate,
        {picked(INSTRUCTIONS, 13)} AS l_shipinstruct,
        {picked(MODES, 14)} AS l_shipmode,
        concat_ws(' ', {", ".join(picked(WORDS, seed) for seed in range(15, 19))}) AS l_comment,
        i AS {number}
    """
