// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import Foundation
import IcebergSpec
import IcebergTable
import ObjectStorage
import ParquetFormat
import StorageTestSupport
import Synchronization
import TestSupport
import WireFormat

/// A table with columns of every type that a key may have and with equality deletes, the rows of
/// which the tests work out by comparing each with each.
final class KeyedTable: Sendable {
    /// The values of a row by column.
    typealias Row = [KeyColumn: KeyCell]

    struct Deletes: Sendable {
        let columns: [KeyColumn]
        let keys: Set<[KeyCell]>
    }

    let table: ManifestTable
    /// The version that the columns are for.
    let version: FormatVersion
    let columns: [KeyColumn]
    /// What delete files delete, by path.
    private let deletes = Mutex<[String: Deletes]>([:])
    /// The rows of data files in Avro, by path.
    private let avroRows = Mutex<[String: [Row]]>([:])
    private let nextID = Mutex(Int64(0))

    init(
        _ version: FormatVersion, properties: [String: String] = ManifestTable.quickRetries,
        scheme: String = ""
    ) async throws {
        self.version = version
        columns = KeyColumn.all(version)
        table = try await ManifestTable(
            version, properties: properties, columns: KeyColumn.schema(version),
            scheme: scheme)
    }

    /// The same table after an upgrade, which leaves its columns as they are.
    init(upgrading other: KeyedTable, to table: ManifestTable) {
        self.table = table
        version = other.version
        columns = other.columns
        deletes.withLock { mine in mine = other.deletes.withLock { $0 } }
        nextID.withLock { mine in mine = other.nextID.withLock { $0 } }
    }

    // MARK: Writing

    /// Rows with ids of their own.
    func rows(_ count: Int, _ random: inout SeededGenerator) -> [Row] {
        (0..<count).map { _ in
            var row: Row = [:]
            for column in columns { row[column] = column.value(&random) }
            row[.id] = .integer(
                nextID.withLock { next in
                    next += 1
                    return next
                })
            return row
        }
    }

    private func store(_ bytes: [UInt8], _ name: String) async throws -> (String, Int64) {
        let location = Location("\(table.location)/data/\(UUID().uuidString)-\(name)")
        let info = try await table.storage.write(bytes, to: location, condition: .absent)
        return (location.rawValue, info.size)
    }

    private func parquet(
        _ columns: [KeyColumn], _ rows: [Row], isOld: Bool
    ) async throws -> [UInt8] {
        var writer = try ParquetWriter(
            ParquetSchema(columns.map { $0.field(isOld: isOld) }),
            settings: ParquetWriteSettings(), to: ParquetMemorySink())
        let batches = columns.map { column in
            column.batch(rows.map { $0[column] ?? .null }, isOld: isOld)
        }
        try await writer.write(batches)
        return try await writer.finish().1.bytes
    }

    private func avro(_ columns: [KeyColumn], _ rows: [Row], isOld: Bool) throws -> [UInt8] {
        var writer = try AvroFileWriter(
            schema: [
                "type": "record", "name": "table",
                "fields": .array(columns.map { $0.avroField(isOld: isOld) }),
            ], blockBytes: 64)
        for row in rows {
            try writer.append { encoder in
                for column in columns {
                    column.write(row[column] ?? .null, isOld: isOld, to: &encoder)
                }
            }
        }
        return try writer.finish()
    }

    private static func partition(_ region: String?) -> [PartitionValue?] {
        region.map { [.string($0)] } ?? []
    }

    /// Writes a data file; an old one lacks some columns and has others narrower.
    ///
    /// - Parameter lacking: Columns that it lacks besides.
    func dataEntry(
        _ rows: [Row], region: String?, isOld: Bool = false, hasBounds: Bool = false,
        lacking: Set<KeyColumn> = [], format: FileFormat = .parquet
    ) async throws -> CompleteEntry {
        let columns = columns.filter { !lacking.contains($0) && (!isOld || $0 != .later) }
        let bytes =
            format == .avro
            ? try avro(columns, rows, isOld: isOld)
            : try await parquet(columns, rows, isOld: isOld)
        let (path, size) = try await store(bytes, "rows.\(format.rawValue)")
        if format == .avro { note(rows, with: columns, of: path) }
        var entry = ManifestTable.entry(
            Self.partition(region), rows: Int64(rows.count), path: path)
        entry.entry.dataFile.fileSizeInBytes = size
        entry.entry.dataFile.fileFormat = format
        entry.metrics = hasBounds ? Self.metrics(columns, rows, isOld: isOld) : ColumnMetrics()
        return entry
    }

