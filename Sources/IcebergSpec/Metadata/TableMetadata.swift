// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// What a table is: its schemas, partition specs, snapshots and references, as one metadata file
/// says.
///
/// Format versions 1 to 3.
///
/// It keeps the document it was read from, and ``json`` is that document: whatever is not
/// understood here, the order of members and the spelling of numbers go back out as they came in.
/// It never changes; ``applying(_:previousMetadataLocation:nowMilliseconds:)`` makes a new one by
/// editing only the members that an update is about, and reads the result anew, so that nothing
/// can be written that would not be read.
public struct TableMetadata: Sendable {
    /// The document, members in their order.
    public let document: JSONObject
    /// The version of the table specification.
    public let formatVersion: FormatVersion
    /// The table's identity; nil only in format version 1, where it is optional.
    public let tableUUID: String?
    /// The table's base location.
    public let location: String
    /// The highest sequence number given out; 0 in format version 1.
    public let lastSequenceNumber: Int64
    /// When the table last changed, in milliseconds since the epoch.
    public let lastUpdatedMilliseconds: Int64
    /// The highest field id given out.
    public let lastColumnID: Int
    /// The schemas, ids unique.
    public let schemas: [Schema]
    /// The id of the schema that writers use; one of ``schemas``.
    public let currentSchemaID: Int
    /// The partition specs, ids unique.
    public let partitionSpecs: [PartitionSpec]
    /// The id of the spec that writers use; one of ``partitionSpecs``.
    public let defaultSpecID: Int
    /// The highest partition field id given out.
    public let lastPartitionID: Int
    /// The sort orders, ids unique; the unsorted order need not be among them.
    public let sortOrders: [SortOrder]
    /// The id of the order that writers use.
    public let defaultSortOrderID: Int
    /// Settings for readers and writers.
    public let properties: TableProperties
    /// The current snapshot; nil for a table that has none (`null`, -1 or left out).
    public let currentSnapshotID: Int64?
    /// Every snapshot, ids unique.
    public let snapshots: [Snapshot]
    /// Which snapshot was current from when on, oldest first.
    public let snapshotLog: [SnapshotLogEntry]
    /// Earlier metadata files, oldest first.
    public let metadataLog: [MetadataLogEntry]
    /// Branches and tags.
    ///
    /// `main` is there whenever the table has a current snapshot, even where the document does not
    /// list it.
    public let refs: SnapshotReferences
    /// Statistics files.
    public let statistics: [StatisticsFile]
    /// Partition statistics files.
    public let partitionStatistics: [PartitionStatisticsFile]
    /// The next row id to give out; nil before format version 3.
    ///
    /// Nil also where a writer of a draft of version 3 left it out: such a table can be read, and
    /// no snapshot can be added to it.
    public let nextRowID: Int64?
    /// The keys that snapshots are encrypted with, as they are written (format version 3).
    public let encryptionKeys: [JSONValue]

    private let snapshotIndex: [Int64: Int]

    /// The longest text that is read.
    ///
    /// A metadata file of this size has millions of snapshots.
    public static let maximumByteCount = 1 << 30

    /// The document.
    public var json: JSONValue { .object(document) }

    /// Reads the text of a metadata file, not compressed.
    public init(parsing bytes: [UInt8]) throws(TableMetadataError) {
        try self.init(parsing: bytes, maximumByteCount: Self.maximumByteCount)
    }

    init(parsing bytes: [UInt8], maximumByteCount: Int) throws(TableMetadataError) {
        guard bytes.count <= maximumByteCount else {
            throw .tooLarge(byteCount: bytes.count, limit: maximumByteCount)
        }
        let value: JSONValue
        do throws(JSONSyntaxError) {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw .notJSON(error)
        }
        try self.init(value)
    }

