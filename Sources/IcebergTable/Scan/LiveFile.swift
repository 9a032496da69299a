// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec

/// A data or delete file of a snapshot, with what decides how it is maintained.
public struct LiveFile: Hashable, Sendable {
    /// What the file holds.
    public var content: DataFileContent
    /// Where it is, exactly as the manifest spells it.
    public var path: String
    /// How it is encoded.
    public var format: FileFormat
    /// How many rows it holds, or how many it deletes.
    public var recordCount: Int64
    /// Its length in bytes; for a deletion vector the length of the vector within its file.
    public var sizeInBytes: Int64
    /// Its partition.
    public var partition: PartitionKey
    /// Which deletes apply to it, or to what it applies.
    public var dataSequenceNumber: Int64
    /// The sequence number of the commit that added it; nil where no writer ever said.
    public var fileSequenceNumber: Int64?
    /// The snapshot that added it; nil where no writer ever said.
    public var snapshotID: Int64?
    /// The row id of its first row (format version 3).
    public var firstRowID: Int64?
    /// The sort order of its rows.
    public var sortOrderID: Int32?
    /// Whether it is encrypted.
    public var isEncrypted: Bool
    /// The one data file that all of its deletes refer to: named, or shown by its path bounds.
    public var referencedDataFile: String?
    /// Where a deletion vector starts within its file.
    public var contentOffset: Int64?
    /// The columns by which an equality delete file deletes.
    public var equalityIDs: [Int32]
    /// Between which keys of an order its rows lie; nil where that is not known, or was not asked.
    public var keySpan: KeySpan?
    /// Counts the files of a snapshot in the order of its manifests, from 0 and with gaps.
    public var ordinal: Int64

    /// A plain file; everything else can be set afterwards.
    public init(
        content: DataFileContent = .data, path: String, format: FileFormat = .parquet,
        recordCount: Int64, sizeInBytes: Int64, partition: PartitionKey,
        dataSequenceNumber: Int64, ordinal: Int64
    ) {
        self.content = content
        self.path = path
        self.format = format
        self.recordCount = recordCount
        self.sizeInBytes = sizeInBytes
        self.partition = partition
        self.dataSequenceNumber = dataSequenceNumber
        self.ordinal = ordinal
        isEncrypted = false
        equalityIDs = []
    }

    /// Room for more entries than a manifest of any size has.
    static let entryBits: Int64 = 36

    /// The place of the file's manifest in the snapshot's list.
    public var manifestPlace: Int { Int(ordinal >> Self.entryBits) }

    /// Whether this is a deletion vector.
    public var isDeletionVector: Bool { content == .positionDeletes && format == .puffin }
}

/// The deletes that apply to a data file, counted.
public struct AppliedDeletes: Hashable, Sendable {
    /// Whether a deletion vector does; then position delete files do not.
    public var hasDeletionVector: Bool
    /// How many position delete files do.
    public var positionDeleteFiles: Int
    /// How many of those were there before the file was added, with rows of an older sequence
    /// number.
    ///
    /// They apply, and cannot name the file unless it is one that comes back. Where it has the rows
    /// of others, their deletes were left out of it.
    public var earlierPositionDeleteFiles: Int
    /// How many equality delete files may.
    ///
    /// By partition and sequence number alone: whether a row matches is not known without reading.
    public var equalityDeleteFiles: Int
    /// How many rows the deletes that refer to this file alone delete.
    ///
    /// Never more than the file has.
    public var knownDeletedRecords: Int64

    /// Takes every field; by default nothing applies.
    public init(
        hasDeletionVector: Bool = false, positionDeleteFiles: Int = 0,
        earlierPositionDeleteFiles: Int = 0, equalityDeleteFiles: Int = 0,
        knownDeletedRecords: Int64 = 0
    ) {
        self.hasDeletionVector = hasDeletionVector
        self.positionDeleteFiles = positionDeleteFiles
        self.earlierPositionDeleteFiles = earlierPositionDeleteFiles
        self.equalityDeleteFiles = equalityDeleteFiles
        self.knownDeletedRecords = knownDeletedRecords
    }

    /// Nothing.
    public static let none = AppliedDeletes()

    /// How many delete files and vectors there are.
    public var count: Int {
        (hasDeletionVector ? 1 : 0) + positionDeleteFiles + equalityDeleteFiles
    }
}
