// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage
import ParquetFormat

/// Takes the entries of a column, row after row.
protocol RowEntries {
    /// Begins the next row that stays.
    mutating func beginRow()
    /// Adds an entry of the current row: what stands for its value, its place in the row, and what
    /// stands for how present it is.
    mutating func add(_ token: UInt64, place: Int64, key: UInt64)
    /// Adds rows of one value each.
    mutating func addRows(_ tokens: ArraySlice<UInt64>, key: UInt64)
    /// Adds rows of one value each, whose tokens are at some positions among others.
    mutating func addRows(_ positions: ArraySlice<UInt32>, of tokens: [UInt64], key: UInt64)
}

/// Where in a file's rows digesting is.
struct DigestCursor {
    private let expectation: ColumnExpectation
    private let leaf: ParquetColumn
    /// What stands for how present an entry is, by its definition level.
    private let keys: [UInt64]
    private let wholeKey: UInt64
    private let deleted: [Int64]
    /// The ordinal in the file of the next row that begins.
    private var nextRow: Int64
    private var nextDeleted = 0
    private var isKept = false
    private var place: Int64 = 0

    /// - Parameters:
    ///   - deleted: The ordinals of rows that do not count, ascending, none below the first row.
    ///   - firstRow: The ordinal of the first row that is read.
    init(
        _ expectation: ColumnExpectation, _ leaf: ParquetColumn, deleted: [Int64],
        firstRow: Int64 = 0
    ) {
        self.expectation = expectation
        self.leaf = leaf
        keys = expectation.presence.map { OrderedDigest.key(presence: $0) }
        wholeKey = OrderedDigest.key(presence: expectation.wholePresence)
        self.deleted = deleted
        nextRow = firstRow
    }

    /// The rows of a row group, which follow those that came before.
    mutating func add<Storage: ObjectStorage>(
        _ file: ParquetFile<DataFileSource<Storage>>, rowGroup: Int,
        to entries: inout some RowEntries
    ) async throws(ParquetReadError<MaintenanceError>) {
        switch expectation.origin {
        case .rows: add(rows: file.rowGroups[rowGroup].rowCount, to: &entries)
        case .column(let index), .group(levelsOf: let index, _, _):
            let kind = PlainMeaning.kind(of: file.schema.columns[index], beside: leaf)
            var reader: ColumnReader<DataFileSource<Storage>>
            do throws(ParquetError) {
                reader = try ColumnReader(file, rowGroup: rowGroup, column: index)
            } catch { throw .format(error) }
            while let batch = try await reader.nextTokens({ PlainMeaning.tokens(of: $0, kind) }) {
                add(batch, to: &entries)
            }
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
            addFill(key: keys[0], to: &entries)
        }
    }

    private mutating func addFill(key: UInt64, to entries: inout some RowEntries) {
        let token: UInt64
        switch expectation.fill {
        case .null: return addNull(key, to: &entries)
        case .constant(let bytes): token = PlainMeaning.token(constant: bytes, of: leaf)
        case .rowOrdinals(let first): token = PlainMeaning.token(first &+ (nextRow - 1))
        }
        entries.add(token, place: place, key: wholeKey)
        place += 1
    }

    @inline(__always)
    private mutating func addNull(_ key: UInt64, to entries: inout some RowEntries) {
        entries.add(0, place: place, key: key)
        place += 1
    }

    /// The rows of a batch.
    @specialized(where Entries == OrderedEntries)
    @specialized(where Entries == BoundEntries)
    mutating func add<Entries: RowEntries>(_ batch: TokenBatch, to entries: inout Entries) {
        let present = batch.positions?.count ?? batch.tokens.count
        guard case .column = expectation.origin, batch.repetitionLevels.isEmpty,
            present == batch.count, let key = keys.last
        else { return addEach(batch, to: &entries) }
        var done = 0
        while done < present {
            // Up to the next row that is deleted.
            var stay = present - done
            if nextDeleted < deleted.count {
                stay = min(stay, max(0, Int(clamping: deleted[nextDeleted] - nextRow)))
            }
            if let positions = batch.positions {
                entries.addRows(positions[done..<done + stay], of: batch.tokens, key: key)
            } else {
                entries.addRows(batch.tokens[done..<done + stay], key: key)
            }
            nextRow += Int64(stay)
            done += stay
            guard done < present else { break }
            nextDeleted += 1
            nextRow += 1
            done += 1
        }
    }

    /// The same where rows may have nulls or several values.
    @inline(__always)
    private mutating func addEach(
        _ batch: TokenBatch, to entries: inout some RowEntries
    ) {
        var maximum = UInt8(truncatingIfNeeded: keys.count - 1)
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
            let key = keys[Int(min(definition, maximum))]
            if isThere, !isGroup {
                let index = batch.positions.map { Int($0[value]) } ?? value
                entries.add(batch.tokens[index], place: place, key: key)
                place += 1
            } else if isThere || !isGroup && expectation.fillsNulls {
                addFill(key: key, to: &entries)
            } else {
                addNull(key, to: &entries)
            }
        }
    }
}
