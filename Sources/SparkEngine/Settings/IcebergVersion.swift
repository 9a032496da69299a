// SPDX-License-Identifier: Apache-2.0

/// The version of Iceberg in Spark, as far as procedures depend on it: `1.10`.
public struct IcebergVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number before the dot.
    public let major: Int
    /// The number after it.
    public let minor: Int

    /// Where nobody says anything.
    public static let assumed = IcebergVersion(major: 1, minor: 10)
    /// The oldest whose procedures are known here.
    public static let oldest = IcebergVersion(major: 1, minor: 9)

    /// Pairs two numbers.
    public init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Reads `1.10` or `1.10.2`; nil for anything else, and for versions before ``oldest``.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in
            part.allSatisfy { $0.isASCII && $0.isNumber } ? Int(part) : nil
        }
        guard numbers.count == parts.count, (2...3).contains(parts.count) else { return nil }
        self.init(major: numbers[0], minor: numbers[1])
        guard self >= Self.oldest else { return nil }
    }

    /// The text form.
    public var description: String { "\(major).\(minor)" }

    /// Older comes first.
    public static func < (left: IcebergVersion, right: IcebergVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}
