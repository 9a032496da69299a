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
    /// Of files in Avro others are made in Parquet, which are read in their place. All files are
    /// looked at before this throws ``GroupFailure/unsupportedFiles(_:)``.
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
        var left = UnsupportedFiles()
        for (live, opening) in zip(live, files) {
            switch opening {
            case nil: throw .stopped(.cancelled)
            case .unsupported(let reason): left.add(live, because: reason)
            case .file(let file):
                do throws(Unsupported) {
                    opened.append(try self.opened(live, file, entries[live.path]))
                } catch { left.add(live, because: error.reason) }
            }
        }
        guard left.isEmpty else { throw .unsupportedFiles(left) }
        return opened
    }

    /// What came of opening a file.
    private enum Opening: Sendable {
        case file(File)
        case unsupported(String)

        /// Takes a failure that is the file's own, and throws others.
        init(_ failure: GroupFailure, of path: String) throws(GroupFailure) {
            guard let reason = failure.reason(ofFile: path) else { throw failure }
            self = .unsupported(reason)
        }
    }

    private func openAvro(
        _ live: [LiveFile], _ settings: ParquetWriteSettings, into files: inout [Opening?]
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
            do throws(GroupFailure) {
                files[index] = .file(try await maker.parquet(file, in: &spool))
            } catch { files[index] = try Opening(error, of: file.path) }
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

    private func openParquet(_ live: [LiveFile]) async throws(GroupFailure) -> [Opening?] {
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
        var files = [Opening?](repeating: nil, count: live.count)
        try await BoundedTasks.forEach(
            sources, width: limits.width, cancelled: GroupFailure.stopped(.cancelled),
            finished: { (opened: (Int, Opening)) in files[opened.0] = opened.1 },
            { (item) async throws(GroupFailure) -> (Int, Opening) in
                do throws(ParquetReadError<MaintenanceError>) {
                    let file = try await File.opening(item.source, isLoaded: item.isLoaded)
                    return (item.index, .file(file))
                } catch {
                    let path = item.source.location.rawValue
                    return (item.index, try Opening(GroupFailure(error, in: path), of: path))
                }
            })
        return files
    }

    private func opened(
        _ live: LiveFile, _ file: File, _ entry: SourceEntry?
    ) throws(Unsupported) -> OpenedDataFile<Storage> {
        guard file.rowCount == live.recordCount else {
            throw Unsupported(
                reason: "\(live.path) has \(file.rowCount) rows, and its manifest says "
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
            throw Unsupported(reason: "\(live.path): \(error)")
        }
    }
}
