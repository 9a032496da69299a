// SPDX-License-Identifier: Apache-2.0

/// A value of a column in the order that Iceberg has for its type.
///
/// Values of different kinds are in no order, which leaves open whether one is within bounds of
/// the other.
package enum OrderedValue: Hashable, Sendable {
    /// Truth values, integers, decimals without their point, dates and times.
    case integer(Int128)
    /// Floating-point numbers, never NaN.
    case number(Double)
    /// Text in UTF-8, and bytes.
    case bytes([UInt8])

    /// Where a value stands beside another.
    package enum Place: Hashable, Sendable {
        case before, same, after
    }

    /// Where it stands beside another; nil if they are in no order.
    package func place(beside other: OrderedValue) -> Place? {
        switch (self, other) {
        case (.integer(let left), .integer(let right)):
            left < right ? .before : left == right ? .same : .after
        case (.number(let left), .number(let right)):
            left < right ? .before : left == right ? .same : left > right ? .after : nil
        case (.bytes(let left), .bytes(let right)):
            left == right ? .same : left.lexicographicallyPrecedes(right) ? .before : .after
        case (.integer, _), (.number, _), (.bytes, _): nil
        }
    }

    /// The value of a bound; nil if nothing follows from it.
    package init?(bound bytes: [UInt8], of type: PrimitiveType) {
        switch type {
        // Writers disagree on how UUIDs are ordered.
        case .uuid, .unknown, .geometry, .geography: return nil
        case .timestamp, .timestamptz, .timestampNanoseconds, .timestamptzNanoseconds:
            // Of a column that was a date, bounds are days.
            guard bytes.count == 8 else { return nil }
        case .boolean, .int, .long, .float, .double, .decimal, .date, .time, .string, .fixed,
            .binary:
            break
        }
        guard let value = PartitionValue(serialized: bytes, as: type) else { return nil }
        self.init(value)
    }

    /// Nil for NaN, and for decimals of more digits than there are.
    init?(_ value: PartitionValue) {
        switch value {
        case .boolean(let value): self = .integer(value ? 1 : 0)
        case .int(let value): self = .integer(Int128(value))
        case .long(let value): self = .integer(Int128(value))
        case .float(let value):
            guard !value.isNaN else { return nil }
            self = .number(Double(value))
        case .double(let value):
            guard !value.isNaN else { return nil }
            self = .number(value)
        case .string(let value): self = .bytes(Array(value.utf8))
        case .bytes(let value): self = .bytes(value)
        case .decimal(let bytes):
            guard let unscaled = Self.unscaled(bytes) else { return nil }
            self = .integer(unscaled)
        }
    }

    /// A big-endian two's-complement number; nil if it has more than 16 bytes.
    package static func unscaled(_ bytes: [UInt8]) -> Int128? {
        guard let first = bytes.first, bytes.count <= 16 else { return nil }
        return bytes.reduce(first >= 0x80 ? -1 : 0) { $0 << 8 | Int128($1) }
    }
}
