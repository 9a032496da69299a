// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage
import ParquetFormat

/// Reads the keys of a Parquet file's rows.
struct ParquetKeys<Storage: ObjectStorage>: Sendable {
    typealias File = ParquetFile<DataFileSource<Storage>>

    /// Where a column of the key comes from.
    enum Origin: Sendable {
        case column(Int, KeyMeaning)
        /// One value for all rows, as ``KeyValues`` has it.
        case constant([UInt8])
    }

    let file: File
    let origins: [Origin]

    /// How many rows are put together at once.
    static var batchSize: Int { 4096 }

    /// Finds the columns in a file.
    ///
    /// - Parameters:
    ///   - schema: The file's schema with all field ids.
    ///   - constant: What stands for a column that the file lacks.
    init(
        _ file: File, _ schema: ParquetSchema, _ columns: EqualityColumns,
        constant: (EqualityColumn) throws(Unsupported) -> [UInt8]
    ) throws(Unsupported) {
        self.file = file
        var origins: [Origin] = []
        for column in columns.columns {
            if let index = schema.columns.firstIndex(where: { $0.fieldID == column.id }) {
                let meaning = try KeyMeaning(schema.columns[index], as: column.type)
                origins.append(.column(index, meaning))
            } else {
                guard !schema.nodes.contains(where: { $0.fieldID == column.id }) else {
                    throw Unsupported(reason: "\(column.name) has no values of its own there")
                }
                origins.append(.constant(try constant(column)))
            }
        }
        self.origins = origins
    }

    /// Visits the keys of all rows in order, until the body says that this is enough.
    ///
    /// - Parameter body: Given the ordinal of the first row.
    func forEachBatch(
        _ body: (KeyBatch, Int64) throws(GroupFailure) -> Bool
    ) async throws(GroupFailure) {
        var first: Int64 = 0
        for group in file.rowGroups.indices {
            var cursors: [KeyCursor<Storage>] = []
            do throws(ParquetError) {
                for origin in origins {
                    cursors.append(try KeyCursor(file, rowGroup: group, origin))
                }
            } catch {
                throw GroupFailure(.format(error), in: file.source.location.rawValue)
            }
            var left = file.rowGroups[group].rowCount
            while left > 0 {
                let batch = try await batch(of: &cursors, left: left)
                guard try body(batch, first) else { return }
                first += Int64(batch.count)
                left -= Int64(batch.count)
            }
        }
    }

    private func batch(
        of cursors: inout [KeyCursor<Storage>], left: Int64
    ) async throws(GroupFailure) -> KeyBatch {
        do throws(ParquetReadError<MaintenanceError>) {
            var count = Int(min(left, Int64(Self.batchSize)))
            for index in cursors.indices {
                count = min(count, try await cursors[index].fill())
            }
            for index in cursors.indices {
                do throws(ParquetError) { try cursors[index].take(count) } catch {
                    throw .format(error)
                }
            }
            return KeyBatch(cursors.map(\.values), count: count)
        } catch {
            throw GroupFailure(error, in: file.source.location.rawValue)
        }
    }
}

/// Where in a column of a row group reading is.
private struct KeyCursor<Storage: ObjectStorage> {
    /// Nil for a column that the file lacks.
    private var reader: ColumnReader<DataFileSource<Storage>>?
    private var meaning = KeyMeaning.bytes
    private var constant: [UInt8] = []
    private var batch: ColumnBatch?
    private var entry = 0
    private var value = 0
    /// The values of the rows that were taken last.
    private(set) var values = KeyValues()

    init(
        _ file: ParquetKeys<Storage>.File, rowGroup: Int, _ origin: ParquetKeys<Storage>.Origin
    ) throws(ParquetError) {
        switch origin {
        case .constant(let bytes): constant = bytes
        case .column(let index, let meaning):
            reader = try ColumnReader(file, rowGroup: rowGroup, column: index)
            self.meaning = meaning
        }
    }

    /// Brings the next page where the last is done, and tells how many rows are there.
    mutating func fill() async throws(ParquetReadError<MaintenanceError>) -> Int {
        while reader != nil {
            if let batch, entry < batch.count { return batch.count - entry }
            guard let next = try await reader?.next() else {
                throw .format(.incompatible(reason: "a column has fewer rows than its row group"))
            }
            (batch, entry, value) = (next, 0, 0)
        }
        return .max
    }

    /// Takes the values of the next rows, as many of which are there.
    mutating func take(_ count: Int) throws(ParquetError) {
        values.removeAll()
        guard let batch, let reader else {
            for _ in 0..<count { values.append(encoded: constant) }
            return
        }
        try values.append(
            batch, entry..<entry + count, value: &value,
            maximum: UInt8(truncatingIfNeeded: reader.column.maximumDefinitionLevel), meaning)
        entry += count
    }
}
