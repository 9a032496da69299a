// SPDX-License-Identifier: Apache-2.0

import AvroFormat
public import IcebergSpec
import WireFormat

/// A snapshot that replaces manifests by others with the same files: its rows and numbers.
///
/// Iceberg spec, Snapshots, Sequence Numbers and First Row ID Assignment. Pure: what it says is
/// written and committed by others.
public struct ReplaceSnapshot: Sendable {
    /// The snapshot's id.
    public let id: Int64
    /// The snapshot it is made from.
    public let parent: Snapshot
    /// Its sequence number; 0 in format version 1.
    public let sequenceNumber: Int64
    /// When it is made.
    public let timestampMilliseconds: Int64
    /// The rows of its manifest list.
    public let rows: [ManifestFile]
    /// The next row id of the table before it (v3).
    public let firstRowID: Int64?
    /// How many row ids it gives to manifests that had none (v3).
    public let addedRows: Int64?

    /// How many of the rows are new.
    public let createdCount: Int

    private let formatVersion: FormatVersion
    private let branch: String
    let schemaID: Int
    private let base: TableMetadata

    /// Works out the snapshot.
    ///
    /// - Parameters:
    ///   - base: the table.
    ///   - branch: the branch that gets the snapshot.
    ///   - parent: the snapshot that the branch has now.
    ///   - id: an id that the table does not have.
    ///   - current: the rows of its manifest list.
    ///   - replaced: the paths of those that go.
    ///   - created: the manifests that come in their place.
    ///   - nowMilliseconds: the time.
    /// - Throws: ``ReplaceSnapshotError`` if the table lacks what its format version requires.
    public init(
        of base: TableMetadata, branch: String = SnapshotReference.mainName, parent: Snapshot,
        id: Int64, current: [ManifestFile],
        replacing replaced: Set<String>, by created: [StoredManifest], nowMilliseconds: Int64
    ) throws(ReplaceSnapshotError) {
        self.base = base
        self.branch = branch
        self.id = id
        self.parent = parent
        formatVersion = base.formatVersion
        schemaID = base.currentSchemaID
        let (next, overflow) = base.lastSequenceNumber.addingReportingOverflow(1)
        guard !overflow else { throw .numbersRunOut("sequence numbers") }
        let number = base.formatVersion == .v1 ? 0 : next
        sequenceNumber = number
        timestampMilliseconds = max(
            nowMilliseconds, base.lastUpdatedMilliseconds, parent.timestampMilliseconds,
            base.snapshotLog.last?.timestampMilliseconds ?? .min)
        createdCount = created.count
        var rows: [ManifestFile] = []
        var nextRowID = base.nextRowID
        if base.formatVersion == .v3, nextRowID == nil { throw .noNextRowID }
        for manifest in created {
            var row = manifest.row
            row.addedSnapshotID = id
            row.sequenceNumber = number
            if base.formatVersion == .v1 { row.minSequenceNumber = 0 }
            try Self.assign(&row, manifest.unassignedRowCount, from: &nextRowID)
            rows.append(row)
        }
        for manifest in current where !replaced.contains(manifest.path) {
            var row = manifest
            if row.content == .data, row.firstRowID == nil, nextRowID != nil {
                // From before the upgrade to version 3: which entries are live is not asked, as
                // more ids than needed do no harm.
                guard let added = row.addedRowsCount, let existing = row.existingRowsCount else {
                    throw .unknownCounts(row.path)
                }
                let (count, overflow) = added.addingReportingOverflow(existing)
                guard !overflow else { throw .numbersRunOut("row ids") }
                try Self.assign(&row, count, from: &nextRowID)
            }
            rows.append(row)
        }
        self.rows = rows
        firstRowID = base.nextRowID
        addedRows = base.nextRowID.flatMap { first in nextRowID.map { $0 - first } }
    }

