// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import TestSupport
import Testing
import WireFormat

/// Histories made at random: branches, tags, statistics, snapshots that nothing points to.
private struct RandomHistory {
    let metadata: TableMetadata
    let removed: [Int64]
    let updates: [TableUpdate]

    init(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let count = Int64.random(in: 1...40, using: &random)
        var refs = JSONObject()
        refs["main"] = ["snapshot-id": .integer(count), "type": "branch"]
        for index in 0..<Int.random(in: 0...4, using: &random) {
            refs["ref-\(index)"] = [
                "snapshot-id": .integer(Int64.random(in: 1...count, using: &random)),
                "type": Bool.random(using: &random) ? "branch" : "tag",
            ]
        }
        let described = (1...count).filter { _ in Int.random(in: 0..<5, using: &random) == 0 }
        metadata = try ExampleTable.metadata(
            version: Int.random(in: 1...3, using: &random), snapshots: count
        ) { document in
            document["refs"] = .object(refs)
            document["statistics"] = .array(
                described.map { ExampleTable.statisticsFile(ofSnapshot: $0) })
        }

        let droppedRefs = metadata.refs.names.filter {
            $0 != "main" && Bool.random(using: &random)
        }
        let pinned = Set(
            metadata.refs.filter { !droppedRefs.contains($0.name) }.map(\.reference.snapshotID))
        let removed = (1...count).filter { !pinned.contains($0) && Bool.random(using: &random) }
        self.removed = removed
        var updates: [TableUpdate] = droppedRefs.map { .removeSnapshotRef(name: $0) }
        updates += described.filter(removed.contains).map { .removeStatistics(snapshotID: $0) }
        if !removed.isEmpty { updates.append(.removeSnapshots(removed)) }
        self.updates = updates.shuffled(using: &random)
    }
}

struct RetentionPropertyTests {
    @Test(arguments: UInt64(0)..<200)
    func `removing snapshots leaves no reference, log entry or statistics without its snapshot`(
        seed: UInt64
    ) throws {
        let history = try RandomHistory(seed: seed)
        let before = history.metadata

        let after = try before.applying(
            history.updates, previousMetadataLocation: ExampleTable.previousLocation,
            nowMilliseconds: 9_000_000)

        let ids = Set(after.snapshots.map(\.id))
        #expect(ids == Set(before.snapshots.map(\.id)).subtracting(history.removed))
        #expect(after.currentSnapshotID == before.currentSnapshotID)
        #expect(after.refs.allSatisfy { ids.contains($0.reference.snapshotID) })
        #expect(after.snapshotLog.allSatisfy { ids.contains($0.snapshotID) })
        #expect(after.snapshotLog.last?.snapshotID == after.currentSnapshotID)
        #expect(after.snapshotLog == before.snapshotLog.suffix(after.snapshotLog.count))
        #expect(after.statistics.allSatisfy { ids.contains($0.snapshotID) })
        #expect(after.lastUpdatedMilliseconds >= before.lastUpdatedMilliseconds)
        #expect(after.lastSequenceNumber == before.lastSequenceNumber)
        #expect(after.schemas == before.schemas)
        #expect(try TableMetadata(parsing: after.json.bytes(.indented)) == after)
    }
}

struct AncestorTests {
    @Test func `ancestors go from the newest to the oldest`() throws {
        #expect(try ExampleTable.metadata().ancestors(of: 3).map(\.id) == [3, 2, 1])
        #expect(try ExampleTable.metadata().ancestors(of: 1).map(\.id) == [1])
    }

    @Test func `an unknown snapshot has no ancestors`() throws {
        #expect(try ExampleTable.metadata().ancestors(of: 9).map(\.id) == [])
    }

    @Test func `ancestors end where a parent was removed`() throws {
        let metadata = try ExampleTable.metadata(snapshots: 5).applying(.removeSnapshots([2]))

        #expect(metadata.ancestors(of: 5).map(\.id) == [5, 4, 3])
    }

    @Test func `parents that form a circle end`() throws {
        let document = JSONValue.object(ExampleTable.document())
            .replacing(["snapshots", "0", "parent-snapshot-id"], with: 3)

        #expect(try TableMetadata(document).ancestors(of: 2).map(\.id) == [2, 1, 3])
    }
}
