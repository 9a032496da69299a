// SPDX-License-Identifier: Apache-2.0

/// Encodes levels and dictionary positions as runs mixed with packed bits.
///
/// Values are taken eight at a time. Where at least eight in a row are equal, what is pending goes
/// out packed and the row becomes a run; so packed stretches always have a multiple of eight
/// values but at the very end, where zeros fill the last eight.
enum HybridEncoder {
    private static let group = 8

    static func encode<Value: PackedInteger>(
        _ values: [Value], width: Int, appendingTo output: inout [UInt8]
    ) {
        var pending = 0
        var index = 0
        while index < values.count {
            let length = runLength(values, from: index)
            guard length >= group else {
                index += min(group, values.count - index)
                continue
            }
            pack(values[pending..<index], width: width, to: &output)
            repeated(values[index], count: length, width: width, to: &output)
            index += length
            pending = index
        }
        pack(values[pending...], width: width, to: &output)
    }

    /// How many values equal the one at an index, itself included.
    @inline(__always)
    private static func runLength<Value: PackedInteger>(_ values: [Value], from start: Int) -> Int {
        let value = values[start]
        var end = start + 1
        while end < values.count, values[end] == value { end += 1 }
        return end - start
    }

    private static func repeated<Value: PackedInteger>(
        _ value: Value, count: Int, width: Int, to output: inout [UInt8]
    ) {
        head(UInt64(count) << 1, to: &output)
        let word = UInt64(value)
        for shift in stride(from: 0, to: width, by: 8) {
            output.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
        }
    }

    private static func pack<Value: PackedInteger>(
        _ values: ArraySlice<Value>, width: Int, to output: inout [UInt8]
    ) {
        guard !values.isEmpty else { return }
        let groups = (values.count + group - 1) / group
        head(UInt64(groups) << 1 | 1, to: &output)
        let end = output.count + groups * width
        BitPacking.pack(values, width: width, appendingTo: &output)
        output.append(contentsOf: repeatElement(0, count: end - output.count))
    }

    private static func head(_ value: UInt64, to output: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            output.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        output.append(UInt8(rest))
    }
}
