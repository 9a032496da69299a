// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import Maintenance
import ObjectStorage
import ParquetFormat

/// A position delete file on its way to storage.
///
/// Iceberg spec, Position Delete Files. Deletes come in the order of the file: by path, and by
/// position.
struct PositionDeleteFile {
    /// A file that is complete.
    struct Finished {
        let file: WrittenParquetFile
        /// The one data file that it is about, if there is only one.
        let onlyPath: String?
        let metrics: ColumnMetrics

        /// The file as a manifest has it.
        func dataFile(at location: Location) -> DataFile {
            var found = DataFile(
                content: .positionDeletes, filePath: location.rawValue, fileFormat: .parquet,
                recordCount: file.rowCount, fileSizeInBytes: file.size)
            found.splitOffsets = file.splitOffsets
            found.referencedDataFile = onlyPath
            return found
        }
    }

    /// At most so many deletes are added at once.
    static let step = 16_384

    private typealias Failure = ParquetWriteError<Never, MaintenanceError>

    private var writer: ParquetWriter<DataFileSink>
    private var firstPath: String?
    private var lastPath: String?
    private var smallest = Int64.max
    private var largest = Int64.min

    init(_ settings: ParquetWriteSettings, to sink: DataFileSink) throws(GroupFailure) {
        var settings = settings
        // What Iceberg's own writers put there.
        settings.keyValues = [KeyValue(key: "delete-type", value: "position")]
        do throws(ParquetError) {
            let schema = try ParquetSchema([
                .values(
                    "file_path", id: PositionDeleteColumns.path, .required, .byteArray,
                    logicalType: .string),
                .values("pos", id: PositionDeleteColumns.position, .required, .int64),
            ])
            writer = try ParquetWriter(schema, settings: settings, to: sink)
        } catch {
            throw .unsupported("a position delete file cannot be written: \(error)")
        }
    }

    /// About how many bytes it has.
    var size: Int64 { writer.writtenBytes + Int64(writer.bufferedBytes) }

    /// Adds deletes from a data file.
    mutating func add(_ path: String, _ positions: [Int64]) async throws(GroupFailure) {
        guard let first = positions.first, let last = positions.last else { return }
        smallest = min(smallest, first)
        largest = max(largest, last)
        firstPath = firstPath ?? path
        lastPath = path
        let bytes = Array(path.utf8)
        var paths = ByteArrays()
        for _ in positions { paths.append(bytes) }
        do throws(Failure) {
            try await writer.write([
                ColumnBatch(.byteArray(paths)), ColumnBatch(.int64(positions)),
            ])
        } catch {
            throw Self.failure(error)
        }
    }

    /// Ends the file.
    consuming func finish() async throws(GroupFailure) -> Finished {
        let onlyPath = firstPath == lastPath ? firstPath : nil
        let bounds = (lower: firstPath ?? "", upper: lastPath ?? "", smallest, largest)
        let file: WrittenParquetFile
        do throws(Failure) {
            file = try await writer.finish().0
        } catch {
            throw Self.failure(error)
        }
        var metrics = ColumnMetrics(of: file) { _ in .counts }
        // Never shortened: equal bounds tell which data file alone it is about.
        metrics.lowerBounds = [
            ColumnFact(
                id: PositionDeleteColumns.position, value: PlainValue.littleEndian(bounds.2)),
            ColumnFact(id: PositionDeleteColumns.path, value: Array(bounds.lower.utf8)),
        ]
        metrics.upperBounds = [
            ColumnFact(
                id: PositionDeleteColumns.position, value: PlainValue.littleEndian(bounds.3)),
            ColumnFact(id: PositionDeleteColumns.path, value: Array(bounds.upper.utf8)),
        ]
        return Finished(file: file, onlyPath: onlyPath, metrics: metrics)
    }

    private static func failure(_ error: Failure) -> GroupFailure {
        switch error {
        case .sink(let error): .stopped(error)
        case .format(let error): .unsupported("a position delete file cannot be written: \(error)")
        }
    }
}
