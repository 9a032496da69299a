// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import WireFormat

/// Collects the snapshots that stay, each with the first reason found for it.
struct Retention {
    /// Why each snapshot stays that does.
    private(set) var reasons: [Int64: RetainedSnapshot.Reason] = [:]
    /// The names of the references that stay.
    let keptReferences: Set<String>

    private let metadata: TableMetadata
    private let policy: RetentionPolicy
    private let now: Timestamp
    private let references: [SnapshotReferences.Element]

    /// Steps 1 to 3 of the retention policy.
    init(metadata: TableMetadata, policy: RetentionPolicy, now: Timestamp) {
        self.metadata = metadata
        self.policy = policy
        self.now = now
        references = metadata.refs.filter { Self.stays($0, metadata, policy, now) }
        keptReferences = Set(references.map(\.name))
        for element in references {
            retain(element.reference.snapshotID, .referenced(by: element.name))
        }
    }

    private static func stays(
        _ element: SnapshotReferences.Element, _ metadata: TableMetadata,
        _ policy: RetentionPolicy, _ now: Timestamp
    ) -> Bool {
        if element.name == SnapshotReference.mainName { return true }
        guard let snapshot = metadata.snapshot(element.reference.snapshotID) else { return false }
        let limit =
            element.reference.maxRefAgeMilliseconds ?? policy.maxRefAgeMilliseconds.value
        return snapshot.timestampMilliseconds >= RetentionPolicy.before(now, by: limit)
    }

    /// Step 4.
    mutating func retainAncestors() {
        for element in references where element.reference.kind == .branch {
            let reference = element.reference
            let oldest =
                reference.maxSnapshotAgeMilliseconds.map { RetentionPolicy.before(now, by: $0) }
                ?? policy.expireOlderThan.value
            let minimum =
                reference.minSnapshotsToKeep ?? Int(clamping: policy.minSnapshotsToKeep.value)
            for (index, snapshot) in metadata.ancestors(of: reference.snapshotID).enumerated() {
                if index < minimum {
                    retain(snapshot.id, .minimumCount(branch: element.name))
                } else if snapshot.timestampMilliseconds >= oldest {
                    retain(snapshot.id, .young(branch: element.name))
                } else {
                    break
                }
            }
        }
    }

    /// Iceberg's addition to the spec: what no reference ever had stays while it is young.
    mutating func retainYoungUnreferenced() {
        var referenced: Set<Int64> = []
        for element in references where element.reference.kind == .branch {
            for snapshot in metadata.ancestors(of: element.reference.snapshotID) {
                // Another branch came this way, and saw the rest of the history.
                guard referenced.insert(snapshot.id).inserted else { break }
            }
        }
        // Last, because a tag says nothing of its snapshot's ancestors.
        referenced.formUnion(references.map(\.reference.snapshotID))
        for snapshot in metadata.snapshots where !referenced.contains(snapshot.id) {
            if snapshot.timestampMilliseconds >= policy.expireOlderThan.value {
                retain(snapshot.id, .youngUnreferenced)
            }
        }
    }

    /// Flink looks in the history for the last checkpoint that its job committed (P-23).
    mutating func retainFlinkPositions(exceptFor named: Set<Int64>) {
        var newest: [String: Snapshot] = [:]
        for snapshot in metadata.snapshots where !named.contains(snapshot.id) {
            guard let job = snapshot.summary[ExpireSnapshotsPlanner.flinkJobProperty] else {
                continue
            }
            if let other = newest[job], Self.age(other) > Self.age(snapshot) { continue }
            newest[job] = snapshot
        }
        for (job, snapshot) in newest { retain(snapshot.id, .flinkJob(job)) }
    }

    private static func age(_ snapshot: Snapshot) -> (Int64, Int64) {
        (snapshot.sequenceNumber, snapshot.timestampMilliseconds)
    }

    private mutating func retain(_ id: Int64, _ reason: RetainedSnapshot.Reason) {
        if reasons[id] == nil { reasons[id] = reason }
    }
}
