// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Testing

@Suite struct AllowedPrefixesTests {
    @Test(arguments: [
        ("/w", "/w/t/a.parquet"), ("/w/", "/w/t/a.parquet"), ("file:///w", "/w//t/a"),
        ("/w", "file:/w/t"), ("s3://b/w", "s3a://b/w/t"), ("s3n://b", "s3://b/k"),
        ("gs://b/w", "gs://b/w/t"), ("/", "/a"),
    ])
    func `a path below a prefix is allowed however either is spelled`(
        prefix: String, path: String
    ) {
        #expect(AllowedPrefixes([prefix]).allows(path))
        #expect(AllowedPrefixes(["/elsewhere", prefix]).allows(path))
    }

    @Test(arguments: [
        ("/w", "/w2/t"), ("/w", "/w"), ("/w/t", "/w"), ("/w", "/w/../etc/passwd"),
        ("/w/../x", "/w/../x/a"), ("s3://b/w", "s3://b/warm/t"), ("s3://b/w", "s3://c/w/t"),
        ("s3://b/w", "/w/t"), ("gs://b/w", "s3://b/w/t"), ("s3://b/w", "s3://B/w/t"), ("/w", ""),
        ("/w", "w/t"), ("/w.x", "/wax/t"), ("/w+", "/ww/t"), ("/.*", "/w/t"),
    ])
    func `P-19, P-64: a path that is not below a prefix, or climbs out of it, is not`(
        prefix: String, path: String
    ) {
        #expect(!AllowedPrefixes([prefix]).allows(path))
    }

    @Test func `no prefixes at all allow nothing, and everywhere allows everything`() {
        #expect(!AllowedPrefixes([]).allows("/a"))
        #expect(AllowedPrefixes.everywhere.allows("../odd"))
    }

    @Test func `candidates outside are struck out and counted`() throws {
        var files = CandidateFiles(limit: 1 << 20)
        for path in ["/w/a", "/w/b", "/x/c", "/w/../x/d"] {
            try files.insert(path, kind: .dataFile)
        }
        #expect(files.count(outside: AllowedPrefixes(["/w"])) == 2)
        #expect(files.strike(outside: AllowedPrefixes(["/w"])) == 2)
        #expect(files.strike(outside: AllowedPrefixes(["/w"])) == 0)
        #expect(files.count == 2)
        #expect(files.contains("/w/a") && !files.contains("/x/c"))
    }
}
