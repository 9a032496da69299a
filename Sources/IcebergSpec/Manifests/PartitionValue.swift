// SPDX-License-Identifier: Apache-2.0

/// The value of one field of a partition tuple.
///
/// Dates are `int` and times and timestamps are `long`, as they are stored.
public enum PartitionValue: Hashable, Sendable {
    /// A truth value.
    case boolean(Bool)
    /// An integer of 32 bits.
    case int(Int32)
    /// An integer of 64 bits.
    case long(Int64)
    /// A floating-point number of 32 bits.
    case float(Float)
    /// A floating-point number of 64 bits.
    case double(Double)
    /// Text.
    case string(String)
    /// Bytes: binary, fixed and uuid values.
    case bytes([UInt8])
    /// The unscaled value of a decimal: two's complement, the highest byte first, no longer than
    /// it must be.
    case decimal([UInt8])
}

extension PartitionValue {
    /// A decimal from the bytes of its unscaled value, which may be longer than they must be.
    public static func decimal(unscaled bytes: [UInt8]) -> PartitionValue {
        var rest = bytes[...]
        while rest.count > 1, let first = rest.first {
            let next = rest[rest.startIndex + 1]
            guard (first == 0 && next < 0x80) || (first == 0xFF && next >= 0x80) else { break }
            rest = rest.dropFirst()
        }
        return .decimal(rest.isEmpty ? [0] : Array(rest))
    }

    /// Whether it is a floating-point number that is none.
    public var isNaN: Bool {
        switch self {
        case .float(let value): value.isNaN
        case .double(let value): value.isNaN
        case .boolean, .int, .long, .string, .bytes, .decimal: false
        }
    }

    /// The bytes of a bound.
    ///
    /// Iceberg spec, Appendix D: Single-value serialization, Binary single-value serialization.
    public var serialized: [UInt8] {
        switch self {
        case .boolean(let value): [value ? 1 : 0]
        case .int(let value): Self.littleEndian(value)
        case .long(let value): Self.littleEndian(value)
        case .float(let value): Self.littleEndian(value.bitPattern)
        case .double(let value): Self.littleEndian(value.bitPattern)
        case .string(let value): Array(value.utf8)
        case .bytes(let value), .decimal(let value): value
        }
    }

    /// Reads the bytes of a bound; nil if they are none of a value of the type.
    public init?(serialized bytes: [UInt8], as type: PrimitiveType) {
        func integer<Number: FixedWidthInteger>(_: Number.Type) -> Number? {
            guard bytes.count == MemoryLayout<Number>.size else { return nil }
            return bytes.reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
        }
        let value: PartitionValue?
        switch type {
        case .boolean: value = bytes.count == 1 ? .boolean(bytes[0] != 0) : nil
        case .int, .date: value = integer(Int32.self).map { .int($0) }
        case .long, .time, .timestamp, .timestamptz, .timestampNanoseconds,
            .timestamptzNanoseconds:
            // A bound from before the column became wider.
            value = (integer(Int64.self) ?? integer(Int32.self).map { Int64($0) }).map { .long($0) }
        case .float: value = integer(UInt32.self).map { .float(Float(bitPattern: $0)) }
        case .double:
            let narrow = integer(UInt32.self).map { Double(Float(bitPattern: $0)) }
            value = (integer(UInt64.self).map { Double(bitPattern: $0) } ?? narrow)
                .map { .double($0) }
        case .string: value = String(validating: bytes, as: UTF8.self).map { .string($0) }
        case .uuid, .fixed, .binary, .geometry, .geography: value = .bytes(bytes)
        case .decimal: value = .decimal(unscaled: bytes)
        case .unknown: value = nil
        }
        guard let value else { return nil }
        self = value
    }

    private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    /// Whether it comes before a value of the same type; NaN comes last.
    public func precedes(_ other: PartitionValue) -> Bool {
        switch (self, other) {
        case (.boolean(let left), .boolean(let right)): !left && right
        case (.int(let left), .int(let right)): left < right
        case (.long(let left), .long(let right)): left < right
        case (.float(let left), .float(let right)):
            left < right || (right.isNaN && !left.isNaN)
        case (.double(let left), .double(let right)):
            left < right || (right.isNaN && !left.isNaN)
        // Iceberg orders text by code points, which is the order of its UTF-8.
        case (.string(let left), .string(let right)):
            left.utf8.lexicographicallyPrecedes(right.utf8)
        case (.bytes(let left), .bytes(let right)): left.lexicographicallyPrecedes(right)
        case (.decimal(let left), .decimal(let right)): Self.isLess(left, right)
        case (.boolean, _), (.int, _), (.long, _), (.float, _), (.double, _), (.string, _),
            (.bytes, _), (.decimal, _):
            // Values of one field have one type; any fixed order will do otherwise.
            rank < other.rank
        }
    }

    private var rank: Int {
        switch self {
        case .boolean: 0
        case .int: 1
        case .long: 2
        case .float: 3
        case .double: 4
        case .string: 5
        case .bytes: 6
        case .decimal: 7
        }
    }

    /// Compares numbers in two's complement that are no longer than they must be.
    private static func isLess(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        let isNegative = (left.first ?? 0) >= 0x80
        guard isNegative == ((right.first ?? 0) >= 0x80) else { return isNegative }
        guard left.count == right.count else { return (left.count < right.count) != isNegative }
        return left.lexicographicallyPrecedes(right)
    }
}
