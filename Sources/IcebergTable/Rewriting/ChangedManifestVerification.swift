// SPDX-License-Identifier: Apache-2.0

import AvroFormat
public import IcebergSpec
public import ObjectStorage

/// The entries of a manifest by what its snapshot did to their files.
public struct EntriesByStatus: Hashable, Sendable {
    private var digests: [ManifestEntryStatus: EntryDigests] = [:]

    /// No entries.
    public init() {}

    /// Takes in an entry as it is written.
    public mutating func insert(_ entry: CompleteEntry, specID: Int32) {
        digests[entry.entry.status, default: EntryDigests()].insert(entry, specID: specID)
    }

    /// The entries of a status.
    public subscript(status: ManifestEntryStatus) -> EntryDigests {
        digests[status] ?? EntryDigests()
    }
}

/// Reads a manifest back that a change of files wrote, and compares it with what it must say.
///
/// As ``ManifestVerification``, but for manifests with entries of every status.
public struct ChangedManifestVerification<Storage: ObjectStorage>: Sendable {
    private let storage: Storage
    private let partition: [PartitionFieldType]

    /// Checks manifests of a kind in a storage.
    public init(storage: Storage, kind: ManifestKind) {
        self.storage = storage
        partition = kind.partition
    }

    /// Checks a manifest and its row in the list.
    public func check(
        _ manifest: StoredManifest, has expected: EntriesByStatus
    ) async throws(VerificationFailure) {
        let reader = CompleteManifestReader(storage: storage, partition: partition)
        let row = manifest.row
        var found = EntriesByStatus()
        var summaries = PartitionSummaries(fieldCount: partition.count)
        var unassigned: Int64 = 0
        let length: Int64
        let specID: Int32?
        do throws(ManifestError) {
            (length, specID) = try await reader.forEachWrittenEntry(in: row) { complete in
                found.insert(complete, specID: row.partitionSpecID)
                summaries.add(complete.partition)
                let file = complete.entry.dataFile
                if complete.entry.isLive, file.firstRowID == nil {
                    unassigned.addSaturating(file.recordCount)
                }
            }
        } catch {
            throw .unreadable(error)
        }
        for status in ManifestEntryStatus.allCases {
            try Self.compare(found[status], expected[status], status, row.path)
        }
        guard row.partitions == summaries.summaries, row.length == length,
            specID ?? -1 == row.partitionSpecID,
            row.content != .data || unassigned == manifest.unassignedRowCount
        else {
            throw .mismatch(
                "the new manifest \(row.path) is listed with another length, spec, bounds or "
                    + "number of rows without ids than it has")
        }
        let said: [ManifestEntryStatus: (files: Int32?, rows: Int64?)] = [
            .added: (row.addedFilesCount, row.addedRowsCount),
            .existing: (row.existingFilesCount, row.existingRowsCount),
            .deleted: (row.deletedFilesCount, row.deletedRowsCount),
        ]
        for (status, counts) in said {
            guard counts.files.map({ Int64($0) }) == found[status].count,
                counts.rows == found[status].rowCount
            else {
                throw .mismatch(
                    "the new manifest \(row.path) is listed with other counts of \(status) files "
                        + "than it has")
            }
        }
    }

    private static func compare(
        _ found: EntryDigests, _ expected: EntryDigests, _ status: ManifestEntryStatus,
        _ path: String
    ) throws(VerificationFailure) {
        guard found.count == expected.count else {
            throw .mismatch(
                "the new manifest \(path) has \(found.count) \(status) entries, and should have "
                    + "\(expected.count)")
        }
        let aspects = expected.aspects(differingFrom: found)
        guard aspects.isEmpty else {
            // A path that differs makes every other aspect differ with it.
            let names = (aspects.contains(.path) ? [.path] : aspects).map(\.name)
            throw .mismatch(
                "the \(status) entries of the new manifest \(path) differ from what they should "
                    + "be in \(names.joined(separator: ", "))")
        }
    }
}
