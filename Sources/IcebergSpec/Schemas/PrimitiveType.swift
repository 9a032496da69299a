// SPDX-License-Identifier: Apache-2.0

/// The type of a single value.
///
/// Iceberg spec, Primitive Types.
public enum PrimitiveType: Hashable, Sendable {
    /// True or false.
    case boolean
    /// 32-bit signed integer.
    case int
    /// 64-bit signed integer.
    case long
    /// 32-bit IEEE 754.
    case float
    /// 64-bit IEEE 754.
    case double
    /// Fixed-point number; precision 1 to 38.
    case decimal(precision: Int, scale: Int)
    /// Days since the epoch.
    case date
    /// Microseconds since midnight.
    case time
    /// Microseconds since the epoch, without a zone.
    case timestamp
    /// Microseconds since the epoch, UTC.
    case timestamptz
    /// Nanoseconds since the epoch, without a zone (format version 3).
    case timestampNanoseconds
    /// Nanoseconds since the epoch, UTC (format version 3).
    case timestamptzNanoseconds
    /// UTF-8 text.
    case string
    /// 16 bytes.
    case uuid
    /// This many bytes.
    case fixed(length: Int)
    /// Any number of bytes.
    case binary
    /// Nothing but nulls (format version 3).
    case unknown
    /// Geometry in WKB; the reference system is nil for the default `OGC:CRS84` (format version 3).
    case geometry(crs: String?)
    /// Geography in WKB; nil for the defaults `OGC:CRS84` and `spherical` (format version 3).
    case geography(crs: String?, algorithm: String?)

    /// Decimals have at most this many digits.
    public static let maximumPrecision = 38

    private static let plain: [String: PrimitiveType] = [
        "boolean": .boolean, "int": .int, "long": .long, "float": .float, "double": .double,
        "date": .date, "time": .time, "timestamp": .timestamp, "timestamptz": .timestamptz,
        "timestamp_ns": .timestampNanoseconds, "timestamptz_ns": .timestamptzNanoseconds,
        "string": .string, "uuid": .uuid, "binary": .binary, "unknown": .unknown,
        "geometry": .geometry(crs: nil), "geography": .geography(crs: nil, algorithm: nil),
    ]

    /// Reads a type's name, such as `long` or `decimal(9, 2)`; nil when there is no such type.
    public init?(_ name: String) {
        // Type names are read in any case, as the reference implementation does.
        if let plain = Self.plain[name.lowercased()] {
            self = plain
        } else if let lengths = Self.arguments(of: name, "fixed", "[", "]") {
            guard lengths.count == 1, let length = Int32(lengths[0]), length >= 0 else {
                return nil
            }
            self = .fixed(length: Int(length))
        } else if let numbers = Self.arguments(of: name, "decimal", "(", ")") {
            guard numbers.count == 2, let precision = Int(numbers[0]), let scale = Int(numbers[1]),
                (1...Self.maximumPrecision).contains(precision), (0...precision).contains(scale)
            else { return nil }
            self = .decimal(precision: precision, scale: scale)
        } else if let texts = Self.arguments(of: name, "geometry", "(", ")") {
            guard texts.count == 1, !texts[0].isEmpty else { return nil }
            self = .geometry(crs: texts[0])
        } else if let texts = Self.arguments(of: name, "geography", "(", ")") {
            guard texts.count <= 2, !texts.contains("") else { return nil }
            self = .geography(crs: texts[0], algorithm: texts.count == 2 ? texts[1] : nil)
        } else {
            return nil
        }
    }

    /// What stands between the brackets, split at commas and trimmed; at least one element.
    private static func arguments(
        of name: String, _ word: String, _ open: String, _ close: String
    ) -> [String]? {
        let start = word + open
        guard name.lowercased().hasPrefix(start), name.hasSuffix(close) else { return nil }
        return name.dropFirst(start.count).dropLast()
            .split(separator: ",", omittingEmptySubsequences: false)
            .map { part in
                let kept = part.drop { $0 == " " }
                return String(kept.reversed().drop { $0 == " " }.reversed())
            }
    }
}

extension PrimitiveType: CustomStringConvertible {
    /// The name as schemas write it.
    public var description: String {
        switch self {
        case .boolean: "boolean"
        case .int: "int"
        case .long: "long"
        case .float: "float"
        case .double: "double"
        case .decimal(let precision, let scale): "decimal(\(precision), \(scale))"
        case .date: "date"
        case .time: "time"
        case .timestamp: "timestamp"
        case .timestamptz: "timestamptz"
        case .timestampNanoseconds: "timestamp_ns"
        case .timestamptzNanoseconds: "timestamptz_ns"
        case .string: "string"
        case .uuid: "uuid"
        case .fixed(let length): "fixed[\(length)]"
        case .binary: "binary"
        case .unknown: "unknown"
        case .geometry(let crs): crs.map { "geometry(\($0))" } ?? "geometry"
        case .geography(let crs, let algorithm):
            switch (crs, algorithm) {
            case (let crs?, let algorithm?): "geography(\(crs), \(algorithm))"
            case (let crs?, nil): "geography(\(crs))"
            case (nil, _): "geography"
            }
        }
    }
}
