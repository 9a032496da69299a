// SPDX-License-Identifier: Apache-2.0

import WireFormat

extension Transform {
    /// Whether it is defined for values of a type.
    ///
    /// Iceberg spec, Partition Transforms.
    package func isDefined(for type: PrimitiveType) -> Bool {
        switch self {
        case .void: true
        case .unknown: false
        case .identity: type.isOrdered
        case .bucket:
            switch type {
            case .int, .long, .decimal, .date, .time, .timestamp, .timestamptz,
                .timestampNanoseconds, .timestamptzNanoseconds, .string, .uuid, .fixed, .binary:
                true
            case .boolean, .float, .double, .unknown, .geometry, .geography: false
            }
        case .truncate:
            switch type {
            case .int, .long, .decimal, .string, .binary: true
            case .boolean, .float, .double, .date, .time, .timestamp, .timestamptz,
                .timestampNanoseconds, .timestamptzNanoseconds, .uuid, .fixed, .unknown,
                .geometry, .geography:
                false
            }
        case .year, .month, .day: type.ticksPerDay != nil
        case .hour: type.ticksPerDay != nil && type != .date
        }
    }

    /// What it makes of a value of a type for which it is defined; nil for null.
    ///
    /// Integers that truncation takes below the least one of their type are not wrapped around,
    /// and those that it takes below any number here stay at the lowest.
    package func value(of value: OrderedValue, _ type: PrimitiveType) -> OrderedValue? {
        switch (self, value) {
        case (.identity, _): return value
        case (.bucket(let count), _):
            return BucketHash.bucket(value, of: type, count: count).map { .integer(Int128($0)) }
        case (.truncate(let width), .integer(let number)):
            let width = Int128(width)
            let (product, isOverflow) = number.flooringDivision(by: width)
                .multipliedReportingOverflow(by: width)
            return .integer(isOverflow ? .min : product)
        case (.truncate(let width), .bytes(let bytes)):
            return .bytes(
                type == .string ? CodePoints.first(width, of: bytes) : Array(bytes.prefix(width)))
        case (.year, .integer(let number)), (.month, .integer(let number)),
            (.day, .integer(let number)), (.hour, .integer(let number)):
            return period(of: number, type).map { .integer($0) }
        case (.void, _), (.unknown, _), (.truncate, .number), (.year, _), (.month, _), (.day, _),
            (.hour, _):
            return nil
        }
    }

    private func period(of number: Int128, _ type: PrimitiveType) -> Int128? {
        guard let ticks = type.ticksPerDay else { return nil }
        if self == .hour { return number.flooringDivision(by: ticks / 24) }
        let days = number.flooringDivision(by: ticks)
        if self == .day { return days }
        guard let day = Int64(exactly: days) else { return nil }
        let (year, month, _) = Timestamp.civil(fromDays: day)
        let years = Int128(year) - 1970
        return self == .year ? years : years * 12 + Int128(month) - 1
    }
}

extension PrimitiveType {
    /// How many units of a date or time there are in a day; nil for other types.
    var ticksPerDay: Int128? {
        switch self {
        case .date: 1
        case .timestamp, .timestamptz: 86_400_000_000
        case .timestampNanoseconds, .timestamptzNanoseconds: 86_400_000_000_000
        case .boolean, .int, .long, .float, .double, .decimal, .time, .string, .uuid, .fixed,
            .binary, .unknown, .geometry, .geography:
            nil
        }
    }

    /// Whether Iceberg has an order for values of the type.
    package var isOrdered: Bool {
        switch self {
        case .boolean, .int, .long, .float, .double, .decimal, .date, .time, .timestamp,
            .timestamptz, .timestampNanoseconds, .timestamptzNanoseconds, .string, .uuid, .fixed,
            .binary:
            true
        case .unknown, .geometry, .geography: false
        }
    }
}

/// Text in UTF-8 by its code points.
package enum CodePoints {
    static func count(_ bytes: [UInt8]) -> Int { bytes.count { $0 & 0xC0 != 0x80 } }

    /// The first characters of a text.
    package static func first(_ count: Int, of bytes: [UInt8]) -> [UInt8] {
        var seen = 0
        let end = bytes.firstIndex { byte in
            if byte & 0xC0 != 0x80 { seen += 1 }
            return seen > count
        }
        return Array(bytes[..<(end ?? bytes.count)])
    }
}

extension PartitionValue {
    /// A value as partitions of a type have it; nil if it is none of the type.
    ///
    /// Integers beyond those of the type wrap around, as in the reference implementation.
    package init?(_ value: OrderedValue, as type: PrimitiveType) {
        switch (type, value) {
        case (.boolean, .integer(let number)): self = .boolean(number != 0)
        case (.int, .integer(let number)), (.date, .integer(let number)):
            self = .int(Int32(truncatingIfNeeded: number))
        case (.long, .integer(let number)), (.time, .integer(let number)),
            (.timestamp, .integer(let number)), (.timestamptz, .integer(let number)),
            (.timestampNanoseconds, .integer(let number)),
            (.timestamptzNanoseconds, .integer(let number)):
            self = .long(Int64(truncatingIfNeeded: number))
        case (.decimal, .integer(let number)):
            self = .decimal(unscaled: withUnsafeBytes(of: number.bigEndian) { Array($0) })
        case (.float, .number(let number)): self = .float(Float(number))
        case (.double, .number(let number)): self = .double(number)
        case (.string, .bytes(let bytes)):
            guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
            self = .string(text)
        case (.uuid, .bytes(let bytes)), (.fixed, .bytes(let bytes)), (.binary, .bytes(let bytes)):
            self = .bytes(bytes)
        default: return nil
        }
    }
}
