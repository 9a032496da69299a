# SPDX-License-Identifier: Apache-2.0
"""The oracles see what they are for; a blind one would let every other test pass."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent


def run(program, *arguments, check=True):
    result = subprocess.run(
        [sys.executable, str(HERE / program), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    if check and result.returncode != 0:
        raise AssertionError(f"{program}: {result.stderr}")
    return json.loads(result.stdout) if check else result


class OracleTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="icepack-oracles-"))
        cls.table = run("make_table.py", "--warehouse", cls.folder, "--commits", 16, "--rows", 6)
        cls.location = cls.table["metadata_location"]

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def references(self, *arguments, check=True):
        return run(
            "references.py", "--metadata-location", self.location, *arguments, check=check
        )

    def test_the_table_has_what_makes_expiry_interesting(self):
        self.assertEqual(set(self.table["refs"]), {"main", "stale", "audit", "release"})
        counts = self.references()["counts"]
        for kind in ["metadata_log_file", "manifest_list", "manifest", "data_file"]:
            self.assertGreater(counts[kind], 1, kind)

    def test_the_engines_read_every_snapshot_alike(self):
        read = run("read_rows.py", "--metadata-location", self.location)
        self.assertEqual(read["engines"], ["duckdb", "pyiceberg", "datafusion"])
        self.assertEqual(len(read["snapshots"]), self.table["snapshots"])
        self.assertGreater(len({s["checksum"] for s in read["snapshots"].values()}), 5)

    def test_a_stray_file_is_unreferenced(self):
        stray = self.folder / "demo" / "events" / "data" / "stray.parquet"
        stray.write_bytes(b"x")
        self.addCleanup(stray.unlink)
        self.assertEqual(self.references()["unreferenced"], [str(stray)])

    def test_a_lost_file_is_missing(self):
        data = self.folder / "demo" / "events" / "data"
        victim = sorted(data.rglob("*.parquet"))[0]
        os.rename(victim, str(victim) + ".away")
        self.addCleanup(os.rename, str(victim) + ".away", victim)
        self.assertEqual(self.references()["missing"], [str(victim)])
        self.assertNotEqual(self.references("--strict", check=False).returncode, 0)


if __name__ == "__main__":
    unittest.main()
