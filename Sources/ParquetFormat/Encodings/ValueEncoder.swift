// SPDX-License-Identifier: Apache-2.0

/// Encodes the values of one page, levels aside.
enum ValueEncoder {
    /// Whether an encoding writes values of a type.
    static func encodes(_ encoding: ParquetEncoding, _ type: PhysicalType) -> Bool {
        switch (encoding, type) {
        case (.plain, _): true
        case (.rle, .boolean): true
        case (.deltaBinaryPacked, .int32), (.deltaBinaryPacked, .int64): true
        case (.deltaLengthByteArray, .byteArray): true
        case (.deltaByteArray, .byteArray), (.deltaByteArray, .fixedLengthByteArray): true
        case (.byteStreamSplit, .int32), (.byteStreamSplit, .int64), (.byteStreamSplit, .float),
            (.byteStreamSplit, .double), (.byteStreamSplit, .fixedLengthByteArray):
            true
        case (.rle, _), (.deltaBinaryPacked, _), (.deltaLengthByteArray, _), (.deltaByteArray, _),
            (.byteStreamSplit, _), (.plainDictionary, _), (.rleDictionary, _), (.bitPacked, _):
            false
        }
    }

    /// Encodes all values behind what `output` holds; the encoding must be one of their type.
    static func encode(
        _ values: ColumnValues, _ encoding: ParquetEncoding, appendingTo output: inout [UInt8]
    ) throws(ParquetError) {
        switch encoding {
        case .plain: plain(values, to: &output)
        case .rle: booleanRuns(values, to: &output)
        case .deltaBinaryPacked: deltas(values, to: &output)
        case .deltaLengthByteArray: deltaLengths(values, to: &output)
        case .deltaByteArray: deltaStrings(values, to: &output)
        case .byteStreamSplit: split(values, to: &output)
        case .plainDictionary, .rleDictionary, .bitPacked:
            throw .unsupported(feature: "writing values as \(encoding) by themselves")
        }
    }

    private static func plain(_ values: ColumnValues, to output: inout [UInt8]) {
        switch values {
        case .boolean(let array):
            let bits = array.map { $0 ? UInt8(1) : 0 }
            BitPacking.pack(bits[...], width: 1, appendingTo: &output)
        case .int32(let array): append(array.span.bytes, to: &output)
        case .int64(let array): append(array.span.bytes, to: &output)
        case .float(let array): append(array.span.bytes, to: &output)
        case .double(let array): append(array.span.bytes, to: &output)
        case .int96(let array), .fixedLengthByteArray(let array): output += array.bytes
        case .byteArray(let array):
            output.reserveCapacity(output.count + array.bytes.count + 4 * array.count)
            var start = 0
            for end in array.ends {
                append(length: end - start, to: &output)
                PlainBytes.append(array.bytes.span.bytes, start..<end, to: &output)
                start = end
            }
        }
    }

    private static func append(_ bytes: RawSpan, to output: inout [UInt8]) {
        PlainBytes.append(bytes, 0..<bytes.byteCount, to: &output)
    }

    private static func append(length: Int, to output: inout [UInt8]) {
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: length).littleEndian) { output += $0 }
    }

    private static func booleanRuns(_ values: ColumnValues, to output: inout [UInt8]) {
        guard case .boolean(let array) = values else { return }
        var runs: [UInt8] = []
        HybridEncoder.encode(array.map { $0 ? UInt8(1) : 0 }, width: 1, appendingTo: &runs)
        append(length: runs.count, to: &output)
        output += runs
    }

    private static func deltas(_ values: ColumnValues, to output: inout [UInt8]) {
        switch values {
        case .int32(let array): DeltaEncoder.encode(array[...], appendingTo: &output)
        case .int64(let array): DeltaEncoder.encode(array[...], appendingTo: &output)
        case .boolean, .int96, .float, .double, .byteArray, .fixedLengthByteArray: return
        }
    }

    private static func deltaLengths(_ values: ColumnValues, to output: inout [UInt8]) {
        guard case .byteArray(let array) = values else { return }
        DeltaEncoder.encode(lengths(array)[...], appendingTo: &output)
        output += array.bytes
    }

    private static func lengths(_ array: ByteArrays) -> [Int32] {
        var start = 0
        return array.ends.map { end in
            defer { start = end }
            return Int32(truncatingIfNeeded: end - start)
        }
    }

    private static func deltaStrings(_ values: ColumnValues, to output: inout [UInt8]) {
        let bytes: [UInt8]
        let ends: [Int]
        switch values {
        case .byteArray(let array): (bytes, ends) = (array.bytes, array.ends)
        case .fixedLengthByteArray(let array):
            (bytes, ends) = (array.bytes, (0..<array.count).map { ($0 + 1) * array.width })
        case .boolean, .int32, .int64, .int96, .float, .double: return
        }
        var prefixes: [Int32] = []
        var suffixes = ByteArrays()
        var last = 0..<0
        for end in ends {
            let range = last.upperBound..<end
            let most = min(last.count, range.count)
            var shared = 0
            while shared < most, bytes[last.lowerBound + shared] == bytes[range.lowerBound + shared]
            { shared += 1 }
            prefixes.append(Int32(truncatingIfNeeded: shared))
            suffixes.append(bytes[range.dropFirst(shared)])
            last = range
        }
        DeltaEncoder.encode(prefixes[...], appendingTo: &output)
        deltaLengths(.byteArray(suffixes), to: &output)
    }

    private static func split(_ values: ColumnValues, to output: inout [UInt8]) {
        var bytes: [UInt8] = []
        plain(values, to: &bytes)
        guard values.count > 0 else { return }
        let width = bytes.count / values.count
        output.reserveCapacity(output.count + bytes.count)
        for stream in 0..<width {
            for start in stride(from: stream, to: bytes.count, by: width) {
                output.append(bytes[start])
            }
        }
    }
}
