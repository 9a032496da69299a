// SPDX-License-Identifier: Apache-2.0

extension ColumnStitcher {
    /// Writes what was gathered if it is of another kind or makes a page by now.
    ///
    /// - Parameter bytes: What the values of the piece take, where that may be much.
    mutating func makeRoom(
        for content: PageAssembler.Content, _ piece: PageAssembler.Piece, bytes: Int = 0,
        to writer: inout FileWriter<Source, Sink>
    ) throws(ParquetError) {
        let isFull =
            assembler.rowCount >= settings.pageRowLimit
            || assembler.byteCount >= settings.pageSizeBytes
            || assembler.rowCount >= settings.pageRowLimit / 2
                && Int(assembler.rowCount + piece.rowCount) > settings.pageRowLimit
            || assembler.valueCount + piece.valueCount > PageAssembler.valueLimit
            || assembler.byteCount + bytes > PageBody.largeSize
        if isFull || assembler.content != content { try flushAssembler(to: &writer) }
    }

    mutating func flushAssembler(
        to writer: inout FileWriter<Source, Sink>
    ) throws(ParquetError) {
        guard !assembler.isEmpty else { return }
        let made = try assembler.take()
        let page = try emitter.page(.data(made.header), made.content)
        writer.append(
            page.header, page.stored, rows: made.rowCount, bounds: made.bounds, notingIn: &ledger)
    }

    /// A page whose levels stay as they are while its values are written anew.
    mutating func putAlone(
        _ page: StoredPage, _ piece: PageAssembler.Piece, _ encoding: ParquetEncoding,
        _ values: ArraySlice<UInt8>, to writer: inout FileWriter<Source, Sink>
    ) throws(ParquetError) {
        try flushAssembler(to: &writer)
        let made: (header: PageHeader, stored: [UInt8])
        switch page.header.kind {
        case .data(var header):
            header.encoding = encoding
            header.statistics = nil
            made = try emitter.page(.data(header), Array(work.levels + values))
        case .dataV2(var header):
            header.encoding = encoding
            header.statistics = nil
            made = try emitter.pageV2(header, levels: work.levels, values: Array(values))
        case .dictionary, .index: return
        }
        probe.note(stored: made.stored.count, before: Int(page.header.compressedSize))
        writer.append(
            made.header, made.stored, rows: piece.rowCount, bounds: piece.bounds, notingIn: &ledger)
    }

    /// A page that was looked into and stays as it is.
    mutating func putVerbatim(
        _ page: StoredPage, _ piece: PageAssembler.Piece, _ stream: PageStream<Source>,
        _ part: Part, to writer: inout FileWriter<Source, Sink>
    ) throws(ParquetError) {
        work.dropLarge()
        try putVerbatim(
            page, stream.window, part, rows: piece.rowCount, piece.bounds, to: &writer)
    }

    mutating func putVerbatim(
        _ page: StoredPage, _ window: [UInt8], _ part: Part, rows: Int64, _ bounds: ValueBounds?,
        to writer: inout FileWriter<Source, Sink>
    ) throws(ParquetError) {
        try flushAssembler(to: &writer)
        let start = writer.offset
        var header = page.header
        if header.checksum != nil, part.keepsBounds {
            writer.append(window.span.bytes, page.headerRange)
        } else {
            header.seal(window.span.bytes.extracting(page.payloadRange))
            if !part.keepsBounds { header.dropStatistics() }
            writer.append(header.thriftBytes)
        }
        writer.append(window.span.bytes, page.payloadRange)
        let emitted = EmittedPage(
            header: header, rowCount: rows, bounds: bounds, size: Int(writer.offset - start))
        ledger.add(emitted, at: start)
    }

    // MARK: Footer

    func finish() -> NewChunk {
        var bounds = ValueBounds()
        for part in known { bounds.add(part, order: order) }
        var (metadata, offsetIndex, columnIndex) = ledger.chunk(leaf, codec: codec, bounds, order)
        if parts.allSatisfy(\.isWhole) {
            let sources = parts.compactMap(\.chunk)
            metadata.sizeStatistics = SizeStatistics(summing: sources.map(\.sizeStatistics))
            if let pairs = sources.first?.keyValues, sources.allSatisfy({ $0.keyValues == pairs }) {
                metadata.keyValues = pairs
            }
        }
        return NewChunk(
            column: column, rowCount: rowCount, metadata: metadata, offsetIndex: offsetIndex,
            columnIndex: columnIndex, bloomFilter: joinedFilter ?? filter?.finished)
    }
}

/// Pages that wait in memory until those before them are written.
struct GatheredPages<Failure: Error>: ParquetByteSink, Sendable {
    /// How many bytes may wait: positions in a dictionary may become many times as many.
    let limit: Int64
    private var size: Int64 = 0
    private var gathered: [[UInt8]] = []

    init(limit: Int64) { self.limit = limit }

    /// What waits; nil once it was too much and was given up.
    var pieces: [[UInt8]]? { size > limit ? nil : gathered }

    mutating func write(_ bytes: [UInt8]) async throws(Failure) {
        size += Int64(bytes.count)
        if size > limit { gathered = [] } else { gathered.append(bytes) }
    }
}
