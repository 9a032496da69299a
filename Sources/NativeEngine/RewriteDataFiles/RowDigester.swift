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
    var digest: ColumnDigest { entries.digest }

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
        cursor.add(batch, PlainMeaning.kind(of: leaf, beside: leaf), to: &entries)
    }
}

/// Entries that go with their row's place among the rows that stay.
struct OrderedEntries: RowEntries {
    private(set) var digest = ColumnDigest()
    private var kept: Int64 = 0

    @inline(__always)
    mutating func beginRow() {
        kept += 1
        digest.beginRow()
    }

    @inline(__always)
    func entry(place: Int64, presence: UInt32) -> ColumnDigest.Entry {
        ColumnDigest.entry(row: kept - 1, place: place, presence: presence)
    }

    @inline(__always)
    mutating func add(_ entry: ColumnDigest.Entry) { digest.add(entry) }
}
