// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec

/// Which snapshots of a table stay and which go, and why.
public struct ExpireSnapshotsPlan: Sendable {
    /// The policy that decided, with the origin of each value.
    public let policy: RetentionPolicy
    /// The snapshots that stay, in the table's order.
    public let retained: [RetainedSnapshot]
    /// The snapshots that go, in the table's order.
    public let expiredSnapshotIDs: [Int64]
    /// The branches and tags that go, in the table's order.
    public let removedReferences: [String]
    /// Snapshots whose statistics files go with them.
    public let removedStatistics: [Int64]
    /// Snapshots whose partition statistics files go with them.
    public let removedPartitionStatistics: [Int64]
    /// Schemas that nothing needs any more; empty unless they were to be cleaned.
    public let removedSchemaIDs: [Int]
    /// Partition specs that may go, as far as no manifest of a retained snapshot has them.
    ///
    /// Empty unless they were to be cleaned.
    public let removablePartitionSpecIDs: [Int]
    /// False when `gc.enabled` is off: then files may belong to other tables, and stay (P-15).
    public let removesFiles: Bool
    /// What was ignored, in sentences.
    public let warnings: [String]

    /// Whether there is nothing to commit whichever partition specs turn out to be in use.
    public var isEmpty: Bool {
        expiredSnapshotIDs.isEmpty && removedReferences.isEmpty && removedSchemaIDs.isEmpty
            && removablePartitionSpecIDs.isEmpty
    }
}

/// A snapshot that stays, and the first reason for it.
public struct RetainedSnapshot: Hashable, Sendable {
    /// Why a snapshot stays.
    public enum Reason: Hashable, Sendable {
        /// A branch or tag points to it.
        case referenced(by: String)
        /// It is among the newest of a branch.
        case minimumCount(branch: String)
        /// It is in a branch and not old.
        case young(branch: String)
        /// No branch has it and it is not old.
        case youngUnreferenced
        /// It is the newest that a Flink job committed, which looks for it when it restarts (P-23).
        case flinkJob(String)

        /// The reason's name, without the reference.
        public var name: String {
            switch self {
            case .referenced: "referenced"
            case .minimumCount: "min_snapshots_to_keep"
            case .young: "max_snapshot_age"
            case .youngUnreferenced: "unreferenced_but_young"
            case .flinkJob: "flink_job"
            }
        }
    }

    /// The snapshot.
    public let id: Int64
    /// Why it stays.
    public let reason: Reason
}

extension ExpireSnapshotsPlan {
    /// The changes to the table's metadata.
    ///
    /// - Parameter unusedPartitionSpecIDs: those of ``removablePartitionSpecIDs`` that no manifest
    ///   of a retained snapshot has.
    public func updates(unusedPartitionSpecIDs: [Int]) -> [TableUpdate] {
        var updates: [TableUpdate] = removedReferences.map { .removeSnapshotRef(name: $0) }
        updates += removedStatistics.map { .removeStatistics(snapshotID: $0) }
        updates += removedPartitionStatistics.map { .removePartitionStatistics(snapshotID: $0) }
        if !expiredSnapshotIDs.isEmpty { updates.append(.removeSnapshots(expiredSnapshotIDs)) }
        if !removedSchemaIDs.isEmpty { updates.append(.removeSchemas(removedSchemaIDs)) }
        if !unusedPartitionSpecIDs.isEmpty {
            updates.append(.removePartitionSpecs(unusedPartitionSpecIDs))
        }
        return updates
    }

    /// What has to hold of the table for the plan to be right: its identity, every branch and tag
    /// that the plan looked at, and the defaults that decided about schemas and specs.
    public func requirements(
        on base: TableMetadata, unusedPartitionSpecIDs: [Int]
    ) -> [TableRequirement] {
        var requirements: [TableRequirement] = []
        if let uuid = base.tableUUID { requirements.append(.assertTableUUID(uuid)) }
        requirements += base.refs.map {
            .assertRefSnapshotID(ref: $0.name, snapshotID: $0.reference.snapshotID)
        }
        if base.refs[SnapshotReference.mainName] == nil {
            requirements.append(
                .assertRefSnapshotID(ref: SnapshotReference.mainName, snapshotID: nil))
        }
        if !removedSchemaIDs.isEmpty {
            requirements.append(.assertCurrentSchemaID(base.currentSchemaID))
        }
        if !unusedPartitionSpecIDs.isEmpty {
            requirements.append(.assertDefaultSpecID(base.defaultSpecID))
        }
        return requirements
    }
}
