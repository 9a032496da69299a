// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import ParquetFormat

/// Opens data files, and finds out what is to be known of them beside their bytes.
struct DataFileOpener<Storage: ObjectStorage>: Sendable {
    private typealias Source = DataFileSource<Storage>
    private typealias File = ParquetFile<Source>

    private let storage: Storage
    private let metadata: TableMetadata
    private let mapping: NameMapping?
    private let limits: RewriteLimits
    /// Whether files in Avro are compared with what is made of them.
    private let isVerified: Bool

    init(
        _ metadata: TableMetadata, storage: Storage, mapping: NameMapping?, limits: RewriteLimits,
        isVerified: Bool
    ) {
        self.storage = storage
        self.metadata = metadata
        self.mapping = mapping
        self.limits = limits
        self.isVerified = isVerified
    }

    /// Opens files, several at once, small ones as a whole; in the order in which they are given.
    ///
    /// Of files in Avro others are made in Parquet, which are read in their place.
    ///
    /// - Parameters:
    ///   - entries: What the manifests say of the files, by path.
    ///   - settings: How files in Parquet are written.
    func open(
        _ live: [LiveFile], _ entries: [String: SourceEntry],
        writing settings: ParquetWriteSettings
    ) async throws(GroupFailure) -> [OpenedDataFile<Storage>] {
        var files = try await openParquet(live)
        if live.contains(where: { $0.format == .avro }) {
            try await openAvro(live, settings, into: &files)
        }
        var opened: [OpenedDataFile<Storage>] = []
        for (live, file) in zip(live, files) {
            guard let file else { throw .stopped(.cancelled) }
            opened.append(try self.opened(live, file, entries[live.path]))
        }
        return opened
    }

    private func openAvro(
        _ live: [LiveFile], _ settings: ParquetWriteSettings, into files: inout [File?]
    ) async throws(GroupFailure) {
        guard let schema = metadata.schema(metadata.currentSchemaID) else {
            throw .unsupported("the table has no current schema")
        }
        var spool: Spool
        do throws(MaintenanceError) { spool = try Spool(below: limits.temporaryFolder) } catch {
            throw .stopped(error)
        }
        let maker = AvroDataFile(
            storage: storage, schema: schema, mapping: mapping, limits: limits,
            isVerified: isVerified, settings: settings)
        for (index, file) in live.enumerated() where file.format == .avro {
            files[index] = try await maker.parquet(file, in: &spool)
        }
    }

    /// Copies of files in Parquet that are not at hand.
    private func staged(_ live: [LiveFile]) async throws(GroupFailure) -> [SpooledFile?] {
        let items = live.map { file in
            FileStage<Storage>.Item(
                location: Location(file.path), size: file.format == .avro ? 0 : file.sizeInBytes)
        }
        do throws(MaintenanceError) {
            return try await FileStage(storage, limits: limits).bring(items)
        } catch { throw .stopped(error) }
    }

    private func openParquet(_ live: [LiveFile]) async throws(GroupFailure) -> [File?] {
        let copies = try await staged(live)
        var room = limits.workBytes / 2
        var sources: [(index: Int, source: Source, isLoaded: Bool)] = []
        for (index, file) in live.enumerated() where file.format != .avro {
            let source = Source(Location(file.path), size: file.sizeInBytes, in: storage)
            if let copy = copies[index] {
                sources.append((index, source.spooled(copy), false))
                continue
            }
            let isLoaded = file.sizeInBytes <= min(Source.smallFile, room)
            if isLoaded { room -= file.sizeInBytes }
            sources.append((index, source, isLoaded))
        }
        var files = [File?](repeating: nil, count: live.count)
        try await BoundedTasks.forEach(
            sources, width: limits.width, cancelled: GroupFailure.stopped(.cancelled),
            finished: { (opened: (Int, File)) in files[opened.0] = opened.1 },
            { (item) async throws(GroupFailure) -> (Int, File) in
                do throws(ParquetReadError<MaintenanceError>) {
                    return (
                        item.index,
                        try await File.opening(item.source, isLoaded: item.isLoaded)
                    )
                } catch {
                    throw GroupFailure(error, in: item.source.location.rawValue)
                }
            })
        return files
    }

    private func opened(
        _ live: LiveFile, _ file: File, _ entry: SourceEntry?
    ) throws(GroupFailure) -> OpenedDataFile<Storage> {
        guard file.rowCount == live.recordCount else {
            throw .unsupported(
                "\(live.path) has \(file.rowCount) rows, and its manifest says "
                    + "\(live.recordCount)")
        }
        do throws(Unsupported) {
            guard let entry, let spec = metadata.partitionSpec(live.partition.specID) else {
                throw Unsupported(reason: "no manifest lists it any more")
            }
            let ids = try FieldNaming.ids(for: file.schema, mapping)
            do throws(ParquetError) {
                return OpenedDataFile(
                    live: live, file: file, schema: try file.schema.addingFieldIDs(ids),
                    fieldIDs: ids, entry: entry, spec: spec)
            } catch {
                throw Unsupported(reason: "it cannot be read: \(error)")
            }
        } catch {
            throw .unsupported("\(live.path): \(error)")
        }
    }
}
