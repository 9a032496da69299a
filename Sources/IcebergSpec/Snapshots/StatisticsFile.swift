// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// A Puffin file with statistics of a snapshot.
///
/// Readers may do without it.
public struct StatisticsFile: Hashable, Sendable {
    /// The snapshot it describes.
    public let snapshotID: Int64
    /// Where it is.
    public let path: String
    /// Its size in bytes.
    public let fileSizeInBytes: Int64
    /// The size of its footer in bytes.
    public let fileFooterSizeInBytes: Int64
    /// The entry as it is written, blob metadata and key metadata included.
    public let json: JSONObject

    /// Reads an entry of `statistics`.
    public init(_ value: JSONValue, at path: String = "") throws(TableMetadataError) {
        let reader = try MemberReader(value, at: path)
        snapshotID = try reader.count("snapshot-id")
        self.path = try reader.name("statistics-path")
        fileSizeInBytes = try reader.count("file-size-in-bytes")
        fileFooterSizeInBytes = try reader.count("file-footer-size-in-bytes")
        json = reader.object
    }
}

/// A file with statistics of a snapshot's partitions.
///
/// Readers may do without it.
public struct PartitionStatisticsFile: Hashable, Sendable {
    /// The snapshot it describes.
    public let snapshotID: Int64
    /// Where it is.
    public let path: String
    /// Its size in bytes.
    public let fileSizeInBytes: Int64
    /// The entry as it is written.
    public let json: JSONObject

    /// Reads an entry of `partition-statistics`.
    public init(_ value: JSONValue, at path: String = "") throws(TableMetadataError) {
        let reader = try MemberReader(value, at: path)
        snapshotID = try reader.count("snapshot-id")
        self.path = try reader.name("statistics-path")
        fileSizeInBytes = try reader.count("file-size-in-bytes")
        json = reader.object
    }
}
