// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import Testing
import WireFormat

extension TableMetadata {
    /// Applies updates an hour after the example table's last change.
    func applying(_ updates: TableUpdate...) throws(TableUpdateError) -> TableMetadata {
        try applying(
            updates, previousMetadataLocation: ExampleTable.previousLocation,
            nowMilliseconds: 3_600_000)
    }
}

struct ApplyingTests {
    @Test func `nothing to apply changes nothing`() throws {
        let metadata = try ExampleTable.metadata()

        #expect(try metadata.applying() == metadata)
    }

    @Test(arguments: 1...3)
    func `a change touches the members that it is about and no other`(version: Int) throws {
        let metadata = try ExampleTable.metadata(version: version) { $0["zeta"] = [1] }

        let changed = try metadata.applying(.setProperties(["a": "b", "owner": "else"]))

        var expected = metadata.document
        expected["properties"] = ["owner": "else", "a": "b"]
        expected["last-updated-ms"] = 3_600_000
        expected["metadata-log"] = [
            ["timestamp-ms": 3_000, "metadata-file": .string(ExampleTable.previousLocation)]
        ]
        #expect(changed.document == expected)
    }

    @Test func `the last update never goes backwards`() throws {
        let metadata = try ExampleTable.metadata { $0["last-updated-ms"] = 9_000_000 }

        #expect(try metadata.applying(.removeProperties([])).lastUpdatedMilliseconds == 9_000_000)
    }

    @Test func `the last update is not before the last entry of the snapshot log`() throws {
        let metadata = try ExampleTable.metadata {
            $0["snapshot-log"] = [["snapshot-id": 3, "timestamp-ms": 7_000_000]]
        }

        #expect(try metadata.applying(.removeProperties([])).lastUpdatedMilliseconds == 7_000_000)
    }

    @Test func `properties are set and removed in order`() throws {
        let changed = try ExampleTable.metadata().applying(
            .setProperties(["a": "1", "b": "2"]), .removeProperties(["a", "absent"]))

        #expect(changed.properties == ["owner": "somebody", "b": "2"])
    }

    @Test func `schemas and specs that nothing uses are removed`() throws {
        let changed = try ExampleTable.metadata().applying(
            .removeSchemas([0]), .removePartitionSpecs([0]))

        #expect(changed.schemas.map(\.id) == [1])
        #expect(changed.partitionSpecs.map(\.id) == [1])
    }

    @Test func `statistics are replaced per snapshot and removed per snapshot`() throws {
        let one = try StatisticsFile(ExampleTable.statisticsFile(ofSnapshot: 1))
        let two = try StatisticsFile(ExampleTable.statisticsFile(ofSnapshot: 2))
        let part = try PartitionStatisticsFile(ExampleTable.partitionStatisticsFile(ofSnapshot: 2))

        let added = try ExampleTable.metadata().applying(
            .setStatistics(one), .setStatistics(two), .setStatistics(one),
            .setPartitionStatistics(part))
        let removed = try added.applying(
            .removeStatistics(snapshotID: 2), .removePartitionStatistics(snapshotID: 2))

        #expect(added.statistics == [two, one])
        #expect(added.partitionStatistics == [part])
        #expect(removed.statistics == [one])
        #expect(removed.partitionStatistics == [])
    }
}

struct MetadataLogTests {
    private func log(_ entries: Int, _ property: String?) throws -> [String] {
        let metadata = try ExampleTable.metadata { document in
            document["metadata-log"] = .array(
                (0..<entries).map { ["timestamp-ms": 1, "metadata-file": .string("m\($0)")] })
            document["properties"] = property.map {
                [TableMetadata.previousVersionsMaxProperty: .string($0)]
            }
        }
        return try metadata.applying(.removeProperties([])).metadataLog.map(\.metadataFile)
    }

    @Test func `it keeps 100 files unless the table says otherwise`() throws {
        #expect(try log(99, nil).count == 100)
        #expect(try log(99, nil).first == "m0")
        #expect(try log(100, nil).count == 100)
        #expect(try log(100, nil).first == "m1")
        #expect(try log(100, nil).last == ExampleTable.previousLocation)
    }

