// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import ParquetFormat

extension ColumnMetrics {
    /// What the manifest says of a new file's columns.
    ///
    /// - Parameter mode: How much is told of a column.
    init(of file: WrittenParquetFile, mode: (ParquetColumn) -> ParquetMetricsMode) {
        let columns = file.metrics(mode)
        func facts<Value>(
            _ value: (ParquetColumnMetrics) -> Value?
        ) -> [ColumnFact<Value>]? {
            let facts = columns.compactMap { column in
                column.fieldID.flatMap { id in value(column).map { ColumnFact(id: id, value: $0) } }
            }
            return facts.isEmpty ? nil : facts
        }
        self.init()
        columnSizes = facts { $0.size }
        valueCounts = facts(\.valueCount)
        nullValueCounts = facts(\.nullCount)
        nanValueCounts = facts(\.nanCount)
        lowerBounds = facts(\.lowerBound)
        upperBounds = facts(\.upperBound)
    }
}
