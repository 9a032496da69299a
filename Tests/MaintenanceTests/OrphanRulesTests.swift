// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import ObjectStorage
import TestSupport
import Testing
import WireFormat

@testable import Maintenance

/// The rules of orphan removal that need no store.
@Suite struct OrphanRulesTests {
    private func key(_ path: String, _ matching: PathMatching = PathMatching()) -> [UInt8] {
        matching.key(of: path)
    }

    @Test(arguments: [
        ("s3://b/k", "s3a://b/k", true), ("s3://b/k", "S3N://b/k", true),
        ("s3://b/k", "s3://c/k", false), ("s3://b/k", "s3://b/K", false),
        ("s3://b/k", "s3://b//k", false), ("s3://b/a%20b", "s3://b/a b", false),
        ("s3://b/a+b", "s3://b/a b", false), ("s3://b/\u{E9}", "s3://b/e\u{301}", false),
        ("file:/a/b", "/a/b", true), ("file:///a/b", "/a//./b", true), ("/a/b", "/a/B", false),
        ("gs://b/k", "gcs://b/k", false), ("s3://b:9000/k", "s3://b/k", false),
        ("hdfs://h:8020/k", "hdfs://h/k", false),
    ])
    func `which spellings are one object, P-04, P-10`(left: String, right: String, same: Bool) {
        #expect((key(left) == key(right)) == same)
    }

    @Test(arguments: [
        ("gs://b/k", "GCS://b/k", true), ("oss://b/k", "s3a://b/k", true),
        ("cos://b/k", "s3://b/k", true), ("hdfs://one/k", "hdfs://two:8020/k", true),
        ("hdfs://one/k", "hdfs://three/k", false), ("gs://b/k", "s3://b/k", false),
    ])
    func `a request may say what means the same, P-04`(left: String, right: String, same: Bool) {
        let matching = PathMatching(
            equalSchemes: ["gcs": "gs", "oss, cos": "s3"],
            equalAuthorities: ["two:8020": "one"])

        #expect((key(left, matching) == key(right, matching)) == same)
    }

    @Test(arguments: [
        ("/a/x%20y", "/b/x y", true), ("s3://b/\u{E9}", "/c/e\u{301}", true),
        ("/a/x", "/b/x", true), ("/a/x", "/a/X", false), ("/a/x%2", "/a/x%2", true),
        ("/a/%ff", "/b/%ff", true), ("/a/x+y", "/a/x y", false),
    ])
    func `names that are called alike share a hash`(left: String, right: String, same: Bool) {
        let hash = LikenessHash()
        let hashes = [left, right].map { path in
            Array(path.utf8).withUnsafeBytes { hash.name(of: $0) }
        }

        #expect((hashes[0] == hashes[1]) == same)
    }

    @Test(arguments: [
        ("/db/t", "/db/t/x", true), ("/db/t", "/db/t2/x", false), ("/db/t/", "/db/t/x", true),
        ("/db/t", "/db/t", false), ("s3://b/t", "s3a://b/t/x", true),
        ("s3://b/t", "s3://b/tt", false), ("s3://b/t", "s3://b/t//x", true),
        ("file:///db/t", "/db/t/x", true), ("/db/T", "/db/t/x", false),
        ("/db/a.b+c", "/db/a.b+c/x", true), ("/db/a.b", "/db/aXb/x", false),
        ("/db/a+", "/db/aa/x", false), ("/db/.*", "/db/t/x", false), ("/db/[t]", "/db/t/x", false),
    ])
    func `a folder holds what begins with it and a slash, as text, P-03, P-64`(
        root: String, path: String, holds: Bool
    ) {
        #expect(TableRoots.Root(root, PathMatching()).contains(key(path)) == holds)
    }

