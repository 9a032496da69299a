// SPDX-License-Identifier: Apache-2.0

/// Decodes runs mixed with packed bits: levels, dictionary positions and booleans.
///
/// Each run begins with a variable-length number. If it is even, half of it counts how often one
/// value, in whole bytes, repeats; if it is odd, half of it counts groups of eight packed values.
enum HybridDecoder {
    /// Decodes `count` values behind what `output` holds.
    ///
    /// - Returns: How many bytes of the input they took.
    static func decode<Value: PackedInteger>(
        _ input: RawSpan, width: Int, count: Int, appendingTo output: inout [Value]
    ) throws(DecodeFault) -> Int {
        var runs = try HybridRuns<Value>(width: width, count: count)
        try runs.decode(input, atMost: count, appendingTo: &output)
        return runs.position
    }

    /// A variable-length number.
    static func unsigned(
        _ input: RawSpan, _ position: inout Int
    ) throws(DecodeFault) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard position < input.byteCount else { throw .endOfData }
            let byte = input.unsafeLoad(fromByteOffset: position, as: UInt8.self)
            position += 1
            guard shift < 63 || byte <= 1 else { throw .malformed("a number is too long") }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    /// Decodes levels of the deprecated encoding: packed bits, highest first, without runs.
    static func decodeBitPacked(
        _ input: RawSpan, width: Int, count: Int, appendingTo output: inout [UInt8]
    ) throws(DecodeFault) -> Int {
        guard let size = BitPacking.byteCount(count, width: width), size <= input.byteCount else {
            throw .endOfData
        }
        output.reserveCapacity(output.count + count)
        var bit = 0
        for _ in 0..<count {
            var value: UInt8 = 0
            for _ in 0..<width {
                let byte = input.unsafeLoad(fromByteOffset: bit >> 3, as: UInt8.self)
                value = value << 1 | (byte >> UInt8(7 - bit & 7)) & 1
                bit += 1
            }
            output.append(value)
        }
        return size
    }
}

/// Where decoding runs and packed bits has come to, for values that are not taken all at once.
struct HybridRuns<Value: PackedInteger> {
    private let width: Int
    /// How many values were not decoded yet.
    private(set) var left: Int
    /// How many bytes were taken, the current run's included.
    private(set) var position = 0
    private var run = Run.repeated(0)
    /// How many values of the current run were not decoded yet.
    private var runLeft = 0

    private enum Run {
        case repeated(Value)
        /// Bits from a byte on.
        case packed(from: Int)
    }

    init(width: Int, count: Int) throws(DecodeFault) {
        guard width <= min(32, Value.bitWidth) else {
            throw .malformed("it packs values of \(width) bits")
        }
        self.width = width
        left = count
    }

    /// Decodes up to so many of the values that are left, and fewer only by less than eight, where
    /// packed bits do not end with a byte.
    mutating func decode(
        _ input: RawSpan, atMost limit: Int, appendingTo output: inout [Value]
    ) throws(DecodeFault) {
        var room = min(limit, left)
        output.reserveCapacity(output.count + room)
        while room > 0 {
            if runLeft == 0 { try begin(input) }
            let count: Int
            switch run {
            case .repeated(let value):
                count = min(room, runLeft)
                output.append(contentsOf: repeatElement(value, count: count))
            case .packed(let start):
                count = runLeft <= room ? runLeft : room & ~7
                guard count > 0 else { return }
                guard
                    BitPacking.unpack(
                        input, from: start, width: width, count: count, appendingTo: &output)
                else { throw .endOfData }
                run = .packed(from: start + count / 8 * width)
            }
            runLeft -= count
            left -= count
            room -= count
        }
    }

    private mutating func begin(_ input: RawSpan) throws(DecodeFault) {
        let head = try HybridDecoder.unsigned(input, &position)
        if head & 1 == 0 {
            runLeft = Int(min(head >> 1, UInt64(left)))
            guard runLeft > 0 else { throw .malformed("it has an empty run") }
            run = .repeated(try repeated(input))
            return
        }
        let groups = head >> 1
        guard groups > 0 else { throw .malformed("it has an empty run") }
        runLeft = groups > UInt64(left) ? left : min(left, Int(groups) * 8)
        run = .packed(from: position)
        // The last group may be cut off behind the values that count.
        let room = UInt64(input.byteCount - position)
        let size = groups.multipliedReportingOverflow(by: UInt64(width))
        position += Int(size.overflow ? room : min(room, size.partialValue))
    }

    private mutating func repeated(_ input: RawSpan) throws(DecodeFault) -> Value {
        let size = (width + 7) / 8
        guard size <= input.byteCount - position else { throw .endOfData }
        var word: UInt64 = 0
        for index in 0..<size {
            let byte = input.unsafeLoad(fromByteOffset: position + index, as: UInt8.self)
            word |= UInt64(byte) << UInt64(8 * index)
        }
        position += size
        guard word >> UInt64(width) == 0 else {
            throw .malformed("it repeats \(word), which does not fit \(width) bits")
        }
        return Value(truncatingIfNeeded: word)
    }
}

/// The bits that the numbers up to a maximum need.
func bitWidth(of maximum: Int) -> Int { Int.bitWidth - maximum.leadingZeroBitCount }
