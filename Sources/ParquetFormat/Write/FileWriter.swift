// SPDX-License-Identifier: Apache-2.0

/// Writes a new file from its first byte to its last, and knows where it is.
///
/// Order: magic, row groups each followed by its bloom filters, column indexes, offset indexes,
/// footer. Small pieces are gathered before they go to the sink.
struct FileWriter<Source: ParquetByteSource, Sink: ParquetByteSink> {
    typealias Failure = ParquetWriteError<Source.Failure, Sink.Failure>

    private var sink: Sink
    private var buffer: [UInt8] = []
    /// How many bytes were written or gathered so far.
    private(set) var offset: Int64 = 0
    private var rowGroups: [RowGroup] = []
    private var indexes: [ChunkIndexes] = []
    private static var bufferSize: Int { 4 << 20 }

    /// The indexes of a chunk, which follow the last row group.
    struct ChunkIndexes {
        var rowGroup = 0
        var column: Int
        var columnIndex: [UInt8]?
        var offsetIndex: [UInt8]?
    }

    init(_ sink: consuming Sink) {
        self.sink = sink
        append(FooterBytes.magic)
    }

    var rowGroupCount: Int { rowGroups.count }

    /// Gathers bytes; call ``flush()`` now and then.
    mutating func append(_ bytes: [UInt8]) {
        buffer += bytes
        offset += Int64(bytes.count)
    }

    mutating func append(_ bytes: RawSpan, _ range: Range<Int>) {
        PlainBytes.append(bytes, range, to: &buffer)
        offset += Int64(range.count)
    }

    /// Hands over what was gathered once it is much.
    mutating func flush() async throws(Failure) {
        guard buffer.count >= Self.bufferSize else { return }
        try await flushAll()
    }

    /// Writes a large piece without gathering it.
    mutating func write(_ bytes: [UInt8]) async throws(Failure) {
        guard bytes.count >= Self.bufferSize / 4 else {
            append(bytes)
            try await flush()
            return
        }
        try await flushAll()
        do { try await sink.write(bytes) } catch { throw .sink(error) }
        offset += Int64(bytes.count)
    }

    private mutating func flushAll() async throws(Failure) {
        guard !buffer.isEmpty else { return }
        do { try await sink.write(buffer) } catch { throw .sink(error) }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Notes a row group whose pages are written.
    mutating func add(_ group: RowGroup, _ indexes: [ChunkIndexes]) {
        var group = group
        group.ordinal = Int16(exactly: rowGroups.count)
        for var index in indexes {
            index.rowGroup = rowGroups.count
            self.indexes.append(index)
        }
        rowGroups.append(group)
    }

    /// Writes the indexes and the footer.
    mutating func finish(
        _ metadata: FileMetadata, _ schema: ParquetSchema, losses: [String]
    ) async throws(Failure) -> (WrittenParquetFile, Sink) {
        for index in indexes {
            guard let bytes = index.columnIndex else { continue }
            rowGroups[index.rowGroup].columns[index.column].columnIndexOffset = offset
            rowGroups[index.rowGroup].columns[index.column].columnIndexLength = Int32(bytes.count)
            append(bytes)
            try await flush()
        }
        for index in indexes {
            guard let bytes = index.offsetIndex else { continue }
            rowGroups[index.rowGroup].columns[index.column].offsetIndexOffset = offset
            rowGroups[index.rowGroup].columns[index.column].offsetIndexLength = Int32(bytes.count)
            append(bytes)
            try await flush()
        }
        var metadata = metadata
        metadata.rowGroups = rowGroups
        metadata.rowCount = rowGroups.reduce(0) { $0 + $1.rowCount }
        let footer = metadata.thriftBytes
        guard let length = UInt32(exactly: footer.count), length <= Int32.max else {
            throw .format(
                .tooLarge(part: "the footer", size: Int64(footer.count), limit: Int64(Int32.max)))
        }
        append(footer)
        append(withUnsafeBytes(of: length.littleEndian) { Array($0) })
        append(FooterBytes.magic)
        try await flushAll()
        let written = WrittenParquetFile(
            schema: schema, size: offset, rowCount: metadata.rowCount, rowGroups: rowGroups,
            losses: losses)
        return (written, sink)
    }
}
