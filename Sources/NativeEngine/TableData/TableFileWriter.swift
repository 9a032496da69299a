// SPDX-License-Identifier: Apache-2.0

package import IcebergSpec
package import IcebergTable
package import Maintenance
package import ObjectStorage
package import ParquetFormat
import RowSets

/// Writes new data and delete files of a table, as this engine's rewrites write theirs.
///
/// For programs that make tables. Nothing is journalled or committed here.
package struct TableFileWriter<Storage: ObjectStorage> {
    private let storage: Storage
    private let formatVersion: FormatVersion
    private let schema: ParquetSchema
    private let properties: WriterProperties
    private var names: DataFileNames

    /// Prepares to write as the table's properties say.
    ///
    /// - Throws: ``MaintenanceError/refused(code:reason:)`` for what cannot be written here.
    package init(_ metadata: TableMetadata, storage: Storage) throws(MaintenanceError) {
        self.storage = storage
        formatVersion = metadata.formatVersion
        do throws(Unsupported) {
            guard let current = metadata.schema(metadata.currentSchemaID) else {
                throw Unsupported(reason: "the table has no current schema")
            }
            schema = try FileSchema.target(of: current, withLineage: false)
            properties = try WriterProperties(metadata, current)
            names = try DataFileNames(metadata)
        } catch {
            throw .refused(code: "unsupported_table", reason: error.reason)
        }
    }

    /// Writes a data file: one batch for each column of the current schema.
    ///
    /// - Returns: Its entry in a manifest, as the snapshot that adds it has it.
    package mutating func writeRows(
        _ batches: [ColumnBatch], in partition: FilePartition
    ) async throws(MaintenanceError) -> CompleteEntry {
        let location = names.next(in: partition.key)
        let settings = properties.settings
        let schema = schema
        let written = try await store(at: location) {
            (sink) async throws(GroupFailure) -> WrittenParquetFile in
            var writer: ParquetWriter<DataFileSink>
            do throws(ParquetError) {
                writer = try ParquetWriter(schema, settings: settings, to: sink)
            } catch { throw Self.unwritable(error) }
            do throws(ParquetWriteError<Never, MaintenanceError>) {
                try await writer.write(batches)
                return try await writer.finish().0
            } catch {
                switch error {
                case .sink(let error): throw .stopped(error)
                case .format(let error): throw Self.unwritable(error)
                }
            }
        }
        var file = DataFile(
            content: .data, filePath: location.rawValue, fileFormat: .parquet,
            recordCount: written.rowCount, fileSizeInBytes: written.size)
        file.splitOffsets = written.splitOffsets
        return partition.entry(file, ColumnMetrics(of: written) { properties.mode(of: $0) })
    }

    private static func unwritable(_ error: ParquetError) -> GroupFailure {
        .stopped(
            .refused(code: "unwritable_rows", reason: "a data file cannot be written: \(error)"))
    }

    /// Writes what deletes rows of some data files of a partition: one Puffin file with a vector
    /// for each from format version 3 on, one position delete file before.
    ///
    /// - Parameter deletes: Positions by the data file's path.
    /// - Returns: Their entries in a manifest, as the snapshot that adds them has them.
    package mutating func writeDeletes(
        _ deletes: [String: [Int64]], in partition: FilePartition
    ) async throws(MaintenanceError) -> [CompleteEntry] {
        let sorted = deletes.filter { !$0.value.isEmpty }
            .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        return formatVersion >= .v3
            ? try await writeVectors(sorted, partition)
            : try await writePositions(sorted, partition)
    }

    private mutating func writePositions(
        _ deletes: [(key: String, value: [Int64])], _ partition: FilePartition
    ) async throws(MaintenanceError) -> [CompleteEntry] {
        let location = names.next(in: partition.key, ending: "-deletes.parquet")
        let settings = properties.settings
        let finished = try await store(at: location) {
            (sink) async throws(GroupFailure) -> PositionDeleteFile.Finished in
            var writer = try PositionDeleteFile(settings, to: sink)
            for (path, positions) in deletes {
                try await writer.add(path, positions.sorted())
            }
            return try await writer.finish()
        }
        return [partition.entry(finished.dataFile(at: location), finished.metrics)]
    }

    private mutating func writeVectors(
        _ deletes: [(key: String, value: [Int64])], _ partition: FilePartition
    ) async throws(MaintenanceError) -> [CompleteEntry] {
        var puffin = PuffinWriter(createdBy: properties.settings.createdBy)
        var vectors: [PuffinVector] = []
        for (path, positions) in deletes {
            do throws(DeletionVectorError) {
                vectors.append(
                    try PuffinVector(
                        of: path, positions: RowPositions(positions), addedTo: &puffin))
            } catch {
                throw .refused(
                    code: "unwritable_deletes",
                    reason: "a deletion vector cannot be written: \(error)")
            }
        }
        let bytes = puffin.finish()
        let location = names.next(in: partition.key, ending: "-deletes.puffin")
        try await store(bytes, at: location)
        return vectors.map {
            partition.entry(
                $0.dataFile(at: location, fileSize: Int64(bytes.count)), ColumnMetrics())
        }
    }

    /// Writes a file as it is made.
    private func store<Made>(
        at location: Location,
        filling fill: (DataFileSink) async throws(GroupFailure) -> Made
    ) async throws(MaintenanceError) -> Made {
        do throws(ObjectWriteError<GroupFailure>) {
            return try await storage.write(to: location, condition: .absent) {
                (writer) async throws(GroupFailure) -> Made in
                try await fill(DataFileSink(writer))
            }.value
        } catch {
            switch error {
            case .source(let failure): throw MaintenanceError(failure)
            case .storage(let error): throw MaintenanceError(streaming: error)
            }
        }
    }

    private func store(_ bytes: [UInt8], at location: Location) async throws(MaintenanceError) {
        do throws(StorageError) {
            try await storage.write(bytes, to: location, condition: .absent)
        } catch {
            throw MaintenanceError(writing: error)
        }
    }
}

/// The partition of a new file, as folders and as manifests have it.
package struct FilePartition: Hashable, Sendable {
    /// As folders are named for it.
    package let key: PartitionKey
    /// The values of the spec's fields, as manifests have them.
    package let values: [PartitionValue?]

    /// Takes both.
    package init(key: PartitionKey, values: [PartitionValue?]) {
        self.key = key
        self.values = values
    }

    /// The entry of a new file in it, as the snapshot that adds it has it.
    func entry(_ file: DataFile, _ metrics: ColumnMetrics) -> CompleteEntry {
        CompleteEntry(
            entry: ManifestEntry(
                status: .added, snapshotID: nil, sequenceNumber: nil, fileSequenceNumber: nil,
                dataFile: file),
            partition: values, metrics: metrics)
    }
}
