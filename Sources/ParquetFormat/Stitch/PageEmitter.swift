// SPDX-License-Identifier: Apache-2.0

import Compression

/// A page as it goes into the new file.
struct EmittedPage {
    let header: PageHeader
    let rowCount: Int64
    let bounds: ValueBounds?
    /// The bytes of its header and of what is stored.
    let size: Int
}

/// Keeps the books of one new column chunk: sizes, encodings, where pages are.
struct ChunkLedger {
    /// The longest bound of a page in an index.
    static let indexedBoundBytes = 64
    /// The longest bound of a chunk that is not shortened.
    static let chunkBoundBytes = 4 << 10

    private(set) var compressedSize: Int64 = 0
    private(set) var uncompressedSize: Int64 = 0
    private(set) var valueCount: Int64 = 0
    private(set) var rowCount: Int64 = 0
    private(set) var dictionaryOffset: Int64?
    private(set) var dataOffset: Int64?
    private var pageCounts: [[Int32]: Int32] = [:]
    private var locations: [PageLocation] = []
    private var bounds: [ValueBounds] = []
    /// Whether every page began with a row and told what it holds.
    private var hasOffsets = true
    private var hasBounds = true
    /// Whether a data page is not one of positions in the dictionary.
    private(set) var hasPagesOfValues = false

    mutating func add(_ page: EmittedPage, at offset: Int64) {
        compressedSize += Int64(page.size)
        let headerSize = page.size - Int(page.header.compressedSize)
        uncompressedSize += Int64(headerSize) + Int64(page.header.uncompressedSize)
        let encoding: ParquetEncoding
        switch page.header.kind {
        case .dictionary(let header):
            dictionaryOffset = offset
            pageCounts[[PageType.dictionary.rawValue, header.encoding.rawValue], default: 0] += 1
            return
        case .index: return
        case .data(let header):
            encoding = header.encoding
            valueCount += Int64(header.valueCount)
        case .dataV2(let header):
            encoding = header.encoding
            valueCount += Int64(header.valueCount)
        }
        if dataOffset == nil { dataOffset = offset }
        if !encoding.usesDictionary { hasPagesOfValues = true }
        pageCounts[[page.header.type.rawValue, encoding.rawValue], default: 0] += 1
        // An index lists no page without rows.
        if page.rowCount > 0 {
            locations.append(
                PageLocation(
                    offset: offset, compressedSize: Int32(page.size), firstRow: rowCount))
        } else {
            hasOffsets = false
        }
        if let known = page.bounds { bounds.append(known) } else { hasBounds = false }
        rowCount += page.rowCount
    }

    /// For a page of which it is not known where its rows begin.
    mutating func forgoOffsets() { hasOffsets = false }

    var offsetIndex: OffsetIndex? {
        hasOffsets && !locations.isEmpty ? OffsetIndex(pages: locations) : nil
    }

    /// The bounds of all pages, if all are known.
    func columnIndex(_ order: BoundsOrder?) -> ColumnIndex? {
        guard hasOffsets, hasBounds, let order, !bounds.isEmpty else { return nil }
        guard bounds.allSatisfy({ $0.isAllNull || $0.bounds != nil }) else { return nil }
        let written = bounds.map { shortened($0.isAllNull ? nil : $0.bounds, order) }
        let known = zip(bounds, written).filter { !$0.0.isAllNull }.map(\.1)
        var index = ColumnIndex(
            nullPages: bounds.map(\.isAllNull), minimums: written.map(\.minimum),
            maximums: written.map(\.maximum), boundaryOrder: Self.boundaryOrder(known, order))
        let nullCounts = bounds.compactMap(\.nullCount)
        if nullCounts.count == bounds.count { index.nullCounts = nullCounts }
        let nanCounts = bounds.compactMap(\.nanCount)
        if order.isFloating, nanCounts.count == bounds.count { index.nanCounts = nanCounts }
        return index
    }

    /// Bounds as they stand in an index, where long ones only take room.
    private func shortened(
        _ bounds: ValueBounds.Bounds?, _ order: BoundsOrder
    ) -> (minimum: [UInt8], maximum: [UInt8]) {
        guard let bounds else { return ([], []) }
        guard order == .unsignedBytes else { return (bounds.minimum, bounds.maximum) }
        let limit = Self.indexedBoundBytes
        return (
            BoundTruncation.minimum(bounds.minimum, bytes: limit, isText: true),
            BoundTruncation.maximum(bounds.maximum, bytes: limit, isText: true) ?? bounds.maximum
        )
    }

    private static func boundaryOrder(
        _ known: [(minimum: [UInt8], maximum: [UInt8])], _ order: BoundsOrder
    ) -> BoundaryOrder {
        var (ascends, descends) = (true, true)
        for (left, right) in zip(known, known.dropFirst()) {
            for (a, b) in [(left.minimum, right.minimum), (left.maximum, right.maximum)] {
                if order.isLess(b, a) { ascends = false }
                if order.isLess(a, b) { descends = false }
            }
        }
        return ascends ? .ascending : descends ? .descending : .unordered
    }

    var encodingStatistics: [PageEncodingStatistics] {
        pageCounts.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map {
            PageEncodingStatistics(pageType: $0.key[0], encoding: $0.key[1], count: $0.value)
        }
    }

    /// The encodings of values, and RLE for the levels.
    var encodings: [Int32] {
        Set(pageCounts.keys.map { $0[1] }).union([ParquetEncoding.rle.rawValue]).sorted()
    }
}

