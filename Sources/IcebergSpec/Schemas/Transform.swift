// SPDX-License-Identifier: Apache-2.0

/// How a partition or sort value is made from a column.
///
/// Iceberg spec, Partition Transforms.
public enum Transform: Hashable, Sendable {
    /// The value itself.
    case identity
    /// A hash modulo this many buckets.
    case bucket(count: Int)
    /// The value cut to this width.
    case truncate(width: Int)
    /// Years since 1970.
    case year
    /// Months since 1970-01.
    case month
    /// Days since the epoch.
    case day
    /// Hours since the epoch.
    case hour
    /// Always null: a partition field that was dropped in format version 1.
    case void
    /// One that is not known here. Readers ignore it; nothing may be written with it.
    case unknown(String)

    /// Reads a transform as specs write it, such as `bucket[16]`.
    public init(_ text: String) {
        let lowered = text.lowercased()
        switch lowered {
        case "identity": self = .identity
        case "year": self = .year
        case "month": self = .month
        case "day": self = .day
        case "hour": self = .hour
        case "void": self = .void
        default:
            if let count = Self.width(of: lowered, "bucket[") {
                self = .bucket(count: count)
            } else if let width = Self.width(of: lowered, "truncate[") {
                self = .truncate(width: width)
            } else {
                self = .unknown(text)
            }
        }
    }

    private static func width(of text: String, _ start: String) -> Int? {
        guard text.hasPrefix(start), text.hasSuffix("]"),
            let width = Int32(text.dropFirst(start.count).dropLast()), width > 0
        else { return nil }
        return Int(width)
    }
}

extension Transform: CustomStringConvertible {
    /// The text as specs write it.
    public var description: String {
        switch self {
        case .identity: "identity"
        case .bucket(let count): "bucket[\(count)]"
        case .truncate(let width): "truncate[\(width)]"
        case .year: "year"
        case .month: "month"
        case .day: "day"
        case .hour: "hour"
        case .void: "void"
        case .unknown(let text): text
        }
    }
}
