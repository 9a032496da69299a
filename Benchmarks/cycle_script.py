# SPDX-License-Identifier: Apache-2.0
"""The store's own statements as a script for pgbench, so that both run the same SQL."""

import re

import product

STATEMENTS = product.ROOT / "Sources" / "PostgresStore" / "Statements"
HOUR = 3_600_000_000

# Hexadecimal names of 32 characters, made by the server from numbers that pgbench draws.
JOB = "lpad(:job_number::text, 32, '0')"
ATTEMPT = "lpad(:attempt_number::text, 32, '0')"

PARAMETERS = {
    "submit": [
        JOB, "'bench'", f"'t' || {JOB}", "'{expire_snapshots}'", "NULL", "NULL", "NULL",
        str(HOUR), str(24 * HOUR),
    ],
    "claim": ["'bench'", ATTEMPT, str(HOUR)],
    "finish": [":job_id", ATTEMPT, "'completed'", "NULL", "TRUE"],
}  # fmt: skip

# pgbench keeps a row's columns as variables: each needs a name, and there must be a row even when
# the neighbours were quicker and nothing is left to claim.
CLAIM_FOR_PGBENCH = {
    "1 / (SELECT count(*) FROM locked)": "(SELECT count(*) FROM locked) AS held",
    "FROM claimed LEFT JOIN": "FROM (SELECT) one LEFT JOIN claimed ON TRUE LEFT JOIN",
}


def statement(name):
    """One statement with its parameters in place and its comments gone."""
    text = (STATEMENTS / f"{name}.sql").read_text()
    text = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    values = PARAMETERS[name]

    def value(match):
        number = int(match[1])
        if number > len(values):
            raise SystemExit(f"{name}.sql has a parameter ${number} that the benchmark lacks")
        return values[number - 1]

    return re.sub(r"\$(\d+)", value, text).strip().rstrip(";")


def cycle():
    """Submit, claim the oldest, settle it: what one cycle of the driver does."""
    claim = statement("claim")
    for old, new in CLAIM_FOR_PGBENCH.items():
        if old not in claim:
            raise SystemExit(f"claim.sql no longer has {old!r}, which the benchmark replaces")
        claim = claim.replace(old, new)
    return "\n".join(
        [
            "\\set job_number random(1, 9223372036854775807)",
            "\\set attempt_number random(1, 9223372036854775807)",
            statement("submit") + ";",
            claim + "\n\\gset",
            statement("finish") + ";",
            "",
        ]
    )
