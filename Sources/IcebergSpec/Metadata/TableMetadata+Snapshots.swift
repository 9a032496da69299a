// SPDX-License-Identifier: Apache-2.0

import WireFormat

// Reading snapshots and references. Iceberg spec, Snapshots and Snapshot References.
extension TableMetadata {
    static func readSnapshots(
        _ reader: MemberReader, _ version: FormatVersion
    ) throws(TableMetadataError) -> ([Snapshot], [Int64: Int]) {
        let snapshots =
            try reader.optionalElements("snapshots") { value, path throws(TableMetadataError) in
                try Snapshot(value, formatVersion: version, at: path)
            } ?? []
        var index: [Int64: Int] = [:]
        index.reserveCapacity(snapshots.count)
        for (position, snapshot) in snapshots.enumerated() {
            // Two snapshots of one id: whichever is dropped, its files could be taken for orphans.
            guard index.updateValue(position, forKey: snapshot.id) == nil else {
                throw reader.failure(
                    "snapshots[\(position)].snapshot-id", "is there twice: \(snapshot.id)")
            }
        }
        return (snapshots, index)
    }

    static func readCurrentSnapshotID(
        _ reader: MemberReader, knows: (Int64) -> Bool
    ) throws(TableMetadataError) -> Int64? {
        // Java writes -1 for "none", others null or nothing.
        guard let id = try reader.optionalInt64("current-snapshot-id"), id != -1 else { return nil }
        guard knows(id) else {
            throw reader.failure("current-snapshot-id", "is \(id), which is none of `snapshots`")
        }
        return id
    }

    static func readReferences(
        _ reader: MemberReader, current: Int64?, knows: (Int64) -> Bool
    ) throws(TableMetadataError) -> SnapshotReferences {
        var elements: [SnapshotReferences.Element] = []
        let mainName = SnapshotReference.mainName
        var listsMain = false
        if let value = reader.value("refs") {
            let map = try MemberReader(value, at: "refs")
            for member in map.object.members {
                let path = map.path(of: member.key)
                let reference = try SnapshotReference(member.value, at: path)
                guard knows(reference.snapshotID) else {
                    throw .invalid(
                        path: "\(path).snapshot-id",
                        reason: "is \(reference.snapshotID), which is none of `snapshots`")
                }
                if member.key == mainName {
                    listsMain = true
                    try checkMain(reference, at: path, current: current)
                }
                elements.append(.init(name: member.key, reference: reference))
            }
        }
        // The spec: there is always a main branch at the current snapshot, listed or not.
        if let current, !listsMain {
            let main = SnapshotReference(snapshotID: current, kind: .branch)
            elements.insert(.init(name: mainName, reference: main), at: 0)
        }
        return SnapshotReferences(elements)
    }

    private static func checkMain(
        _ main: SnapshotReference, at path: String, current: Int64?
    ) throws(TableMetadataError) {
        guard main.kind == .branch else {
            throw .invalid(path: "\(path).type", reason: "must be \"branch\"")
        }
        guard main.snapshotID == current else {
            let found = current.map { String($0) } ?? "not set"
            throw .invalid(
                path: "\(path).snapshot-id",
                reason: "is \(main.snapshotID), but `current-snapshot-id` is \(found)")
        }
    }
}
