// SPDX-License-Identifier: Apache-2.0

/// Decodes the values of one page, levels aside.
struct ValueDecoder {
    let column: ParquetColumn
    /// The values of the chunk's dictionary page, once it was read.
    var dictionary: ColumnValues?
    /// The most bytes that byte strings may come to.
    let byteLimit: Int

    init(column: ParquetColumn, byteLimit: Int) {
        self.column = column
        self.byteLimit = byteLimit
    }

    /// Decodes `count` values behind what `values` holds.
    func decode(
        _ input: RawSpan, _ encoding: ParquetEncoding, count: Int, into values: inout ColumnValues
    ) throws(DecodeFault) {
        guard count > 0 else { return }
        switch encoding {
        case .plain: try plain(input, count: count, into: &values)
        case .plainDictionary, .rleDictionary:
            try gather(input, count: count, into: &values)
        case .rle: try booleanRuns(input, count: count, into: &values)
        case .deltaBinaryPacked: try deltas(input, count: count, into: &values)
        case .deltaLengthByteArray: try deltaLengths(input, count: count, into: &values)
        case .deltaByteArray: try deltaStrings(input, count: count, into: &values)
        case .byteStreamSplit: try split(input, count: count, into: &values)
        case .bitPacked: throw .unsupported("the encoding BIT_PACKED for values")
        }
    }

    private func misfit(_ encoding: String) -> DecodeFault {
        .malformed("\(encoding) does not encode \(column.type)")
    }

    // MARK: Plain

    func plain(
        _ input: RawSpan, count: Int, into values: inout ColumnValues
    ) throws(DecodeFault) {
        let size: Int
        switch values {
        case .boolean(var array):
            values = .boolean([])
            var bits: [UInt8] = []
            guard BitPacking.unpack(input, from: 0, width: 1, count: count, appendingTo: &bits)
            else { throw .endOfData }
            array.append(contentsOf: bits.lazy.map { $0 == 1 })
            values = .boolean(array)
            return
        case .int32(var array):
            values = .int32([])
            size = try PlainBytes.append(input, count: count, to: &array)
            values = .int32(array)
        case .int64(var array):
            values = .int64([])
            size = try PlainBytes.append(input, count: count, to: &array)
            values = .int64(array)
        case .float(var array):
            values = .float([])
            size = try PlainBytes.append(input, count: count, to: &array)
            values = .float(array)
        case .double(var array):
            values = .double([])
            size = try PlainBytes.append(input, count: count, to: &array)
            values = .double(array)
        case .int96(var array):
            values = .int96(FixedByteArrays(width: array.width))
            size = try fixed(input, count: count, into: &array)
            values = .int96(array)
        case .fixedLengthByteArray(var array):
            values = .fixedLengthByteArray(FixedByteArrays(width: array.width))
            size = try fixed(input, count: count, into: &array)
            values = .fixedLengthByteArray(array)
        case .byteArray(var array):
            values = .byteArray(ByteArrays())
            size = try strings(input, count: count, into: &array)
            values = .byteArray(array)
        }
        _ = size
    }

    private func fixed(
        _ input: RawSpan, count: Int, into array: inout FixedByteArrays
    ) throws(DecodeFault) -> Int {
        let (size, overflow) = count.multipliedReportingOverflow(by: array.width)
        guard !overflow else { throw .endOfData }
        return try PlainBytes.append(input, count: size, to: &array.bytes)
    }

    private func strings(
        _ input: RawSpan, count: Int, into array: inout ByteArrays
    ) throws(DecodeFault) -> Int {
        // Every value has a length of four bytes.
        guard count <= input.byteCount / 4 else { throw .endOfData }
        array.ends.reserveCapacity(array.ends.count + count)
        array.bytes.reserveCapacity(array.bytes.count + input.byteCount - 4 * count)
        var position = 0
        for _ in 0..<count {
            guard input.byteCount - position >= 4 else { throw .endOfData }
            let length = Int(
                UInt32(
                    littleEndian: input.unsafeLoadUnaligned(
                        fromByteOffset: position, as: UInt32.self)))
            position += 4
            guard length <= input.byteCount - position else { throw .endOfData }
            PlainBytes.append(input, position..<position + length, to: &array.bytes)
            array.ends.append(array.bytes.count)
            position += length
        }
        return position
    }

    // MARK: Dictionary

