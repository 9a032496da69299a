// SPDX-License-Identifier: Apache-2.0

/// Makes the pages of one column chunk from values.
///
/// Values go into a dictionary until it grows too large or, judged by the first page, does not make
/// the chunk smaller; what comes then is plain, or in the encoding that the settings name. Pages
/// are compressed as they fill up, and kept until the chunk is written: the dictionary comes first.
struct ColumnChunkEncoder {
    private let column: ParquetColumn
    private let order: BoundsOrder?
    private let settings: ParquetWriteSettings
    private let codec: ParquetCodec
    private var emitter: PageEmitter
    private var assembler: PageAssembler
    private var merger: DictionaryMerger
    private var usesDictionary: Bool
    private var hasJudged = false
    /// What the values of the page that is gathered would take if they were plain.
    private var plainBytes = 0
    private var positions: [UInt32] = []
    /// The pages of nothing but nulls and empty lists before the first value, which tells whether
    /// they have positions or plain values, of which there are none in either.
    private var valueless: [Gathered] = []
    private var valuelessBytes = 0
    private var pages: [Page] = []
    private var ledger = ChunkLedger()
    private var hasWrittenDictionary = false
    private var bounds = ValueBounds()
    private var filter: BloomFilterBuilder?
    private var sizes: SizeCounter
    /// How many full pages without a value, which are not compressed, wait in memory: if there are
    /// more, they are written as they are, and the chunk gets no dictionary.
    static let valuelessPageLimit = 8
    /// The bytes of the pages that are done.
    private(set) var storedBytes = 0
    private(set) var rowCount: Int64 = 0

    private typealias Gathered = (
        header: DataPageHeader, content: [UInt8], rowCount: Int64, bounds: ValueBounds?
    )

    private struct Page {
        let header: PageHeader
        let stored: [UInt8]
        let rowCount: Int64
        let bounds: ValueBounds?
    }

    init(
        _ column: ParquetColumn, order: BoundsOrder?, settings: ParquetWriteSettings,
        codec: ParquetCodec, codecs: PageCodec, filter: BloomFilterBuilder?
    ) {
        self.filter = filter
        sizes = SizeCounter(column)
        self.column = column
        self.order = order
        self.settings = settings
        self.codec = codec
        emitter = PageEmitter(column, codec: codec, level: settings.zstandardLevel, codecs: codecs)
        assembler = PageAssembler(column, order: order)
        merger = DictionaryMerger(column, byteLimit: settings.dictionarySizeBytes)
        usesDictionary =
            column.type != .boolean && settings.encodings[column.name] == nil
            && settings.dictionarySizeBytes > 0
    }

    /// About how many bytes the chunk takes so far.
    var byteCount: Int { storedBytes + valuelessBytes + assembler.byteCount + merger.plain.count }

    private var encoding: ParquetEncoding {
        guard let wanted = settings.encodings[column.name],
            ValueEncoder.encodes(wanted, column.type)
        else { return .plain }
        return wanted
    }

    /// Adds so many rows of a batch that was checked, or all that are left of it.
    mutating func append(_ cursor: inout BatchCursor, rows: Int) throws(ParquetError) {
        var left = rows
        while left > 0 || cursor.isWithinRow {
            if cursor.isWithinRow { ledger.forgoOffsets() }
            let room = max(1, settings.pageRowLimit - Int(assembler.rowCount))
            let segment = cursor.next(rows: min(left, room), bytes: settings.pageSizeBytes)
            guard let segment else { return }
            let size = cursor.batch.values.plainSize(segment.values)
            let isTooMuch =
                assembler.valueCount + segment.entries.count > PageAssembler.valueLimit
                || assembler.byteCount + size > PageBody.largeSize
            if isTooMuch { try endPage() }
            try append(segment, of: cursor.batch)
            left -= segment.rowCount
            let isFull =
                assembler.rowCount >= settings.pageRowLimit
                || assembler.byteCount >= settings.pageSizeBytes
                || assembler.valueCount >= PageAssembler.valueLimit
            if isFull { try endPage() }
        }
    }

    private mutating func append(
        _ segment: BatchCursor.Segment, of batch: ColumnBatch
    ) throws(ParquetError) {
        var scan = ValueScan(order)
        scan.add(batch.values, segment.values)
        let nulls = Int64(segment.entries.count - segment.values.count)
        let known = scan.result(nullCount: nulls)
        bounds.add(known, order: order)
        sizes.add(batch, segment.entries, values: segment.values)
        rowCount += Int64(segment.rowCount)
        let piece = PageAssembler.Piece(
            valueCount: segment.entries.count, rowCount: Int64(segment.rowCount),
            repetitionLevels: batch.repetitionLevels.isEmpty
                ? [] : batch.repetitionLevels[segment.entries],
            definitionLevels: batch.definitionLevels.isEmpty
                ? [] : batch.definitionLevels[segment.entries],
            bounds: known)
        if usesDictionary {
            positions.removeAll(keepingCapacity: true)
            if merger.add(batch.values, segment.values, to: &positions) {
                plainBytes += batch.values.plainSize(segment.values)
                assembler.append(piece, positions: positions[...])
                return
            }
            try endPage()
            usesDictionary = false
        }
        filter?.insert(batch.values, segment.values)
        assembler.append(piece, values: batch.values, segment.values, encoding)
    }

