// SPDX-License-Identifier: Apache-2.0

/// One entry of a manifest: a file and what its snapshot did to it.
///
/// Iceberg spec, Manifest Entry Fields. The optional fields are what the entry itself says until
/// ``ManifestInheritance`` has filled them in.
public struct ManifestEntry: Hashable, Sendable {
    /// What became of the file.
    public var status: ManifestEntryStatus
    /// The snapshot that added the file, or deleted it when the status says so.
    public var snapshotID: Int64?
    /// The data sequence number: which deletes apply to the file.
    public var sequenceNumber: Int64?
    /// The sequence number of the commit that added the file.
    public var fileSequenceNumber: Int64?
    /// The file.
    public var dataFile: DataFile

    /// Takes every field.
    public init(
        status: ManifestEntryStatus, snapshotID: Int64?, sequenceNumber: Int64?,
        fileSequenceNumber: Int64?, dataFile: DataFile
    ) {
        self.status = status
        self.snapshotID = snapshotID
        self.sequenceNumber = sequenceNumber
        self.fileSequenceNumber = fileSequenceNumber
        self.dataFile = dataFile
    }

    /// Whether the file is part of the snapshots that list this manifest.
    public var isLive: Bool { status.isLive }
}

/// What a snapshot did to a file.
public enum ManifestEntryStatus: Int32, Hashable, Sendable, CaseIterable {
    /// It was there before.
    case existing = 0
    /// This snapshot added it.
    case added = 1
    /// This snapshot removed it; the entry is for information only.
    case deleted = 2

    /// Whether the file is part of the snapshot.
    public var isLive: Bool { self != .deleted }
}
