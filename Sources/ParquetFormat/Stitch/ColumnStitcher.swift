// SPDX-License-Identifier: Apache-2.0

/// Makes one column chunk of several, page by page.
///
/// 1. The dictionaries of all sources are read and merged, as far as they fit.
/// 2. Pages follow in order. A page that stands alone, in the right codec and of a fair size moves
///    byte for byte. A page of positions in a dictionary gets positions in the merged one; its
///    levels are read only to count nulls and to divide it. What is small is gathered, and so are
///    the values of dictionaries that did not fit. Pages with rows that are left out are cut:
///    levels, positions and values. Where the column's type or levels change, values are converted.
/// 3. Sizes, statistics and indexes are put together from what the sources say, and computed where
///    rows were left out: bounds that no value reaches would be wrong answers to some readers.
struct ColumnStitcher<Source: ParquetByteSource, Sink: ParquetByteSink> {
    typealias Failure = ParquetWriteError<Source.Failure, Sink.Failure>
    typealias Part = ColumnPart<Source>

    let settings: ParquetWriteSettings
    let column: Int
    let leaf: ParquetColumn
    let parts: [Part]
    let order: BoundsOrder?
    let codecs: PageCodec
    let codec: ParquetCodec
    var emitter: PageEmitter
    var ledger = ChunkLedger()
    var assembler: PageAssembler
    var work = PageWork()
    var probe = CompressionProbe()
    /// What collects the values for a bloom filter, if they must be looked at for that.
    var filter: BloomFilterBuilder?
    /// The bloom filter that was made of those of the sources.
    var joinedFilter: SplitBlockFilter?
    /// What is known of the values of each part that is done.
    var known: [ValueBounds] = []
    /// What tells the bounds of positions in the merged dictionary, once it is asked for.
    var mergedKeys: DictionaryKeys?

    /// Pages with as many values, or as many bytes, are worth their own header.
    static var fairSize: Int { 64 << 10 }
    var fairCount: Int { settings.pageRowLimit / 2 }

    init(
        _ parts: [Part], column: Int, leaf: ParquetColumn, order: BoundsOrder?,
        codec: ParquetCodec, settings: ParquetWriteSettings, codecs: PageCodec,
        filter: BloomFilterBuilder?
    ) {
        self.filter = filter
        self.parts = parts
        self.column = column
        self.leaf = leaf
        self.order = order
        self.settings = settings
        self.codecs = codecs
        self.codec = codec
        emitter = PageEmitter(
            leaf, codec: codec, level: settings.zstandardLevel, codecs: codecs)
        assembler = PageAssembler(leaf, order: order)
    }

    /// Whether no page of positions may come any more, because one of values did.
    ///
    /// Spark's vectorized reader misreads values that positions follow in the same batch, and fails
    /// on them in lists and maps; parquet-mr never writes them so.
    var isPastPositions: Bool {
        let gathersValues = !assembler.isEmpty && assembler.content != .positions
        return ledger.hasPagesOfValues || gathersValues
    }

    /// Whether pages of nothing but nulls are written as positions, so that others may follow.
    func keepsToPositions(_ merged: MergedDictionary) -> Bool {
        merged.count > 0 && !isPastPositions
    }

    /// How many rows were written.
    var rowCount: Int64 { ledger.rowCount }

