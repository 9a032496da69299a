// SPDX-License-Identifier: Apache-2.0

/// Decodes packed differences: blocks of a least difference, widths, and what is above it.
///
/// All arithmetic wraps, as the format has it.
enum DeltaDecoder {
    /// The most values of a block; writers make 128.
    private static let blockLimit = 1 << 16

    /// Decodes all values behind what `output` holds.
    ///
    /// - Parameter count: How many there must be.
    /// - Returns: How many bytes they took.
    static func decode(
        _ input: RawSpan, count: Int, appendingTo output: inout [Int64]
    ) throws(DecodeFault) -> Int {
        var position = 0
        let blockSize = try HybridDecoder.unsigned(input, &position)
        let miniCount = try HybridDecoder.unsigned(input, &position)
        let total = try HybridDecoder.unsigned(input, &position)
        let first = try signed(input, &position)
        guard blockSize > 0, blockSize <= blockLimit, blockSize % 128 == 0, miniCount > 0,
            blockSize % miniCount == 0, (blockSize / miniCount) % 32 == 0
        else { throw .malformed("its blocks of \(blockSize) in \(miniCount) parts cannot be") }
        guard total == UInt64(count) else {
            throw .malformed("it has \(total) values instead of \(count)")
        }
        guard count > 0 else { return position }
        let miniSize = Int(blockSize / miniCount)
        output.reserveCapacity(output.count + count)
        output.append(first)
        var value = first
        var left = count - 1
        var packed: [UInt64] = []
        while left > 0 {
            let least = try signed(input, &position)
            guard miniCount <= UInt64(input.byteCount - position) else { throw .endOfData }
            let widths = position
            position += Int(miniCount)
            for mini in 0..<Int(miniCount) where left > 0 {
                let width = Int(input.unsafeLoad(fromByteOffset: widths + mini, as: UInt8.self))
                guard width <= 64 else { throw .malformed("a difference has \(width) bits") }
                let wanted = min(left, miniSize)
                packed.removeAll(keepingCapacity: true)
                guard
                    BitPacking.unpack(
                        input, from: position, width: width, count: wanted, appendingTo: &packed)
                else { throw .endOfData }
                for difference in packed {
                    value = value &+ least &+ Int64(bitPattern: difference)
                    output.append(value)
                }
                left -= wanted
                // The last part may be cut off behind the values that count.
                position = min(input.byteCount, position + miniSize * width / 8)
            }
        }
        return position
    }

    private static func signed(
        _ input: RawSpan, _ position: inout Int
    ) throws(DecodeFault) -> Int64 {
        let value = try HybridDecoder.unsigned(input, &position)
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// Decodes lengths, none of them negative.
    static func decodeLengths(
        _ input: RawSpan, count: Int
    ) throws(DecodeFault) -> (lengths: [Int64], size: Int) {
        var lengths: [Int64] = []
        let size = try decode(input, count: count, appendingTo: &lengths)
        guard lengths.allSatisfy({ $0 >= 0 && $0 <= Int32.max }) else {
            throw .malformed("a length is negative")
        }
        return (lengths, size)
    }
}
