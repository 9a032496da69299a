// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance
import ObjectStorage
import ParquetFormat
import SortedRuns

/// A new data file and the partition that it is of.
struct WrittenDataFile: Sendable {
    let location: Location
    let file: WrittenParquetFile
    let partition: FilePartition
}

/// Writes the rows of a group in another order, or into other partitions.
struct ArrangedFiles<Storage: ObjectStorage> {
    typealias Source = DataFileSource<Storage>

    let target: ParquetSchema
    let settings: ParquetWriteSettings
    let limits: RewriteLimits

    /// A file ends with the row group that fills it, so its last one may be this part of it.
    private static var rowGroupShare: Int64 { 8 }
    /// In smaller ones the footer would take as much as the rows.
    private static var leastRowGroup: Int64 { 16 << 10 }

    /// How a group's files are written, of which each is to have so many bytes.
    static func settings(
        _ settings: ParquetWriteSettings, fileSize: Int64
    ) -> ParquetWriteSettings {
        var settings = settings
        let share = max(fileSize / rowGroupShare, min(fileSize / 2, leastRowGroup))
        settings.rowGroupSizeBytes = max(1, min(settings.rowGroupSizeBytes, share))
        return settings
    }

    /// Reads all rows, and sorts them.
    ///
    /// - Parameter progress: Told how many files were read.
    func sorted(
        _ inputs: [ParquetRewriteInput<Source>], by keys: RowKeys, progress: (Int) -> Void
    ) async throws(GroupFailure) -> (rows: SortedRows, partitions: [FilePartition]?) {
        var sorter = try RowSorter<Storage>(keys, target: target, limits: limits)
        for (index, input) in inputs.enumerated() {
            try await sorter.add(input, target: target)
            progress(index + 1)
        }
        return try sorter.finish()
    }

    /// Writes sorted rows: a new file begins with each partition, and when one has its size.
    ///
    /// - Parameter partitions: By their numbers in the rows' keys.
    func write(
        _ rows: SortedRows, in partitions: [FilePartition], names: DataFileNames, fileSize: Int64,
        into outputs: inout OutputFiles<Storage>
    ) async throws(GroupFailure) -> [WrittenDataFile] {
        var names = names
        var written: [WrittenDataFile] = []
        while let number = rows.partition {
            let partition = partitions[number]
            let location = names.next(in: partition.key)
            let file = try await outputs.write(to: location, kind: .dataFile, size: \.size) {
                (sink) async throws(GroupFailure) -> WrittenParquetFile in
                try await write(rows, of: number, fileSize: fileSize, to: sink)
            }
            written.append(
                WrittenDataFile(location: location, file: file, partition: partition))
        }
        return written
    }

    private func write(
        _ rows: SortedRows, of partition: Int, fileSize: Int64, to sink: DataFileSink
    ) async throws(GroupFailure) -> WrittenParquetFile {
        var writer: ParquetWriter<DataFileSink>
        do throws(ParquetError) {
            writer = try ParquetWriter(target, settings: settings, to: sink)
        } catch { throw .unsupported("its files cannot be written: \(error)") }
        while rows.partition == partition, writer.writtenBytes < fileSize {
            let batches: [ColumnBatch]
            do throws(SortedRunsError) {
                batches = try rows.next(bytes: settings.rowGroupSizeBytes)
            } catch {
                throw GroupFailure(error)
            }
            do throws(ParquetWriteError<Never, MaintenanceError>) {
                try await writer.write(batches)
            } catch { throw GroupFailure(writing: error) }
        }
        do throws(ParquetWriteError<Never, MaintenanceError>) {
            return try await writer.finish().0
        } catch { throw GroupFailure(writing: error) }
    }
}

extension GroupFailure {
    /// What it means that rows could not be written.
    init(writing error: ParquetWriteError<Never, MaintenanceError>) {
        switch error {
        case .sink(let error): self = .stopped(error)
        case .format(let error): self = .unsupported("its files cannot be written: \(error)")
        }
    }
}
