// SPDX-License-Identifier: Apache-2.0

import Compression
import Foundation
import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import ParquetFormat
import WireFormat

/// Tables whose data files exist: rows of `id` and `region`.
extension ManifestTable {
    static let rowSchema: [ParquetField] = [
        .values("id", id: 1, .optional, .int64),
        .values("region", id: 2, .optional, .byteArray, logicalType: .string),
    ]

    static let note = String(repeating: "n", count: 3000)

    private static let deleteSchema: [ParquetField] = [
        .values("file_path", id: 2_147_483_546, .required, .byteArray, logicalType: .string),
        .values("pos", id: 2_147_483_545, .required, .int64),
    ]

    /// Writes a Parquet file into the data folder.
    func write(
        _ schema: [ParquetField], _ batches: [ColumnBatch], _ name: String
    ) async throws -> (path: String, size: Int64) {
        var settings = ParquetWriteSettings()
        // A note of some length, which files made of these take over.
        settings.keyValues = [KeyValue(key: "note", value: Self.note)]
        var writer = try ParquetWriter(
            ParquetSchema(schema), settings: settings, to: ParquetMemorySink())
        try await writer.write(batches)
        let (_, sink) = try await writer.finish()
        let location = Location("\(self.location)/data/\(name)-\(UUID().uuidString).parquet")
        let info = try await storage.write(sink.bytes, to: location, condition: .absent)
        return (location.rawValue, info.size)
    }

    /// Writes a data file of a region; a multiple of 5 has a null for its region's name.
    func dataFile(_ ids: Range<Int64>, region: String, specID: Int = 1) async throws
        -> CompleteEntry
    {
        let named = ids.filter { $0 % 5 != 0 }
        let file = try await write(
            Self.rowSchema,
            [
                ColumnBatch(.int64(Array(ids)), definitionLevels: ids.map { _ in 1 }),
                ColumnBatch(
                    .byteArray(ByteArrays(named.map { Array("\(region)-\($0)".utf8) })),
                    definitionLevels: ids.map { $0 % 5 != 0 ? 1 : 0 }),
            ], "rows")
        var entry = Self.entry(
            specID == 1 ? [.string(region)] : [], rows: Int64(ids.count), path: file.path)
        entry.entry.dataFile.fileSizeInBytes = file.size
        entry.metrics = ColumnMetrics()
        return entry
    }

    /// Writes a position delete file.
    ///
    /// - Parameter names: Whether its entry names the one data file that it is about.
    func deleteFile(
        _ deletes: [(path: String, position: Int64)], region: String, names: Bool = false,
        specID: Int = 1
    ) async throws -> CompleteEntry {
        let sorted = deletes.sorted { ($0.path, $0.position) < ($1.path, $1.position) }
        let file = try await write(
            Self.deleteSchema,
            [
                ColumnBatch(.byteArray(ByteArrays(sorted.map { Array($0.path.utf8) }))),
                ColumnBatch(.int64(sorted.map(\.position))),
            ], "deletes")
        var entry = Self.entry(
            specID == 1 ? [.string(region)] : [], rows: Int64(sorted.count),
            content: .positionDeletes, path: file.path)
        entry.entry.dataFile.fileSizeInBytes = file.size
        if names { entry.entry.dataFile.referencedDataFile = sorted.first?.path }
        entry.metrics = ColumnMetrics()
        return entry
    }

