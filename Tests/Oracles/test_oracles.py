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


class BloomFilterTests(unittest.TestCase):
    """Whether a filter that lies, or says nothing, is seen."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="icepack-oracles-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(run("probe_bloom.py", "make", folder.name)[0])

    def overwrite(self, byte):
        """All bits of all filters of `id`."""
        import duckdb

        data = bytearray(self.path.read_bytes())
        places = duckdb.execute(
            "SELECT bloom_filter_offset, bloom_filter_length FROM parquet_metadata(?) "
            "WHERE path_in_schema = 'id'", [str(self.path)]).fetchall()
        for offset, length in places:
            # The header takes less than 64 bytes, and the bits are a power of two.
            size = 1 << (length.bit_length() - 1)
            data[offset + length - size:offset + length] = bytes([byte]) * size
        self.path.write_bytes(data)

    def test_sound_filters_exclude_and_miss_nothing(self):
        found = run("probe_bloom.py", "probe", self.path)["id"]
        self.assertEqual(found["missed"], 0)
        self.assertGreater(found["excluded"], found["probes"] * 0.9)

    def test_values_that_a_filter_lacks_are_missed(self):
        self.overwrite(0)
        self.assertGreater(run("probe_bloom.py", "probe", self.path)["id"]["missed"], 0)

    def test_a_filter_that_says_nothing_excludes_nothing(self):
        self.overwrite(255)
        found = run("probe_bloom.py", "probe", self.path)["id"]
        self.assertEqual((found["missed"], found["excluded"], found["pruned"]), (0, 0, 0))


if __name__ == "__main__":
    unittest.main()
