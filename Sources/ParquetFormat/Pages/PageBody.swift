// SPDX-License-Identifier: Apache-2.0

/// A data page decompressed: where its levels and its values are.
struct PageBody {
    /// What the ranges are ranges of, with bytes left over from other pages behind it.
    var bytes: [UInt8] = []
    var repetitionLevels = 0..<0
    var definitionLevels = 0..<0
    var values = 0..<0
    var valueCount = 0
    var encoding = ParquetEncoding.plain
    private var repetitionEncoding = ParquetEncoding.rle
    private var definitionEncoding = ParquetEncoding.rle
    /// For the values of a page of the second version, which are compressed apart.
    private var scratch: [UInt8] = []

    /// From this size on memory is given back once it has served.
    static let largeSize = 8 << 20

    /// Gives back the memory of a large page; what was decoded from it stays good.
    mutating func dropLarge() {
        if bytes.count > Self.largeSize { bytes = [] }
        if scratch.count > Self.largeSize { scratch = [] }
    }

    /// Whether the levels may be written again as they are.
    var hasCurrentLevels: Bool {
        (repetitionLevels.isEmpty || repetitionEncoding == .rle)
            && (definitionLevels.isEmpty || definitionEncoding == .rle)
    }

    /// Decompresses a page and finds its parts.
    mutating func load(
        _ page: StoredPage, _ window: RawSpan, _ column: ParquetColumn, codec: ParquetCodec,
        with codecs: PageCodec
    ) throws(ParquetError) {
        let payload = window.extracting(page.payloadRange)
        let size = Int(page.header.uncompressedSize)
        switch page.header.kind {
        case .data(let header):
            try codecs.decompress(payload, codec, size: size, into: &bytes, place: page.place)
            valueCount = Int(header.valueCount)
            encoding = header.encoding
            repetitionEncoding = header.repetitionLevelEncoding
            definitionEncoding = header.definitionLevelEncoding
            do throws(DecodeFault) {
                try locate(column, size: size)
            } catch { throw error.at(page.place) }
        case .dataV2(let header):
            valueCount = Int(header.valueCount)
            encoding = header.encoding
            (repetitionEncoding, definitionEncoding) = (.rle, .rle)
            try load(header, page, payload, codec: codec, with: codecs)
        case .dictionary, .index:
            throw .malformed(reason: "it holds no data", at: page.place)
        }
    }

    private mutating func load(
        _ header: DataPageHeaderV2, _ page: StoredPage, _ payload: RawSpan,
        codec: ParquetCodec, with codecs: PageCodec
    ) throws(ParquetError) {
        let repetition = Int(header.repetitionLevelsSize)
        let definition = Int(header.definitionLevelsSize)
        let size = Int(page.header.uncompressedSize) - repetition - definition
        guard repetition + definition <= payload.byteCount, size >= 0 else {
            throw .malformed(reason: "its levels are longer than the page", at: page.place)
        }
        bytes.removeAll(keepingCapacity: true)
        PlainBytes.append(payload, 0..<repetition + definition, to: &bytes)
        repetitionLevels = 0..<repetition
        definitionLevels = repetition..<repetition + definition
        let stored = payload.extracting(repetition + definition..<payload.byteCount)
        // Some writers compress nothing to nothing at all.
        if !header.isCompressed || codec == .uncompressed || stored.byteCount == 0 {
            guard stored.byteCount == size else {
                throw .malformed(
                    reason: "it holds \(stored.byteCount) bytes of values instead of \(size)",
                    at: page.place)
            }
            PlainBytes.append(stored, 0..<size, to: &bytes)
        } else {
            try codecs.decompress(stored, codec, size: size, into: &scratch, place: page.place)
            bytes += scratch[..<size]
            if scratch.count > Self.largeSize { scratch = [] }
        }
        values = repetition + definition..<repetition + definition + size
    }

    /// Finds the levels of a page of the first version: each kind has its length before it.
    private mutating func locate(_ column: ParquetColumn, size: Int) throws(DecodeFault) {
        var position = 0
        repetitionLevels = try levels(
            column.maximumRepetitionLevel, repetitionEncoding, &position, end: size)
        definitionLevels = try levels(
            column.maximumDefinitionLevel, definitionEncoding, &position, end: size)
        values = position..<size
    }

    private func levels(
        _ maximum: Int, _ encoding: ParquetEncoding, _ position: inout Int, end: Int
    ) throws(DecodeFault) -> Range<Int> {
        guard maximum > 0 else { return position..<position }
        let length: Int
        switch encoding {
        case .rle:
            guard end - position >= 4 else { throw .endOfData }
            length = Int(
                UInt32(
                    littleEndian: bytes.span.bytes.unsafeLoadUnaligned(
                        fromByteOffset: position, as: UInt32.self)))
            position += 4
        case .bitPacked:
            let width = bitWidth(of: maximum)
            guard let size = BitPacking.byteCount(valueCount, width: width) else {
                throw .endOfData
            }
            length = size
        case .plain, .plainDictionary, .deltaBinaryPacked, .deltaLengthByteArray,
            .deltaByteArray, .rleDictionary, .byteStreamSplit:
            throw .malformed("its levels are encoded as \(encoding)")
        }
        guard length <= end - position else { throw .malformed("its levels are cut off") }
        defer { position += length }
        return position..<position + length
    }

    // MARK: Levels

    /// Decodes the repetition levels behind what `output` holds.
    func decodeRepetitionLevels(
        _ column: ParquetColumn, appendingTo output: inout [UInt8]
    ) throws(DecodeFault) {
        try decode(
            repetitionLevels, repetitionEncoding, maximum: column.maximumRepetitionLevel, &output)
    }

    /// Decodes the definition levels behind what `output` holds.
    func decodeDefinitionLevels(
        _ column: ParquetColumn, appendingTo output: inout [UInt8]
    ) throws(DecodeFault) {
        try decode(
            definitionLevels, definitionEncoding, maximum: column.maximumDefinitionLevel, &output)
    }

    /// Whether every value is there, as one run of the highest level says.
    ///
    /// False where levels say so in another way, or are not sound.
    func hasNothingMissing(_ column: ParquetColumn) -> Bool {
        let maximum = column.maximumDefinitionLevel
        guard maximum > 0, definitionEncoding == .rle else { return maximum == 0 }
        let input = bytes.span.bytes.extracting(definitionLevels)
        var position = 0
        guard let head = try? HybridDecoder.unsigned(input, &position), head & 1 == 0,
            head >> 1 >= UInt64(valueCount), position < input.byteCount
        else { return false }
        return Int(input.unsafeLoad(fromByteOffset: position, as: UInt8.self)) == maximum
    }

    private func decode(
        _ range: Range<Int>, _ encoding: ParquetEncoding, maximum: Int, _ output: inout [UInt8]
    ) throws(DecodeFault) {
        guard maximum > 0, valueCount > 0 else { return }
        let first = output.count
        let input = bytes.span.bytes.extracting(range)
        let width = bitWidth(of: maximum)
        if encoding == .bitPacked {
            _ = try HybridDecoder.decodeBitPacked(
                input, width: width, count: valueCount, appendingTo: &output)
        } else {
            _ = try HybridDecoder.decode(
                input, width: width, count: valueCount, appendingTo: &output)
        }
        guard output[first...].allSatisfy({ Int($0) <= maximum }) else {
            throw .malformed("a level is over \(maximum)")
        }
    }
}
