// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import TestSupport
import Testing

@Suite struct PathSetTests {
    @Test(arguments: UInt64(0)..<20)
    func `it finds what was put in and nothing else, by number`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var set = PathSet(limit: 64 << 20)
        var model: [String: Int] = [:]
        for _ in 0..<Int.random(in: 0...3000, using: &random) {
            let length = Int.random(in: 0...40, using: &random)
            let path =
                "s3://"
                + String((0..<length).map { _ in "ab/é".randomElement(using: &random) ?? "a" })

            let (inserted, index) = try set.insert(path)

            #expect(inserted == (model[path] == nil))
            #expect(index == model[path] ?? model.count)
            model[path] = index
        }

        #expect(set.count == model.count)
        for (path, index) in model {
            #expect(set.index(of: path) == index)
            #expect(set[index] == path)
            if model[path + "!"] == nil { #expect(set.index(of: path + "!") == nil) }
        }
    }

    @Test func `paths that differ in one byte, in letter case or in encoding are different`() throws
    {
        var set = PathSet(limit: 1 << 20)
        let paths = [
            "s3://b/a", "s3://b/A", "s3://b//a", "s3://b/%61", "gs://b/a", "e\u{301}", "é", "",
            "/a b", "/a%20b", "/a", "/A", "a", "abfss://c@h/a", "abfss://c@H/a", "s3b://b/a",
        ]

        for path in paths { try set.insert(path) }

        #expect(set.count == paths.count)
        #expect(set.index(of: "s3://b/") == nil)
    }

    @Test(arguments: [
        ["/a/b", "file:/a/b", "file:///a/b", "File:///a//b", "/a/./b", "//a/b", "/a/b/", "/a/b/."],
        ["s3://b/k", "s3a://b/k", "s3n://b/k", "S3A://b/k"],
        ["w/k", "file://w/k", "w//k", "./w/k"],
    ])
    func `spellings of one file are one path, and the first stays`(spellings: [String]) throws {
        for first in spellings {
            var set = PathSet(limit: 1 << 20)
            try set.insert(first)

            for other in spellings { #expect(try !set.insert(other).inserted, "\(other)") }

            #expect(set.count == 1 && set[0] == first)
        }
    }

    @Test func `it stays below its limit and refuses at it`() throws {
        let limit = 2 << 20
        var set = PathSet(limit: limit)
        var refused: PathSetFull?
        var index = 0
        while refused == nil, index < 1_000_000 {
            do {
                try set.insert("s3://bucket/warehouse/db/table/data/part-\(index).parquet")
                index += 1
            } catch {
                refused = error
            }
        }

        #expect(refused?.limit == limit)
        #expect(refused?.count == index)
        #expect(set.count == index)
        #expect(set.byteCount <= limit)
        #expect(index > 10_000)
        #expect(set.index(of: "s3://bucket/warehouse/db/table/data/part-7.parquet") == 7)
    }

    @Test func `a path longer than a chunk has its own, and one that is too long is refused`()
        throws
    {
        var set = PathSet(limit: 16 << 20)
        let long = String(repeating: "x", count: 300_000)

        try set.insert("a")
        try set.insert(long)
        try set.insert("b")

        #expect(set.index(of: long) == 1)
        #expect(set[2] == "b")
        #expect(throws: PathSetFull.self) {
            try set.insert(String(repeating: "x", count: PathSet.maxPathLength + 1))
        }
    }

    @Test func `two hundred thousand paths take little more than their bytes`() throws {
        var set = PathSet(limit: 256 << 20)
        var bytes = 0
        for index in 0..<200_000 {
            let path = "s3://bucket/db/table/data/00000-\(index)-0bb8c58e-4fbc-483f-af6d.parquet"
            bytes += path.utf8.count
            try set.insert(path)
        }

        #expect(set.count == 200_000)
        #expect(set.byteCount < bytes + 10_000_000)
    }
}