    private func metadata(
        _ location: String, _ properties: [String: String]
    ) throws -> TableMetadata {
        let document: JSONValue = [
            "format-version": 2, "table-uuid": "u", "location": .string(location),
            "last-sequence-number": 0, "last-updated-ms": 0, "last-column-id": 0,
            "schemas": [["type": "struct", "schema-id": 0, "fields": []]],
            "current-schema-id": 0, "partition-specs": [["spec-id": 0, "fields": []]],
            "default-spec-id": 0, "last-partition-id": 999,
            "sort-orders": [["order-id": 0, "fields": []]], "default-sort-order-id": 0,
            "properties": .object(
                JSONObject(properties.map { .init(key: $0.key, value: .string($0.value)) })),
        ]
        return try TableMetadata(parsing: document.bytes())
    }

    @Test(arguments: [
        (["write.data.path": "/other/d"], ["/db/t", "/other/d"]),
        (["write.data.path": "/db/t/d"], ["/db/t"]),
        (["write.data.path": "/db"], ["/db"]),
        (["write.metadata.path": "/m/", "write.data.path": ""], ["/db/t", "/m"]),
        (["write.data.path": "/o", "write.object-storage.enabled": "true"], ["/db/t"]),
        (["write.data.path": "/db/t/o", "write.object-storage.enabled": "true"], ["/db/t"]),
    ])
    func `the folders of a table are those it is configured with, P-11`(
        properties: [String: String], expected: [String]
    ) throws {
        let roots = TableRoots(try metadata("/db/t/", properties), PathMatching())

        #expect(roots.roots.map(\.location.rawValue).sorted() == expected)
        let isShared = properties["write.data.path"] == "/o"
        #expect(roots.skipped.isEmpty == !isShared)
    }

    @Test(
        arguments: [
            (":8\u{0}", nil, "default"), ("10", nil, "policy"), ("0", nil, "default"),
            ("10", "2026-01-01T00:00:00Z", "request"),
        ] as [(String, String?, String)])
    func `an age is the request's, the table's, or three days, P-05`(
        property: String, requested: String?, origin: String
    ) throws {
        let now = try #require(Timestamp(iso8601: "2026-02-01T00:00:00Z"))

        let age = try OrphanAge(
            properties: ["icepack.orphan_file_age_days": property],
            olderThan: requested.flatMap(Timestamp.init(iso8601:)), now: now)

        #expect(age.olderThan.origin.text.hasPrefix(origin))
        #expect(age.warnings.isEmpty == (origin != "default"))
        let edge = age.olderThan.value
        #expect(age.isOldEnough(edge - 1) && !age.isOldEnough(edge) && !age.isOldEnough(nil))
        #expect(!age.isOldEnough(edge - 1, clockLag: 1) && age.isOldEnough(edge - 2, clockLag: 1))
        #expect(age.isOldEnough(edge - 1, clockLag: -100) && !age.isOldEnough(.max, clockLag: 1))
    }

    @Test(arguments: [(0, true), (-1, false)])
    func `the floor of 24 hours holds at its edge, P-05`(seconds: Int, allowed: Bool) throws {
        let now = try #require(Timestamp(iso8601: "2026-02-01T00:00:00Z"))
        let time = now.advanced(by: .zero - OrphanAge.floor - .seconds(seconds))

        let age = try? OrphanAge(properties: [:], olderThan: time, now: now)

        #expect((age != nil) == allowed)
    }

    @Test(
        arguments: [
            ("data/x", .candidate), ("_x/y", .candidate), (".x", .candidate), ("metadata/x", .kept),
            ("metadata/x.avro", .candidate), ("metadata/v1.metadata.json", .metadata),
            ("a/b.metadata.json.gz", .metadata), ("metadata/version-hint.text", .kept),
            (".icepack-quarantine/j/files/x", .skipped), ("a/.icepack-quarantine/x", .skipped),
            (".icepack-quarantine2/x", .candidate), ("data/", .skipped), ("", .skipped),
            ("_delta_log/0.json", .foreignFormat), ("a/.hoodie/x", .foreignFormat),
            ("_delta_log", .candidate), ("inner/x", .skipped), ("inner2/x", .candidate),
            ("metadata/.v1.icepack-partial", .candidate),
        ] as [(String, ListedFileRules.Verdict)])
    func `what a path says of a file, P-07, P-09`(path: String, verdict: ListedFileRules.Verdict) {
        let matching = PathMatching()
        let rules = ListedFileRules(
            metadataFolders: [TableRoots.Root("/t/metadata", matching)],
            excluded: [TableRoots.Root("/t/inner", matching)], skipsHidden: false)

        let found = key("/t/" + path).withUnsafeBytes {
            rules.verdict(key: $0, relative: path.utf8[...])
        }

        #expect(found == verdict)
    }

