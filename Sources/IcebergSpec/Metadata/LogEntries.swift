// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// When a snapshot became the table's current one.
public struct SnapshotLogEntry: Hashable, Sendable {
    /// The snapshot, which may be gone by now.
    public let snapshotID: Int64
    /// When, in milliseconds since the epoch.
    public let timestampMilliseconds: Int64
    /// The entry as it is written.
    public let json: JSONObject

    /// An entry as the specification writes it.
    public init(snapshotID: Int64, timestampMilliseconds: Int64) {
        self.snapshotID = snapshotID
        self.timestampMilliseconds = timestampMilliseconds
        json = JSONObject([
            .init(key: "timestamp-ms", value: .integer(timestampMilliseconds)),
            .init(key: "snapshot-id", value: .integer(snapshotID)),
        ])
    }

    init(_ value: JSONValue, at path: String) throws(TableMetadataError) {
        let reader = try MemberReader(value, at: path)
        snapshotID = try reader.count("snapshot-id")
        timestampMilliseconds = try reader.int64("timestamp-ms")
        json = reader.object
    }
}

/// A metadata file that was current before.
public struct MetadataLogEntry: Hashable, Sendable {
    /// Its location.
    public let metadataFile: String
    /// The `last-updated-ms` it carries, in milliseconds since the epoch.
    public let timestampMilliseconds: Int64
    /// The entry as it is written.
    public let json: JSONObject

    /// An entry as the specification writes it.
    public init(metadataFile: String, timestampMilliseconds: Int64) {
        self.metadataFile = metadataFile
        self.timestampMilliseconds = timestampMilliseconds
        json = JSONObject([
            .init(key: "timestamp-ms", value: .integer(timestampMilliseconds)),
            .init(key: "metadata-file", value: .string(metadataFile)),
        ])
    }

    init(_ value: JSONValue, at path: String) throws(TableMetadataError) {
        let reader = try MemberReader(value, at: path)
        metadataFile = try reader.name("metadata-file")
        timestampMilliseconds = try reader.int64("timestamp-ms")
        json = reader.object
    }
}