extension ChunkLedger {
    /// The chunk's place in the footer, and its indexes.
    func chunk(
        _ leaf: ParquetColumn, codec: ParquetCodec, _ bounds: ValueBounds, _ order: BoundsOrder?
    ) -> (metadata: ColumnMetadata, offsetIndex: OffsetIndex?, columnIndex: [UInt8]?) {
        var metadata = ColumnMetadata(
            type: leaf.type, encodings: encodings, path: leaf.path, codec: codec,
            valueCount: valueCount, uncompressedSize: uncompressedSize,
            compressedSize: compressedSize, dataPageOffset: dataOffset ?? 0)
        metadata.dictionaryPageOffset = dictionaryOffset
        metadata.encodingStatistics = encodingStatistics
        metadata.statistics = Self.shortened(bounds).statistics
        if order?.isFloating != true { metadata.statistics?.nanCount = nil }
        return (metadata, offsetIndex, columnIndex(order)?.thriftBytes)
    }

    /// Bounds as they stand in the footer, which every reader takes into memory.
    private static func shortened(_ known: ValueBounds) -> ValueBounds {
        guard let bounds = known.bounds,
            max(bounds.minimum.count, bounds.maximum.count) > chunkBoundBytes
        else { return known }
        var known = known
        known.bounds = nil
        let low = BoundTruncation.minimum(bounds.minimum, bytes: chunkBoundBytes, isText: true)
        let high = BoundTruncation.maximum(bounds.maximum, bytes: chunkBoundBytes, isText: true)
        if let high {
            known.bounds = ValueBounds.Bounds(
                minimum: low, maximum: high,
                isMinimumExact: low == bounds.minimum ? bounds.isMinimumExact : false,
                isMaximumExact: high == bounds.maximum ? bounds.isMaximumExact : false)
        }
        return known
    }
}

/// Puts together the bytes of new pages.
struct PageEmitter {
    let column: ParquetColumn
    let codec: ParquetCodec
    let level: Int32
    let codecs: PageCodec
    /// Compressed bytes, in memory that is kept as long as pages are small.
    private var stored: [UInt8] = []
    /// How hard to try with pages of values, and with pages of positions.
    private var efforts: (values: ZstandardEffort, positions: ZstandardEffort)

    init(_ column: ParquetColumn, codec: ParquetCodec, level: Int32, codecs: PageCodec) {
        self.column = column
        self.codec = codec
        self.level = level
        self.codecs = codecs
        efforts = (ZstandardEffort(level: level), ZstandardEffort(level: level))
    }

    private var place: ParquetPlace { ParquetPlace(.page, 0) }

    /// Compresses a page and gives its header, checksum included, with what is to be stored.
    mutating func page(
        _ kind: PageHeader.Kind, _ content: [UInt8]
    ) throws(ParquetError) -> (header: PageHeader, stored: [UInt8]) {
        stored.removeAll(keepingCapacity: true)
        switch kind {
        case _ where codec == .uncompressed: stored = content
        case .data(let header): try compress(content, header.encoding)
        case .dataV2, .dictionary, .index:
            try codecs.compress(content, codec, level: level, appendingTo: &stored, place: place)
        }
        return (try header(kind, uncompressed: content.count), taken)
    }

    /// The same for a page of the second version, whose levels are not compressed.
    mutating func pageV2(
        _ header: DataPageHeaderV2, levels: ArraySlice<UInt8>, values: [UInt8]
    ) throws(ParquetError) -> (header: PageHeader, stored: [UInt8]) {
        stored.removeAll(keepingCapacity: true)
        stored += levels
        var header = header
        header.isCompressed = codec != .uncompressed && !values.isEmpty
        if header.isCompressed {
            try compress(values, header.encoding)
        } else {
            stored += values
        }
        let size = levels.count + values.count
        return (try self.header(.dataV2(header), uncompressed: size), taken)
    }

    private mutating func compress(
        _ content: [UInt8], _ encoding: ParquetEncoding
    ) throws(ParquetError) {
        guard codec == .zstandard else {
            try codecs.compress(content, codec, level: level, appendingTo: &stored, place: place)
            return
        }
        var effort = encoding.usesDictionary ? efforts.positions : efforts.values
        let start = stored.count
        switch effort.next(content.count) {
        case .level(let level):
            try codecs.compress(content, codec, level: level, appendingTo: &stored, place: place)
        case .both(let wanted, let quick):
            try codecs.compress(content, codec, level: wanted, appendingTo: &stored, place: place)
            var other: [UInt8] = []
            try codecs.compress(content, codec, level: quick, appendingTo: &other, place: place)
            effort.note(wanted: stored.count - start, quick: other.count)
            if other.count <= stored.count - start {
                stored.removeLast(stored.count - start)
                stored += other
            }
        }
        effort.note(content.count, stored: stored.count - start)
        if encoding.usesDictionary { efforts.positions = effort } else { efforts.values = effort }
    }

    /// What is stored; a large page takes its memory with it.
    private var taken: [UInt8] {
        mutating get {
            let page = stored
            if stored.count > PageBody.largeSize { stored = [] }
            return page
        }
    }

    private func header(
        _ kind: PageHeader.Kind, uncompressed: Int
    ) throws(ParquetError) -> PageHeader {
        guard let before = Int32(exactly: uncompressed), let after = Int32(exactly: stored.count)
        else {
            throw .tooLarge(part: "a page", size: Int64(uncompressed), limit: Int64(Int32.max))
        }
        return PageHeader(
            kind: kind, uncompressedSize: before, compressedSize: after,
            checksum: crc32(stored.span.bytes))
    }
}
