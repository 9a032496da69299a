// SPDX-License-Identifier: Apache-2.0

/// Makes one column chunk of several, page by page.
///
/// 1. The dictionaries of all sources are read and merged, as far as they fit.
/// 2. Pages follow in order. A page that stands alone, in the right codec and of a fair size moves
///    byte for byte. A page of positions in a dictionary gets positions in the merged one, its
///    levels unread where it is of a fair size. What is small is gathered, and so are the values of
///    dictionaries that did not fit.
/// 3. Sizes, statistics and indexes are put together from what the sources say.
struct ColumnStitcher<Source: ParquetByteSource, Sink: ParquetByteSink> {
    typealias Failure = ParquetWriteError<Source.Failure, Sink.Failure>

    /// A source: a file, and one of its row groups.
    struct Part {
        let file: ParquetFile<Source>
        let rowGroup: Int
        let keepsBounds: Bool
    }

    let settings: ParquetWriteSettings
    let column: Int
    let leaf: ParquetColumn
    let parts: [Part]
    let order: BoundsOrder?
    let codecs: PageCodec
    private let codec: ParquetCodec
    private var emitter: PageEmitter
    private var ledger = ChunkLedger()
    private var assembler: PageAssembler
    private var work = PageWork()

    /// Pages with as many values, or as many bytes, are worth their own header.
    static var fairSize: Int { 64 << 10 }
    private var fairCount: Int { settings.pageRowLimit / 2 }

    init(
        _ parts: [Part], column: Int, leaf: ParquetColumn, order: BoundsOrder?,
        settings: ParquetWriteSettings, codecs: PageCodec
    ) {
        self.parts = parts
        self.column = column
        self.leaf = leaf
        self.order = order
        self.settings = settings
        self.codecs = codecs
        let first = parts.first?.chunk(column)?.codec ?? .uncompressed
        // What is deprecated is not written again.
        codec = settings.codec ?? (first == .lz4Hadoop ? .lz4Raw : first)
        emitter = PageEmitter(
            leaf, codec: codec, level: settings.zstandardLevel, codecs: codecs)
        assembler = PageAssembler(leaf, order: order)
    }

    /// How many rows were written.
    var rowCount: Int64 { ledger.rowCount }

    /// Writes the new chunk's pages and gives its place in the footer.
    mutating func stitch(
        to writer: inout FileWriter<Source, Sink>
    ) async throws(Failure) -> (ColumnChunk, FileWriter<Source, Sink>.ChunkIndexes) {
        let dictionary = try await mergeDictionaries()
        if dictionary.count > 0 {
            do throws(ParquetError) {
                let header = DictionaryPageHeader(
                    valueCount: Int32(dictionary.count), encoding: .plain)
                let page = try emitter.page(.dictionary(header), dictionary.plain)
                writer.append(page.header, page.stored, rows: 0, bounds: nil, notingIn: &ledger)
            } catch { throw .format(error) }
        }
        for (index, part) in parts.enumerated() {
            try await stitch(part, dictionary, use: dictionary.uses[index], to: &writer)
        }
        do { try flushAssembler(to: &writer) } catch { throw .format(error) }
        try await writer.flush()
        return finish()
    }

    // MARK: Dictionaries

    private func mergeDictionaries() async throws(Failure) -> MergedDictionary {
        var merger = DictionaryMerger(leaf, byteLimit: settings.dictionarySizeBytes)
        var mappings: [[UInt32]?] = []
        var covered = 0.0
        for part in parts {
            guard let found = try await firstDictionary(of: part) else {
                mappings.append(nil)
                continue
            }
            let mapping = merger.add(found.bytes.span.bytes, found.entries)
            if mapping != nil { covered += Double(part.chunk(column)?.valueCount ?? 0) }
            mappings.append(mapping)
        }
        return MergedDictionary(merger, mappings: mappings, coveredValues: covered)
    }

    private func firstDictionary(
        of part: Part
    ) async throws(Failure) -> (bytes: [UInt8], entries: DictionaryEntries)? {
        guard let chunk = part.chunk(column), chunk.valueCount > 0,
            chunk.encodings.contains(where: {
                ParquetEncoding(rawValue: $0)?.usesDictionary == true
            })
        else { return nil }
        do throws(ParquetReadError<Source.Failure>) {
            let front = chunk.dataPageOffset - chunk.byteRange.lowerBound
            var stream = try part.stream(
                column, windowSize: front > 0 ? Int(min(front, 4 << 20)) : 64 << 10)
            guard let page = try await stream.next(),
                case .dictionary(let header) = page.header.kind
            else { return nil }
            do throws(ParquetError) {
                return try work.dictionary(
                    page, header, stream.window, leaf, codec: chunk.codec, codecs)
            } catch { throw .format(error) }
        } catch { throw Failure(error) }
    }