    /// Writes a deletion vector of positions below 65536.
    func vectorFile(_ path: String, _ positions: [UInt16], region: String) async throws
        -> CompleteEntry
    {
        func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
            withUnsafeBytes(of: value.littleEndian) { Array($0) }
        }
        func bigEndian(_ value: UInt32) -> [UInt8] {
            withUnsafeBytes(of: value.bigEndian) { Array($0) }
        }
        var body: [UInt8] = [0xD1, 0xD3, 0x39, 0x64]
        body += littleEndian(UInt64(1)) + littleEndian(UInt32(0))
        body += littleEndian(UInt32(12_346)) + littleEndian(UInt32(1)) + littleEndian(UInt16(0))
        body += littleEndian(UInt16(positions.count - 1)) + littleEndian(UInt32(16))
        if positions.count > 4096 {
            var bits = [UInt8](repeating: 0, count: 8192)
            for position in positions { bits[Int(position / 8)] |= 1 << (position % 8) }
            body += bits
        } else {
            for position in positions.sorted() { body += littleEndian(position) }
        }
        let blob = bigEndian(UInt32(body.count)) + body + bigEndian(crc32(body.span.bytes))
        let location = Location("\(self.location)/data/vector-\(UUID().uuidString).puffin")
        let size = try await storage.write(
            Array("PFA1".utf8) + blob, to: location, condition: .absent
        ).size
        var entry = Self.entry(
            [.string(region)], rows: Int64(positions.count), content: .positionDeletes,
            path: location.rawValue)
        entry.entry.dataFile.fileFormat = .puffin
        entry.entry.dataFile.fileSizeInBytes = size
        entry.entry.dataFile.referencedDataFile = path
        entry.entry.dataFile.contentOffset = 4
        entry.entry.dataFile.contentSizeInBytes = Int64(blob.count)
        entry.metrics = ColumnMetrics()
        return entry
    }

    /// Commits a data file by itself.
    @discardableResult
    func addRows(
        _ ids: Range<Int64>, region: String, specID: Int = 1
    ) async throws -> String {
        let entry = try await dataFile(ids, region: region, specID: specID)
        try await append([entry], specID: specID)
        return entry.entry.dataFile.filePath
    }

    /// Commits deletes of rows.
    func deleteRows(
        _ deletes: [(path: String, position: Int64)], region: String, names: Bool = false,
        specID: Int = 1
    ) async throws {
        try await append(
            [try await deleteFile(deletes, region: region, names: names, specID: specID)],
            specID: specID, content: .deletes)
    }

    // MARK: Looking

    /// A row as it is read.
    struct Row: Hashable, Comparable {
        let id: Int64
        let region: String?

        static func < (left: Row, right: Row) -> Bool { left.id < right.id }
    }

    /// What the table's rows must be that were made by ``addRows(_:region:specID:)``.
    static func rows(_ ids: some Sequence<Int64>, region: String) -> [Row] {
        ids.map { Row(id: $0, region: $0 % 5 == 0 ? nil : "\(region)-\($0)") }
    }

    private func column(_ path: String, _ column: Int) async throws -> ColumnBatch {
        let bytes = try await storage.read(Location(path), limit: 1 << 24)
        let file = try await ParquetFile(opening: ParquetMemorySource(bytes))
        return try await file.readColumn(rowGroup: 0, column: column)
    }

    /// Whether position deletes of one partition delete from files of another.
    enum Reading {
        /// They do not: so says the specification.
        case byPartition
        /// They do: some engines go by paths alone.
        case byPath
    }

    /// Every row of the current snapshot under its position deletes, sorted.
    func rows(_ reading: Reading = .byPartition) async throws -> [Row] {
        let all = try await entries().values
        var deleted: [String: [(position: Int64, delete: CompleteEntry)]] = [:]
        for entry in all where entry.entry.dataFile.content == .positionDeletes {
            for delete in try await deletes(in: entry) {
                deleted[delete.path, default: []].append((delete.position, entry))
            }
        }
        var rows: [Row] = []
        for entry in all where entry.entry.dataFile.content == .data {
            let path = entry.entry.dataFile.filePath
            let gone = Set(
                (deleted[path] ?? []).filter { _, delete in
                    delete.entry.sequenceNumber ?? 0 >= entry.entry.sequenceNumber ?? 0
                        && (reading == .byPath || delete.partition == entry.partition)
                }.map(\.position))
            rows += try await self.rows(of: path).enumerated()
                .filter { !gone.contains(Int64($0.offset)) }.map(\.element)
        }
        return rows.sorted()
    }

    /// What a delete file or vector deletes, in its order.
    func deletes(in entry: CompleteEntry) async throws -> [(path: String, position: Int64)] {
        let file = entry.entry.dataFile
        switch file.fileFormat {
        case .puffin:
            let offset = file.contentOffset ?? 0
            let blob = try await storage.read(
                Location(file.filePath),
                range: offset..<offset + (file.contentSizeInBytes ?? 0))
            return try DeletionVector(blob: blob, limit: 1 << 16).positions.map {
                (file.referencedDataFile ?? "", $0)
            }
        case .avro: return try await avroDeletes(file.filePath)
        case .parquet, .orc: break
        }
        let paths = try await column(file.filePath, 0)
        let positions = try await column(file.filePath, 1)
        guard case .byteArray(let texts) = paths.values,
            case .int64(let numbers) = positions.values
        else { throw Failure(description: "no deletes") }
        return numbers.indices.map {
            (String(decoding: texts[$0], as: UTF8.self), numbers[$0])
        }
    }

    private func rows(of path: String) async throws -> [Row] {
        let bytes = try await storage.read(Location(path), limit: 1 << 26)
        let file = try await ParquetFile(opening: ParquetMemorySource(bytes))
        var rows: [Row] = []
        for group in file.rowGroups.indices {
            let ids = try await file.readColumn(rowGroup: group, column: 0)
            let regions = try await file.readColumn(rowGroup: group, column: 1)
            guard case .int64(let numbers) = ids.values,
                case .byteArray(let texts) = regions.values
            else { throw Failure(description: "no rows") }
            var next = 0
            rows += numbers.enumerated().map { index, id in
                guard regions.definitionLevels[index] == 1 else { return Row(id: id, region: nil) }
                defer { next += 1 }
                return Row(id: id, region: String(decoding: texts[next], as: UTF8.self))
            }
        }
        return rows
    }

    /// The names of the files in the data folder.
    func dataFolder(ending: [String] = [".parquet"]) throws -> Set<String> {
        let folder = "\(location)/data"
        let found = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String }
        return Set((found ?? []).filter { name in ending.contains { name.hasSuffix($0) } })
    }

    // MARK: Running

    @discardableResult
    func compact(
        _ options: JSONValue = ["min-input-files": 2],
        journal: some MaintenanceJournal = MemoryJournal()
    ) async throws -> ActionReport {
        try await compact(options, journal: journal, catalog: catalog, storage: storage)
    }

    @discardableResult
    func compact(
        _ options: JSONValue = ["min-input-files": 2],
        journal: some MaintenanceJournal = MemoryJournal(), catalog: some Catalog,
        storage: some ObjectStorage, context: RunContext? = nil,
        settings: NativeEngineSettings = NativeEngineSettings()
    ) async throws -> ActionReport {
        let engine = NativeEngine(catalog: catalog, storage: storage, settings: settings)
        return try await engine.run(
            ActionRequest(
                table: Self.identifier, action: .rewriteDataFiles,
                options: try ActionOptions.validating(options, for: .rewriteDataFiles),
                now: TestTable.now), in: context ?? TestTable.context(journal))
    }

    static let quickRetries = [
        "commit.retry.min-wait-ms": "1", "commit.retry.max-wait-ms": "2",
        "commit.status-check.min-wait-ms": "1", "commit.status-check.max-wait-ms": "2",
    ]
}

extension ActionReport {
    /// How many data files went and came.
    var fileCounts: [Int?] {
        [
            metrics["rewritten_data_files_count"]?.intValue,
            metrics["added_data_files_count"]?.intValue,
        ]
    }
}
