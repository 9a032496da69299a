// SPDX-License-Identifier: Apache-2.0

// Packs and unpacks integers of any width, lowest bit first. This file uses pointers.
//
// Bounds: `unpack` first checks that the `count * width` bits asked for lie in the input and that
// the output has `count` places; it then loads eight bytes at once only for values whose eight
// (nine, over 56 bits) bytes lie within the input, and byte by byte for those at its end. `pack`
// writes into room of `count * width` bits plus eight bytes, which it makes beforehand: every
// store of eight bytes begins within the bits written so far.

/// A number that bits are unpacked to.
typealias PackedInteger = FixedWidthInteger & UnsignedInteger & BitwiseCopyable

enum BitPacking {
    /// The bytes that values take.
    static func byteCount(_ count: Int, width: Int) -> Int? {
        let (bits, overflow) = count.multipliedReportingOverflow(by: width)
        return overflow || bits > Int.max - 7 ? nil : (bits + 7) / 8
    }

    /// Appends `count` values of `width` bits from the bytes at `offset`.
    ///
    /// - Returns: false if the input has too few bytes; nothing is then appended.
    static func unpack<Value: PackedInteger>(
        _ input: RawSpan, from offset: Int, width: Int, count: Int,
        appendingTo output: inout [Value]
    ) -> Bool {
        precondition(width >= 0 && width <= Value.bitWidth, "a width fits its values")
        precondition(offset >= 0 && count >= 0, "what is unpacked has a place and a count")
        guard let needed = byteCount(count, width: width), offset <= input.byteCount,
            needed <= input.byteCount - offset
        else { return false }
        guard width > 0 else {
            output.append(contentsOf: repeatElement(0, count: count))
            return true
        }
        let available = input.byteCount - offset
        output.reserveCapacity(output.count + count)
        output.append(addingCapacity: count) { span in
            span.withUnsafeMutableBufferPointer { buffer, initialized in
                input.withUnsafeBytes { source in
                    guard let base = source.baseAddress, let target = buffer.baseAddress else {
                        return
                    }
                    unpack(base + offset, available, width, count, target)
                    initialized = count
                }
            }
        }
        return true
    }

    /// Unpacks groups of eight values, as far as whole words can be loaded of them.
    ///
    /// A group begins with a byte. A word has as many of its values as surely fit beside the bits
    /// before them.
    ///
    /// - Returns: How many values that are.
    @inline(__always)
    private static func unpackGroups<Value: PackedInteger>(
        _ base: UnsafeRawPointer, _ available: Int, _ width: Int, _ groups: Int,
        _ target: UnsafeMutablePointer<Value>
    ) -> Int {
        switch width {
        case 1...8: unpackGroups(of: 8, base, available, width, groups, target)
        case 9...16: unpackGroups(of: 4, base, available, width, groups, target)
        case 17...28: unpackGroups(of: 2, base, available, width, groups, target)
        default: 0
        }
    }

    @inline(__always)
    private static func unpackGroups<Value: PackedInteger>(
        of perWord: Int, _ base: UnsafeRawPointer, _ available: Int, _ width: Int, _ groups: Int,
        _ target: UnsafeMutablePointer<Value>
    ) -> Int {
        // Where the last word of a group ends.
        let end = ((8 - perWord) * width) / 8 + 8
        guard available >= end else { return 0 }
        let whole = min(groups, (available - end) / width + 1)
        let mask: UInt64 = (1 << UInt64(width)) - 1
        for group in 0..<whole {
            for part in 0..<8 / perWord {
                let bit = part * perWord * width
                var word = UInt64(
                    littleEndian: base.loadUnaligned(
                        fromByteOffset: group * width + bit >> 3, as: UInt64.self))
                word >>= UInt64(bit & 7)
                for place in 0..<perWord {
                    target[group * 8 + part * perWord + place] = Value(
                        truncatingIfNeeded: word & mask)
                    word >>= UInt64(width)
                }
            }
        }
        return whole * 8
    }

    @inline(__always)
    private static func unpack<Value: PackedInteger>(
        _ base: UnsafeRawPointer, _ available: Int, _ width: Int, _ count: Int,
        _ target: UnsafeMutablePointer<Value>
    ) {
        let mask: UInt64 = width == 64 ? .max : (1 << UInt64(width)) - 1
        let wordBytes = width > 56 ? 9 : 8
        // The values that begin in a byte from which a whole word can be loaded.
        let fast =
            available < wordBytes ? 0 : min(count, ((available - wordBytes) * 8 + 7) / width + 1)
        let first = unpackGroups(base, available, width, count / 8, target)
        var bit = first * width
        for index in first..<max(first, fast) {
            let byte = bit >> 3
            let shift = UInt64(bit & 7)
            var word = UInt64(
                littleEndian: base.loadUnaligned(fromByteOffset: byte, as: UInt64.self))
            word >>= shift
            if width > 56, shift > 0 {
                word |= UInt64(base.load(fromByteOffset: byte + 8, as: UInt8.self)) << (64 - shift)
            }
            target[index] = Value(truncatingIfNeeded: word & mask)
            bit += width
        }
        guard max(first, fast) < count else { return }
        for index in max(first, fast)..<count {
            var word: UInt64 = 0
            var filled = 0
            while filled < width {
                let position = bit + filled
                let byte = UInt64(base.load(fromByteOffset: position >> 3, as: UInt8.self))
                word |= (byte >> UInt64(position & 7)) << UInt64(filled)
                filled += 8 - (position & 7)
            }
            target[index] = Value(truncatingIfNeeded: word & mask)
            bit += width
        }
    }

    /// Packs values of at most `width` bits behind what `output` holds.
    static func pack<Value: PackedInteger>(
        _ values: ArraySlice<Value>, width: Int, appendingTo output: inout [UInt8]
    ) {
        precondition(width >= 0 && width <= 32, "what is packed has at most 32 bits")
        guard width > 0, !values.isEmpty else { return }
        let needed = (values.count * width + 7) / 8
        output.append(addingCapacity: needed + 8) { span in
            span.withUnsafeMutableBufferPointer { buffer, initialized in
                values.withUnsafeBufferPointer { source in
                    guard let base = UnsafeMutableRawPointer(buffer.baseAddress) else { return }
                    pack(source, width, base)
                    initialized = needed
                }
            }
        }
    }

    @inline(__always)
    private static func pack<Value: PackedInteger>(
        _ values: UnsafeBufferPointer<Value>, _ width: Int, _ base: UnsafeMutableRawPointer
    ) {
        var word: UInt64 = 0
        var filled = 0
        var byte = 0
        for value in values {
            word |= UInt64(truncatingIfNeeded: value) << UInt64(filled)
            filled += width
            if filled >= 32 {
                base.storeBytes(
                    of: UInt32(truncatingIfNeeded: word).littleEndian, toByteOffset: byte,
                    as: UInt32.self)
                byte += 4
                word >>= 32
                filled -= 32
            }
        }
        base.storeBytes(of: word.littleEndian, toByteOffset: byte, as: UInt64.self)
    }
}
