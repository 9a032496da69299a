// SPDX-License-Identifier: Apache-2.0

/// Makes one column chunk of several by decoding and encoding every value.
struct ColumnReencoder<Source: ParquetByteSource, Sink: ParquetByteSink> {
    typealias Failure = ParquetWriteError<Source.Failure, Sink.Failure>

    private let column: Int
    private let leaf: ParquetColumn
    private let parts: [ColumnPart<Source>]
    private let settings: ParquetWriteSettings
    private var encoder: ColumnChunkEncoder

    init(
        _ parts: [ColumnPart<Source>], column: Int, leaf: ParquetColumn, order: BoundsOrder?,
        codec: ParquetCodec, settings: ParquetWriteSettings, codecs: PageCodec
    ) {
        self.parts = parts
        self.column = column
        self.leaf = leaf
        self.settings = settings
        encoder = ColumnChunkEncoder(
            leaf, order: order, settings: settings, codec: codec, codecs: codecs)
    }

    /// How many rows were written.
    var rowCount: Int64 { encoder.rowCount }

    /// Writes the new chunk's pages and gives its place in the footer.
    mutating func encode(
        to writer: inout FileWriter<Source, Sink>
    ) async throws(Failure) -> (ColumnChunk, FileWriter<Source, Sink>.ChunkIndexes) {
        for part in parts {
            var batches = PartBatches(part, target: leaf, rowLimit: settings.pageRowLimit)
            // What a page ends with may go on in the next: the last row waits for that.
            var rest = ColumnBatch(for: leaf)
            while true {
                let next: ColumnBatch?
                do { next = try await batches.next() } catch { throw Failure(error) }
                do throws(ParquetError) {
                    guard let batch = next else { break }
                    if leaf.maximumRepetitionLevel == 0 {
                        try append(batch)
                    } else {
                        try rest.append(batch, limits: part.file.limits)
                        let whole = rest.removeWholeRows(leaf)
                        try append(whole)
                    }
                } catch { throw .format(error) }
                try await encoder.drain(to: &writer)
            }
            do { try append(rest) } catch { throw .format(error) }
        }
        return try await encoder.finish(column: column, to: &writer)
    }

    private mutating func append(_ batch: ColumnBatch) throws(ParquetError) {
        var cursor = BatchCursor(batch, leaf)
        try encoder.append(&cursor, rows: .max)
    }
}

extension ColumnBatch {
    /// Takes out all rows but the last.
    mutating func removeWholeRows(_ column: ParquetColumn) -> ColumnBatch {
        guard let last = repetitionLevels.lastIndex(of: 0), last > 0 else {
            return ColumnBatch(for: column)
        }
        let maximum = UInt8(column.maximumDefinitionLevel)
        let present = definitionLevels[..<last].count { $0 == maximum }
        let values = maximum == 0 ? last : present
        let whole = part(0..<last, 0..<values)
        self = part(last..<count, values..<self.values.count)
        return whole
    }

    private func part(_ entries: Range<Int>, _ values: Range<Int>) -> ColumnBatch {
        var kept = self.values
        kept.removeAll()
        kept.append(self.values, values)
        return ColumnBatch(
            kept,
            definitionLevels: definitionLevels.isEmpty ? [] : Array(definitionLevels[entries]),
            repetitionLevels: Array(repetitionLevels[entries]), count: entries.count)
    }
}
