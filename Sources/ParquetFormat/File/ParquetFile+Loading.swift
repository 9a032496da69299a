// SPDX-License-Identifier: Apache-2.0

extension ParquetFile {
    /// The file with a part of it in memory, of which nothing is requested any more.
    func loading(_ range: Range<Int64>) async throws(Failure) -> ParquetFile {
        var copy = self
        let bytes = try await read(range, ParquetPlace(.columnChunk, range.lowerBound))
        copy.memory = (bytes, range.lowerBound)
        return copy
    }

    /// The file with what follows its pages in memory, which spares a request for each index.
    func loadingIndexes() async throws(Failure) -> ParquetFile {
        let end = rowGroups.indices.map { span(ofRowGroup: $0).upperBound }.max() ?? footerStart
        let most: Int64 = 8 << 20
        guard end < footerStart, footerStart - end <= most else { return self }
        return try await loading(end..<footerStart)
    }

    /// From the first to the last byte of a row group's pages; other things may lie between.
    func span(ofRowGroup index: Int) -> Range<Int64> {
        let ranges = rowGroups[index].columns.compactMap { $0.metadata?.byteRange }
        let start = ranges.map(\.lowerBound).min() ?? 0
        return start..<max(start, ranges.map(\.upperBound).max() ?? 0)
    }
}
