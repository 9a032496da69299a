// SPDX-License-Identifier: Apache-2.0

// Moves plain values between bytes and arrays of numbers. This file uses pointers.
//
// Bounds: what is copied in is checked to lie in the input before it is copied, and goes into
// capacity that was reserved for exactly that many values; what is copied out is the whole array.
// Values gathered from a dictionary lie at places that its entries give, or at positions that are
// compared with their count.
// The numbers are little-endian, as is every machine that Swift for Linux runs on.

enum PlainBytes {
    /// Appends `count` numbers from the front of the input.
    static func append<Value: BitwiseCopyable>(
        _ input: RawSpan, count: Int, to output: inout [Value]
    ) throws(DecodeFault) -> Int {
        let width = MemoryLayout<Value>.stride
        let (size, overflow) = count.multipliedReportingOverflow(by: width)
        guard !overflow, size <= input.byteCount else { throw .endOfData }
        output.reserveCapacity(output.count + count)
        output.append(addingCapacity: count) { span in
            span.withUnsafeMutableBufferPointer { buffer, initialized in
                input.withUnsafeBytes { source in
                    UnsafeMutableRawBufferPointer(buffer).copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: source[..<size]))
                }
                initialized = count
            }
        }
        return size
    }

    /// Appends the bytes of a range.
    static func append(_ input: RawSpan, _ range: Range<Int>, to output: inout [UInt8]) {
        precondition(range.upperBound <= input.byteCount, "a range lies within its bytes")
        input.withUnsafeBytes {
            output.append(contentsOf: UnsafeRawBufferPointer(rebasing: $0[range]))
        }
    }

    /// Appends the values at positions of a dictionary, each with the `prefix` bytes before it.
    ///
    /// Entries lie within the dictionary, with room for the prefix before each, and every position
    /// must be one of an entry. Nothing is appended past `limit`: false then.
    static func gather(
        _ dictionary: RawSpan, _ entries: DictionaryEntries, prefix: Int,
        _ positions: ArraySlice<UInt32>, to output: inout [UInt8], limit: Int
    ) -> Bool {
        switch entries.width {
        case 4:
            return gather(dictionary, entries.count, positions, UInt32.self, to: &output, limit)
        case 8:
            return gather(dictionary, entries.count, positions, UInt64.self, to: &output, limit)
        default: break
        }
        var size = 0
        for position in positions { size += entries.byteCount(Int(position)) + prefix }
        guard size <= limit - output.count else { return false }
        gather(dictionary, positions, size: size, to: &output) { position in
            let range = entries.range(position)
            return range.lowerBound - prefix..<range.upperBound
        }
        return true
    }

    /// The same for numbers, of which the dictionary has `count`.
    @inline(__always)
    private static func gather<Number: FixedWidthInteger & BitwiseCopyable>(
        _ dictionary: RawSpan, _ count: Int, _ positions: ArraySlice<UInt32>, _: Number.Type,
        to output: inout [UInt8], _ limit: Int
    ) -> Bool {
        let width = MemoryLayout<Number>.size
        precondition(count <= dictionary.byteCount / width, "entries lie in the dictionary")
        let size = positions.count * width
        guard size <= limit - output.count else { return false }
        output.append(addingCapacity: size) { span in
            span.withUnsafeMutableBufferPointer { buffer, initialized in
                dictionary.withUnsafeBytes { source in
                    let target = UnsafeMutableRawBufferPointer(buffer)
                    for position in positions {
                        precondition(position < count, "a position is one of a value")
                        let number = source.loadUnaligned(
                            fromByteOffset: Int(position) * width, as: Number.self)
                        target.storeBytes(of: number, toByteOffset: initialized, as: Number.self)
                        initialized += width
                    }
                }
            }
        }
        return true
    }

    /// Appends the bytes at the places of some positions, which take `size` bytes in all.
    @inline(__always)
    static func gather(
        _ input: RawSpan, _ positions: some Sequence<UInt32>, size: Int,
        to output: inout [UInt8], _ place: (Int) -> Range<Int>
    ) {
        output.append(addingCapacity: size) { span in
            span.withUnsafeMutableBufferPointer { buffer, initialized in
                input.withUnsafeBytes { source in
                    let target = UnsafeMutableRawBufferPointer(buffer)
                    for position in positions {
                        let range = place(Int(position))
                        let goal = initialized..<initialized + range.count
                        UnsafeMutableRawBufferPointer(rebasing: target[goal]).copyMemory(
                            from: UnsafeRawBufferPointer(rebasing: source[range]))
                        initialized += range.count
                    }
                }
            }
        }
    }

    /// Puts `count` values whose first bytes, second bytes and so on lie together back in order.
    static func appendSplit(
        _ input: RawSpan, width: Int, count: Int, to output: inout [UInt8]
    ) throws(DecodeFault) -> Int {
        let (size, overflow) = count.multipliedReportingOverflow(by: width)
        guard !overflow, size <= input.byteCount else { throw .endOfData }
        output.reserveCapacity(output.count + size)
        output.append(addingCapacity: size) { span in
            span.withUnsafeMutableBufferPointer { buffer, initialized in
                input.withUnsafeBytes { source in
                    for stream in 0..<width {
                        let start = stream * count
                        for index in 0..<count {
                            buffer[index * width + stream] = source[start + index]
                        }
                    }
                }
                initialized = size
            }
        }
        return size
    }
}
