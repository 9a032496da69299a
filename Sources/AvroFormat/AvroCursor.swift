// SPDX-License-Identifier: Apache-2.0

/// Reads values from bytes that it does not own, never past their end.
///
/// The bytes must stay where they are for as long as the cursor is used; everything that makes
/// one does so within the closure that lends it the bytes.
package struct AvroCursor {
    let base: UnsafeRawPointer
    let end: Int
    /// How many bytes were read.
    package var position: Int
    /// Where the bytes come from, for messages.
    let origin: AvroOrigin

    var remaining: Int { end - position }

    /// What is wrong at this place.
    package func failure(_ fault: AvroFault) -> AvroError {
        .malformed(fault, at: origin.position(of: position))
    }

    /// That something which begins before this place takes too much.
    package func tooLarge(part: String, size: Int, limit: Int) -> AvroError {
        .tooLarge(
            part: part, size: Int64(size), limit: Int64(limit), at: origin.position(of: position))
    }

    /// A variable-length integer in zigzag order.
    @inline(__always)
    package mutating func long() throws(AvroError) -> Int64 {
        guard position < end else { throw failure(.endOfData) }
        let byte = base.load(fromByteOffset: position, as: UInt8.self)
        if byte < 0x80 {
            position += 1
            return Int64(byte >> 1) ^ -Int64(byte & 1)
        }
        return try longOfSeveralBytes()
    }

    @inline(never)
    private mutating func longOfSeveralBytes() throws(AvroError) -> Int64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        var index = position
        while index < end {
            let byte = base.load(fromByteOffset: index, as: UInt8.self)
            // The tenth byte holds the one bit that is left.
            guard shift < 63 || byte <= 1 else { throw failure(.integerOverflow) }
            value |= UInt64(byte & 0x7F) << shift
            index += 1
            if byte < 0x80 {
                position = index
                return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
            }
            shift += 7
        }
        throw failure(.endOfData)
    }

    /// The same within 32 bits.
    @inline(__always)
    package mutating func int() throws(AvroError) -> Int64 {
        let value = try long()
        guard Int32(exactly: value) != nil else { throw failure(.integerOutOfRange(value)) }
        return value
    }

    /// One byte, 0 or 1.
    package mutating func boolean() throws(AvroError) -> Bool {
        guard position < end else { throw failure(.endOfData) }
        let byte = base.load(fromByteOffset: position, as: UInt8.self)
        guard byte <= 1 else { throw failure(.invalidBoolean(byte)) }
        position += 1
        return byte == 1
    }

    /// A little-endian number of fixed width.
    package mutating func fixedWidth<Bits: FixedWidthInteger>(_: Bits.Type) throws(AvroError)
        -> Bits
    {
        let size = MemoryLayout<Bits>.size
        guard size <= remaining else { throw failure(.endOfData) }
        let bits = Bits(littleEndian: base.loadUnaligned(fromByteOffset: position, as: Bits.self))
        position += size
        return bits
    }

    /// A length that the bytes left can hold.
    @inline(__always)
    package mutating func length() throws(AvroError) -> Int {
        let length = try long()
        guard length >= 0 else { throw failure(.negativeLength(length)) }
        guard length <= remaining else { throw failure(.lengthBeyondEnd(length)) }
        return Int(length)
    }

    /// The next bytes, which stay where they are.
    package mutating func bytes(_ count: Int) throws(AvroError) -> UnsafeRawBufferPointer {
        let start = position
        try skip(count)
        return UnsafeRawBufferPointer(start: base + start, count: count)
    }

    @inline(__always)
    mutating func skip(_ count: Int) throws(AvroError) {
        guard count <= remaining else { throw failure(.endOfData) }
        position += count
    }

    /// Steps over integers without working out their values, eight bytes at a time.
    ///
    /// An integer ends with the byte whose highest bit is clear, so counting those bits in a word
    /// counts the integers that end in it.
    mutating func skipIntegers(_ count: Int) throws(AvroError) {
        var left = count
        var width = 0
        var index = position
        while left >= 8, end - index >= 8 {
            let word = UInt64(
                littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let ends = ~word & 0x8080_8080_8080_8080
            guard width + ends.trailingZeroBitCount / 8 < 10 else {
                throw failure(.integerOverflow)
            }
            left -= ends.nonzeroBitCount
            width = ends == 0 ? width + 8 : ends.leadingZeroBitCount / 8
            index += 8
        }
        while left > 0 {
            guard index < end else { throw failure(.endOfData) }
            let byte = base.load(fromByteOffset: index, as: UInt8.self)
            index += 1
            width += 1
            guard width <= 10, byte < 0x80 || width < 10 else { throw failure(.integerOverflow) }
            if byte < 0x80 {
                left -= 1
                width = 0
            }
        }
        position = index
    }

    /// The head of a block of a collection.
    ///
    /// A stated size lies within the bytes that are there.
    package mutating func collectionBlock() throws(AvroError) -> AvroCollectionBlock {
        let count = try long()
        if count >= 0 { return AvroCollectionBlock(count: count, byteSize: nil) }
        guard count > .min else { throw failure(.negativeLength(count)) }
        return AvroCollectionBlock(count: -count, byteSize: try length())
    }
}

/// How many elements follow, and in how many bytes if the writer said so.
package struct AvroCollectionBlock {
    /// How many elements there are.
    package let count: Int64
    /// How many bytes they say to take.
    package let byteSize: Int?
}

/// Where a cursor's bytes come from.
struct AvroOrigin {
    /// The offset in the file of the bytes, or of the block that they were decompressed from.
    let fileOffset: Int64
    let isDecompressed: Bool

    func position(of offset: Int) -> AvroPosition {
        isDecompressed
            ? AvroPosition(fileOffset: fileOffset, decodedOffset: offset)
            : AvroPosition(fileOffset: fileOffset + Int64(offset))
    }
}
