// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage
import ParquetFormat
import RowSets

/// Digests columns over files whose rows may be in any order.
///
/// Every column has the sum of its values. Beside that all values of a row make one number, and
/// these are summed as well: a value that went to another row changes that sum.
struct UnorderedDigests<Storage: ObjectStorage> {
    typealias File = ParquetFile<DataFileSource<Storage>>

    /// The columns of the new files that are looked at.
    private let leaves: [ParquetColumn]
    /// How many rows are looked at together: each column is decoded once for each so many rows of
    /// a row group.
    private let rowsAtOnce: Int
    /// By column, in their order.
    private(set) var columns: [ColumnDigest]
    /// Of the rows as a whole.
    private(set) var rows = ColumnDigest()

    init(_ leaves: [ParquetColumn], rowsAtOnce: Int) {
        self.leaves = leaves
        self.rowsAtOnce = max(rowsAtOnce, 1)
        columns = leaves.map { _ in ColumnDigest() }
    }

    /// A file's rows, seen as expectations have them, one for each column.
    ///
    /// - Parameter deleted: Positions of rows that do not count.
    mutating func add(
        _ file: File, _ expectations: [ColumnExpectation], deleted: RowPositions
    ) async throws(ParquetReadError<MaintenanceError>) {
        var firstRow: Int64 = 0
        for group in file.rowGroups.indices {
            let endRow = firstRow + file.rowGroups[group].rowCount
            let gone = deleted.elements(in: firstRow..<endRow)
            let kept = Int(endRow - firstRow) - gone.count
            for start in stride(from: 0, to: kept, by: rowsAtOnce) {
                let window = start..<min(start + rowsAtOnce, kept)
                var tokens = [UInt64](repeating: 0, count: window.count)
                for index in leaves.indices {
                    var entries = BoundEntries(
                        column: index, window: window, tokens: tokens, digest: columns[index])
                    tokens = []
                    var cursor = DigestCursor(
                        expectations[index], leaves[index], deleted: gone, firstRow: firstRow)
                    try await cursor.add(file, rowGroup: group, to: &entries)
                    tokens = entries.tokens
                    columns[index] = entries.digest
                }
                add(tokens)
            }
            firstRow = endRow
        }
    }

    private mutating func add(_ tokens: [UInt64]) {
        for token in tokens {
            var entry = ColumnDigest.entry(row: 0, place: 0, presence: 0)
            entry.absorb(token)
            rows.add(entry)
        }
    }
}

/// Entries that go with their column, and with the others of their row.
struct BoundEntries: RowEntries {
    let column: Int
    /// The rows that count, among those of the row group that stay.
    let window: Range<Int>
    /// What the entries of each of these rows amount to.
    private(set) var tokens: [UInt64]
    private(set) var digest: ColumnDigest
    private var row = -1

    init(column: Int, window: Range<Int>, tokens: [UInt64], digest: ColumnDigest) {
        self.column = column
        self.window = window
        self.tokens = tokens
        self.digest = digest
    }

    @inline(__always)
    mutating func beginRow() {
        row += 1
        if window.contains(row) { digest.beginRow() }
    }

    @inline(__always)
    mutating func add(_ token: UInt64, place: Int64, key: UInt64) {
        guard window.contains(row) else { return }
        var entry = ColumnDigest.entry(row: Int64(column), place: place, presence: 0)
        entry.absorb(token &+ key)
        tokens[row - window.lowerBound] &+= digest.add(entry)
    }

    @inline(__always)
    mutating func addRows(_ tokens: ArraySlice<UInt64>, key: UInt64) {
        for token in tokens {
            beginRow()
            add(token, place: 0, key: key)
        }
    }

    @inline(__always)
    mutating func addRows(_ positions: ArraySlice<UInt32>, of tokens: [UInt64], key: UInt64) {
        for position in positions {
            beginRow()
            add(tokens[Int(position)], place: 0, key: key)
        }
    }
}
