// SPDX-License-Identifier: Apache-2.0

package import IcebergSpec
package import IcebergTable
package import Maintenance
package import ObjectStorage
package import ParquetFormat
import RowSets

/// Reads the rows that a snapshot has, those that are deleted left out.
///
/// For tables of plain columns in Parquet, with position deletes or deletion vectors. Anything else
/// is refused, so that no row is told wrongly.
package struct RowScan<Storage: ObjectStorage>: Sendable {
    private typealias File = ParquetFile<DataFileSource<Storage>>

    private let metadata: TableMetadata
    private let storage: Storage
    private let limits: RewriteLimits

    /// Reads snapshots of a table from a storage.
    package init(
        _ metadata: TableMetadata, storage: Storage,
        settings: NativeEngineSettings = NativeEngineSettings()
    ) {
        self.metadata = metadata
        self.storage = storage
        limits = RewriteLimits(settings)
    }

    /// Visits the rows of a snapshot, one row group after the other, in the order of its files.
    ///
    /// Every value of every column is decoded before the body is called.
    ///
    /// - Throws: ``MaintenanceError/refused(code:reason:)`` for a table that is not read here, and
    ///   what reading it meets.
    package func forEachRowGroup(
        of snapshot: Snapshot, _ body: (ScannedRows) -> Void
    ) async throws(MaintenanceError) {
        let found: ScannedFiles
        do throws(ScanError) {
            found = try await SnapshotScan(storage: storage, metadata: metadata)
                .collect(snapshot, into: ScannedFiles())
        } catch {
            throw MaintenanceError(error)
        }
        let files = found.data.sorted { $0.ordinal < $1.ordinal }
        do throws(GroupFailure) {
            let deletes = try await GroupDeleteLoader(
                storage: storage, index: found.deletes, strays: [:], width: limits.width,
                limit: limits.deleteBytes
            ).load(files)
            guard deletes.equality.isEmpty else {
                throw .unsupported("equality deletes are not applied where rows are counted")
            }
            for file in files {
                try await visit(file, deleted: deletes.positions[file.path] ?? [], body)
            }
        } catch {
            throw MaintenanceError(error)
        }
    }

    private func visit(
        _ live: LiveFile, deleted: RowPositions, _ body: (ScannedRows) -> Void
    ) async throws(GroupFailure) {
        guard live.format == .parquet, !live.isEncrypted else {
            throw .unsupported("\(live.path) is no plain Parquet file")
        }
        let source = DataFileSource(Location(live.path), size: live.sizeInBytes, in: storage)
        do throws(ParquetReadError<MaintenanceError>) {
            let file = try await File.opening(
                source, isLoaded: live.sizeInBytes <= DataFileSource<Storage>.smallFile)
            var first: Int64 = 0
            for group in file.rowGroups.indices {
                let rows = first..<first + file.rowGroups[group].rowCount
                body(
                    ScannedRows(
                        file: live, positions: rows, deleted: deleted.elements(in: rows),
                        columns: try await Self.columns(of: file, group)))
                first = rows.upperBound
            }
        } catch {
            throw GroupFailure(error, in: live.path)
        }
    }

    private static func columns(
        of file: File, _ group: Int
    ) async throws(ParquetReadError<MaintenanceError>) -> [Int32: ColumnBatch] {
        var columns: [Int32: ColumnBatch] = [:]
        for (index, column) in file.schema.columns.enumerated() {
            guard let id = column.fieldID, column.path.count == 1 else {
                let name = column.path.joined(separator: ".")
                throw .format(.incompatible(reason: "\(name) is nested, or has no field id"))
            }
            columns[id] = try await file.readColumn(rowGroup: group, column: index)
        }
        return columns
    }
}

/// The rows of a row group.
package struct ScannedRows {
    /// The reserved field id of the column with rows' ids (format version 3).
    package static var rowID: Int32 { FileSchema.rowID }
    /// The reserved field id of the column that says when rows changed last (format version 3).
    package static var lastUpdated: Int32 { FileSchema.lastUpdated }

    /// The file that they are in.
    package let file: LiveFile
    /// Their positions in the file, deleted rows among them.
    package let positions: Range<Int64>
    private let deleted: [Int64]
    /// Their values by field id, those of deleted rows too.
    package let columns: [Int32: ColumnBatch]

    init(
        file: LiveFile, positions: Range<Int64>, deleted: [Int64], columns: [Int32: ColumnBatch]
    ) {
        self.file = file
        self.positions = positions
        self.deleted = deleted
        self.columns = columns
    }

    /// The positions of the rows that are not deleted, ascending.
    package var livePositions: [Int64] {
        let gone = Set(deleted)
        return positions.filter { !gone.contains($0) }
    }
}

/// Takes note of all files of a snapshot.
private struct ScannedFiles: LiveFileCollector {
    private(set) var data: [LiveFile] = []
    private(set) var deletes: DeleteFileIndex?

    mutating func add(manifests: [ManifestFile]) {}

    mutating func add(deleteFiles index: DeleteFileIndex) { deletes = index }

    mutating func add(_ file: LiveFile, _ deletes: AppliedDeletes) { data.append(file) }
}
