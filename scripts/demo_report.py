#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints what the demonstration measured, and fails if a remaining snapshot reads differently."""

import json
import pathlib
import sys


def load(folder, moment):
    rows = json.loads((folder / f"{moment}-rows.json").read_text())
    files = json.loads((folder / f"{moment}-files.json").read_text())
    return rows, files


def figures(rows, files):
    current = rows["snapshots"][str(rows["current_snapshot_id"])]
    return {
        "snapshots": len(rows["snapshots"]),
        "references": len(rows["refs"]),
        "files": files["files_present"],
        "bytes": files["bytes_present"],
        "rows now": current["rows"],
        "checksum": current["checksum"],
    }


def main():
    folder, moment = pathlib.Path(sys.argv[1]), sys.argv[2]
    before = load(folder, "before")
    if moment == "before":
        for name, value in figures(*before).items():
            print(f"   {name:<12} {value:>16}")
        return
    after = load(folder, "after")
    print(f"   {'':<12} {'before':>16} {'after':>16}")
    later = figures(*after)
    for name, value in figures(*before).items():
        print(f"   {name:<12} {value:>16} {later[name]:>16}")

    read_before, read_after = before[0]["snapshots"], after[0]["snapshots"]
    for snapshot, rows in read_after.items():
        if read_before.get(snapshot) != rows:
            sys.exit(f"demo: snapshot {snapshot} reads {rows}, not {read_before.get(snapshot)}")
    if before[0]["refs"] != after[0]["refs"]:
        sys.exit(f"demo: the references changed: {before[0]['refs']} and {after[0]['refs']}")
    if len(read_after) >= len(read_before):
        sys.exit("demo: no snapshot was expired")
    print(f"   {len(read_after)} snapshots remain; each reads the same rows in both engines")


if __name__ == "__main__":
    main()
