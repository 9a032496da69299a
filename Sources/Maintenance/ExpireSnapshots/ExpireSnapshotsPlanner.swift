// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec
public import WireFormat

/// Decides which snapshots of a table expire.
///
/// Pure: metadata, options and time in, a plan out.
///
/// The steps are those of the Iceberg spec, Snapshot Retention Policy:
/// 1. start with an empty set of snapshots to retain;
/// 2. drop every reference but main whose snapshot is older than its `max-ref-age-ms`;
/// 3. retain the snapshot of every reference left;
/// 4. for each branch, retain its ancestors until one is both old and beyond the minimum count;
/// 5. expire what is not retained.
///
/// Beyond the spec, as Iceberg's own procedure does: a snapshot that no branch or tag ever had,
/// such as a staged one, stays until it is old; and snapshots named by id go, unless a reference
/// points to them. Beyond both: the newest snapshot of each Flink job stays (P-23), unless it is
/// named by id.
public enum ExpireSnapshotsPlanner {
    /// Iceberg's switch that says whether a table owns its files.
    public static let gcProperty = "gc.enabled"
    /// Where Flink's committer leaves its job's name.
    public static let flinkJobProperty = "flink.job-id"

    /// Plans the expiry of a table's snapshots.
    public static func plan(
        _ metadata: TableMetadata, options: ExpireSnapshotsOptions, now: Timestamp
    ) throws(ExpireSnapshotsRefusal) -> ExpireSnapshotsPlan {
        let policy: RetentionPolicy
        var warnings: [String]
        do throws(UnreadableProperty) {
            (policy, warnings) = try RetentionPolicy.resolve(
                properties: metadata.properties, options: options, now: now)
        } catch {
            throw .property(error)
        }
        var retention = Retention(metadata: metadata, policy: policy, now: now)
        let named = try namedSnapshots(options.snapshotIDs, retention, metadata, &warnings)
        retention.retainAncestors()
        retention.retainYoungUnreferenced()
        retention.retainFlinkPositions(exceptFor: named)
        let reasons = retention.reasons.filter { !named.contains($0.key) }

        let expired = metadata.snapshots.map(\.id).filter { reasons[$0] == nil }
        let gone = Set(expired)
        return ExpireSnapshotsPlan(
            policy: policy,
            retained: metadata.snapshots.compactMap { snapshot in
                reasons[snapshot.id].map { RetainedSnapshot(id: snapshot.id, reason: $0) }
            },
            expiredSnapshotIDs: expired,
            removedReferences: metadata.refs.names.filter {
                !retention.keptReferences.contains($0)
            },
            removedStatistics: distinct(metadata.statistics.map(\.snapshotID), in: gone),
            removedPartitionStatistics: distinct(
                metadata.partitionStatistics.map(\.snapshotID), in: gone),
            removedSchemaIDs: options.cleansExpiredMetadata
                ? unusedSchemas(metadata, without: gone) : [],
            removablePartitionSpecIDs: options.cleansExpiredMetadata
                ? metadata.partitionSpecs.map(\.id).filter { $0 != metadata.defaultSpecID } : [],
            removesFiles: removesFiles(metadata.properties),
            warnings: warnings)
    }

    /// Whether the table owns its files.
    ///
    /// Iceberg takes every word but `true` for false, and so does this: in doubt the files stay.
    public static func removesFiles(_ properties: TableProperties) -> Bool {
        properties[gcProperty].map { $0.lowercased() == "true" } ?? true
    }

    /// The snapshots that were named by id and are there.
    ///
    /// An id that is not there is no fault, as in Iceberg: the next attempt after a crash names
    /// snapshots that the first attempt expired.
    private static func namedSnapshots(
        _ ids: [Int64], _ retention: Retention, _ metadata: TableMetadata,
        _ warnings: inout [String]
    ) throws(ExpireSnapshotsRefusal) -> Set<Int64> {
        var named: Set<Int64> = []
        var missing = 0
        for id in ids {
            guard metadata.snapshot(id) != nil else {
                missing += 1
                continue
            }
            let holders = metadata.refs.filter {
                $0.reference.snapshotID == id && retention.keptReferences.contains($0.name)
            }
            guard holders.isEmpty else { throw .referenced(id, by: holders.map(\.name)) }
            named.insert(id)
        }
        if missing > 0 {
            warnings.append("\(missing) of the snapshot_ids are not in the table and were ignored")
        }
        return named
    }

    private static func distinct(_ ids: [Int64], in wanted: Set<Int64>) -> [Int64] {
        var seen: Set<Int64> = []
        return ids.filter { wanted.contains($0) && seen.insert($0).inserted }
    }

    private static func unusedSchemas(_ metadata: TableMetadata, without gone: Set<Int64>) -> [Int]
    {
        var used: Set<Int> = [metadata.currentSchemaID]
        for snapshot in metadata.snapshots where !gone.contains(snapshot.id) {
            if let id = snapshot.schemaID { used.insert(id) }
        }
        return metadata.schemas.map(\.id).filter { !used.contains($0) }
    }
}

/// Why snapshots cannot be expired as asked; nothing was changed.
public enum ExpireSnapshotsRefusal: Error, Hashable, Sendable {
    /// A snapshot named by id is where a branch or tag points.
    case referenced(Int64, by: [String])
    /// A table property that decides about retention cannot be read.
    case property(UnreadableProperty)
}

extension ExpireSnapshotsRefusal: CustomStringConvertible {
    /// A sentence for a person.
    public var description: String {
        switch self {
        case .referenced(let id, let names):
            "snapshot \(id) cannot be expired: \(names.joined(separator: ", ")) "
                + "\(names.count == 1 ? "points" : "point") to it; remove or move the "
                + "\(names.count == 1 ? "reference" : "references") first"
        case .property(let error): error.description
        }
    }
}
