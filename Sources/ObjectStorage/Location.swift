// SPDX-License-Identifier: Apache-2.0

/// Where an object is, exactly as table metadata spells it.
///
/// Opaque: never normalised, decoded or shortened (P-10). Two locations are the same object only
/// if their texts are equal; what else may be equal is for the guards of orphan removal to say.
public struct Location: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The text.
    public let rawValue: String

    /// Takes a text as it is.
    public init(_ rawValue: String) { self.rawValue = rawValue }

    /// The scheme in lower case, or nil for a plain path: `s3`, `file`.
    public var scheme: String? {
        guard let colon = rawValue.firstIndex(of: ":") else { return nil }
        let scheme = rawValue[..<colon]
        guard let first = scheme.first, first.isLetter,
            scheme.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) })
        else { return nil }
        return scheme.lowercased()
    }

    /// This location with a name below it; exactly one slash between them.
    public func appending(_ name: String) -> Location {
        Location(rawValue.hasSuffix("/") ? rawValue + name : rawValue + "/" + name)
    }

    /// The text form, for logs and messages.
    public var description: String { rawValue }

    /// A total order, so that lists of them are stable.
    public static func < (left: Location, right: Location) -> Bool {
        left.rawValue < right.rawValue
    }
}