    @Test(
        arguments: [
            ("/a,5,2026-01-01T00:00:00Z", "/a", 5, 1_767_225_600_000),
            ("\"/a,\"\"b\"\"\",5,7", "/a,\"b\"", 5, 7), ("/a", "/a", -1, nil),
            ("/a,,", "/a", -1, nil),
            ("/a,5\r", "/a", 5, nil),
        ] as [(String, String, Int64, Int64?)])
    func `a line of an inventory`(
        line: String, path: String, size: Int64, time: Int64?
    ) throws {
        var reader = InventoryReader()

        let info = try #require(try reader.read(line))

        #expect(info.location.rawValue == path && info.size == size)
        #expect(info.modifiedMilliseconds == time)
        #expect(try reader.read("") == nil)
    }

    @Test func `an inventory may name its columns`() throws {
        var reader = InventoryReader()

        #expect(try reader.read("etag,last_modified,file_path") == nil)
        let info = try reader.read("x,9,/a")

        #expect(info?.location.rawValue == "/a" && info?.modifiedMilliseconds == 9)
    }

    @Test(arguments: ["/a,x", "/a,1,yesterday", "\"/a", ",1", "/a,-1"])
    func `a line that is none is an error with its number`(line: String) {
        var reader = InventoryReader()

        let error = #expect(throws: OrphanRefusal.self) { try reader.read(line) }

        #expect(error?.description.contains("line 1") == true)
    }

    @Test func `records are read as they were written, and others are refused`() throws {
        let around = TableIdentifier(namespace: ["a.b", "c"], name: "d")
        let job = QuarantineJob(
            jobID: "j", tableKey: "u", root: Location("s3://b/é \""), startedMilliseconds: 5,
            enclosingTables: [around], state: .held, fileCount: 2, byteCount: 1 << 40)
        let batch = QuarantineBatch(
            state: .copied,
            files: [
                QuarantinedFile(
                    source: ObjectInfo(
                        location: Location("/a\n"), size: 1, modifiedMilliseconds: nil,
                        entityTag: "e"), relativePath: "/x"),
                QuarantinedFile(
                    source: ObjectInfo(
                        location: Location("/b"), size: 0, modifiedMilliseconds: 3),
                    relativePath: "y"),
            ])

        #expect(try QuarantineJob(parsing: job.json.bytes()) == job)
        #expect(try QuarantineBatch(parsing: batch.json.bytes()) == batch)
        for text in ["", "[]", "{\"version\": 2}", "{\"version\": 1, \"state\": \"lost\"}"] {
            #expect(throws: UnreadableRecord.self) {
                try QuarantineJob(parsing: Array(text.utf8))
            }
            #expect(throws: UnreadableRecord.self) {
                try QuarantineBatch(parsing: Array(text.utf8))
            }
        }
    }

    @Test func `options that contradict or are not taken are refused`() throws {
        for (options, code) in [
            (["prefix_mismatch_mode": "DELETE"], "prefix_mismatch"),
            (["file_list_view": "v"], "unsupported_option"),
        ] as [(JSONValue, String)] {
            let parsed = RemoveOrphanFilesOptions(
                try ActionOptions.validating(options, for: .removeOrphanFiles))
            let error = #expect(throws: OrphanRefusal.self) { try parsed.check() }
            #expect(error?.code == code)
            #expect(error?.description.isEmpty == false)
        }
    }
}