    private func note(_ rows: [Row], with columns: [KeyColumn], of path: String) {
        let rows = rows.map { row in
            var row = row
            for column in self.columns where !columns.contains(column) {
                row[column] = column.missing(version)
            }
            return row
        }
        avroRows.withLock { $0[path] = rows }
    }

    /// Commits a data file.
    @discardableResult
    func addRows(
        _ rows: [Row], region: String?, isOld: Bool = false, hasBounds: Bool = false,
        format: FileFormat = .parquet
    ) async throws -> String {
        let entry = try await dataEntry(
            rows, region: region, isOld: isOld, hasBounds: hasBounds, format: format)
        try await table.append([entry], specID: region == nil ? 0 : 1)
        return entry.entry.dataFile.filePath
    }

    /// Commits an equality delete file.
    @discardableResult
    func delete(
        _ rows: [Row], by columns: [KeyColumn], region: String?, format: FileFormat = .parquet,
        isOld: Bool = false, hasBounds: Bool = false
    ) async throws -> String {
        let entry = try await deleteEntry(
            rows, by: columns, region: region, format: format, isOld: isOld,
            hasBounds: hasBounds)
        try await table.append([entry], specID: region == nil ? 0 : 1, content: .deletes)
        return entry.entry.dataFile.filePath
    }

    /// Writes an equality delete file.
    func deleteEntry(
        _ rows: [Row], by columns: [KeyColumn], region: String?, format: FileFormat = .parquet,
        isOld: Bool = false, hasBounds: Bool = false
    ) async throws -> CompleteEntry {
        // Bytes beside the key make no difference.
        let written = columns.contains(.code) ? columns : columns + [.code]
        let bytes =
            format == .avro
            ? try avro(written, rows, isOld: isOld)
            : try await parquet(written, rows, isOld: isOld)
        let (path, size) = try await store(bytes, "deletes.\(format.rawValue)")
        deletes.withLock { deletes in
            deletes[path] = Deletes(
                columns: columns,
                keys: Set(rows.map { row in columns.map { row[$0] ?? .null } }))
        }
        var entry = ManifestTable.entry(
            Self.partition(region), rows: Int64(rows.count), content: .equalityDeletes,
            path: path)
        entry.entry.dataFile.fileSizeInBytes = size
        entry.entry.dataFile.fileFormat = format
        entry.entry.dataFile.equalityIDs = columns.map(\.rawValue)
        entry.metrics = hasBounds ? Self.metrics(columns, rows, isOld: isOld) : ColumnMetrics()
        return entry
    }

    /// Commits position deletes of one data file, from version 3 on as its deletion vector.
    func deletePositions(_ some: [Int64], of path: String, region: String?) async throws {
        var entry =
            table.version < .v3
            ? try await table.deleteFile(
                some.map { (path, $0) }, region: region ?? "", names: true,
                specID: region == nil ? 0 : 1)
            : try await table.vectorFile(
                path, some.map { UInt16($0) }, region: region ?? "")
        entry.partition = Self.partition(region)
        try await table.append([entry], specID: region == nil ? 0 : 1, content: .deletes)
    }

    private static func metrics(
        _ columns: [KeyColumn], _ rows: [Row], isOld: Bool
    ) -> ColumnMetrics {
        var metrics = ColumnMetrics()
        metrics.valueCounts = []
        metrics.nullValueCounts = []
        metrics.lowerBounds = []
        metrics.upperBounds = []
        for column in columns {
            let all = rows.map { $0[column] ?? .null }
            let nulls = all.count { $0 == .null }
            metrics.valueCounts?.append(ColumnFact(id: column.rawValue, value: Int64(all.count)))
            metrics.nullValueCounts?.append(ColumnFact(id: column.rawValue, value: Int64(nulls)))
            let bounds = all.compactMap { bound($0, column, isOld: isOld) }
                .sorted { $0.precedes($1) }
            guard let lower = bounds.first, let upper = bounds.last else { continue }
            metrics.lowerBounds?.append(
                ColumnFact(id: column.rawValue, value: lower.serialized))
            metrics.upperBounds?.append(
                ColumnFact(id: column.rawValue, value: upper.serialized))
        }
        return metrics
    }

    private static func bound(
        _ value: KeyCell, _ column: KeyColumn, isOld: Bool
    ) -> PartitionValue? {
        switch value {
        case .null, .boolean: nil
        case .integer(let number):
            column == .day || column == .inner || column == .count && isOld
                ? .int(Int32(truncatingIfNeeded: number)) : .long(number)
        case .number(let bits):
            Double(bitPattern: bits).isNaN ? nil : .double(Double(bitPattern: bits))
        case .decimal(let number): .decimal(unscaled: KeyColumn.bigEndian(number, 8))
        case .bytes(let bytes):
            column == .name || column == .region
                ? .string(String(decoding: bytes, as: UTF8.self)) : .bytes(bytes)
        }
    }

