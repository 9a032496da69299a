// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// One change to a table's metadata, as the REST catalog specification names it.
public enum TableUpdate: Hashable, Sendable {
    /// Adds a snapshot; no reference points to it yet.
    case addSnapshot(Snapshot)
    /// Removes snapshots. Every id has to be there.
    case removeSnapshots([Int64])
    /// Makes or moves a branch or tag. Moving `main` makes its snapshot the current one.
    case setSnapshotRef(name: String, SnapshotReference)
    /// Removes a branch or tag, never `main`.
    case removeSnapshotRef(name: String)
    /// Sets properties, overwriting what is there.
    case setProperties(TableProperties)
    /// Removes properties; one that is absent is no fault.
    case removeProperties([String])
    /// Adds a statistics file, in place of those of the same snapshot.
    case setStatistics(StatisticsFile)
    /// Removes the statistics files of a snapshot.
    case removeStatistics(snapshotID: Int64)
    /// Adds a partition statistics file, in place of those of the same snapshot.
    case setPartitionStatistics(PartitionStatisticsFile)
    /// Removes the partition statistics files of a snapshot.
    case removePartitionStatistics(snapshotID: Int64)
    /// Removes schemas, never the current one or one that a remaining snapshot names.
    case removeSchemas([Int])
    /// Removes partition specs, never the default one. The caller knows that no manifest of a
    /// remaining snapshot uses them.
    case removePartitionSpecs([Int])

    /// The change as the REST catalog protocol sends it.
    public var json: JSONValue {
        switch self {
        case .addSnapshot(let snapshot):
            Self.action("add-snapshot", ("snapshot", .object(snapshot.json)))
        case .removeSnapshots(let ids):
            Self.action("remove-snapshots", ("snapshot-ids", .array(ids.map { .integer($0) })))
        case .setSnapshotRef(let name, let reference):
            .object(
                JSONObject(
                    [
                        .init(key: "action", value: "set-snapshot-ref"),
                        .init(key: "ref-name", value: .string(name)),
                    ] + reference.json.members.filter { $0.key != "action" && $0.key != "ref-name" }
                ))
        case .removeSnapshotRef(let name):
            Self.action("remove-snapshot-ref", ("ref-name", .string(name)))
        case .setProperties(let properties):
            Self.action("set-properties", ("updates", .object(properties.json)))
        case .removeProperties(let keys):
            Self.action("remove-properties", ("removals", .array(keys.map { .string($0) })))
        case .setStatistics(let file):
            // The snapshot id beside the file is deprecated but older servers insist on it.
            Self.action(
                "set-statistics", ("snapshot-id", .integer(file.snapshotID)),
                ("statistics", .object(file.json)))
        case .removeStatistics(let id):
            Self.action("remove-statistics", ("snapshot-id", .integer(id)))
        case .setPartitionStatistics(let file):
            Self.action("set-partition-statistics", ("partition-statistics", .object(file.json)))
        case .removePartitionStatistics(let id):
            Self.action("remove-partition-statistics", ("snapshot-id", .integer(id)))
        case .removeSchemas(let ids):
            Self.action("remove-schemas", ("schema-ids", .array(ids.map { .integer($0) })))
        case .removePartitionSpecs(let ids):
            Self.action("remove-partition-specs", ("spec-ids", .array(ids.map { .integer($0) })))
        }
    }

    private static func action(_ name: String, _ members: (String, JSONValue)...) -> JSONValue {
        .object(
            JSONObject(
                [.init(key: "action", value: .string(name))]
                    + members.map { .init(key: $0.0, value: $0.1) }))
    }
}
