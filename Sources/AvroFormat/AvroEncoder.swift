// SPDX-License-Identifier: Apache-2.0

/// Writes values one after the other in Avro's binary encoding.
///
/// Avro specification 1.11, Binary Encoding. It knows nothing of schemas: whoever writes a record
/// writes its fields in the schema's order.
public struct AvroEncoder: Sendable {
    /// What was written.
    public private(set) var bytes: [UInt8] = []

    /// Nothing yet.
    public init() {}

    /// Forgets what was written, and keeps the memory.
    public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    /// Writes a `boolean`.
    public mutating func boolean(_ value: Bool) { bytes.append(value ? 1 : 0) }

    /// Writes an `int`.
    public mutating func int(_ value: Int32) { long(Int64(value)) }

    /// Writes a `long`: zigzag order, seven bits in each byte.
    public mutating func long(_ value: Int64) {
        var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Writes a `float`.
    public mutating func float(_ value: Float) { littleEndian(value.bitPattern) }

    /// Writes a `double`.
    public mutating func double(_ value: Double) { littleEndian(value.bitPattern) }

    /// Writes `bytes`.
    public mutating func bytes(_ value: [UInt8]) {
        long(Int64(value.count))
        bytes.append(contentsOf: value)
    }

    /// Writes a `string`.
    public mutating func string(_ value: String) {
        long(Int64(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    /// Writes a `fixed`, or any bytes as they are.
    public mutating func fixed(_ value: [UInt8]) { bytes.append(contentsOf: value) }

    /// Writes a value of the union of `null`, its first branch, and one other type.
    public mutating func optional<Value>(
        _ value: Value?, _ write: (inout AvroEncoder, Value) -> Void
    ) {
        guard let value else { return long(0) }
        long(1)
        write(&self, value)
    }

    /// Writes an `array`, as one block.
    public mutating func array<Element>(
        _ elements: [Element], _ write: (inout AvroEncoder, Element) -> Void
    ) {
        if !elements.isEmpty {
            long(Int64(elements.count))
            for element in elements { write(&self, element) }
        }
        long(0)
    }

    private mutating func littleEndian(_ bits: some FixedWidthInteger) {
        withUnsafeBytes(of: bits.littleEndian) { bytes.append(contentsOf: $0) }
    }
}
