// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
public import Jobs
public import Maintenance
import ObjectStorage
public import WireFormat

/// What one look at a table found.
public struct TableInspection: Sendable {
    /// The table.
    public let table: TableName
    /// What its planners find.
    public let assessment: TableAssessment
    /// What it looks like.
    public let status: TableStatus
    /// Whether that is concerning.
    public let health: TableHealth
    /// When the look began.
    public let collectedAt: Timestamp
    /// How long it took.
    public let duration: Duration
    /// The metadata file that was read: a table with the same one has not changed.
    public let metadataLocation: String

    init(
        table: TableName, loaded: LoadedTable, assessment: TableAssessment, status: TableStatus,
        health: TableHealth, collectedAt: Timestamp, duration: Duration
    ) {
        self.table = table
        self.assessment = assessment
        self.status = status
        self.health = health
        self.collectedAt = collectedAt
        self.duration = duration
        metadataLocation = loaded.metadataLocation.rawValue
    }

    /// The REST contract's status of a live read.
    public var statusJSON: JSONValue { .object(JSONObject(statusMembers)) }

    /// The REST contract's health of a live read.
    public var healthJSON: JSONValue { .object(JSONObject(healthMembers)) }

    /// The table in a few words, for every document about it.
    public var tableJSON: JSONValue {
        [
            "database": .string(table.database), "table_name": .string(table.table),
            "location": .string(status.metadata.location),
            "format_version": .integer(status.metadata.formatVersion.rawValue),
            "table_uuid": .optional(status.metadata.tableUUID),
        ]
    }

    private var collection: CollectionNote {
        CollectionNote(
            source: .live, collectedAt: collectedAt,
            durationMilliseconds: Int64(duration / .milliseconds(1)),
            snapshotID: status.metadata.currentSnapshotID, isStale: false,
            warnings: status.warnings, lastError: nil)
    }

    private var statusMembers: [JSONObject.Member] {
        [
            .init(key: "table", value: tableJSON),
            .init(key: "collection", value: collection.json),
        ] + status.members
    }

    private var healthMembers: [JSONObject.Member] {
        health.members + [.init(key: "collection", value: collection.json)]
    }
}

/// How a document about a table came about: its `collection`.
struct CollectionNote: Hashable, Sendable {
    /// Where a document comes from.
    enum Source: String, Hashable, Sendable {
        /// The table was looked at for it.
        case live
        /// It was kept from an earlier look.
        case cached
    }

    var source: Source
    var collectedAt: Timestamp
    var durationMilliseconds: Int64
    var snapshotID: Int64?
    var isStale: Bool
    var warnings: [String]
    var lastError: String?
    var json: JSONValue {
        [
            "source": .string(source.rawValue),
            "collected_at": .string(collectedAt.description),
            "duration_ms": .integer(durationMilliseconds),
            "snapshot_id": snapshotID.map { .integer($0) } ?? .null,
            "stale": .bool(isStale),
            "warnings": .array(warnings.map { .string($0) }),
            "last_error": .optional(lastError),
        ]
    }
}
