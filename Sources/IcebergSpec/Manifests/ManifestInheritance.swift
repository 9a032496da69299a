// SPDX-License-Identifier: Apache-2.0

/// Fills in what an entry inherits from its manifest's row in the manifest list.
///
/// Iceberg spec, Sequence Number Inheritance and First Row ID Inheritance. Row ids count up over
/// the entries, so one value of this type sees all entries of one manifest in their order.
public struct ManifestInheritance: Hashable, Sendable {
    private let addedSnapshotID: Int64?
    private let sequenceNumber: Int64
    private let assignsRowIDs: Bool
    private var nextRowID: Int64?

    /// Begins before the first entry of a manifest.
    public init(from manifest: ManifestFile) {
        addedSnapshotID = manifest.addedSnapshotID
        sequenceNumber = manifest.sequenceNumber
        assignsRowIDs = manifest.content == .data
        nextRowID = manifest.firstRowID
    }

    /// The next entry with all that it inherits.
    ///
    /// What can neither be read nor inherited stays nil: manifests written early in v2 lack the
    /// file sequence number of existing files, and nobody can make it up.
    public mutating func applied(
        to entry: ManifestEntry
    ) throws(RowIDOverflow) -> ManifestEntry {
        var entry = entry
        entry.snapshotID = entry.snapshotID ?? addedSnapshotID
        // A manifest of sequence number 0 is from v1, where every file counts as 0.
        if sequenceNumber == 0 || entry.status == .added {
            entry.sequenceNumber = entry.sequenceNumber ?? sequenceNumber
            entry.fileSequenceNumber = entry.fileSequenceNumber ?? sequenceNumber
        }
        entry.dataFile.firstRowID = try firstRowID(of: entry)
        return entry
    }

    private mutating func firstRowID(of entry: ManifestEntry) throws(RowIDOverflow) -> Int64? {
        // Without a manifest-wide first id the snapshot is from before the upgrade to v3, and
        // delete files have no row ids at all.
        guard assignsRowIDs, let assigned = nextRowID else { return nil }
        guard entry.dataFile.firstRowID == nil, entry.isLive else {
            return entry.dataFile.firstRowID
        }
        let (next, overflow) = assigned.addingReportingOverflow(entry.dataFile.recordCount)
        guard !overflow else { throw RowIDOverflow(filePath: entry.dataFile.filePath) }
        nextRowID = next
        return assigned
    }
}

/// The record counts of a manifest add up to more row ids than there are.
public struct RowIDOverflow: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file at which they ran out.
    public let filePath: String

    /// The error in words, for people.
    public var description: String {
        "the record counts up to \(filePath) add up to more row ids than 64 bits can count"
    }
}
