// SPDX-License-Identifier: Apache-2.0

/// Encodes packed differences in blocks of 128, each of four parts with a width of their own.
///
/// Differences wrap within the type, so that those of 32-bit integers never need 33 bits, which
/// some readers refuse.
enum DeltaEncoder {
    private static let blockSize = 128
    private static let partSize = 32

    static func encode<Value: FixedWidthInteger & SignedInteger>(
        _ values: ArraySlice<Value>, appendingTo output: inout [UInt8]
    ) {
        unsigned(UInt64(blockSize), to: &output)
        unsigned(UInt64(blockSize / partSize), to: &output)
        unsigned(UInt64(values.count), to: &output)
        guard let first = values.first else {
            unsigned(0, to: &output)
            return
        }
        signed(Int64(first), to: &output)
        var last = first
        var differences: [Value] = []
        differences.reserveCapacity(blockSize)
        for value in values.dropFirst() {
            differences.append(value &- last)
            last = value
            if differences.count == blockSize {
                block(differences, to: &output)
                differences.removeAll(keepingCapacity: true)
            }
        }
        if !differences.isEmpty { block(differences, to: &output) }
    }

    private static func block<Value: FixedWidthInteger & SignedInteger>(
        _ differences: [Value], to output: inout [UInt8]
    ) {
        let least = differences.min() ?? 0
        signed(Int64(least), to: &output)
        let mask: UInt64 = Value.bitWidth == 64 ? .max : (1 << UInt64(Value.bitWidth)) - 1
        var above = differences.map { UInt64(truncatingIfNeeded: $0 &- least) & mask }
        above += repeatElement(0, count: (partSize - above.count % partSize) % partSize)
        let parts = stride(from: 0, to: above.count, by: partSize).map { above[$0..<$0 + partSize] }
        let widths = parts.map { 64 - ($0.reduce(0, |)).leadingZeroBitCount }
        output += widths.map { UInt8($0) }
        output += repeatElement(0, count: blockSize / partSize - parts.count)
        for (part, width) in zip(parts, widths) { pack(part, width: width, to: &output) }
    }

    private static func pack(
        _ values: ArraySlice<UInt64>, width: Int, to output: inout [UInt8]
    ) {
        guard width > 32 else {
            BitPacking.pack(values, width: width, appendingTo: &output)
            return
        }
        // Halves of at most 32 bits go through a word of 64; a part ends with a whole half.
        var word: UInt64 = 0
        var filled: UInt64 = 0
        for value in values {
            for (half, size) in [(value & 0xFFFF_FFFF, 32), (value >> 32, UInt64(width - 32))] {
                word |= half << filled
                filled += size
                guard filled >= 32 else { continue }
                withUnsafeBytes(of: UInt32(truncatingIfNeeded: word).littleEndian) { output += $0 }
                word >>= 32
                filled -= 32
            }
        }
    }

    private static func unsigned(_ value: UInt64, to output: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            output.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        output.append(UInt8(rest))
    }

    private static func signed(_ value: Int64, to output: inout [UInt8]) {
        unsigned(UInt64(bitPattern: (value << 1) ^ (value >> 63)), to: &output)
    }
}