    /// Gives a data manifest the next row ids, as many as it hands on.
    private static func assign(
        _ row: inout ManifestFile, _ count: Int64, from next: inout Int64?
    ) throws(ReplaceSnapshotError) {
        guard row.content == .data, let first = next else { return }
        row.firstRowID = first
        let (sum, overflow) = first.addingReportingOverflow(count)
        guard !overflow, count >= 0 else { throw .numbersRunOut("row ids") }
        next = sum
    }

    /// The bytes of the manifest list.
    public func manifestList() throws(ReplaceSnapshotError) -> [UInt8] {
        do throws(AvroError) {
            var writer = try ManifestListWriter(
                formatVersion, snapshotID: id, parentID: parent.id,
                sequenceNumber: sequenceNumber, firstRowID: firstRowID)
            for row in rows { try writer.append(row) }
            return try writer.finish()
        } catch {
            throw .unwritable(error.description)
        }
    }

    /// The snapshot as the table's metadata has it.
    ///
    /// - Parameters:
    ///   - manifestList: where its list is.
    ///   - summary: what it says of itself before the totals, which it takes from its parent.
    public func snapshot(
        manifestList: String, summary: [(key: String, value: String)]
    ) -> Snapshot {
        Snapshot(
            id: id, parentID: parent.id, sequenceNumber: sequenceNumber,
            timestampMilliseconds: timestampMilliseconds, manifestList: manifestList,
            summary: SnapshotSummary(
                operation: "replace", summary + SnapshotTotals.carried(from: parent.summary)),
            schemaID: schemaID, firstRowID: firstRowID, addedRows: addedRows)
    }

    /// The changes that make it the branch's newest snapshot.
    public func updates(adding snapshot: Snapshot) -> [TableUpdate] {
        let reference = base.refs[branch]
        return [
            .addSnapshot(snapshot),
            .setSnapshotRef(
                name: branch,
                SnapshotReference(
                    snapshotID: id, kind: .branch,
                    minSnapshotsToKeep: reference?.minSnapshotsToKeep,
                    maxSnapshotAgeMilliseconds: reference?.maxSnapshotAgeMilliseconds,
                    maxRefAgeMilliseconds: reference?.maxRefAgeMilliseconds)),
        ]
    }

    /// What must still hold of the table.
    public var requirements: [TableRequirement] {
        var requirements: [TableRequirement] = []
        if let uuid = base.tableUUID { requirements.append(.assertTableUUID(uuid)) }
        requirements.append(
            .assertRefSnapshotID(ref: branch, snapshotID: parent.id))
        return requirements
    }
}

/// Why a table can have no such snapshot.
public enum ReplaceSnapshotError: Error, Hashable, Sendable {
    /// A table of format version 3 without `next-row-id`.
    case noNextRowID
    /// A manifest whose list does not say how many rows it has.
    case unknownCounts(String)
    /// There are no more sequence numbers or row ids.
    case numbersRunOut(String)
    /// A row cannot be written.
    case unwritable(String)
}

extension ReplaceSnapshotError: CustomStringConvertible {
    /// The text form, for logs and messages.
    public var description: String {
        switch self {
        case .noNextRowID:
            "the table has format version 3 and no next-row-id, so no snapshot can be added"
        case .unknownCounts(let path):
            "the manifest list does not say how many rows the manifest \(path) has"
        case .numbersRunOut(let what): "the table has no more \(what) to give out"
        case .unwritable(let reason): "the manifest list cannot be written: \(reason)"
        }
    }
}

/// What snapshot summaries say of the whole table.
enum SnapshotTotals {
    private static let keys = [
        "total-records", "total-files-size", "total-data-files", "total-delete-files",
        "total-position-deletes", "total-equality-deletes",
    ]

    /// The totals of a snapshot whose files are those of its parent.
    ///
    /// A total that the parent lacks, or that is no number, stays unknown.
    static func carried(from parent: SnapshotSummary) -> [(key: String, value: String)] {
        keys.compactMap { key in
            guard let text = parent[key], let number = Int64(text), number >= 0 else { return nil }
            return (key: key, value: String(number))
        }
    }
}
