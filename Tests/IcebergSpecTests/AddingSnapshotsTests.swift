// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import Testing
import WireFormat

struct AddingSnapshotsTests {
    private func snapshot(
        _ id: Int64, sequenceNumber: Int64 = 4, schemaID: Int? = 1, firstRowID: Int64? = nil,
        addedRows: Int64? = nil
    ) -> Snapshot {
        Snapshot(
            id: id, parentID: 3, sequenceNumber: sequenceNumber, timestampMilliseconds: 3_500_000,
            manifestList: "s3://bucket/db/t/metadata/snap-\(id).avro",
            summary: SnapshotSummary(operation: "replace", [("total-records", "30")]),
            schemaID: schemaID, firstRowID: firstRowID, addedRows: addedRows)
    }

    private func main(_ id: Int64) -> TableUpdate {
        .setSnapshotRef(name: "main", SnapshotReference(snapshotID: id, kind: .branch))
    }

    @Test func `a new snapshot is read back as it was made`() throws {
        let added = snapshot(4)

        let changed = try ExampleTable.metadata().applying(.addSnapshot(added))

        #expect(changed.snapshot(4) == added)
        #expect(changed.lastSequenceNumber == 4)
        #expect(changed.currentSnapshotID == 3)
        #expect(changed.snapshotLog.count == 3)
    }

    @Test func `main moved to a new snapshot makes it current from when it was made`() throws {
        let changed = try ExampleTable.metadata().applying(.addSnapshot(snapshot(4)), main(4))

        #expect(changed.currentSnapshotID == 4)
        #expect(changed.refs["main"]?.snapshotID == 4)
        #expect(
            changed.snapshotLog.last
                == SnapshotLogEntry(snapshotID: 4, timestampMilliseconds: 3_500_000))
        #expect(changed.lastUpdatedMilliseconds == 3_600_000)
    }

    @Test func `main moved back is logged when it happens`() throws {
        let changed = try ExampleTable.metadata().applying(main(2))

        #expect(
            changed.snapshotLog.last
                == SnapshotLogEntry(snapshotID: 2, timestampMilliseconds: 3_600_000))
    }

    @Test func `a snapshot that was current only within the change is not in the history`() throws {
        let changed = try ExampleTable.metadata().applying(
            .addSnapshot(snapshot(4)), main(4), .addSnapshot(snapshot(5, sequenceNumber: 5)),
            main(5))

        #expect(changed.snapshotLog.map(\.snapshotID) == [1, 2, 3, 5])
    }

    @Test func `main set to where it is changes nothing but its retention`() throws {
        let reference = SnapshotReference(snapshotID: 3, kind: .branch, minSnapshotsToKeep: 5)

        let changed = try ExampleTable.metadata().applying(
            .setSnapshotRef(name: "main", reference))

        #expect(changed.refs["main"] == reference)
        #expect(changed.snapshotLog.count == 3)
    }

    @Test func `a table without listed references gets them only when they say more`() throws {
        let metadata = try ExampleTable.metadata(version: 1) { $0["refs"] = nil }

        let moved = try metadata.applying(main(2))
        let tagged = try metadata.applying(
            .setSnapshotRef(name: "t", SnapshotReference(snapshotID: 1, kind: .tag)))

        #expect(moved.document["refs"] == nil)
        #expect(moved.currentSnapshotID == 2)
        #expect(tagged.document["refs"]?.objectValue?.keys == ["main", "t"])
    }

    @Test func `the first snapshot of an empty table becomes current`() throws {
        let metadata = try ExampleTable.metadata(snapshots: 0)

        let changed = try metadata.applying(.addSnapshot(snapshot(4)), main(4))

        #expect(changed.currentSnapshotID == 4)
        #expect(changed.snapshotLog.map(\.snapshotID) == [4])
    }

    @Test func `a version 1 table counts no sequence numbers`() throws {
        let changed = try ExampleTable.metadata(version: 1).applying(
            .addSnapshot(snapshot(4, sequenceNumber: 0)))

        #expect(changed.document["last-sequence-number"] == nil)
        #expect(changed.snapshot(4)?.json["sequence-number"] == nil)
    }

    @Test func `an id is given once`() throws {
        #expect(throws: TableUpdateError.alreadyExists(what: "a snapshot 3")) {
            try ExampleTable.metadata().applying(.addSnapshot(snapshot(3)))
        }
        // The removed snapshot's files are still about.
        #expect(throws: TableUpdateError.alreadyExists(what: "a snapshot 1")) {
            try ExampleTable.metadata().applying(.removeSnapshots([1]), .addSnapshot(snapshot(1)))
        }
    }

    @Test(arguments: [0, 2, 3] as [Int64])
    func `a sequence number that is not above the last is refused`(number: Int64) {
        #expect(throws: TableUpdateError.self) {
            try ExampleTable.metadata().applying(.addSnapshot(snapshot(4, sequenceNumber: number)))
        }
    }

    @Test func `a schema that the table lacks is refused`() {
        #expect(throws: TableUpdateError.self) {
            try ExampleTable.metadata().applying(.addSnapshot(snapshot(4, schemaID: 9)))
        }
    }

    @Test func `row ids are taken by a snapshot of a version 3 table`() throws {
        let metadata = try ExampleTable.metadata(version: 3)

        let changed = try metadata.applying(
            .addSnapshot(snapshot(4, firstRowID: 30, addedRows: 12)))

        #expect(changed.nextRowID == 42)
    }

    @Test(arguments: [(nil, 1), (30, nil), (29, 1), (30, -1), (30, .max)] as [(Int64?, Int64?)])
    func `row ids that are missing, taken or too many are refused`(
        first: Int64?, added: Int64?
    ) throws {
        let metadata = try ExampleTable.metadata(version: 3)

        #expect(throws: TableUpdateError.self) {
            try metadata.applying(.addSnapshot(snapshot(4, firstRowID: first, addedRows: added)))
        }
    }

    @Test func `a version 3 table of a draft without row ids is read and not added to`() throws {
        let metadata = try ExampleTable.metadata(version: 3) { $0["next-row-id"] = nil }

        #expect(metadata.nextRowID == nil)
        #expect(throws: Never.self) { try metadata.applying(.removeSnapshots([1])) }
        #expect(throws: TableUpdateError.self) {
            try metadata.applying(.addSnapshot(snapshot(4, firstRowID: 30, addedRows: 1)))
        }
    }

    @Test func `a result that could not be read is refused`() {
        let error = #expect(throws: TableUpdateError.self) {
            try ExampleTable.metadata().applying(.addSnapshot(snapshot(-4)))
        }
        #expect(
            error?.description == "after the change, the table metadata's snapshots[3].snapshot-id "
                + "must not be negative, but is -4")
    }
}
