// SPDX-License-Identifier: Apache-2.0

/// One page taken apart, in memory that is kept from page to page.
struct PageWork {
    private(set) var body = PageBody()
    private(set) var positions: [UInt32] = []
    /// How many values are not null.
    private(set) var present = 0
    /// How many values there are, nulls included.
    private(set) var entryCount = 0
    private(set) var rowCount: Int64 = 0
    /// Whether levels or values are others than those of the page as it is stored.
    private(set) var isChanged = false
    /// Whether the page goes on with the row that the page before ended in.
    private(set) var beginsWithinRow = false
    private var loadedPresent = 0
    private var cut: RowCut?
    private var repetitionLevels: [UInt8] = []
    private var definitionLevels: [UInt8] = []

    /// Decompresses a data page and decodes its levels.
    mutating func load(
        _ page: StoredPage, _ window: [UInt8], _ column: ParquetColumn, codec: ParquetCodec,
        _ codecs: PageCodec
    ) throws(ParquetError) {
        try body.load(page, window.span.bytes, column, codec: codec, with: codecs)
        repetitionLevels.removeAll(keepingCapacity: true)
        definitionLevels.removeAll(keepingCapacity: true)
        do throws(DecodeFault) {
            try body.decodeRepetitionLevels(column, appendingTo: &repetitionLevels)
            try body.decodeDefinitionLevels(column, appendingTo: &definitionLevels)
        } catch { throw error.at(page.place) }
        let maximum = UInt8(column.maximumDefinitionLevel)
        present = maximum == 0 ? body.valueCount : definitionLevels.count { $0 == maximum }
        (loadedPresent, entryCount, isChanged, cut) = (present, body.valueCount, false, nil)
        beginsWithinRow = repetitionLevels.first.map { $0 != 0 } ?? false
    }

    /// Leaves out the levels of deleted rows, and makes the rest those of the target's path.
    ///
    /// - Parameter nextRow: The ordinal of the next row that begins; it is moved behind the page.
    mutating func keep(
        _ source: ParquetColumn, _ target: ParquetColumn, _ levels: LevelMap?,
        nextRow: inout Int64, deleted: ArraySlice<Int64>
    ) throws(ParquetError) {
        if deleted.isEmpty {
            rowCount = Int64(
                source.maximumRepetitionLevel == 0
                    ? entryCount : repetitionLevels.count { $0 == 0 })
            nextRow += rowCount
        } else {
            let cut = RowCut(
                repetition: repetitionLevels, definition: definitionLevels, count: entryCount,
                maximumDefinition: source.maximumDefinitionLevel, nextRow: &nextRow,
                deleted: deleted)
            rowCount = cut.rowCount
            if cut.entries != [0..<entryCount] { apply(cut) }
        }
        guard let levels else { return }
        definitionLevels = try BatchTransform.mapped(
            definitionLevels, count: entryCount, levels, target)
        isChanged = true
    }

    private mutating func apply(_ cut: RowCut) {
        if !repetitionLevels.isEmpty { repetitionLevels = repetitionLevels.keeping(cut.entries) }
        if !definitionLevels.isEmpty { definitionLevels = definitionLevels.keeping(cut.entries) }
        entryCount = cut.entries.reduce(0) { $0 + $1.count }
        present = cut.values.reduce(0) { $0 + $1.count }
        self.cut = cut
        isChanged = true
    }

    /// What the levels alone tell: something for pages of nothing but nulls.
    var nullBounds: ValueBounds? {
        guard present == 0 else { return nil }
        var statistics = ParquetStatistics()
        statistics.nullCount = Int64(entryCount)
        return ValueBounds(statistics, valueCount: Int64(entryCount), order: nil)
    }

    /// Whether the page as it is stored has no values at all.
    var isAllNull: Bool { loadedPresent == 0 }

    func piece(bounds: ValueBounds?) -> PageAssembler.Piece {
        PageAssembler.Piece(
            valueCount: entryCount, rowCount: rowCount, repetitionLevels: repetitionLevels[...],
            definitionLevels: definitionLevels[...], bounds: bounds)
    }

    /// The bytes of the levels, with their lengths where they have them.
    var levels: ArraySlice<UInt8> { body.bytes[..<body.values.lowerBound] }
    /// The bytes of the values.
    var values: ArraySlice<UInt8> { body.bytes[body.values] }

    /// Decodes the values as positions, each of which must be in a dictionary of so many values.
    mutating func decodePositions(_ page: StoredPage, below count: Int) throws(ParquetError) {
        var decoded = positions
        positions = []
        decoded.removeAll(keepingCapacity: true)
        if loadedPresent > 0 {
            let input = body.bytes.span.bytes.extracting(body.values)
            do throws(DecodeFault) {
                guard input.byteCount > 0 else { throw .endOfData }
                let width = Int(input.unsafeLoad(fromByteOffset: 0, as: UInt8.self))
                _ = try HybridDecoder.decode(
                    input.extracting(1..<input.byteCount), width: width, count: loadedPresent,
                    appendingTo: &decoded)
                guard (decoded.max() ?? 0) < count else {
                    throw .malformed("a position lies outside the dictionary of \(count) values")
                }
            } catch { throw error.at(page.place) }
        }
        positions = cut.map { decoded.keeping($0.values) } ?? decoded
    }

    /// Decodes the values of a page that needs no dictionary.
    mutating func decodeValues(
        _ page: StoredPage, _ encoding: ParquetEncoding, _ source: ParquetColumn,
        limits: ParquetLimits
    ) throws(ParquetError) -> ColumnValues {
        var values = ColumnValues(for: source)
        do throws(DecodeFault) {
            try ValueDecoder(column: source, byteLimit: limits.batchBytes).decode(
                body.bytes.span.bytes.extracting(body.values), encoding, count: loadedPresent,
                into: &values)
        } catch { throw error.at(page.place) }
        guard let cut else { return values }
        body.dropLarge()
        return values.keeping(cut.values)
    }

    /// Replaces each position; all of them are in the mapping.
    mutating func remap(_ mapping: [UInt32]) {
        for index in positions.indices { positions[index] = mapping[Int(positions[index])] }
    }

    /// Gives back the memory of a large page whose values were decoded.
    mutating func dropLarge() { body.dropLarge() }

    /// Whether a page takes so much that it is not written as one page again.
    static func isLarge(_ header: PageHeader) -> Bool {
        Int(header.uncompressedSize) > PageBody.largeSize || header.dataCounts.count > largeCount
    }

    private static let largeCount = 1 << 20

    /// Decompresses a dictionary page and finds its values.
    func dictionary(
        _ page: StoredPage, _ header: DictionaryPageHeader, _ window: [UInt8],
        _ column: ParquetColumn, codec: ParquetCodec, _ codecs: PageCodec
    ) throws(ParquetError) -> (bytes: [UInt8], entries: DictionaryEntries) {
        guard header.encoding == .plain || header.encoding == .plainDictionary else {
            throw .malformed(reason: "a dictionary is not plain", at: page.place)
        }
        var bytes: [UInt8] = []
        let size = Int(page.header.uncompressedSize)
        try codecs.decompress(
            window.span.bytes.extracting(page.payloadRange), codec, size: size, into: &bytes,
            place: page.place)
        do throws(DecodeFault) {
            let entries = try DictionaryEntries(
                bytes.span.bytes.extracting(0..<size), column, count: Int(header.valueCount))
            return (bytes, entries)
        } catch { throw error.at(page.place) }
    }
}
