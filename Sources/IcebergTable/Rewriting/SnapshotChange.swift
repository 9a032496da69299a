// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec

/// How many files and rows a snapshot adds and removes, for its summary.
public struct SnapshotChange: Hashable, Sendable {
    /// Data files that are added.
    public var addedDataFiles: Int64 = 0
    /// Data files that are removed.
    public var removedDataFiles: Int64 = 0
    /// Rows of the files that are added.
    public var addedRecords: Int64 = 0
    /// Rows of the files that are removed, deleted ones too.
    public var removedRecords: Int64 = 0
    /// Bytes of the files that are added.
    public var addedBytes: Int64 = 0
    /// Bytes of the files that are removed, those of deletes too.
    public var removedBytes: Int64 = 0
    /// Position delete files that are added.
    public var addedPositionDeleteFiles: Int64 = 0
    /// Deletion vectors that are added.
    public var addedDeletionVectors: Int64 = 0
    /// Deletes in the files and vectors that are added.
    public var addedPositionDeletes: Int64 = 0
    /// Position delete files that are removed.
    public var removedPositionDeleteFiles: Int64 = 0
    /// Deletion vectors that are removed.
    public var removedDeletionVectors: Int64 = 0
    /// Deletes in the files and vectors that are removed.
    public var removedPositionDeletes: Int64 = 0
    /// Equality delete files that are removed.
    public var removedEqualityDeleteFiles: Int64 = 0
    /// Deletes in the equality delete files that are removed.
    public var removedEqualityDeletes: Int64 = 0
    /// Partitions that any of it is in.
    public var changedPartitions: Int64 = 0

    /// Nothing.
    public init() {}

    /// Delete files and vectors that are removed.
    public var removedDeleteFiles: Int64 {
        removedPositionDeleteFiles + removedDeletionVectors + removedEqualityDeleteFiles
    }

    /// Delete files and vectors that are added.
    public var addedDeleteFiles: Int64 { addedPositionDeleteFiles + addedDeletionVectors }

    /// The entries of a summary, those that are 0 left out as Iceberg does.
    public var entries: [(key: String, value: String)] {
        let all: [(key: String, value: Int64)] = [
            ("added-data-files", addedDataFiles), ("deleted-data-files", removedDataFiles),
            ("added-delete-files", addedDeleteFiles),
            ("added-position-delete-files", addedPositionDeleteFiles),
            ("added-dvs", addedDeletionVectors),
            ("removed-delete-files", removedDeleteFiles),
            ("removed-position-delete-files", removedPositionDeleteFiles),
            ("removed-equality-delete-files", removedEqualityDeleteFiles),
            ("removed-dvs", removedDeletionVectors), ("added-records", addedRecords),
            ("deleted-records", removedRecords), ("added-position-deletes", addedPositionDeletes),
            ("removed-position-deletes", removedPositionDeletes),
            ("removed-equality-deletes", removedEqualityDeletes),
            ("added-files-size", addedBytes), ("removed-files-size", removedBytes),
        ]
        return all.filter { $0.value != 0 }.map { (key: $0.key, value: String($0.value)) }
            + [(key: "changed-partition-count", value: String(changedPartitions))]
    }

    /// The totals of a table after the change.
    ///
    /// A total that the parent lacks, that is no number, or that would fall below 0 or not fit
    /// stays unknown.
    package func totals(after parent: SnapshotSummary) -> [(key: String, value: String)] {
        // Manifests may say of files what they like: neither side is sure to be small.
        let changes: [String: (added: Int64, removed: Int64)] = [
            "total-records": (addedRecords, removedRecords),
            "total-files-size": (addedBytes, removedBytes),
            "total-data-files": (addedDataFiles, removedDataFiles),
            "total-delete-files": (addedDeleteFiles, removedDeleteFiles),
            "total-position-deletes": (addedPositionDeletes, removedPositionDeletes),
            "total-equality-deletes": (0, removedEqualityDeletes),
        ]
        return SnapshotTotals.carried(from: parent).compactMap { key, text in
            guard let before = Int64(text) else { return nil }
            let (added, removed) = changes[key] ?? (0, 0)
            let change = Int128(added) - Int128(removed)
            let after = Int64(exactly: Int128(before) + change)
            return after.flatMap { $0 < 0 ? nil : (key: key, value: String($0)) }
        }
    }
}

extension ReplaceSnapshot {
    /// The snapshot as the table's metadata has it, where it replaces files by others.
    ///
    /// - Parameters:
    ///   - manifestList: where its list is.
    ///   - change: what it adds and removes.
    ///   - summary: what else it says of itself.
    public func snapshot(
        manifestList: String, change: SnapshotChange, summary: [(key: String, value: String)]
    ) -> Snapshot {
        Snapshot(
            id: id, parentID: parent.id, sequenceNumber: sequenceNumber,
            timestampMilliseconds: timestampMilliseconds, manifestList: manifestList,
            summary: SnapshotSummary(
                operation: "replace",
                summary + change.entries + change.totals(after: parent.summary)),
            schemaID: schemaID, firstRowID: firstRowID, addedRows: addedRows)
    }
}

extension SnapshotChange {
    /// Adds what another snapshot changed; partitions that both changed count twice.
    public mutating func add(_ other: SnapshotChange) {
        addedDataFiles += other.addedDataFiles
        removedDataFiles += other.removedDataFiles
        addedRecords &+= other.addedRecords
        removedRecords &+= other.removedRecords
        addedBytes &+= other.addedBytes
        removedBytes &+= other.removedBytes
        addedPositionDeleteFiles += other.addedPositionDeleteFiles
        addedDeletionVectors += other.addedDeletionVectors
        addedPositionDeletes &+= other.addedPositionDeletes
        removedPositionDeleteFiles += other.removedPositionDeleteFiles
        removedDeletionVectors += other.removedDeletionVectors
        removedPositionDeletes &+= other.removedPositionDeletes
        removedEqualityDeleteFiles += other.removedEqualityDeleteFiles
        removedEqualityDeletes &+= other.removedEqualityDeletes
        changedPartitions += other.changedPartitions
    }
}