    /// Reads a document.
    ///
    /// Cost is linear in its size.
    public init(_ value: JSONValue) throws(TableMetadataError) {
        let reader = try MemberReader(value, at: "")
        document = reader.object
        formatVersion = try Self.readFormatVersion(reader)
        let isLegacy = formatVersion == .v1
        tableUUID =
            isLegacy ? try reader.optionalString("table-uuid") : try reader.name("table-uuid")
        location = try reader.name("location")
        lastSequenceNumber = isLegacy ? 0 : try reader.count("last-sequence-number")
        lastUpdatedMilliseconds = try reader.int64("last-updated-ms")
        lastColumnID = try reader.int32("last-column-id")
        (schemas, currentSchemaID) = try Self.readSchemas(reader, formatVersion)
        (partitionSpecs, defaultSpecID) = try Self.readPartitionSpecs(reader, formatVersion)
        lastPartitionID = try Self.readLastPartitionID(reader, formatVersion, partitionSpecs)
        (sortOrders, defaultSortOrderID) = try Self.readSortOrders(reader, formatVersion)
        properties = TableProperties(
            checked: try reader.optionalStringMap("properties") ?? JSONObject())
        (snapshots, snapshotIndex) = try Self.readSnapshots(reader, formatVersion)
        let knows = { [snapshotIndex] (id: Int64) in snapshotIndex[id] != nil }
        currentSnapshotID = try Self.readCurrentSnapshotID(reader, knows: knows)
        refs = try Self.readReferences(reader, current: currentSnapshotID, knows: knows)
        snapshotLog =
            try reader.optionalElements("snapshot-log") { value, path throws(TableMetadataError) in
                try SnapshotLogEntry(value, at: path)
            } ?? []
        metadataLog =
            try reader.optionalElements("metadata-log") { value, path throws(TableMetadataError) in
                try MetadataLogEntry(value, at: path)
            } ?? []
        statistics =
            try reader.optionalElements("statistics") { value, path throws(TableMetadataError) in
                try StatisticsFile(value, at: path)
            } ?? []
        partitionStatistics =
            try reader.optionalElements("partition-statistics") {
                value, path throws(TableMetadataError) in
                try PartitionStatisticsFile(value, at: path)
            } ?? []
        nextRowID = formatVersion >= .v3 ? try reader.optionalCount("next-row-id") : nil
        encryptionKeys = try reader.optionalArray("encryption-keys") ?? []
    }

    /// The snapshot with this id, or nil.
    ///
    /// Constant time.
    public func snapshot(_ id: Int64) -> Snapshot? { snapshotIndex[id].map { snapshots[$0] } }

    /// The current snapshot, or nil.
    public var currentSnapshot: Snapshot? { currentSnapshotID.flatMap { snapshot($0) } }

    /// The newest snapshot of a branch; nil if there is none, or no such branch.
    public func head(ofBranch name: String) -> Snapshot? {
        // Old writers name no references.
        if name == SnapshotReference.mainName { return currentSnapshot }
        guard let reference = refs[name], reference.kind == .branch else { return nil }
        return snapshot(reference.snapshotID)
    }

    /// The schema with this id, or nil.
    public func schema(_ id: Int) -> Schema? { schemas.first { $0.id == id } }

    /// The partition spec with this id, or nil.
    public func partitionSpec(_ id: Int) -> PartitionSpec? { partitionSpecs.first { $0.id == id } }

    /// The sort order with this id, or nil.
    ///
    /// The unsorted order is always there.
    public func sortOrder(_ id: Int) -> SortOrder? {
        sortOrders.first { $0.id == id } ?? (id == SortOrder.unsortedID ? .unsorted : nil)
    }
}

extension TableMetadata: Hashable {
    // Everything else follows from the document.

    /// Whether both documents are equal.
    public static func == (left: TableMetadata, right: TableMetadata) -> Bool {
        left.document == right.document
    }

    /// Hashes the document.
    public func hash(into hasher: inout Hasher) { hasher.combine(document) }
}
