// SPDX-License-Identifier: Apache-2.0

import ParquetFormat
import SortedRuns

/// Rows in order, a block of one partition at a time.
///
/// A class, because it is a place in sorted records; used by one caller at a time.
final class SortedRows {
    /// The number of the partition that the next row belongs to; nil after the last row.
    private(set) var partition: Int?
    /// How many sorted runs were put on disk.
    let spilledRuns: Int

    private let records: SortedRecords
    private let layouts: [RowLayout]
    private let blockBytes: Int

    /// The most rows of a block.
    private static let blockRows = 4096

    init(
        _ records: SortedRecords, _ layouts: [RowLayout], spilledRuns: Int, blockBytes: Int
    ) throws(SortedRunsError) {
        self.records = records
        self.layouts = layouts
        self.spilledRuns = spilledRuns
        self.blockBytes = blockBytes
        try advance()
    }

    private func advance() throws(SortedRunsError) {
        partition =
            try records.advance()
            ? records.withCurrent { key, _ in RowKeys.partition(of: key) } : nil
    }

    /// The next rows of the current partition, one batch for each column.
    ///
    /// - Parameter limit: The bytes after which no more rows are taken: a row group ends with whole
    ///   batches, so small ones need small batches (P-50).
    func next(bytes limit: Int64) throws(SortedRunsError) -> [ColumnBatch] {
        let most = min(Int64(blockBytes), limit)
        let current = partition
        var bytes: [UInt8] = []
        var places: [Int] = []
        while partition == current, current != nil, places.count < Self.blockRows,
            bytes.count < most
        {
            places.append(bytes.count)
            records.withCurrent { _, row in bytes.append(contentsOf: row) }
            try advance()
        }
        return bytes.withUnsafeBytes { bytes in
            layouts.map { $0.batch(bytes, &places) }
        }
    }
}