    // MARK: Pages

    private mutating func stitch(
        _ part: Part, _ merged: MergedDictionary, use: MergedDictionary.Use,
        to writer: inout FileWriter<Source, Sink>
    ) async throws(Failure) {
        var stream: PageStream<Source>
        var facts: PageFacts
        do throws(ParquetReadError<Source.Failure>) {
            stream = try part.stream(column, windowSize: PageStream<Source>.usualWindow)
            let offsets = try await part.file.offsetIndex(rowGroup: part.rowGroup, column: column)
            let bounds =
                part.keepsBounds
                ? try await part.file.columnIndex(rowGroup: part.rowGroup, column: column) : nil
            facts = PageFacts(
                leaf, offsets: offsets, bounds: bounds, order: part.keepsBounds ? order : nil,
                rowCount: part.file.rowGroups[part.rowGroup].rowCount)
        } catch { throw Failure(error) }
        var source = (bytes: [UInt8](), entries: DictionaryEntries())
        while true {
            let next: StoredPage?
            do { next = try await stream.next() } catch { throw Failure(error) }
            guard let page = next else { break }
            do throws(ParquetError) {
                if case .dictionary(let header) = page.header.kind {
                    if case .gathered = use {
                        source = try work.dictionary(
                            page, header, stream.window, leaf, codec: stream.chunk.codec, codecs)
                    }
                    continue
                }
                let fact = facts.next(page)
                try move(
                    page, fact, stream, part, use: use, mergedCount: merged.count, source,
                    to: &writer)
            } catch { throw .format(error) }
            try await writer.flush()
        }
    }

    private mutating func move(
        _ page: StoredPage, _ fact: PageFacts.Fact, _ stream: PageStream<Source>, _ part: Part,
        use: MergedDictionary.Use, mergedCount: Int,
        _ source: (bytes: [UInt8], entries: DictionaryEntries),
        to writer: inout FileWriter<Source, Sink>
    ) throws(ParquetError) {
        let (count, encoding) = page.header.dataCounts
        guard count > 0 else { return }
        let isFair =
            count >= fairCount || Int(page.header.uncompressedSize) >= Self.fairSize
        let isRightCodec = stream.chunk.codec == codec
        var standsAlone = !encoding.usesDictionary
        if case .same = use { standsAlone = true }
        let isSmallPlain = !isFair && (encoding == .plain || encoding.usesDictionary)
        if standsAlone, isRightCodec, !isSmallPlain, let rows = fact.rowCount {
            try flushAssembler(to: &writer)
            try putVerbatim(page, stream.window, part, rows: rows, fact.bounds, to: &writer)
            return
        }
        try work.load(page, stream.window, leaf, codec: stream.chunk.codec, codecs)
        let rows = try work.countRows(leaf, page)
        let bounds = fact.bounds ?? work.nullBounds
        let piece = work.piece(rows: rows, bounds: bounds)
        guard encoding.usesDictionary else {
            try moveValues(page, encoding, piece, isFair: isFair, to: &writer)
            return
        }
        switch use {
        case .same:
            try work.decodePositions(page, below: mergedCount)
            try movePositions(page, piece, isFair: isFair, to: &writer)
        case .remapped(let mapping):
            try work.decodePositions(page, below: mapping.count)
            work.remap(mapping)
            try movePositions(page, piece, isFair: isFair, to: &writer)
        case .gathered:
            try work.decodePositions(page, below: source.entries.count)
            try gather(
                piece, source, at: page.place, limit: part.file.limits.pageBytes, to: &writer)
        }
    }

    /// Values that stand alone, but small or in another codec.
    private mutating func moveValues(
        _ page: StoredPage, _ encoding: ParquetEncoding, _ piece: PageAssembler.Piece,
        isFair: Bool, to writer: inout FileWriter<Source, Sink>
    ) throws(ParquetError) {
        guard encoding == .plain, !isFair else {
            try putAlone(page, piece, encoding, work.values, to: &writer)
            return
        }
        try makeRoom(for: .plain, to: &writer)
        do throws(DecodeFault) {
            let body = work.body
            if leaf.type == .boolean {
                try assembler.append(
                    piece, booleans: body.bytes.span.bytes.extracting(body.values),
                    present: work.present)
            } else {
                assembler.append(piece, plain: body.bytes.span.bytes, body.values)
            }
        } catch { throw error.at(page.place) }
    }