    /// Positions of very many values are not there all at once: they take as much as the values.
    private func gather(
        _ input: RawSpan, count: Int, into values: inout ColumnValues
    ) throws(DecodeFault) {
        guard input.byteCount > 0 else { throw .endOfData }
        let width = Int(input.unsafeLoad(fromByteOffset: 0, as: UInt8.self))
        let packed = input.extracting(1..<input.byteCount)
        var runs = try HybridRuns<UInt32>(width: width, count: count)
        var positions: [UInt32] = []
        if count > Self.positionCount { values.reserve(count) }
        while runs.left > 0 {
            positions.removeAll(keepingCapacity: true)
            try runs.decode(packed, atMost: Self.positionCount, appendingTo: &positions)
            try gather(positions, into: &values)
        }
    }

    /// How many positions are decoded at once.
    private static let positionCount = 1 << 20

    /// The places in the dictionary of a page's values, each of which is one of a value.
    func positions(_ input: RawSpan, count: Int) throws(DecodeFault) -> [UInt32] {
        guard let dictionary else { throw .malformed("its chunk has no dictionary") }
        guard input.byteCount > 0 else { throw .endOfData }
        let width = Int(input.unsafeLoad(fromByteOffset: 0, as: UInt8.self))
        var positions: [UInt32] = []
        _ = try HybridDecoder.decode(
            input.extracting(1..<input.byteCount), width: width, count: count,
            appendingTo: &positions)
        try check(positions, dictionary.count)
        return positions
    }

    private func check(_ positions: [UInt32], _ size: Int) throws(DecodeFault) {
        var most: UInt32 = 0
        for position in positions { most = max(most, position) }
        guard positions.isEmpty || Int(most) < size else {
            throw .malformed("a position lies outside the dictionary of \(size) values")
        }
    }

    /// Appends the dictionary's values at positions, each of which must be in it.
    func gather(
        _ positions: [UInt32], into values: inout ColumnValues
    ) throws(DecodeFault) {
        guard let dictionary else { throw .malformed("its chunk has no dictionary") }
        try check(positions, dictionary.count)
        switch (dictionary, values) {
        case (.boolean(let from), .boolean(var array)):
            values = .boolean([])
            array.append(contentsOf: positions.lazy.map { from[Int($0)] })
            values = .boolean(array)
        case (.int32(let from), .int32(var array)):
            values = .int32([])
            array.append(contentsOf: positions.lazy.map { from[Int($0)] })
            values = .int32(array)
        case (.int64(let from), .int64(var array)):
            values = .int64([])
            array.append(contentsOf: positions.lazy.map { from[Int($0)] })
            values = .int64(array)
        case (.float(let from), .float(var array)):
            values = .float([])
            array.append(contentsOf: positions.lazy.map { from[Int($0)] })
            values = .float(array)
        case (.double(let from), .double(var array)):
            values = .double([])
            array.append(contentsOf: positions.lazy.map { from[Int($0)] })
            values = .double(array)
        case (.int96(let from), .int96(var array)):
            values = .int96(FixedByteArrays(width: array.width))
            try gather(positions, from, into: &array)
            values = .int96(array)
        case (.fixedLengthByteArray(let from), .fixedLengthByteArray(var array)):
            values = .fixedLengthByteArray(FixedByteArrays(width: array.width))
            try gather(positions, from, into: &array)
            values = .fixedLengthByteArray(array)
        case (.byteArray(let from), .byteArray(var array)):
            values = .byteArray(ByteArrays())
            var size = array.bytes.count
            array.ends.reserveCapacity(array.ends.count + positions.count)
            for position in positions {
                size += from.range(at: Int(position)).count
                array.ends.append(size)
            }
            try checkSize(size)
            PlainBytes.gather(
                from.bytes.span.bytes, positions, size: size - array.bytes.count, to: &array.bytes
            ) { from.range(at: $0) }
            values = .byteArray(array)
        default: throw .malformed("its dictionary holds another type")
        }
    }

    private func gather(
        _ positions: [UInt32], _ from: FixedByteArrays, into array: inout FixedByteArrays
    ) throws(DecodeFault) {
        let width = from.width
        let size = positions.count * width
        try checkSize(array.bytes.count + size)
        PlainBytes.gather(from.bytes.span.bytes, positions, size: size, to: &array.bytes) {
            $0 * width..<($0 + 1) * width
        }
    }

    private func checkSize(_ size: Int) throws(DecodeFault) {
        guard size <= byteLimit else {
            throw .tooLarge(part: "a batch of byte strings", size: size, limit: byteLimit)
        }
    }

    // MARK: Other encodings

