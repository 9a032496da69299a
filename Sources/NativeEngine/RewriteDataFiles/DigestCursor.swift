// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage
import ParquetFormat

/// Takes the entries of a column, row after row.
protocol RowEntries {
    /// Begins the next row that stays.
    mutating func beginRow()
    /// Begins an entry of the current row: its place in that, and how present it is.
    func entry(place: Int64, presence: UInt32) -> ColumnDigest.Entry
    mutating func add(_ entry: ColumnDigest.Entry)
}

/// Where in a file's rows digesting is.
struct DigestCursor {
    private let expectation: ColumnExpectation
    private let leaf: ParquetColumn
    private let deleted: [Int64]
    /// The ordinal in the file of the next row that begins.
    private var nextRow: Int64
    private var nextDeleted: Int
    private var isKept = false
    private var place: Int64 = 0

    /// - Parameters:
    ///   - deleted: The ordinals of rows that do not count, ascending.
    ///   - firstRow: The ordinal of the first row that is read.
    ///   - deletedBefore: How many of the deleted rows are before that.
    init(
        _ expectation: ColumnExpectation, _ leaf: ParquetColumn, deleted: [Int64],
        firstRow: Int64 = 0, deletedBefore: Int = 0
    ) {
        self.expectation = expectation
        self.leaf = leaf
        self.deleted = deleted
        nextRow = firstRow
        nextDeleted = deletedBefore
    }

    /// The rows of a row group, which follow those that came before.
    mutating func add<Storage: ObjectStorage>(
        _ file: ParquetFile<DataFileSource<Storage>>, rowGroup: Int,
        to entries: inout some RowEntries
    ) async throws(ParquetReadError<MaintenanceError>) {
        switch expectation.origin {
        case .rows: add(rows: file.rowGroups[rowGroup].rowCount, to: &entries)
        case .column(let index), .group(levelsOf: let index, _, _):
            var reader: ColumnReader<DataFileSource<Storage>>
            do throws(ParquetError) {
                reader = try ColumnReader(file, rowGroup: rowGroup, column: index)
            } catch { throw .format(error) }
            let kind = PlainMeaning.kind(of: file.schema.columns[index], beside: leaf)
            while let batch = try await reader.next() { add(batch, kind, to: &entries) }
        }
    }

    /// Begins the next row.
    @inline(__always)
    private mutating func beginRow(_ entries: inout some RowEntries) {
        isKept = true
        if nextDeleted < deleted.count, deleted[nextDeleted] == nextRow {
            nextDeleted += 1
            isKept = false
        }
        nextRow += 1
        place = 0
        guard isKept else { return }
        entries.beginRow()
    }

    /// Rows of a column that the file does not have.
    private mutating func add(rows: Int64, to entries: inout some RowEntries) {
        for _ in 0..<rows {
            beginRow(&entries)
            guard isKept else { continue }
            addFill(presence: expectation.presence[0], to: &entries)
        }
    }

    private mutating func addFill(presence: UInt32, to entries: inout some RowEntries) {
        let isNull = expectation.fill == .null
        var entry = entries.entry(
            place: place, presence: isNull ? presence : expectation.wholePresence)
        place += 1
        switch expectation.fill {
        case .null: break
        case .constant(let bytes):
            PlainMeaning.absorb(constant: bytes, of: leaf, into: &entry)
        case .rowOrdinals(let first):
            entry.absorb(UInt64(bitPattern: first &+ (nextRow - 1)))
        }
        entries.add(entry)
    }

    /// The rows of a batch.
    ///
    /// Specialized, and the type of the values is asked for once: with calls that are looked up for
    /// each value the proof took as long as four rewrites.
    @specialized(where Entries == OrderedEntries)
    @specialized(where Entries == BoundEntries)
    mutating func add<Entries: RowEntries>(
        _ batch: ColumnBatch, _ kind: PlainMeaning.Kind, to entries: inout Entries
    ) {
        switch (batch.values, kind) {
        case (.int32(let array), .plain):
            add(batch, to: &entries) { $1.absorb(UInt64(bitPattern: Int64(array[$0]))) }
        case (.int64(let array), .plain):
            add(batch, to: &entries) { $1.absorb(UInt64(bitPattern: array[$0])) }
        case (.double(let array), _):
            add(batch, to: &entries) { PlainMeaning.absorb(array[$0], into: &$1) }
        case (.byteArray(let array), .plain):
            add(batch, to: &entries) { $1.absorb(array.bytes, array.range(at: $0)) }
        default:
            add(batch, to: &entries) { PlainMeaning.absorb(batch.values, $0, kind, into: &$1) }
        }
    }

    /// - Parameter absorb: Absorbs the value at a place.
    @inline(__always)
    private mutating func add(
        _ batch: ColumnBatch, to entries: inout some RowEntries,
        _ absorb: (Int, inout ColumnDigest.Entry) -> Void
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
            if repetition == 0 { beginRow(&entries) }
            let isThere = definition >= maximum
            defer { if isThere, !isGroup { value += 1 } }
            guard isKept, repetition <= limit else { continue }
            let presence = expectation.presence[Int(min(definition, maximum))]
            if isThere, !isGroup {
                var entry = entries.entry(place: place, presence: presence)
                place += 1
                absorb(value, &entry)
                entries.add(entry)
            } else if isThere || !isGroup && expectation.fillsNulls {
                addFill(presence: presence, to: &entries)
            } else {
                addNull(presence, to: &entries)
            }
        }
    }

    @inline(__always)
    private mutating func addNull(_ presence: UInt32, to entries: inout some RowEntries) {
        entries.add(entries.entry(place: place, presence: presence))
        place += 1
    }
}
