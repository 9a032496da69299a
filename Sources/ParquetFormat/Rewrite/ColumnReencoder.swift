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
        codec: ParquetCodec, settings: ParquetWriteSettings, codecs: PageCodec,
        filter: BloomFilterBuilder?
    ) {
        self.parts = parts
        self.column = column
        self.leaf = leaf
        self.settings = settings
        encoder = ColumnChunkEncoder(
            leaf, order: order, settings: settings, codec: codec, codecs: codecs, filter: filter)
    }

    /// How many rows were written.
    var rowCount: Int64 { encoder.rowCount }

    /// Writes the new chunk's pages and gives its place in the footer.
    mutating func encode(
        to writer: inout FileWriter<Source, Sink>
    ) async throws(Failure) -> NewChunk {
        for part in parts {
            var batches = PartBatches(part, target: leaf, rowLimit: settings.pageRowLimit)
            // What a page ends with may go on in the next: the last row waits for that.
            var rest = ColumnBatch(for: leaf)
            while try await append(&batches, after: &rest, limits: part.file.limits) {
                try await encoder.drain(to: &writer)
            }
            do { try append(rest, rows: .max) } catch { throw .format(error) }
        }
        return try await encoder.finish(column: column, to: &writer)
    }

    /// Adds the next batch behind what is left of the one before; false after the last.
    private mutating func append(
        _ batches: inout PartBatches<Source>, after rest: inout ColumnBatch, limits: ParquetLimits
    ) async throws(Failure) -> Bool {
        let next: ColumnBatch?
        do { next = try await batches.next() } catch { throw Failure(error) }
        guard let batch = next else { return false }
        do throws(ParquetError) {
            guard leaf.maximumRepetitionLevel > 0 else {
                try append(batch, rows: .max)
                return true
            }
            if rest.count == 0 { rest = batch } else { try rest.append(batch, limits: limits) }
            try append(rest, rows: max(rest.rowCount - 1, 0))
            rest.keepLastRow(leaf)
        } catch { throw .format(error) }
        return true
    }

    private mutating func append(_ batch: ColumnBatch, rows: Int) throws(ParquetError) {
        var cursor = BatchCursor(batch, leaf)
        try encoder.append(&cursor, rows: rows)
    }
}

extension ColumnBatch {
    /// Takes out all rows but the last.
    mutating func keepLastRow(_ column: ParquetColumn) {
        guard let last = repetitionLevels.lastIndex(of: 0), last > 0 else { return }
        let maximum = UInt8(column.maximumDefinitionLevel)
        let present = definitionLevels[last...].count { $0 == maximum }
        let kept = maximum == 0 ? count - last : present
        var tail = ColumnValues(for: column)
        tail.append(values, values.count - kept..<values.count)
        self = ColumnBatch(
            tail,
            definitionLevels: definitionLevels.isEmpty ? [] : Array(definitionLevels[last...]),
            repetitionLevels: Array(repetitionLevels[last...]), count: count - last)
    }
}
