// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergSpec
public import ObjectStorage

/// What is wrong with manifests that were written: they must not be committed.
public enum VerificationFailure: Error, Hashable, Sendable {
    /// A manifest that was just written cannot be read back.
    case unreadable(ManifestError)
    /// A manifest or list that was written is not what it should be.
    case mismatch(String)
}

extension VerificationFailure: CustomStringConvertible {
    /// The text form, for logs and messages.
    public var description: String {
        switch self {
        case .unreadable(let error): "a manifest that was written does not read back: \(error)"
        case .mismatch(let difference): difference
        }
    }
}

/// Reads manifests back that were written and compares them with what they were made from.
///
/// It shares nothing with the writing side but the description of an entry: it reads the stored
/// bytes, and takes entries as they are written, not as they inherit.
public struct ManifestVerification<Storage: ObjectStorage>: Sendable {
    private let storage: Storage
    private let partition: [PartitionFieldType]
    private let formatVersion: FormatVersion

    /// Checks manifests of a kind in a storage.
    public init(storage: Storage, kind: ManifestKind) {
        self.storage = storage
        partition = kind.partition
        formatVersion = kind.formatVersion
    }

    /// Compares manifests with the live entries of those that they replace.
    public func check(
        _ manifests: [StoredManifest], against expected: EntryDigests
    ) async throws(VerificationFailure) {
        let reader = CompleteManifestReader(storage: storage, partition: partition)
        var found = EntryDigests()
        for manifest in manifests {
            found.formUnion(try await check(manifest, reader))
        }
        let differing = expected.aspects(differingFrom: found)
        guard differing.isEmpty else {
            throw .mismatch(Self.difference(differing, expected: expected, found: found))
        }
    }

    private static func difference(
        _ aspects: [EntryAspect], expected: EntryDigests, found: EntryDigests
    ) -> String {
        if expected.count != found.count {
            return "the new manifests have \(found.count) entries where the table has "
                + "\(expected.count)"
        }
        // A path that differs makes every other aspect differ with it.
        let names = (aspects.contains(.path) ? [.path] : aspects).map(\.name)
        return "the new manifests differ from the table in the \(names.joined(separator: ", ")) "
            + "of their \(found.count) entries"
    }

    /// Reads one manifest back, checks its row in the list, and returns what it holds.
    private func check(
        _ manifest: StoredManifest, _ reader: CompleteManifestReader<Storage>
    ) async throws(VerificationFailure) -> EntryDigests {
        let row = manifest.row
        var digests = EntryDigests()
        var recount = ManifestRecount(formatVersion, fieldCount: partition.count)
        let length: Int64
        do throws(ManifestError) {
            (length, recount.specID) = try await reader.forEachWrittenEntry(in: row) { entry in
                recount.add(entry)
                digests.insert(entry, specID: row.partitionSpecID)
            }
        } catch {
            throw .unreadable(error)
        }
        if let fault = recount.fault(of: row, length: length, manifest.unassignedRowCount) {
            throw .mismatch("the new manifest \(row.path) \(fault)")
        }
        return digests
    }
}

/// Counts a manifest's entries anew, to hold against its row in the list.
private struct ManifestRecount {
    private let formatVersion: FormatVersion
    private var files: Int64 = 0
    private var rows: Int64 = 0
    private var unassigned: Int64 = 0
    private var minSequenceNumber: Int64?
    private var fault: String?
    private var summaries: PartitionSummaries
    var specID: Int32?

    init(_ formatVersion: FormatVersion, fieldCount: Int) {
        self.formatVersion = formatVersion
        summaries = PartitionSummaries(fieldCount: fieldCount)
    }

    mutating func add(_ complete: CompleteEntry) {
        let entry = complete.entry
        files += 1
        rows &+= entry.dataFile.recordCount
        summaries.add(complete.partition)
        if entry.dataFile.firstRowID == nil { unassigned.addSaturating(entry.dataFile.recordCount) }
        if let number = entry.sequenceNumber {
            minSequenceNumber = min(minSequenceNumber ?? .max, number)
        }
        guard fault == nil else { return }
        if entry.status != .existing {
            fault = "lists \(entry.dataFile.filePath) as \(entry.status) and not as existing"
        } else if entry.snapshotID == nil {
            fault = "lists \(entry.dataFile.filePath) without the id of its snapshot"
        } else if formatVersion > .v1, entry.sequenceNumber == nil {
            fault = "lists \(entry.dataFile.filePath) without a sequence number"
        }
    }

    /// What is wrong with the manifest or its row.
    func fault(of row: ManifestFile, length: Int64, _ unassignedRows: Int64) -> String? {
        if let fault { return fault }
        guard row.partitions == summaries.summaries else {
            return "is listed with other bounds of its partitions than it has"
        }
        func unequal(_ what: String, _ said: Int64?, _ found: Int64) -> String? {
            guard said != found else { return nil }
            return "is listed with \(said.map { String($0) } ?? "no") \(what), and has \(found)"
        }
        let checks = [
            unequal("bytes", row.length, length),
            unequal("existing files", row.existingFilesCount.map { Int64($0) }, files),
            unequal("added files", row.addedFilesCount.map { Int64($0) }, 0),
            unequal("deleted files", row.deletedFilesCount.map { Int64($0) }, 0),
            unequal("existing rows", row.existingRowsCount, rows),
            unequal("added rows", row.addedRowsCount, 0),
            unequal("deleted rows", row.deletedRowsCount, 0),
            unequal("as its spec", Int64(row.partitionSpecID), Int64(specID ?? -1)),
            unequal("as the lowest sequence number", row.minSequenceNumber, minSequenceNumber ?? 0),
            row.content == .data ? unequal("rows without ids", unassignedRows, unassigned) : nil,
        ]
        return checks.compactMap(\.self).first
    }
}
