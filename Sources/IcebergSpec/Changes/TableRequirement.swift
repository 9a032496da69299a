// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// What has to hold of a table for updates to be applied, as the REST catalog specification
/// names it.
public enum TableRequirement: Hashable, Sendable {
    /// The table must not exist yet.
    case assertCreate
    /// The table has this identity.
    case assertTableUUID(String)
    /// The branch or tag points to this snapshot, or with nil does not exist.
    case assertRefSnapshotID(ref: String, snapshotID: Int64?)
    /// No field id was given out since.
    case assertLastAssignedFieldID(Int)
    /// The current schema is still this one.
    case assertCurrentSchemaID(Int)
    /// No partition field id was given out since.
    case assertLastAssignedPartitionID(Int)
    /// The default partition spec is still this one.
    case assertDefaultSpecID(Int)
    /// The default sort order is still this one.
    case assertDefaultSortOrderID(Int)

    /// Why this does not hold of a table that exists, or nil when it does.
    public func failure(on metadata: TableMetadata) -> String? {
        switch self {
        case .assertCreate:
            "the table exists already"
        case .assertTableUUID(let uuid):
            metadata.tableUUID?.lowercased() == uuid.lowercased()
                ? nil : "the table's uuid is \(metadata.tableUUID ?? "not set"), not \(uuid)"
        case .assertRefSnapshotID(let ref, let expected):
            Self.difference(
                "the reference \(ref)", metadata.refs[ref]?.snapshotID, expected, absent: "absent")
        case .assertLastAssignedFieldID(let id):
            Self.difference("the last assigned field id", metadata.lastColumnID, id)
        case .assertCurrentSchemaID(let id):
            Self.difference("the current schema", metadata.currentSchemaID, id)
        case .assertLastAssignedPartitionID(let id):
            Self.difference("the last assigned partition field id", metadata.lastPartitionID, id)
        case .assertDefaultSpecID(let id):
            Self.difference("the default partition spec", metadata.defaultSpecID, id)
        case .assertDefaultSortOrderID(let id):
            Self.difference("the default sort order", metadata.defaultSortOrderID, id)
        }
    }

    private static func difference<Number: BinaryInteger>(
        _ what: String, _ found: Number?, _ expected: Number?, absent: String = "not set"
    ) -> String? {
        guard found != expected else { return nil }
        let texts = [found, expected].map { $0.map { "\($0)" } ?? absent }
        return "\(what) is \(texts[0]), not \(texts[1])"
    }

    /// The requirement as the REST catalog protocol sends it.
    public var json: JSONValue {
        switch self {
        case .assertCreate: ["type": "assert-create"]
        case .assertTableUUID(let uuid): ["type": "assert-table-uuid", "uuid": .string(uuid)]
        case .assertRefSnapshotID(let ref, let id):
            [
                "type": "assert-ref-snapshot-id", "ref": .string(ref),
                "snapshot-id": id.map { .integer($0) } ?? .null,
            ]
        case .assertLastAssignedFieldID(let id):
            ["type": "assert-last-assigned-field-id", "last-assigned-field-id": .integer(id)]
        case .assertCurrentSchemaID(let id):
            ["type": "assert-current-schema-id", "current-schema-id": .integer(id)]
        case .assertLastAssignedPartitionID(let id):
            [
                "type": "assert-last-assigned-partition-id",
                "last-assigned-partition-id": .integer(id),
            ]
        case .assertDefaultSpecID(let id):
            ["type": "assert-default-spec-id", "default-spec-id": .integer(id)]
        case .assertDefaultSortOrderID(let id):
            ["type": "assert-default-sort-order-id", "default-sort-order-id": .integer(id)]
        }
    }
}
