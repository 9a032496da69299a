// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage
import ParquetFormat

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
    /// - Parameter deleted: Positions of rows that do not count, ascending.
    mutating func add(
        _ file: File, _ expectation: ColumnExpectation, deleted: [Int64]
    ) async throws(ParquetReadError<MaintenanceError>) {
        var cursor = DigestCursor(expectation, leaf, deleted: deleted)
        for group in file.rowGroups.indices {
            try await cursor.add(file, rowGroup: group, to: &entries)
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
