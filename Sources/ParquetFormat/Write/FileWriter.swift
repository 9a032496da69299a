// SPDX-License-Identifier: Apache-2.0

/// Writes a new file from its first byte to its last, and knows where it is.
///
/// Order: magic, row groups each followed by its bloom filters, column indexes, offset indexes,
/// footer. Small pieces are gathered before they go to the sink; large ones go there as they are.
struct FileWriter<Source: ParquetByteSource, Sink: ParquetByteSink> {
    typealias Failure = ParquetWriteError<Source.Failure, Sink.Failure>

    private var sink: Sink
    private var buffer: [UInt8] = []
    /// Pieces that precede what is in the buffer.
    private var pieces: [[UInt8]] = []
    private var gatheredBytes = 0
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
        /// The bloom filter, which follows the row group.
        var bloomFilter: SplitBlockFilter?
    }

    init(_ sink: consuming Sink) {
        self.sink = sink
        append(FooterBytes.magic)
    }

    /// Writes pages alone, whose offsets count from the first.
    init(pagesTo sink: consuming Sink) { self.sink = sink }

    /// Writes the last of some pages.
    mutating func finishPages() async throws(Failure) -> Sink {
        try await flushAll()
        return sink
    }

    var rowGroupCount: Int { rowGroups.count }

    /// Gathers bytes; call ``flush()`` now and then.
    mutating func append(_ bytes: [UInt8]) {
        offset += Int64(bytes.count)
        gatheredBytes += bytes.count
        let isLarge = bytes.count >= Self.bufferSize / 4
        if isLarge || buffer.count + bytes.count > Self.bufferSize { cutBuffer() }
        if isLarge { pieces.append(bytes) } else { buffer += bytes }
    }

    /// Puts what is in the buffer behind the other pieces: a growing buffer would be copied.
    private mutating func cutBuffer() {
        guard !buffer.isEmpty else { return }
        pieces.append(buffer)
        buffer = []
    }

    mutating func append(_ bytes: RawSpan, _ range: Range<Int>) {
        if buffer.count + range.count > Self.bufferSize { cutBuffer() }
        PlainBytes.append(bytes, range, to: &buffer)
        offset += Int64(range.count)
        gatheredBytes += range.count
    }

    /// Hands over what was gathered once it is much.
    mutating func flush() async throws(Failure) {
        guard gatheredBytes >= Self.bufferSize else { return }
        try await flushAll()
    }

    /// Writes bytes, gathering them if they are few.
    mutating func write(_ bytes: [UInt8]) async throws(Failure) {
        append(bytes)
        try await flush()
    }

    /// Hands bytes over as they are, behind what was gathered.
    mutating func pass(_ bytes: [UInt8]) async throws(Failure) {
        try await flushAll()
        do { try await sink.write(bytes) } catch { throw .sink(error) }
        offset += Int64(bytes.count)
    }

    private mutating func flushAll() async throws(Failure) {
        do {
            for index in pieces.indices {
                try await sink.write(pieces[index])
                pieces[index] = []
            }
            if !buffer.isEmpty { try await sink.write(buffer) }
        } catch { throw .sink(error) }
        pieces = []
        gatheredBytes = 0
        if buffer.count > PageBody.largeSize {
            buffer = []
        } else {
            buffer.removeAll(keepingCapacity: true)
        }
    }

    /// Notes a row group whose pages are written.
    mutating func add(_ group: RowGroup, _ indexes: [ChunkIndexes]) {
        var group = group
        group.ordinal = Int16(exactly: rowGroups.count)
        for var index in indexes {
            index.rowGroup = rowGroups.count
            index.bloomFilter = nil
            self.indexes.append(index)
        }
        rowGroups.append(group)
    }

    /// Writes the bloom filter of a chunk and notes its place.
    mutating func append(
        _ filter: SplitBlockFilter, of chunk: inout ColumnChunk
    ) async throws(Failure) {
        let header = BloomFilterHeader(
            byteCount: Int32(filter.byteCount), algorithm: 1, hash: 1, compression: 1)
        let start = offset
        append(header.thriftBytes)
        append(filter.bytes)
        chunk.metadata?.bloomFilterOffset = start
        chunk.metadata?.bloomFilterLength = Int32(offset - start)
        try await flush()
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
