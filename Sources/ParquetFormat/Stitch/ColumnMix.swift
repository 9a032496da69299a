// SPDX-License-Identifier: Apache-2.0

/// Whether the sources of a column come with dictionaries, in which order.
///
/// No page of positions may follow one of values (`ColumnStitcher.isPastPositions`), so that behind
/// a source without a dictionary the others lose theirs. Where that would be much, the column is
/// encoded anew, which finds a dictionary of its own.
struct ColumnMix {
    /// How many values there are.
    private(set) var valueCount: Int64 = 0
    /// How many of them have a dictionary that stitching would write out.
    private(set) var lostCount: Int64 = 0

    /// The least share of the values for which encoding all of them is worth while.
    static let share = 0.1

    init<Source: ParquetByteSource>(_ parts: [ColumnPart<Source>]) {
        var isPast = false
        for part in parts {
            guard let chunk = part.chunk, part.projection.isByPage else {
                valueCount += part.keptRowCount
                continue
            }
            valueCount += chunk.valueCount
            if chunk.hasDictionary {
                // Where a source gave its own dictionary up, values do not repeat enough.
                let isWhole = part.coveredValues == Double(chunk.valueCount)
                if isPast, isWhole { lostCount += chunk.valueCount }
            } else if chunk.statistics?.nullCount != chunk.valueCount {
                isPast = true
            }
        }
    }

    /// Whether stitching would lose more dictionaries than it should.
    var losesDictionaries: Bool {
        lostCount > 0 && Double(lostCount) >= Self.share * Double(valueCount)
    }
}

extension ColumnMetadata {
    /// Whether positions in a dictionary are among the encodings of the pages.
    var hasDictionary: Bool {
        encodings.contains { ParquetEncoding(rawValue: $0)?.usesDictionary == true }
    }
}
