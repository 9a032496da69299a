// SPDX-License-Identifier: Apache-2.0

/// Gathers what small pages hold until it makes a page of a good size.
///
/// It holds values of one kind: positions in the new dictionary, plain bytes, or values that are
/// encoded when the page is done.
struct PageAssembler {
    /// How the values of a new page are written.
    enum Content: Hashable {
        case positions
        case plain
        case values(ParquetEncoding)
    }

    private let column: ParquetColumn
    private let order: BoundsOrder?
    private(set) var content = Content.plain
    private(set) var valueCount = 0
    private(set) var rowCount: Int64 = 0
    private var repetitionLevels: [UInt8] = []
    private var definitionLevels: [UInt8] = []
    private var positions: [UInt32] = []
    /// Plain bytes; for booleans one byte each until they are packed.
    private var plain: [UInt8] = []
    private var values: ColumnValues
    private var valueBytes = 0
    private var bounds = ValueBounds()
    private var hasBounds = true

    init(_ column: ParquetColumn, order: BoundsOrder?) {
        self.column = column
        self.order = order
        values = ColumnValues(for: column)
    }

    var isEmpty: Bool { valueCount == 0 }

    /// About how many bytes the page will have before it is compressed.
    var byteCount: Int {
        plain.count + positions.count * 2 + valueBytes
            + (repetitionLevels.count + definitionLevels.count) / 8
    }

    /// The most values that a page is gathered of, nulls included: in lists rows may have any
    /// number, and nulls take hardly a byte.
    static let valueLimit = 1 << 20

    /// Values with their levels.
    struct Piece {
        var valueCount: Int
        var rowCount: Int64
        var repetitionLevels: ArraySlice<UInt8>
        var definitionLevels: ArraySlice<UInt8>
        var bounds: ValueBounds?
    }

    private mutating func add(_ piece: Piece, _ content: Content) {
        precondition(isEmpty || self.content == content, "a page has values of one kind")
        self.content = content
        valueCount += piece.valueCount
        rowCount += piece.rowCount
        repetitionLevels += piece.repetitionLevels
        definitionLevels += piece.definitionLevels
        if let more = piece.bounds { bounds.add(more, order: order) } else { hasBounds = false }
    }

    mutating func append(_ piece: Piece, positions: ArraySlice<UInt32>) {
        add(piece, .positions)
        self.positions += positions
    }

    /// Values of a range, to be encoded together.
    mutating func append(
        _ piece: Piece, values more: ColumnValues, _ range: Range<Int>, _ encoding: ParquetEncoding
    ) {
        let isWhole = isEmpty && range == 0..<more.count
        add(piece, .values(encoding))
        // The same memory serves both.
        if isWhole { values = more } else { values.append(more, range) }
        valueBytes += more.plainSize(range)
    }

    mutating func append(_ piece: Piece, plain bytes: RawSpan, _ range: Range<Int>) {
        add(piece, .plain)
        PlainBytes.append(bytes, range, to: &plain)
    }

    /// Plain booleans, of which there are so many that are not null.
    mutating func append(
        _ piece: Piece, booleans bytes: RawSpan, present: Int
    ) throws(DecodeFault) {
        var bits: [UInt8] = []
        guard BitPacking.unpack(bytes, from: 0, width: 1, count: present, appendingTo: &bits)
        else { throw .endOfData }
        add(piece, .plain)
        plain += bits
    }

    /// The values at positions of a dictionary, plain.
    mutating func append(
        _ piece: Piece, gathering positions: ArraySlice<UInt32>, of dictionary: RawSpan,
        _ entries: DictionaryEntries, limit: Int
    ) throws(DecodeFault) {
        add(piece, .plain)
        // The length of a value precedes it in the dictionary as well.
        let prefix = column.plainWidth == nil ? 4 : 0
        guard
            PlainBytes.gather(
                dictionary, entries, prefix: prefix, positions, to: &plain, limit: limit)
        else { throw .tooLarge(part: "a page", size: limit + 1, limit: limit) }
    }

    /// How many of the gathered values are not null, where they are positions.
    var presentCount: Int { positions.count }

    /// Turns positions in a dictionary into plain values.
    mutating func gather(_ dictionary: DictionaryMerger, limit: Int) throws(ParquetError) {
        let prefix = column.plainWidth == nil ? 4 : 0
        guard
            PlainBytes.gather(
                dictionary.plain.span.bytes, dictionary.entries, prefix: prefix, positions[...],
                to: &plain, limit: limit)
        else {
            throw .tooLarge(part: "a page", size: Int64(limit) + 1, limit: Int64(limit))
        }
        positions.removeAll(keepingCapacity: true)
        content = .plain
    }

    /// Everything gathered as the content of a data page of the first version; empties it.
    mutating func take() throws(ParquetError) -> (
        header: DataPageHeader, content: [UInt8], rowCount: Int64, bounds: ValueBounds?
    ) {
        var bytes: [UInt8] = []
        Self.appendLevels(repetitionLevels, column.maximumRepetitionLevel, to: &bytes)
        Self.appendLevels(definitionLevels, column.maximumDefinitionLevel, to: &bytes)
        let encoding: ParquetEncoding
        switch content {
        case .positions:
            encoding = .rleDictionary
            Self.appendPositions(positions, to: &bytes)
        case .plain:
            encoding = .plain
            if column.type == .boolean {
                BitPacking.pack(plain[...], width: 1, appendingTo: &bytes)
            } else {
                bytes += plain
            }
        case .values(let chosen):
            encoding = chosen
            try ValueEncoder.encode(values, chosen, appendingTo: &bytes)
        }
        let header = DataPageHeader(
            valueCount: Int32(valueCount), encoding: encoding, definitionLevelEncoding: .rle,
            repetitionLevelEncoding: .rle)
        defer { reset() }
        return (header, bytes, rowCount, hasBounds ? bounds : nil)
    }

    private mutating func reset() {
        (valueCount, rowCount) = (0, 0)
        repetitionLevels.removeAll(keepingCapacity: true)
        definitionLevels.removeAll(keepingCapacity: true)
        positions.removeAll(keepingCapacity: true)
        if max(plain.count, valueBytes) > PageBody.largeSize {
            plain = []
            values = ColumnValues(for: column)
        } else {
            plain.removeAll(keepingCapacity: true)
            values.removeAll()
        }
        valueBytes = 0
        (bounds, hasBounds) = (ValueBounds(), true)
    }

    private static func appendLevels(
        _ levels: [UInt8], _ maximum: Int, to bytes: inout [UInt8]
    ) {
        guard maximum > 0 else { return }
        let start = bytes.count
        bytes += [0, 0, 0, 0]
        HybridEncoder.encode(levels, width: bitWidth(of: maximum), appendingTo: &bytes)
        let length = UInt32(bytes.count - start - 4)
        withUnsafeBytes(of: length.littleEndian) {
            bytes.replaceSubrange(start..<start + 4, with: $0)
        }
    }

    /// The width in a byte, then the positions; as wide as this page's largest needs.
    static func appendPositions(_ positions: [UInt32], to bytes: inout [UInt8]) {
        let width = bitWidth(of: Int(positions.max() ?? 0))
        bytes.append(UInt8(width))
        HybridEncoder.encode(positions, width: width, appendingTo: &bytes)
    }
}
