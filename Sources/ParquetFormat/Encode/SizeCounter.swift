// SPDX-License-Identifier: Apache-2.0

/// Counts what the footer says of a chunk's levels and byte strings.
///
/// Histograms are left out where other counts tell the same: of repetition levels where nothing
/// repeats, of definition levels where there are but nulls and values.
struct SizeCounter {
    private var repetition: [Int64]
    private var definition: [Int64]
    private var bytes: Int64?

    init(_ column: ParquetColumn) {
        let (rows, nulls) = (column.maximumRepetitionLevel, column.maximumDefinitionLevel)
        repetition = rows > 0 ? [Int64](repeating: 0, count: rows + 1) : []
        definition = nulls > 1 || rows > 0 ? [Int64](repeating: 0, count: nulls + 1) : []
        bytes = column.type == .byteArray ? 0 : nil
    }

    /// Adds some of a batch that was checked against the column.
    mutating func add(_ batch: ColumnBatch, _ entries: Range<Int>, values: Range<Int>) {
        if !repetition.isEmpty {
            for level in batch.repetitionLevels[entries] { repetition[Int(level)] += 1 }
        }
        if !definition.isEmpty, !batch.definitionLevels.isEmpty {
            for level in batch.definitionLevels[entries] { definition[Int(level)] += 1 }
        } else if !definition.isEmpty {
            definition[0] += Int64(entries.count)
        }
        if let known = bytes {
            bytes = known + Int64(batch.values.plainSize(values) - 4 * values.count)
        }
    }

    /// What was counted, if anything is to be.
    var statistics: SizeStatistics? {
        guard bytes != nil || !repetition.isEmpty || !definition.isEmpty else { return nil }
        var statistics = SizeStatistics()
        statistics.unencodedByteArrayBytes = bytes
        statistics.repetitionLevelHistogram = repetition.isEmpty ? nil : repetition
        statistics.definitionLevelHistogram = definition.isEmpty ? nil : definition
        return statistics
    }
}
