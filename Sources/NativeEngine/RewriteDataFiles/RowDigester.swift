// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage
import ParquetFormat

/// Digests one column over several files, whose rows follow each other.
struct RowDigester<Storage: ObjectStorage> {
    typealias File = ParquetFile<DataFileSource<Storage>>

    /// The column of the new files.
    let leaf: ParquetColumn
    private(set) var digest = ColumnDigest()
    /// How many rows that stay came before.
    private var kept: Int64 = 0

    init(_ leaf: ParquetColumn) { self.leaf = leaf }

    /// A file's rows, seen as an expectation has them.
    ///
    /// - Parameter deleted: Positions of rows that do not count, ascending.
    mutating func add(
        _ file: File, _ expectation: ColumnExpectation, deleted: [Int64]
    ) async throws(ParquetReadError<MaintenanceError>) {
        var cursor = DigestCursor(expectation, leaf, deleted: deleted, kept: kept)
        for group in file.rowGroups.indices {
            switch expectation.origin {
            case .rows:
                cursor.add(rows: file.rowGroups[group].rowCount, to: &digest)
            case .column(let index), .group(levelsOf: let index, _, _):
                var reader: ColumnReader<DataFileSource<Storage>>
                do throws(ParquetError) {
                    reader = try ColumnReader(file, rowGroup: group, column: index)
                } catch { throw .format(error) }
                let kind = PlainMeaning.kind(of: file.schema.columns[index], beside: leaf)
                while let batch = try await reader.next() {
                    cursor.add(batch, kind, to: &digest)
                }
            }
        }
        kept = cursor.kept
    }

    /// Rows that are in no file yet, of a schema that has the column as it is.
    mutating func add(_ batch: ColumnBatch, of schema: ParquetSchema) {
        let expectation = ColumnExpectation(
            leaf, of: schema, in: schema, fill: nil, fillsNulls: false)
        var cursor = DigestCursor(expectation, leaf, deleted: [], kept: kept)
        cursor.add(batch, PlainMeaning.kind(of: leaf, beside: leaf), to: &digest)
        kept = cursor.kept
    }
}

/// Where in a file's rows digesting is.
private struct DigestCursor {
    private let expectation: ColumnExpectation
    private let leaf: ParquetColumn
    private let deleted: [Int64]
    /// How many rows that stay came before the current one.
    private(set) var kept: Int64
    /// The ordinal in the file of the next row that begins.
    private var nextRow: Int64 = 0
    private var nextDeleted = 0
    private var isKept = false
    private var place: Int64 = 0

    init(
        _ expectation: ColumnExpectation, _ leaf: ParquetColumn, deleted: [Int64], kept: Int64
    ) {
        self.expectation = expectation
        self.leaf = leaf
        self.deleted = deleted
        self.kept = kept
    }

    /// Begins the next row.
    @inline(__always)
    private mutating func beginRow(_ digest: inout ColumnDigest) {
        isKept = true
        if nextDeleted < deleted.count, deleted[nextDeleted] == nextRow {
            nextDeleted += 1
            isKept = false
        }
        nextRow += 1
        place = 0
        guard isKept else { return }
        kept += 1
        digest.beginRow()
    }

    /// Rows of a column that the file does not have.
    mutating func add(rows: Int64, to digest: inout ColumnDigest) {
        for _ in 0..<rows {
            beginRow(&digest)
            guard isKept else { continue }
            addFill(presence: expectation.presence[0], to: &digest)
        }
    }

    private mutating func addFill(presence: UInt32, to digest: inout ColumnDigest) {
        let isNull = expectation.fill == .null
        var entry = ColumnDigest.entry(
            row: kept - 1, place: place,
            presence: isNull ? presence : expectation.wholePresence)
        place += 1
        switch expectation.fill {
        case .null: break
        case .constant(let bytes):
            PlainMeaning.absorb(constant: bytes, of: leaf, into: &entry)
        case .rowOrdinals(let first):
            entry.absorb(UInt64(bitPattern: first &+ (nextRow - 1)))
        }
        digest.add(entry)
    }

    mutating func add(
        _ batch: ColumnBatch, _ kind: PlainMeaning.Kind, to digest: inout ColumnDigest
    ) {
        var maximum = UInt8(truncatingIfNeeded: expectation.presence.count - 1)
        var limit = UInt8.max
        var isGroup = false
        if case .group(_, let repetition, let definition) = expectation.origin {
            isGroup = true
            limit = UInt8(truncatingIfNeeded: repetition)
            maximum = UInt8(truncatingIfNeeded: definition)
        }
        var value = 0
        for index in 0..<batch.count {
            let repetition = batch.repetitionLevels.isEmpty ? 0 : batch.repetitionLevels[index]
            let definition =
                batch.definitionLevels.isEmpty ? maximum : batch.definitionLevels[index]
            if repetition == 0 { beginRow(&digest) }
            let isThere = definition >= maximum
            defer { if isThere, !isGroup { value += 1 } }
            guard isKept, repetition <= limit else { continue }
            let presence = expectation.presence[Int(min(definition, maximum))]
            if isThere, !isGroup {
                var entry = ColumnDigest.entry(row: kept - 1, place: place, presence: presence)
                place += 1
                PlainMeaning.absorb(batch.values, value, kind, into: &entry)
                digest.add(entry)
            } else if isThere || !isGroup && expectation.fillsNulls {
                addFill(presence: presence, to: &digest)
            } else {
                addNull(presence, to: &digest)
            }
        }
    }

    private mutating func addNull(_ presence: UInt32, to digest: inout ColumnDigest) {
        digest.add(ColumnDigest.entry(row: kept - 1, place: place, presence: presence))
        place += 1
    }
}
