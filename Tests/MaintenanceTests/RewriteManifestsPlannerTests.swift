// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import Maintenance
import Testing
import WireFormat

/// Which manifests a rewrite takes up.
@Suite struct RewriteManifestsPlannerTests {
    private static let target: Int64 = 1000
    private static let head: Int64 = 100

    private func metadata(
        _ version: Int = 2, properties: [String: JSONValue] = [:]
    ) throws -> TableMetadata {
        var all = properties
        if all["commit.manifest.target-size-bytes"] == nil {
            all["commit.manifest.target-size-bytes"] = .string("\(Self.target)")
        }
        let schema: JSONValue = [
            "type": "struct", "schema-id": 0,
            "fields": [["id": 1, "name": "id", "required": false, "type": "int"]],
        ]
        func spec(_ id: Int, _ name: String) -> JSONValue {
            [
                "spec-id": .integer(id),
                "fields": [
                    [
                        "source-id": 1, "field-id": .integer(1000 + id), "name": .string(name),
                        "transform": "identity",
                    ]
                ],
            ]
        }
        return try TableMetadata([
            "format-version": .integer(version), "table-uuid": "u", "location": "/t",
            "last-sequence-number": 5, "last-updated-ms": 1, "last-column-id": 1,
            "schema": schema, "schemas": [schema], "current-schema-id": 0,
            "partition-specs": [spec(0, "a"), spec(1, "b")], "default-spec-id": 1,
            "last-partition-id": 1001, "sort-orders": [["order-id": 0, "fields": []]],
            "default-sort-order-id": 0, "next-row-id": 0,
            "properties": .object(
                JSONObject(
                    all.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: $0.value) })),
        ])
    }

    private func manifest(
        _ payload: Int64, spec: Int32 = 0, content: ManifestContent = .data, entries: Int32 = 100,
        from: Int32 = 0, to: Int32 = 9
    ) -> ManifestFile {
        var manifest = ManifestFile(
            path: "/m\(payload)-\(Int.random(in: 0 ... .max))", length: payload + Self.head,
            partitionSpecID: spec)
        manifest.content = content
        manifest.addedSnapshotID = 1
        (manifest.addedFilesCount, manifest.existingFilesCount) = (entries, 0)
        manifest.deletedFilesCount = 0
        (manifest.addedRowsCount, manifest.existingRowsCount) = (100, 0)
        manifest.deletedRowsCount = 0
        manifest.partitions = [
            PartitionFieldSummary(
                containsNull: false, lowerBound: PartitionValue.int(from).serialized,
                upperBound: PartitionValue.int(to).serialized)
        ]
        return manifest
    }

    private func plan(
        _ manifests: [ManifestFile], _ options: RewriteManifestsOptions = .init(),
        version: Int = 2, properties: [String: JSONValue] = [:]
    ) throws -> RewriteManifestsPlan {
        try RewriteManifestsPlanner.plan(
            metadata(version, properties: properties), manifests: manifests, options: options
        ) { _ in Self.head }
    }

    @Test(arguments: [
        // Two small ones become one; one small one alone stays.
        ([399, 399], 2), ([399], 0), ([], 0),
        // The bounds themselves are good.
        ([400, 400], 0), ([1500, 1500], 0), ([399, 400], 0),
        // A large one is split.
        ([1501], 1), ([1501, 500], 1), ([1501, 10], 2),
        // No entries to speak of, only heads.
        ([0, 0, 0], 3),
        // Three small ones that fill one and a bit leave two.
        ([399, 399, 399], 3),
    ])
    func `small manifests are merged, large ones split, good ones kept`(
        payloads: [Int64], replaced: Int
    ) throws {
        let plan = try plan(payloads.map { manifest($0) })
        #expect(plan.replacedCount == replaced)
        #expect(plan.keptCount == payloads.count - replaced)
        #expect(plan.hasWork == (replaced > 0))
    }

    @Test func `a large manifest of few huge entries is not split for ever`() throws {
        #expect(try plan([manifest(9000, entries: 17)]).replacedCount == 0)
        #expect(try plan([manifest(9000, entries: 18)]).replacedCount == 1)
    }

    @Test func `P-61: specs and contents are groups of their own`() throws {
        let plan = try plan([
            manifest(1), manifest(1), manifest(1, spec: 1), manifest(1, spec: 1),
            manifest(1, content: .deletes), manifest(1, content: .deletes),
        ])
        #expect(
            plan.groups.map(\.key) == [
                .init(specID: 0, content: .data), .init(specID: 1, content: .data),
                .init(specID: 0, content: .deletes),
            ])
        #expect(try self.plan([manifest(1), manifest(1, spec: 1)]).groups.isEmpty)
    }

    @Test func `manifests without live files are left out`() throws {
        let plan = try plan([manifest(600, entries: 0), manifest(600)])
        #expect(plan.emptied.count == 1)
        #expect(plan.groups.isEmpty)
        #expect(plan.hasWork)
    }

    @Test func `a manifest that the list says too little of is written again`() throws {
        var unknown = manifest(600)
        unknown.existingRowsCount = nil
        #expect(try plan([unknown]).groups.map(\.reason) == [.completes])
        // Version 1 may leave counts out, but not who added the manifest.
        #expect(try plan([unknown], version: 1).groups.isEmpty)
        unknown.addedSnapshotID = nil
        #expect(try plan([unknown], version: 1).groups.map(\.reason) == [.completes])
    }

    @Test func `spec_id leaves other specs alone`() throws {
        let manifests = [manifest(1), manifest(1), manifest(1, spec: 1), manifest(1, spec: 1)]
        let plan = try plan(manifests, .init(specID: 1))
        #expect(plan.groups.map(\.key.specID) == [1])
        #expect(plan.keptCount == 2)
        #expect(throws: RewriteManifestsRefusal.noSuchSpec(2, known: [0, 1])) {
            try self.plan(manifests, .init(specID: 2))
        }
    }

    @Test(arguments: [
        // Ranges that follow each other, whatever the list's order.
        ([(0, 4), (5, 9)], false), ([(5, 9), (0, 4)], false), ([(0, 5), (5, 9)], false),
        ([(3, 3), (3, 3), (3, 8)], false),
        // Ranges that overlap.
        ([(0, 6), (5, 9)], true), ([(0, 9), (3, 4)], true), ([(3, 8), (3, 8)], true),
    ])
    func `sort_by rewrites what overlaps, and only that`(
        ranges: [(Int32, Int32)], isRewritten: Bool
    ) throws {
        let manifests = ranges.map { manifest(800, from: $0.0, to: $0.1) }
        let plan = try plan(manifests, .init(sortBy: ["a"]))
        #expect(plan.groups.map(\.reason) == (isRewritten ? [.clusters] : []))
        #expect(try self.plan(manifests).groups.isEmpty)
    }

    @Test func `sort_by counts nulls as the lowest`() throws {
        var nulls = manifest(800, from: 5, to: 9)
        nulls.partitions?[0].containsNull = true
        let plan = try plan([manifest(800, from: 0, to: 4), nulls], .init(sortBy: ["a"]))
        #expect(plan.groups.count == 1)
    }

    @Test func `sort_by takes partition fields of the spec only`() throws {
        #expect(throws: RewriteManifestsRefusal.noSuchField(["c"], known: ["a", "b"])) {
            try plan([], .init(sortBy: ["c"]))
        }
        #expect(throws: RewriteManifestsRefusal.noSuchField(["a"], known: ["b"])) {
            try plan([], .init(specID: 1, sortBy: ["a"]))
        }
        // A spec without the field keeps its own order.
        let manifests = [manifest(1, spec: 1), manifest(1, spec: 1)]
        #expect(try plan(manifests, .init(sortBy: ["a"])).groups.map(\.sortFields) == [[]])
    }

    @Test(arguments: ["0", "-1", "8 MB", ""])
    func `a target that is no size is refused`(text: String) throws {
        #expect(throws: RewriteManifestsRefusal.self) {
            try plan(
                [], properties: ["commit.manifest.target-size-bytes": .string(text)])
        }
    }

    @Test func `the target is 8 MiB where nothing is said, and bounded`() throws {
        let bare = try RewriteManifestsPlanner.plan(
            metadata(properties: ["commit.manifest.target-size-bytes": "8388608"]),
            manifests: [], options: .init()
        ) { _ in 0 }
        #expect(bare.targetBytes == RewriteManifestsPlanner.defaultTargetBytes)
        let maximum = RewriteManifestsPlanner.maximumTargetBytes
        let huge = try plan(
            [], properties: ["commit.manifest.target-size-bytes": .string("\(maximum + 1)")])
        #expect(huge.targetBytes == maximum)
    }

    @Test func `a manifest of a spec that is not there stops the plan`() throws {
        #expect(throws: RewriteManifestsRefusal.self) { try plan([manifest(1, spec: 9)]) }
    }
}
