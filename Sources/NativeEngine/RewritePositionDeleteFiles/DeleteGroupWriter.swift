// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import ParquetFormat
import RowSets

/// Where new deletes belong, and how old they are.
struct DeletePlace: Sendable {
    /// The partition and spec of the data files.
    let partition: PartitionKey
    /// The partition's values, as older entries have them.
    let values: [PartitionValue?]
    /// About how many bytes a file gets.
    let fileSize: Int64
    /// Their data sequence number.
    ///
    /// P-41: as new as the newest of the deletes that they stand for. What is kept applied to its
    /// data file before, which is no newer than that; and no data file that comes later has a path
    /// of them.
    let age: Int64?
}

/// Writes the deletes of groups: as position delete files, or from format version 3 on as deletion
/// vectors; several at once if wanted.
struct DeleteGroupWriter<Storage: ObjectStorage>: Sendable {
    private let storage: Storage
    private let formatVersion: FormatVersion
    private let granularity: RewritePositionDeleteFilesSettings.Granularity
    private let limits: RewriteLimits
    private let settings: ParquetWriteSettings
    private let names: DataFileNames

    init(
        _ metadata: TableMetadata, storage: Storage,
        granularity: RewritePositionDeleteFilesSettings.Granularity, limits: RewriteLimits
    ) throws(Unsupported) {
        self.storage = storage
        self.granularity = granularity
        self.limits = limits
        formatVersion = metadata.formatVersion
        let properties = metadata.properties
        if let key = properties.keys.first(where: { $0.hasPrefix("encryption.") }) {
            throw Unsupported(reason: "\(key) is set, and files are not encrypted here")
        }
        if metadata.formatVersion < .v3 {
            let key = "write.delete.format.default"
            try WriterProperties.checkFormat(
                properties, properties[key] == nil ? "write.format.default" : key)
        }
        var settings = try WriterProperties.settings(
            properties, "write.delete.parquet.",
            over: WriterProperties.settings(properties, "write.parquet."))
        settings.fit(memory: limits.workBytes)
        self.settings = settings
        names = try DataFileNames(metadata)
    }

    /// The names of a group's files, by its place in the plan.
    func names(of turn: GroupTurn) -> DataFileNames { names.of(turn) }

    /// Writes the deletes of one partition.
    func write(
        _ deletes: GroupPositions, to place: DeletePlace, _ names: inout DataFileNames,
        into outputs: inout OutputFiles<Storage>
    ) async throws(GroupFailure) -> [CompleteEntry] {
        // By the bytes of the path, as the specification wants it.
        let sorted = deletes.positions.filter { !$0.value.isEmpty }
            .map { (path: $0.key, positions: $0.value) }
            .sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        var files: [WrittenDeletes] = []
        if formatVersion >= .v3 {
            files = try await writeVectors(sorted, place, &names, into: &outputs)
        } else {
            switch granularity {
            case .partition:
                files = try await writeFiles(sorted[...], place, &names, into: &outputs)
            case .file:
                for index in sorted.indices {
                    files += try await writeFiles(
                        sorted[index...index], place, &names, into: &outputs)
                }
            }
        }
        return files.map { written in
            CompleteEntry(
                entry: ManifestEntry(
                    status: .added, snapshotID: nil, sequenceNumber: place.age,
                    fileSequenceNumber: nil, dataFile: written.file),
                partition: place.values, metrics: written.metrics)
        }
    }

    private typealias Deletes = (path: String, positions: RowPositions)

    private struct WrittenDeletes {
        var file: DataFile
        var metrics = ColumnMetrics()
    }

    // MARK: Position delete files

    private func writeFiles(
        _ deletes: ArraySlice<Deletes>, _ place: DeletePlace, _ names: inout DataFileNames,
        into outputs: inout OutputFiles<Storage>
    ) async throws(GroupFailure) -> [WrittenDeletes] {
        var files: [WrittenDeletes] = []
        var rest = Remaining(deletes: deletes)
        while !rest.isEmpty {
            let location = names.next(in: place.partition, ending: "-deletes.parquet")
            files.append(try await writeFile(&rest, place, at: location, into: &outputs))
        }
        return files
    }

    /// Writes a file of as many of the deletes as it takes.
    private func writeFile(
        _ rest: inout Remaining, _ place: DeletePlace, at location: Location,
        into outputs: inout OutputFiles<Storage>
    ) async throws(GroupFailure) -> WrittenDeletes {
        let settings = settings
        let made = try await outputs.write(
            to: location, kind: .positionDeleteFile, size: \.file.size
        ) { (sink) async throws(GroupFailure) -> PositionDeleteFile.Finished in
            var writer = try PositionDeleteFile(settings, to: sink)
            repeat {
                guard let (path, positions) = rest.next(PositionDeleteFile.step) else { break }
                try await writer.add(path, positions)
            } while writer.size < place.fileSize
            return try await writer.finish()
        }
        return WrittenDeletes(file: made.dataFile(at: location), metrics: made.metrics)
    }

    /// The deletes that no file has yet.
    private struct Remaining {
        private var deletes: ArraySlice<Deletes>
        /// The first path's that are in no file; all of them if nil.
        private var started: RowPositions.Iterator?
        private var left = 0

        init(deletes: ArraySlice<Deletes>) { self.deletes = deletes }

        var isEmpty: Bool { deletes.isEmpty }

        /// The next ones, so many at most, which are all from one data file.
        mutating func next(_ count: Int) -> (path: String, positions: [Int64])? {
            guard let first = deletes.first else { return nil }
            if started == nil { left = first.positions.count }
            var iterator = started ?? first.positions.makeIterator()
            var next: [Int64] = []
            next.reserveCapacity(min(count, left))
            while next.count < count, let position = iterator.next() { next.append(position) }
            left -= next.count
            started = left > 0 ? iterator : nil
            if left == 0 { deletes.removeFirst() }
            return (first.path, next)
        }
    }

    private func store(
        _ bytes: [UInt8], at location: Location, into outputs: inout OutputFiles<Storage>
    ) async throws(GroupFailure) {
        let size: Int64
        do throws(MaintenanceError) {
            size = try await outputs.write(bytes, to: location, kind: .positionDeleteFile)
        } catch {
            throw .stopped(error)
        }
        guard size == bytes.count else {
            throw GroupFailure.verificationFailed(
                "\(location) has \(size) bytes in storage, and \(bytes.count) were written")
        }
    }

    // MARK: Deletion vectors

    private func writeVectors(
        _ deletes: [Deletes], _ place: DeletePlace, _ names: inout DataFileNames,
        into outputs: inout OutputFiles<Storage>
    ) async throws(GroupFailure) -> [WrittenDeletes] {
        var files: [WrittenDeletes] = []
        var puffin = PuffinWriter(createdBy: settings.createdBy)
        var pending: [PuffinVector] = []
        for (index, one) in deletes.enumerated() {
            do throws(DeletionVectorError) {
                pending.append(
                    try PuffinVector(of: one.path, positions: one.positions, addedTo: &puffin))
            } catch {
                throw .unsupported("\(one.path): \(error)")
            }
            guard
                Int64(puffin.byteCount) >= min(place.fileSize, limits.workBytes)
                    || index == deletes.count - 1
            else { continue }
            let bytes = puffin.finish()
            let location = names.next(in: place.partition, ending: "-deletes.puffin")
            try await store(bytes, at: location, into: &outputs)
            files += pending.map {
                WrittenDeletes(
                    file: $0.dataFile(at: location, fileSize: Int64(bytes.count)))
            }
            puffin = PuffinWriter(createdBy: settings.createdBy)
            pending = []
        }
        return files
    }
}
