// SPDX-License-Identifier: Apache-2.0

/// Decodes one column chunk, a page at a time, so that memory does not grow with the chunk.
public struct ColumnReader<Source: ParquetByteSource> {
    /// Why reading stopped.
    public typealias Failure = ParquetReadError<Source.Failure>

    private var stream: PageStream<Source>
    private var decoder: ValueDecoder
    private var body = PageBody()
    private let codecs = PageCodec()
    private let rowCount: Int64
    private let unfoldedLimit: Int
    /// What stands for the values of the dictionary, once that was asked for.
    private var dictionaryTokens: [UInt64]?
    /// The most bytes that one value of the dictionary takes.
    private var largestEntry = 0
    /// What is left of a page that is handed out in parts.
    private var unfolded: UnfoldedPage?
    private var seenRows: Int64 = 0
    private var isFirst = true

    /// The column that is read.
    public var column: ParquetColumn { stream.column }

    /// Prepares to read; nothing is requested yet.
    public init(
        _ file: ParquetFile<Source>, rowGroup: Int, column: Int
    ) throws(ParquetError) {
        stream = try PageStream(
            file, rowGroup: rowGroup, column: column, loaded: file.memory)
        decoder = ValueDecoder(
            column: file.schema.columns[column], byteLimit: file.limits.batchBytes)
        rowCount = file.rowGroups[rowGroup].rowCount
        unfoldedLimit = file.limits.unfoldedBytes
        let fragile = ParquetEncoding.deltaByteArray.rawValue
        if let chunk = file.rowGroups[rowGroup].columns[column].metadata,
            chunk.encodings.contains(fragile),
            file.writer.hasBrokenDeltaByteArrays
        {
            throw .unsupported(feature: "DELTA_BYTE_ARRAY as parquet-mr before 1.8 wrote it")
        }
    }

    /// The values of the next data page, or nil after the last.
    ///
    /// A row of nested values may go on in the next batch, and so may a page whose texts take much
    /// more memory than their positions in the dictionary.
    public mutating func next() async throws(Failure) -> ColumnBatch? {
        do throws(ParquetError) { if let part = try nextPart() { return part } } catch {
            throw .format(error)
        }
        guard let page = try await nextDataPage() else { return nil }
        do throws(ParquetError) { return try decode(page) } catch { throw .format(error) }
    }

    /// Numbers in place of the values of the next data page, or nil after the last.
    ///
    /// For those to whom equal numbers are as good as equal values: the values of a dictionary are
    /// looked at once for all their occurrences.
    ///
    /// - Parameter tokens: Makes a number of each value; the same function for all pages.
    public mutating func nextTokens(
        _ tokens: (ColumnValues) -> [UInt64]
    ) async throws(Failure) -> TokenBatch? {
        precondition(unfolded == nil, "next() has not handed out all of a page")
        guard let page = try await nextDataPage() else { return nil }
        do throws(ParquetError) { return try decode(page, tokens) } catch { throw .format(error) }
    }

    private mutating func nextDataPage() async throws(Failure) -> StoredPage? {
        while let page = try await stream.next() {
            guard case .dictionary(let header) = page.header.kind else { return page }
            do throws(ParquetError) { try readDictionary(page, header) } catch {
                throw .format(error)
            }
        }
        do { try checkRows() } catch { throw .format(error) }
        return nil
    }

    private func checkRows() throws(ParquetError) {
        let isNested = stream.column.maximumRepetitionLevel > 0
        guard !isNested || seenRows == rowCount else {
            throw .malformed(
                reason: "it has \(seenRows) rows instead of \(rowCount)",
                at: ParquetPlace(.columnChunk, stream.chunk.byteRange.lowerBound))
        }
    }

    private mutating func readDictionary(
        _ page: StoredPage, _ header: DictionaryPageHeader
    ) throws(ParquetError) {
        guard header.encoding == .plain || header.encoding == .plainDictionary else {
            throw .malformed(reason: "a dictionary is not plain", at: page.place)
        }
        var bytes: [UInt8] = []
        let size = Int(page.header.uncompressedSize)
        try codecs.decompress(
            stream.window.span.bytes.extracting(page.payloadRange), stream.chunk.codec, size: size,
            into: &bytes, place: page.place)
        var values = ColumnValues(for: column)
        do throws(DecodeFault) {
            try decoder.plain(
                bytes.span.bytes.extracting(0..<size), count: Int(header.valueCount), into: &values)
        } catch { throw error.at(page.place) }
        largestEntry = (0..<values.count).reduce(0) { max($0, values.byteCount($1)) }
        decoder.dictionary = values
        dictionaryTokens = nil
    }

    private mutating func decode(_ page: StoredPage) throws(ParquetError) -> ColumnBatch {
        defer { body.dropLarge() }
        var (batch, present) = try decodeLevels(page, unlessWhole: false)
        do throws(DecodeFault) {
            if mayUnfold(present), let dictionary = decoder.dictionary {
                let positions = try decoder.positions(
                    body.bytes.span.bytes.extracting(body.values), count: present)
                var unfolded = try UnfoldedPage(
                    batch, positions, of: dictionary, column, limit: unfoldedLimit)
                if let first = try unfolded.next(decoder) {
                    self.unfolded = unfolded
                    return first
                }
            }
            try decodeValues(present, into: &batch)
        } catch { throw error.at(page.place) }
        return batch
    }

