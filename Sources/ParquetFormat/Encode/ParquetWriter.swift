// SPDX-License-Identifier: Apache-2.0

/// Writes column batches as a new file.
///
/// Rows are held until they fill a row group, compressed page by page: memory takes at most about
/// ``ParquetWriteSettings/rowGroupSizeBytes`` and the batch that is written. What is written so far
/// is no Parquet file until ``finish()`` was called.
public struct ParquetWriter<Sink: ParquetByteSink> {
    /// Why writing stopped; the source of the values cannot fail.
    public typealias Failure = ParquetWriteError<Never, Sink.Failure>

    /// The columns and how they nest.
    public let schema: ParquetSchema
    private let settings: ParquetWriteSettings
    private let codec: ParquetCodec
    private let codecs = PageCodec()
    private let metadata: FileMetadata
    private var writer: FileWriter<ParquetMemorySource, Sink>
    private var encoders: [ColumnChunkEncoder] = []
    private var groupRows: Int64 = 0

    /// After so many rows the size of the row group is looked at.
    private static var step: Int { 4096 }

    /// Prepares to write; pages are compressed by Zstandard unless the settings say otherwise.
    ///
    /// - Throws: ``ParquetError/incompatible(reason:)`` when the settings name an encoding for a
    ///   column that is not there or of another type.
    public init(
        _ schema: ParquetSchema, settings: ParquetWriteSettings = ParquetWriteSettings(),
        to sink: consuming Sink
    ) throws(ParquetError) {
        try settings.check(schema)
        self.schema = schema
        self.settings = settings
        codec = settings.codec ?? .zstandard
        metadata = FileMetadata(new: schema, settings: settings)
        writer = FileWriter(sink)
    }

    /// How many bytes the file has so far, the row group that is being filled not counted.
    public var writtenBytes: Int64 { writer.offset }

    /// About how many bytes the row group that is being filled takes in memory.
    public var bufferedBytes: Int { encoders.reduce(0) { $0 + $1.byteCount } }

    /// Writes rows: one batch for each column, all with the same number of rows.
    ///
    /// - Throws: ``ParquetError/incompatible(reason:)`` before anything of it is written when the
    ///   batches do not fit the schema or each other.
    public mutating func write(_ batches: [ColumnBatch]) async throws(Failure) {
        do { try check(batches) } catch { throw .format(error) }
        var left = batches.first?.rowCount ?? 0
        var cursors = zip(batches, schema.columns).map { BatchCursor($0, $1) }
        while left > 0 {
            if encoders.isEmpty { beginGroup() }
            let room = max(1, settings.rowGroupRowLimit - groupRows)
            let rows = min(left, Self.step, Int(clamping: room))
            do throws(ParquetError) {
                for index in cursors.indices {
                    try encoders[index].append(&cursors[index], rows: rows)
                }
            } catch { throw .format(error) }
            left -= rows
            groupRows += Int64(rows)
            let isFull =
                groupRows >= settings.rowGroupRowLimit
                || bufferedBytes >= settings.rowGroupSizeBytes
            if isFull { try await endGroup() }
        }
    }

    private func check(_ batches: [ColumnBatch]) throws(ParquetError) {
        guard batches.count == schema.columns.count else {
            throw .incompatible(
                reason: "there are \(batches.count) batches for \(schema.columns.count) columns")
        }
        let rows = batches.first?.rowCount ?? 0
        for (batch, column) in zip(batches, schema.columns) {
            try batch.check(column)
            guard batch.rowCount == rows else {
                throw .incompatible(
                    reason: "the batch of \(column.name) has \(batch.rowCount) rows, not \(rows)")
            }
        }
    }

    private mutating func beginGroup() {
        encoders = schema.columns.enumerated().map { index, column in
            ColumnChunkEncoder(
                column, order: BoundsOrder(column, order: metadata.columnOrders?[index]),
                settings: settings, codec: codec, codecs: codecs,
                filter: settings.bloomFilters.builder(column))
        }
    }

    private mutating func endGroup() async throws(Failure) {
        guard groupRows > 0 else { return }
        let start = writer.offset
        var chunks: [NewChunk] = []
        for index in encoders.indices {
            chunks.append(try await encoders[index].finish(column: index, to: &writer))
        }
        try await writer.add(chunks, rowCount: groupRows, from: start)
        encoders = []
        groupRows = 0
    }

    /// Ends the file with its footer.
    public mutating func finish() async throws(Failure) -> (WrittenParquetFile, Sink) {
        try await endGroup()
        return try await writer.finish(metadata, schema, losses: [])
    }
}

extension FileWriter {
    /// Notes a row group whose chunks were written one after the other, and writes what follows it.
    mutating func add(
        _ chunks: [NewChunk], rowCount: Int64, from start: Int64
    ) async throws(Failure) {
        var group = RowGroup(
            columns: chunks.map { ColumnChunk(metadata: $0.metadata) },
            totalByteSize: chunks.reduce(0) { $0 + $1.metadata.uncompressedSize },
            rowCount: rowCount)
        group.fileOffset = start
        group.totalCompressedSize = offset - start
        for chunk in chunks {
            guard let filter = chunk.bloomFilter else { continue }
            try await append(filter, of: &group.columns[chunk.column])
        }
        add(group, chunks.map { ChunkIndexes($0) })
    }
}

extension FileMetadata {
    /// The footer of a new file, without row groups.
    init(new schema: ParquetSchema, settings: ParquetWriteSettings) {
        self.init()
        version = 1
        self.schema = schema.elements
        // The order that each type defines, which is the only one so far.
        columnOrders = schema.columns.map { _ in BoundsOrder.standard }
        keyValues = settings.keyValues.isEmpty ? nil : settings.keyValues
        createdBy = settings.createdBy
    }
}

extension ParquetWriteSettings {
    /// Whether the encodings can be used for a schema.
    func check(_ schema: ParquetSchema) throws(ParquetError) {
        try bloomFilters.check()
        for (name, encoding) in encodings {
            guard let column = schema.columns.first(where: { $0.name == name }) else {
                throw .incompatible(reason: "there is no column \(name) to encode as \(encoding)")
            }
            guard ValueEncoder.encodes(encoding, column.type) else {
                throw .incompatible(
                    reason: "\(encoding) does not encode \(column.type), which \(name) is")
            }
        }
    }
}