    @Test(arguments: ["1", "0", "-5"])
    func `it keeps at least the previous file`(limit: String) throws {
        #expect(try log(3, limit) == [ExampleTable.previousLocation])
    }

    @Test func `it keeps as many as the table says`() throws {
        #expect(try log(3, "2") == ["m2", ExampleTable.previousLocation])
        #expect(try log(3, "9223372036854775807").count == 4)
    }

    @Test func `a limit that cannot be read is refused, since entries would be lost`() {
        let error = #expect(throws: TableUpdateError.self) { try log(3, "many") }
        #expect(
            error?.description == "the table property write.metadata.previous-versions-max must be "
                + "an integer, not \"many\"")
    }

    @Test func `the limit that a change sets counts for that change`() throws {
        let metadata = try ExampleTable.metadata {
            $0["metadata-log"] = [["timestamp-ms": 1, "metadata-file": "m"]]
        }

        let changed = try metadata.applying(
            .setProperties([TableMetadata.previousVersionsMaxProperty: "1"]))

        #expect(changed.metadataLog.map(\.metadataFile) == [ExampleTable.previousLocation])
    }
}

struct RemovingSnapshotsTests {
    @Test(arguments: 1...3)
    func `removed snapshots are gone and the others are as they were`(version: Int) throws {
        let metadata = try ExampleTable.metadata(version: version)

        let changed = try metadata.applying(.removeSnapshots([1]))

        #expect(changed.snapshots == metadata.snapshots.filter { $0.id != 1 })
        #expect(changed.snapshot(1) == nil)
        #expect(changed.refs == metadata.refs)
        #expect(changed.lastSequenceNumber == metadata.lastSequenceNumber)
        #expect(
            changed.document["last-sequence-number"] == metadata.document["last-sequence-number"])
    }

    @Test(
        arguments: [
            ([1], [2, 3, 4, 5]), ([3], [4, 5]), ([4], [5]), ([1, 2], [3, 4, 5]), ([2, 4], [5]),
        ] as [([Int64], [Int64])])
    func `history before a removed snapshot is dropped`(removed: [Int64], kept: [Int64]) throws {
        let changed = try ExampleTable.metadata(snapshots: 5).applying(.removeSnapshots(removed))

        #expect(changed.snapshotLog.map(\.snapshotID) == kept)
    }

    @Test func `a gap that was there before ends the history too`() throws {
        let metadata = try ExampleTable.metadata {
            $0["snapshot-log"] = [
                ["snapshot-id": 2, "timestamp-ms": 1], ["snapshot-id": 77, "timestamp-ms": 2],
                ["snapshot-id": 3, "timestamp-ms": 3],
            ]
        }

        #expect(try metadata.applying(.removeSnapshots([1])).snapshotLog.map(\.snapshotID) == [3])
        #expect(try metadata.applying(.removeProperties(["a"])).snapshotLog.count == 3)
    }

    @Test func `a reference goes before its snapshot or with it`() throws {
        let metadata = try ExampleTable.metadata {
            $0["refs"] = [
                "old": ["snapshot-id": 1, "type": "tag"],
                "main": ["snapshot-id": 3, "type": "branch"],
            ]
        }

        #expect(throws: TableUpdateError.inUse(what: "the snapshot 1", by: "the reference old")) {
            try metadata.applying(.removeSnapshots([1]))
        }
        let before = try metadata.applying(.removeSnapshotRef(name: "old"), .removeSnapshots([1]))
        let after = try metadata.applying(.removeSnapshots([1]), .removeSnapshotRef(name: "old"))
        #expect(before.document["refs"] == ["main": ["snapshot-id": 3, "type": "branch"]])
        #expect(before == after)
    }

    @Test func `statistics go with their snapshot, by an update of their own`() throws {
        let metadata = try ExampleTable.metadata {
            $0["statistics"] = [ExampleTable.statisticsFile(ofSnapshot: 1)]
            $0["partition-statistics"] = [ExampleTable.partitionStatisticsFile(ofSnapshot: 1)]
        }

        #expect(throws: TableUpdateError.self) { try metadata.applying(.removeSnapshots([1])) }
        #expect(throws: TableUpdateError.self) {
            try metadata.applying(.removeSnapshots([1]), .removeStatistics(snapshotID: 1))
        }
        let changed = try metadata.applying(
            .removeSnapshots([1]), .removeStatistics(snapshotID: 1),
            .removePartitionStatistics(snapshotID: 1))
        #expect(changed.document["statistics"] == [])
        #expect(changed.document["partition-statistics"] == [])
    }

    @Test func `references that the document does not list stay unlisted`() throws {
        let metadata = try ExampleTable.metadata(version: 1) { $0["refs"] = nil }

        let changed = try metadata.applying(.removeSnapshots([1]))

        #expect(changed.document["refs"] == nil)
        #expect(changed.refs.names == ["main"])
    }
}

