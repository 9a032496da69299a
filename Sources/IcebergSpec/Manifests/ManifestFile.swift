// SPDX-License-Identifier: Apache-2.0

/// One row of a manifest list: where a manifest is and what a snapshot knows of it.
///
/// Iceberg spec, Manifest Lists. Counts are nil where a v1 writer left them out, which the spec
/// says to read as "not zero".
public struct ManifestFile: Hashable, Sendable {
    /// Where the manifest is, exactly as the list spells it.
    public var path: String
    /// The manifest's length in bytes, as its writer saw it; rewriting paths may leave it stale.
    public var length: Int64
    /// The partition spec that its entries were written under.
    public var partitionSpecID: Int32
    /// Whether it lists data files or delete files.
    public var content: ManifestContent
    /// The sequence number of the commit that added it; 0 in v1 lists.
    public var sequenceNumber: Int64
    /// The smallest data sequence number of its live files; 0 in v1 lists.
    public var minSequenceNumber: Int64
    /// The snapshot that added it; nil only for a manifest that was found without a manifest list.
    public var addedSnapshotID: Int64?
    /// How many entries have status added.
    public var addedFilesCount: Int32?
    /// How many entries have status existing.
    public var existingFilesCount: Int32?
    /// How many entries have status deleted.
    public var deletedFilesCount: Int32?
    /// How many rows the added files hold.
    public var addedRowsCount: Int64?
    /// How many rows the existing files hold.
    public var existingRowsCount: Int64?
    /// How many rows the deleted files hold.
    public var deletedRowsCount: Int64?
    /// One summary for each field of the partition spec; nil if the writer gave none.
    public var partitions: [PartitionFieldSummary]?
    /// What an encryption scheme needs to read it; nil for plain manifests.
    public var keyMetadata: [UInt8]?
    /// The first row id to give to files that have none (v3).
    public var firstRowID: Int64?

    /// A plain v2 data manifest; everything else can be set afterwards.
    public init(path: String, length: Int64, partitionSpecID: Int32) {
        self.path = path
        self.length = length
        self.partitionSpecID = partitionSpecID
        content = .data
        sequenceNumber = 0
        minSequenceNumber = 0
    }

    /// How many entries the manifest has by its counts, or nil where a count is unknown.
    public var entryCount: Int64? {
        guard let addedFilesCount, let existingFilesCount, let deletedFilesCount else { return nil }
        return Int64(addedFilesCount) + Int64(existingFilesCount) + Int64(deletedFilesCount)
    }

    /// Whether the counts leave room for live entries; unknown counts do.
    public var mayHaveLiveFiles: Bool { addedFilesCount != 0 || existingFilesCount != 0 }
}

/// What a manifest lists.
public enum ManifestContent: Int32, Hashable, Sendable, CaseIterable {
    /// Data files.
    case data = 0
    /// Position and equality delete files, and deletion vectors.
    case deletes = 1
}

/// What a manifest list says of the values of one partition field in a manifest.
public struct PartitionFieldSummary: Hashable, Sendable {
    /// Whether a partition has a null for the field.
    public var containsNull: Bool
    /// Whether a partition has a NaN for the field; nil where the writer did not say.
    public var containsNaN: Bool?
    /// The single-value serialisation of the lower bound.
    public var lowerBound: [UInt8]?
    /// The single-value serialisation of the upper bound.
    public var upperBound: [UInt8]?

    /// Takes every field.
    public init(
        containsNull: Bool, containsNaN: Bool? = nil, lowerBound: [UInt8]? = nil,
        upperBound: [UInt8]? = nil
    ) {
        self.containsNull = containsNull
        self.containsNaN = containsNaN
        self.lowerBound = lowerBound
        self.upperBound = upperBound
    }
}