    /// Writes the new chunk's pages and gives its place in the footer.
    mutating func stitch(
        to writer: inout FileWriter<Source, Sink>
    ) async throws(Failure) -> NewChunk {
        try await joinFilters()
        let merged = try await mergeDictionaries()
        if merged.count > 0 {
            filter?.insert(merged.plain, merged.entries)
            do throws(ParquetError) {
                let header = DictionaryPageHeader(
                    valueCount: Int32(merged.count), encoding: .plain)
                let page = try emitter.page(.dictionary(header), merged.plain)
                writer.append(page.header, page.stored, rows: 0, bounds: nil, notingIn: &ledger)
            } catch { throw .format(error) }
        }
        for (index, part) in parts.enumerated() {
            known.append(ValueBounds())
            if part.projection.isByPage {
                try await stitch(part, merged, use: merged.uses[index], to: &writer)
            } else {
                try await generate(part, merged, use: merged.uses[index], to: &writer)
            }
            if part.isWhole || part.deleted.isEmpty && part.projection.isByPage {
                known[index] = part.footerBounds(order)
            }
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
        var isPast = false
        // Whether values hardly repeat, so that only dictionaries of other kinds are looked at.
        var isOutgrown = false
        for part in parts {
            var mapping: [UInt32]?
            if isPast {
                // Its positions would come after pages of values.
            } else if !part.projection.isByPage {
                mapping = constant(part, &merger)
                if mapping != nil { covered += Double(part.keptRowCount) }
            } else if let found = try await firstDictionary(of: part, repeating: isOutgrown) {
                let bytes = found.bytes.span.bytes
                let repeats =
                    MergedDictionary.paysOff(merger.count, covered: covered)
                    || MergedDictionary.paysOff(
                        found.entries.count, covered: part.coveredValues)
                if !repeats, merger.isOutgrown(by: bytes, found.entries) {
                    isOutgrown = true
                } else {
                    mapping = merger.add(bytes, found.entries)
                    if mapping != nil { covered += part.coveredValues }
                }
            }
            mappings.append(mapping)
            isPast = isPast || part.hasPagesOfValues(isMerged: mapping != nil)
        }
        return MergedDictionary(merger, mappings: mappings, coveredValues: covered)
    }

    /// Where the constant that fills a column is in the dictionary.
    private func constant(_ part: Part, _ merger: inout DictionaryMerger) -> [UInt32]? {
        guard case .constant = part.projection.fill, !part.projection.fillsNulls else { return nil }
        var values = ColumnValues(for: leaf)
        values.append(fill: part.projection.fill, 0)
        var positions: [UInt32] = []
        return merger.add(values, 0..<1, to: &positions) ? positions : nil
    }

    /// - Parameter repeating: Whether one whose values hardly repeat is of no use.
    private func firstDictionary(
        of part: Part, repeating: Bool
    ) async throws(Failure) -> (bytes: [UInt8], entries: DictionaryEntries)? {
        guard let chunk = part.chunk, chunk.valueCount > 0, chunk.hasDictionary else { return nil }
        do throws(ParquetReadError<Source.Failure>) {
            let front = chunk.dataPageOffset - chunk.byteRange.lowerBound
            var stream = try part.stream(
                windowSize: front > 0 ? Int(min(front, 4 << 20)) : 64 << 10)
            guard let page = try await stream.next(),
                case .dictionary(let header) = page.header.kind
            else { return nil }
            let count = Int(header.valueCount)
            if repeating, !MergedDictionary.paysOff(count, covered: part.coveredValues) {
                return nil
            }
            do throws(ParquetError) {
                return try dictionary(page, header, stream, part)
            } catch { throw .format(error) }
        } catch { throw Failure(error) }
    }

    /// A source's dictionary as values of the new column.
    func dictionary(
        _ page: StoredPage, _ header: DictionaryPageHeader, _ stream: PageStream<Source>,
        _ part: Part
    ) throws(ParquetError) -> (bytes: [UInt8], entries: DictionaryEntries) {
        let source = stream.column
        let found = try work.dictionary(
            page, header, stream.window, source, codec: stream.chunk.codec, codecs)
        guard part.projection.conversion != .none else { return found }
        let size = Int(page.header.uncompressedSize)
        var values = ColumnValues(for: source)
        do throws(DecodeFault) {
            let decoder = ValueDecoder(column: source, byteLimit: part.file.limits.batchBytes)
            try decoder.plain(
                found.bytes.span.bytes.extracting(0..<size), count: Int(header.valueCount),
                into: &values)
        } catch { throw error.at(page.place) }
        var bytes: [UInt8] = []
        try ValueEncoder.encode(
            part.projection.conversion.convert(values), .plain, appendingTo: &bytes)
        do throws(DecodeFault) {
            let entries = try DictionaryEntries(
                bytes.span.bytes, leaf, count: Int(header.valueCount))
            return (bytes, entries)
        } catch { throw error.at(page.place) }
    }
}