struct RefusedUpdateTests {
    struct Refusal: Sendable, CustomTestStringConvertible {
        let update: TableUpdate
        let message: String
        var testDescription: String { message }
    }

    static let refusals: [Refusal] = [
        .init(update: .removeSnapshots([9]), message: "the table has no snapshot 9"),
        .init(update: .removeSnapshots([1, 1]), message: "the table has no snapshot 1"),
        .init(
            update: .removeSnapshots([3]),
            message:
                "the snapshot 3 is in use by the table, as its current one and cannot be removed"),
        .init(update: .removeSnapshotRef(name: "x"), message: "the table has no reference x"),
        .init(
            update: .removeSnapshotRef(name: "main"),
            message: "the branch main is in use by the table and cannot be removed"),
        .init(
            update: .setSnapshotRef(name: "x", SnapshotReference(snapshotID: 9, kind: .tag)),
            message: "the table has no snapshot 9 for the reference x"),
        .init(
            update: .setSnapshotRef(name: "", SnapshotReference(snapshotID: 1, kind: .tag)),
            message: "a reference must have a name"),
        .init(
            update: .setSnapshotRef(name: "main", SnapshotReference(snapshotID: 1, kind: .tag)),
            message: "the reference main must be a branch"),
        .init(
            update: .setSnapshotRef(
                name: "x", SnapshotReference(snapshotID: 1, kind: .tag, minSnapshotsToKeep: 1)),
            message: "the reference x is invalid: min-snapshots-to-keep is only for branches"),
        .init(
            update: .setSnapshotRef(
                name: "x", SnapshotReference(snapshotID: 1, kind: .tag, maxRefAgeMilliseconds: 0)),
            message: "the reference x is invalid: max-ref-age-ms must be above zero, but is 0"),
        .init(
            update: .removeStatistics(snapshotID: 1),
            message: "the table has no statistics file of snapshot 1"),
        .init(
            update: .removePartitionStatistics(snapshotID: 1),
            message: "the table has no partition statistics file of snapshot 1"),
        .init(update: .removeSchemas([9]), message: "the table has no schema 9"),
        .init(
            update: .removeSchemas([0, 1]),
            message: "the schema 1 is in use by the table and cannot be removed"),
        .init(update: .removePartitionSpecs([9]), message: "the table has no partition spec 9"),
        .init(
            update: .removePartitionSpecs([1]),
            message: "the partition spec 1 is in use by the table and cannot be removed"),
    ]

    @Test(arguments: refusals)
    func `an update that does not fit is refused`(refusal: Refusal) throws {
        let metadata = try ExampleTable.metadata()

        let error = #expect(throws: TableUpdateError.self) { try metadata.applying(refusal.update) }

        #expect(error?.description == refusal.message)
    }

    @Test func `a schema that a remaining snapshot names is not removed`() throws {
        let document = JSONValue.object(ExampleTable.document())
            .replacing(["snapshots", "0", "schema-id"], with: 0)
        let metadata = try TableMetadata(document)

        #expect(throws: TableUpdateError.inUse(what: "the schema 0", by: "the snapshot 1")) {
            try metadata.applying(.removeSchemas([0]))
        }
        #expect(
            try metadata.applying(.removeSchemas([0]), .removeSnapshots([1])).schemas.count == 1)
    }

    @Test func `a statistics file of an unknown snapshot is refused`() throws {
        let file = try StatisticsFile(ExampleTable.statisticsFile(ofSnapshot: 9))

        #expect(throws: TableUpdateError.notFound(what: "snapshot 9")) {
            try ExampleTable.metadata().applying(.setStatistics(file))
        }
    }
}