    /// Makes a page of what was gathered.
    private mutating func endPage() throws(ParquetError) {
        guard !assembler.isEmpty else { return }
        if assembler.content == .positions {
            if merger.count == 0 {
                try assembler.gather(merger, limit: ParquetLimits().pageBytes)
                let made = try assembler.take()
                valuelessBytes += made.content.count
                valueless.append(made)
                if valuelessBytes > Self.valuelessPageLimit * settings.pageSizeBytes {
                    usesDictionary = false
                    try endValueless(asPositions: false)
                }
                return
            }
            if !hasJudged {
                hasJudged = true
                if !paysOff {
                    try assembler.gather(merger, limit: ParquetLimits().pageBytes)
                    usesDictionary = false
                    filter?.insert(merger.plain, merger.entries)
                    merger = DictionaryMerger(column, byteLimit: settings.dictionarySizeBytes)
                }
            }
        }
        plainBytes = 0
        try endValueless(asPositions: assembler.content == .positions)
        try add(try assembler.take())
    }

    /// Makes pages of those that waited for the first value.
    ///
    /// Positions in an empty dictionary would be refused by readers, and Spark's vectorized reader
    /// fails where they follow any other page of a list (ADR 0048).
    private mutating func endValueless(asPositions: Bool) throws(ParquetError) {
        for var made in valueless {
            if asPositions {
                made.header.encoding = .rleDictionary
                PageAssembler.appendPositions([], to: &made.content)
            }
            try add(made)
        }
        valueless.removeAll()
        valuelessBytes = 0
    }

    private mutating func add(_ made: Gathered) throws(ParquetError) {
        let page = try emitter.page(.data(made.header), made.content)
        storedBytes += page.stored.count
        pages.append(
            Page(
                header: page.header, stored: page.stored, rowCount: made.rowCount,
                bounds: made.bounds))
    }

    /// Whether the dictionary and the positions take less than the values of the first page.
    private var paysOff: Bool {
        let width = bitWidth(of: max(merger.count - 1, 0))
        return merger.plain.count + assembler.presentCount * width / 8 < plainBytes
    }

    /// Writes the pages that are done once the dictionary, which precedes them, does not grow.
    mutating func drain<Source: ParquetByteSource, Sink: ParquetByteSink>(
        to writer: inout FileWriter<Source, Sink>
    ) async throws(ParquetWriteError<Source.Failure, Sink.Failure>) {
        guard !usesDictionary else { return }
        try await putPages(to: &writer)
    }

    private mutating func putPages<Source: ParquetByteSource, Sink: ParquetByteSink>(
        to writer: inout FileWriter<Source, Sink>
    ) async throws(ParquetWriteError<Source.Failure, Sink.Failure>) {
        if merger.count > 0, !hasWrittenDictionary {
            hasWrittenDictionary = true
            do throws(ParquetError) {
                let header = DictionaryPageHeader(
                    valueCount: Int32(merger.count), encoding: .plain)
                let page = try emitter.page(.dictionary(header), merger.plain)
                writer.append(page.header, page.stored, rows: 0, bounds: nil, notingIn: &ledger)
            } catch { throw .format(error) }
        }
        for page in pages {
            writer.append(
                page.header, page.stored, rows: page.rowCount, bounds: page.bounds,
                notingIn: &ledger)
            try await writer.flush()
        }
        pages.removeAll(keepingCapacity: true)
        storedBytes = 0
    }

    /// Writes the chunk's pages and gives its place in the footer.
    mutating func finish<Source: ParquetByteSource, Sink: ParquetByteSink>(
        column index: Int, to writer: inout FileWriter<Source, Sink>
    ) async throws(ParquetWriteError<Source.Failure, Sink.Failure>) -> NewChunk {
        do throws(ParquetError) {
            try endPage()
            try endValueless(asPositions: false)
        } catch { throw .format(error) }
        try await putPages(to: &writer)
        var made = ledger.chunk(column, codec: codec, bounds, order)
        made.metadata.sizeStatistics = sizes.statistics
        filter?.insert(merger.plain, merger.entries)
        return NewChunk(
            column: index, rowCount: rowCount, metadata: made.metadata,
            offsetIndex: made.offsetIndex, columnIndex: made.columnIndex,
            bloomFilter: filter?.finished)
    }
}

extension FileWriter {
    /// Gathers a page and notes it in the books of its chunk.
    mutating func append(
        _ header: PageHeader, _ stored: [UInt8], rows: Int64, bounds: ValueBounds?,
        notingIn ledger: inout ChunkLedger
    ) {
        let start = offset
        append(header.thriftBytes)
        append(stored)
        let emitted = EmittedPage(
            header: header, rowCount: rows, bounds: bounds, size: Int(offset - start))
        ledger.add(emitted, at: start)
    }
}
