// SPDX-License-Identifier: Apache-2.0

import FileSystemCatalog
import Foundation
import IcebergCatalog
import IcebergSpec
import IcebergTable
import ObjectStorage
import WireFormat

/// Commits files to a table of the demonstration, one snapshot and one manifest each time.
///
/// The times of the snapshots lie in the past, a while apart, as those of a table in use do.
struct DemoCommits {
    private let catalog: DemoTableWriter.Tables
    private let storage: LocalStorage
    private let interval: Duration
    private var table: LoadedTable
    private var time: Timestamp
    /// The manifests of the current snapshot.
    private var manifests: [ManifestFile] = []

    init(
        _ table: LoadedTable, catalog: DemoTableWriter.Tables, storage: LocalStorage,
        from began: Timestamp, every interval: Duration
    ) {
        self.table = table
        self.catalog = catalog
        self.storage = storage
        self.interval = interval
        time = began
    }

    /// Commits files of one content.
    mutating func add(_ entries: [CompleteEntry], _ content: ManifestContent) async throws {
        let metadata = table.metadata
        let id = Int64.random(in: 1 ... .max)
        let sequenceNumber = metadata.lastSequenceNumber + 1
        let written = try await writeManifest(entries, content)
        var row = written.row
        row.addedSnapshotID = id
        row.sequenceNumber = sequenceNumber
        row.minSequenceNumber = sequenceNumber
        if content == .data { row.firstRowID = metadata.nextRowID }
        let listed = [row] + manifests
        let addedRows = content == .data ? written.rowCount : 0
        let snapshot = Snapshot(
            id: id, parentID: metadata.currentSnapshotID, sequenceNumber: sequenceNumber,
            timestampMilliseconds: time.milliseconds,
            manifestList: try await writeList(listed, id, sequenceNumber),
            summary: summary(of: entries, content), schemaID: metadata.currentSchemaID,
            firstRowID: metadata.nextRowID,
            addedRows: metadata.nextRowID == nil ? nil : addedRows)
        let outcome = await catalog.commit(
            [
                .addSnapshot(snapshot),
                .setSnapshotRef(
                    name: SnapshotReference.mainName,
                    SnapshotReference(snapshotID: id, kind: .branch)),
            ], requirements: [], to: table.identifier, base: table)
        guard case .committed(let after) = outcome else {
            throw DemoFailure("\(table.identifier) could not be written: \(outcome)")
        }
        table = after
        manifests = listed
        time = time.advanced(by: interval)
    }

    private var folder: Location {
        Location(table.metadata.location).appending(MetadataFileName.folderName)
    }

    private func writeManifest(
        _ entries: [CompleteEntry], _ content: ManifestContent
    ) async throws -> (row: ManifestFile, rowCount: Int64) {
        let metadata = table.metadata
        guard let spec = metadata.partitionSpec(metadata.defaultSpecID) else {
            throw DemoFailure("\(table.identifier) has no partition spec")
        }
        var writer = try ManifestWriter(ManifestKind(of: metadata, spec: spec, content: content))
        for entry in entries { try writer.append(entry) }
        let finished = try writer.finish()
        let location = folder.appending("\(UUID().uuidString.lowercased())-m0.avro")
        try await storage.write(finished.bytes, to: location, condition: .absent)
        var row = finished.row
        row.path = location.rawValue
        return (row, finished.unassignedRowCount)
    }

    private func writeList(
        _ rows: [ManifestFile], _ id: Int64, _ sequenceNumber: Int64
    ) async throws -> String {
        let metadata = table.metadata
        var writer = try ManifestListWriter(
            metadata.formatVersion, snapshotID: id, parentID: metadata.currentSnapshotID,
            sequenceNumber: sequenceNumber, firstRowID: metadata.nextRowID)
        for row in rows { try writer.append(row) }
        let name = "snap-\(id)-1-\(UUID().uuidString.lowercased()).avro"
        try await storage.write(
            try writer.finish(), to: folder.appending(name), condition: .absent)
        return folder.appending(name).rawValue
    }

    // MARK: What snapshots say of themselves

    private static let nothing = SnapshotSummary(
        operation: "append",
        [
            ("total-records", "0"), ("total-files-size", "0"), ("total-data-files", "0"),
            ("total-delete-files", "0"), ("total-position-deletes", "0"),
            ("total-equality-deletes", "0"),
        ])

    private func summary(
        of entries: [CompleteEntry], _ content: ManifestContent
    ) -> SnapshotSummary {
        let files = entries.map(\.entry.dataFile)
        let records = files.reduce(0) { $0 + $1.recordCount }
        let vectors = Int64(files.count { $0.fileFormat == .puffin })
        var change = SnapshotChange()
        switch content {
        case .data:
            change.addedDataFiles = Int64(files.count)
            change.addedRecords = records
        case .deletes:
            change.addedDeletionVectors = vectors
            change.addedPositionDeleteFiles = Int64(files.count) - vectors
            change.addedPositionDeletes = records
        }
        change.addedBytes = files.reduce(0) { $0 + ($1.contentSizeInBytes ?? $1.fileSizeInBytes) }
        change.changedPartitions = Int64(Set(entries.map(\.partition)).count)
        let parent = table.metadata.currentSnapshot?.summary ?? Self.nothing
        return SnapshotSummary(
            operation: content == .data ? "append" : "delete",
            change.entries + change.totals(after: parent))
    }
}

/// Why the demonstration's tables could not be written.
package struct DemoFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// A sentence for a person.
    package let description: String

    init(_ description: String) { self.description = description }
}