    // MARK: Looking

    /// Every row of the current snapshot by the rules of the specification, by id.
    func rows() async throws -> [Row] {
        let entries = try await table.entries().values
        let known = deletes.withLock { $0 }
        let positions = try await positionDeletes(entries)
        var rows: [Row] = []
        for entry in entries where entry.entry.dataFile.content == .data {
            let path = entry.entry.dataFile.filePath
            let age = entry.entry.sequenceNumber ?? 0
            let applying = entries.compactMap { delete -> Deletes? in
                guard delete.entry.dataFile.content == .equalityDeletes,
                    delete.entry.sequenceNumber ?? 0 > age,
                    delete.partition.isEmpty || delete.partition == entry.partition
                else { return nil }
                return known[delete.entry.dataFile.filePath]
            }
            let lost = Self.positions(deletedFrom: entry, by: positions)
            for (position, row) in try await self.rows(of: path).enumerated()
            where !lost.contains(Int64(position)) {
                let isDeleted = applying.contains { deletes in
                    deletes.keys.contains(deletes.columns.map { row[$0] ?? .null })
                }
                if !isDeleted { rows.append(row) }
            }
        }
        return rows.sorted { Self.id($0) < Self.id($1) }
    }

    private typealias PositionDelete = (
        entry: CompleteEntry, deletes: [(path: String, position: Int64)]
    )

    private func positionDeletes(
        _ entries: some Sequence<CompleteEntry>
    ) async throws -> [PositionDelete] {
        var found: [PositionDelete] = []
        for entry in entries where entry.entry.dataFile.content == .positionDeletes {
            found.append((entry, try await table.deletes(in: entry)))
        }
        return found
    }

    /// What position deletes delete from a data file; a vector alone counts where there is one.
    private static func positions(
        deletedFrom data: CompleteEntry, by all: [PositionDelete]
    ) -> Set<Int64> {
        let path = data.entry.dataFile.filePath
        let applying = all.filter { delete in
            delete.entry.partition == data.partition
                && delete.entry.entry.sequenceNumber ?? 0 >= data.entry.sequenceNumber ?? 0
        }
        let vectors = applying.filter { delete in
            delete.entry.entry.dataFile.fileFormat == .puffin
                && delete.entry.entry.dataFile.referencedDataFile == path
        }
        let counting = vectors.isEmpty ? applying : vectors
        return Set(counting.flatMap(\.deletes).filter { $0.path == path }.map(\.position))
    }

    private static func id(_ row: Row) -> Int64 {
        if case .integer(let id)? = row[.id] { id } else { .min }
    }

    func rows(of path: String) async throws -> [Row] {
        if let known = avroRows.withLock({ $0[path] }) { return known }
        let bytes = try await table.storage.read(Location(path), limit: 1 << 26)
        let file = try await ParquetFile(opening: ParquetMemorySource(bytes))
        var rows = [Row](repeating: [:], count: Int(file.rowCount))
        for column in columns {
            guard
                let index = file.schema.columns.firstIndex(where: {
                    $0.fieldID == column.rawValue
                })
            else {
                for row in rows.indices { rows[row][column] = column.missing(version) }
                continue
            }
            var values: [KeyCell] = []
            for group in file.rowGroups.indices {
                values += KeyColumn.values(
                    try await file.readColumn(rowGroup: group, column: index),
                    of: file.schema.columns[index])
            }
            for (row, value) in values.enumerated() { rows[row][column] = value }
        }
        return rows
    }

    /// How many pairs there are of an equality delete file and a data file that it applies to.
    func applyingDeletes() async throws -> Int {
        let entries = try await table.entries().values
        return entries.reduce(0) { count, delete in
            guard delete.entry.dataFile.content == .equalityDeletes else { return count }
            return count
                + entries.count {
                    $0.entry.dataFile.content == .data
                        && $0.entry.sequenceNumber ?? 0 < delete.entry.sequenceNumber ?? 0
                        && (delete.partition.isEmpty || delete.partition == $0.partition)
                }
        }
    }

    /// How many delete files there are, by content.
    func deleteCounts() async throws -> [DataFileContent: Int] {
        try await table.entries().values.reduce(into: [:]) { counts, entry in
            let content = entry.entry.dataFile.content
            if content != .data { counts[content, default: 0] += 1 }
        }
    }
}