    private mutating func movePositions(
        _ page: StoredPage, _ piece: PageAssembler.Piece, isFair: Bool,
        to writer: inout FileWriter<Source, Sink>
    ) throws(ParquetError) {
        guard isFair, work.body.hasCurrentLevels else {
            try makeRoom(for: .positions, to: &writer)
            assembler.append(piece, positions: work.positions[...])
            return
        }
        var values: [UInt8] = []
        PageAssembler.appendPositions(work.positions, to: &values)
        try putAlone(page, piece, .rleDictionary, values[...], to: &writer)
    }

    /// Plain values of a dictionary that did not fit, in pages of a good size where rows are flat.
    private mutating func gather(
        _ piece: PageAssembler.Piece, _ source: (bytes: [UInt8], entries: DictionaryEntries),
        at place: ParquetPlace, limit: Int, to writer: inout FileWriter<Source, Sink>
    ) throws(ParquetError) {
        let dictionary = source.bytes
        for part in work.split(piece, leaf, rows: settings.pageRowLimit) {
            try makeRoom(for: .plain, to: &writer)
            do throws(DecodeFault) {
                try assembler.append(
                    part.piece, gathering: work.positions[part.positions],
                    of: dictionary.span.bytes, source.entries, limit: limit)
            } catch { throw error.at(place) }
        }
    }

    // MARK: Writing

    /// Writes what was gathered if it is of another kind or makes a page by now.
    private mutating func makeRoom(
        for content: PageAssembler.Content, to writer: inout FileWriter<Source, Sink>
    ) throws(ParquetError) {
        let isFull =
            assembler.rowCount >= settings.pageRowLimit
            || assembler.byteCount >= settings.pageSizeBytes
        if isFull || assembler.content != content { try flushAssembler(to: &writer) }
    }

    private mutating func flushAssembler(
        to writer: inout FileWriter<Source, Sink>
    ) throws(ParquetError) {
        guard !assembler.isEmpty else { return }
        let made = try assembler.take()
        let page = try emitter.page(.data(made.header), made.content)
        writer.append(
            page.header, page.stored, rows: made.rowCount, bounds: made.bounds, notingIn: &ledger)
    }

    /// A page whose levels stay as they are while its values are written anew.
    private mutating func putAlone(
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
        writer.append(
            made.header, made.stored, rows: piece.rowCount, bounds: piece.bounds, notingIn: &ledger)
    }

    private mutating func putVerbatim(
        _ page: StoredPage, _ window: [UInt8], _ part: Part, rows: Int64, _ bounds: ValueBounds?,
        to writer: inout FileWriter<Source, Sink>
    ) throws(ParquetError) {
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

    private func finish() -> (ColumnChunk, FileWriter<Source, Sink>.ChunkIndexes) {
        let sources = parts.compactMap { $0.chunk(column) }
        var bounds = ValueBounds()
        for (part, chunk) in zip(parts, sources) {
            let known = ValueBounds(
                chunk.statistics, valueCount: chunk.valueCount,
                order: part.keepsBounds ? order : nil)
            bounds.add(known, order: order)
        }
        var (metadata, offsetIndex, columnIndex) = ledger.chunk(leaf, codec: codec, bounds, order)
        metadata.sizeStatistics = SizeStatistics(summing: sources.map(\.sizeStatistics))
        if let pairs = sources.first?.keyValues, sources.allSatisfy({ $0.keyValues == pairs }) {
            metadata.keyValues = pairs
        }
        var indexes = FileWriter<Source, Sink>.ChunkIndexes(column: column)
        (indexes.offsetIndex, indexes.columnIndex) = (offsetIndex, columnIndex)
        return (ColumnChunk(metadata: metadata), indexes)
    }
}

extension ColumnStitcher.Part {
    func chunk(_ column: Int) -> ColumnMetadata? {
        file.rowGroups[rowGroup].columns[column].metadata
    }

    func stream(
        _ column: Int, windowSize: Int
    ) throws(ParquetReadError<Source.Failure>) -> PageStream<Source> {
        do {
            return try PageStream(
                file, rowGroup: rowGroup, column: column, windowSize: windowSize,
                loaded: file.memory)
        } catch { throw .format(error) }
    }
}