    private func booleanRuns(
        _ input: RawSpan, count: Int, into values: inout ColumnValues
    ) throws(DecodeFault) {
        guard case .boolean(var array) = values else { throw misfit("RLE") }
        guard input.byteCount >= 4 else { throw .endOfData }
        let length = Int(
            UInt32(littleEndian: input.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt32.self)))
        guard length <= input.byteCount - 4 else { throw .endOfData }
        values = .boolean([])
        var bits: [UInt8] = []
        _ = try HybridDecoder.decode(
            input.extracting(4..<4 + length), width: 1, count: count, appendingTo: &bits)
        array.append(contentsOf: bits.lazy.map { $0 == 1 })
        values = .boolean(array)
    }

    private func deltas(
        _ input: RawSpan, count: Int, into values: inout ColumnValues
    ) throws(DecodeFault) {
        var numbers: [Int64] = []
        switch values {
        case .int32(var array):
            values = .int32([])
            _ = try DeltaDecoder.decode(input, count: count, appendingTo: &numbers)
            array.append(contentsOf: numbers.lazy.map { Int32(truncatingIfNeeded: $0) })
            values = .int32(array)
        case .int64(var array):
            values = .int64([])
            _ = try DeltaDecoder.decode(input, count: count, appendingTo: &array)
            values = .int64(array)
        case .boolean, .int96, .float, .double, .byteArray, .fixedLengthByteArray:
            throw misfit("DELTA_BINARY_PACKED")
        }
    }

    private func deltaLengths(
        _ input: RawSpan, count: Int, into values: inout ColumnValues
    ) throws(DecodeFault) {
        guard case .byteArray(var array) = values else { throw misfit("DELTA_LENGTH_BYTE_ARRAY") }
        let (lengths, size) = try DeltaDecoder.decodeLengths(input, count: count)
        let total = lengths.reduce(0, &+)
        guard total <= Int64(input.byteCount - size) else { throw .endOfData }
        values = .byteArray(ByteArrays())
        var end = array.bytes.count
        PlainBytes.append(input, size..<size + Int(total), to: &array.bytes)
        array.ends.reserveCapacity(array.ends.count + count)
        for length in lengths {
            end += Int(length)
            array.ends.append(end)
        }
        values = .byteArray(array)
    }

    private func deltaStrings(
        _ input: RawSpan, count: Int, into values: inout ColumnValues
    ) throws(DecodeFault) {
        let (prefixes, prefixSize) = try DeltaDecoder.decodeLengths(input, count: count)
        let rest = input.extracting(prefixSize..<input.byteCount)
        let (suffixes, suffixSize) = try DeltaDecoder.decodeLengths(rest, count: count)
        var position = suffixSize
        var strings = ByteArrays()
        var total = 0
        for (prefix, suffix) in zip(prefixes, suffixes) {
            guard prefix <= Int64(total), suffix <= rest.byteCount else {
                throw .malformed("a prefix or suffix is longer than what there is")
            }
            total += Int(prefix + suffix)
            try checkSize(total)
        }
        strings.bytes.reserveCapacity(total)
        strings.ends.reserveCapacity(count)
        // By itself: a slice of all strings would be one more owner of them, and have them copied
        // for each value.
        var last: [UInt8] = []
        for (prefix, suffix) in zip(prefixes, suffixes) {
            guard prefix <= last.count, suffix <= rest.byteCount - position else {
                throw .malformed("a prefix or suffix is longer than what there is")
            }
            last.removeLast(last.count - Int(prefix))
            PlainBytes.append(rest, position..<position + Int(suffix), to: &last)
            position += Int(suffix)
            strings.bytes += last
            strings.ends.append(strings.bytes.count)
        }
        switch values {
        case .byteArray(let array) where array.ends.isEmpty: values = .byteArray(strings)
        case .byteArray(var array):
            values = .byteArray(ByteArrays())
            let offset = array.bytes.count
            array.bytes += strings.bytes
            array.ends.append(contentsOf: strings.ends.lazy.map { $0 + offset })
            values = .byteArray(array)
        case .fixedLengthByteArray(var array):
            guard strings.ends.enumerated().allSatisfy({ $1 == ($0 + 1) * array.width }) else {
                throw .malformed("a value does not have \(array.width) bytes")
            }
            values = .fixedLengthByteArray(FixedByteArrays(width: array.width))
            array.bytes += strings.bytes
            values = .fixedLengthByteArray(array)
        case .boolean, .int32, .int64, .int96, .float, .double: throw misfit("DELTA_BYTE_ARRAY")
        }
    }

    private func split(
        _ input: RawSpan, count: Int, into values: inout ColumnValues
    ) throws(DecodeFault) {
        guard let width = column.plainWidth, column.type != .int96 else {
            throw misfit("BYTE_STREAM_SPLIT")
        }
        var bytes: [UInt8] = []
        _ = try PlainBytes.appendSplit(input, width: width, count: count, to: &bytes)
        try plain(bytes.span.bytes, count: count, into: &values)
    }
}
