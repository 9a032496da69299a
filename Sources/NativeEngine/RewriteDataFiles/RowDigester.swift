// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage
import ParquetFormat
import RowSets

/// Digests one column over several files, whose rows follow each other.
struct RowDigester<Storage: ObjectStorage> {
    typealias File = ParquetFile<DataFileSource<Storage>>

    /// The column of the new files.
    let leaf: ParquetColumn
    private var entries = OrderedEntries()

    init(_ leaf: ParquetColumn) { self.leaf = leaf }

    /// The digest of all rows so far.
    var digest: OrderedDigest { entries.digest }

    /// A file's rows, seen as an expectation has them.
    ///
    /// - Parameter deleted: Positions of rows that do not count.
    mutating func add(
        _ file: File, _ expectation: ColumnExpectation, deleted: RowPositions
    ) async throws(ParquetReadError<MaintenanceError>) {
        var first: Int64 = 0
        for (index, group) in file.rowGroups.enumerated() {
            let rows = first..<first + group.rowCount
            var cursor = DigestCursor(
                expectation, leaf, deleted: deleted.elements(in: rows), firstRow: first)
            try await cursor.add(file, rowGroup: index, to: &entries)
            first = rows.upperBound
        }
    }

    /// Rows that are in no file yet, of a schema that has the column as it is.
    mutating func add(_ batch: ColumnBatch, of schema: ParquetSchema) {
        let expectation = ColumnExpectation(
            leaf, of: schema, in: schema, fill: nil, fillsNulls: false)
        var cursor = DigestCursor(expectation, leaf, deleted: [])
        let tokens = PlainMeaning.tokens(
            of: batch.values, PlainMeaning.kind(of: leaf, beside: leaf))
        cursor.add(TokenBatch(batch, tokens: tokens), to: &entries)
    }
}

/// Entries that go with their row's place among the rows that stay.
struct OrderedEntries: RowEntries {
    private(set) var digest = OrderedDigest()

    @inline(__always)
    mutating func beginRow() { digest.beginRow() }

    @inline(__always)
    mutating func add(_ token: UInt64, place: Int64, key: UInt64) {
        digest.add(token, place: place, key: key)
    }

    @inline(__always)
    mutating func addRows(_ tokens: ArraySlice<UInt64>, key: UInt64) {
        digest.addRows(tokens, key: key)
    }

    @inline(__always)
    mutating func addRows(_ positions: ArraySlice<UInt32>, of tokens: [UInt64], key: UInt64) {
        digest.addRows(positions, of: tokens, key: key)
    }
}