    /// Whether the values of a page of positions may take much more than the page.
    private func mayUnfold(_ present: Int) -> Bool {
        body.encoding.usesDictionary && largestEntry > 0
            && present > UnfoldedPage.partBytes / largestEntry
    }

    /// The next part of the page before; nil if all of it was handed out.
    private mutating func nextPart() throws(ParquetError) -> ColumnBatch? {
        guard var page = unfolded else { return nil }
        unfolded = nil
        do throws(DecodeFault) {
            guard let part = try page.next(decoder) else { return nil }
            unfolded = page
            return part
        } catch {
            throw error.at(ParquetPlace(.columnChunk, stream.chunk.byteRange.lowerBound))
        }
    }

    private mutating func decode(
        _ page: StoredPage, _ tokens: (ColumnValues) -> [UInt64]
    ) throws(ParquetError) -> TokenBatch {
        defer { body.dropLarge() }
        var (batch, present) = try decodeLevels(page, unlessWhole: true)
        do throws(DecodeFault) {
            guard body.encoding.usesDictionary, present > 0 else {
                try decodeValues(present, into: &batch)
                return TokenBatch(batch, tokens: tokens(batch.values))
            }
            let positions = try decoder.positions(
                body.bytes.span.bytes.extracting(body.values), count: present)
            if dictionaryTokens == nil { dictionaryTokens = decoder.dictionary.map(tokens) }
            return TokenBatch(batch, tokens: dictionaryTokens ?? [], positions: positions)
        } catch { throw error.at(page.place) }
    }

    /// Loads a page, and decodes its levels.
    ///
    /// - Parameter unlessWhole: Whether definition levels of which each says that a value is there
    ///   are left out.
    /// - Returns: A batch without values, and how many values there are to come.
    private mutating func decodeLevels(
        _ page: StoredPage, unlessWhole: Bool
    ) throws(ParquetError) -> (batch: ColumnBatch, present: Int) {
        let column = self.column
        try load(page)
        stream.dropLargeWindow()
        var batch = ColumnBatch(for: column)
        batch.count = body.valueCount
        do throws(DecodeFault) {
            try body.decodeRepetitionLevels(column, appendingTo: &batch.repetitionLevels)
            if !unlessWhole || !body.hasNothingMissing(column) {
                try body.decodeDefinitionLevels(column, appendingTo: &batch.definitionLevels)
            }
            return (batch, try countPresent(batch, page.header))
        } catch { throw error.at(page.place) }
    }

    private func decodeValues(
        _ count: Int, into batch: inout ColumnBatch
    ) throws(DecodeFault) {
        try decoder.decode(
            body.bytes.span.bytes.extracting(body.values), body.encoding, count: count,
            into: &batch.values)
    }

    private mutating func load(_ page: StoredPage) throws(ParquetError) {
        let window = stream.window
        try body.load(page, window.span.bytes, column, codec: stream.chunk.codec, with: codecs)
    }

    /// How many values are not null, after a look at the levels.
    private mutating func countPresent(
        _ batch: ColumnBatch, _ header: PageHeader
    ) throws(DecodeFault) -> Int {
        if column.maximumRepetitionLevel > 0, let first = batch.repetitionLevels.first {
            guard !isFirst || first == 0 else {
                throw .malformed("the first row begins in its middle")
            }
            isFirst = false
            let rows = batch.repetitionLevels.count { $0 == 0 }
            if case .dataV2(let header) = header.kind, Int(header.rowCount) != rows {
                throw .malformed("it has \(rows) rows instead of \(header.rowCount)")
            }
            seenRows += Int64(rows)
        }
        let maximum = UInt8(column.maximumDefinitionLevel)
        let isWhole = maximum == 0 || batch.definitionLevels.isEmpty
        let present = isWhole ? batch.count : batch.definitionLevels.count { $0 == maximum }
        if case .dataV2(let header) = header.kind, batch.count - present != Int(header.nullCount) {
            throw .malformed("it has \(batch.count - present) nulls, not \(header.nullCount)")
        }
        return present
    }
}

extension ParquetFile {
    /// All values of a column in a row group at once.
    ///
    /// - Throws: ``ParquetError/tooLarge(part:size:limit:)`` when they are more than
    /// ``ParquetLimits/batchValues`` or ``ParquetLimits/batchBytes``: read them a page at a time.
    public func readColumn(rowGroup: Int, column: Int) async throws(Failure) -> ColumnBatch {
        var whole = ColumnBatch(for: schema.columns[column])
        var reader: ColumnReader<Source>
        do { reader = try ColumnReader(self, rowGroup: rowGroup, column: column) } catch {
            throw .format(error)
        }
        while let batch = try await reader.next() {
            do { try whole.append(batch, limits: limits) } catch { throw .format(error) }
        }
        return whole
    }
}

extension ColumnBatch {
    /// Adds the values of another batch of the same column.
    mutating func append(_ other: ColumnBatch, limits: ParquetLimits) throws(ParquetError) {
        guard count + other.count <= limits.batchValues else {
            throw .tooLarge(
                part: "a batch's value count", size: Int64(count + other.count),
                limit: Int64(limits.batchValues))
        }
        count += other.count
        definitionLevels += other.definitionLevels
        repetitionLevels += other.repetitionLevels
        values.append(other.values)
        guard values.byteCount <= limits.batchBytes else {
            throw .tooLarge(
                part: "a batch of byte strings", size: Int64(values.byteCount),
                limit: Int64(limits.batchBytes))
        }
    }
}
