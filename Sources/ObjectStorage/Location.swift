// SPDX-License-Identifier: Apache-2.0

/// Where an object is, exactly as table metadata spells it.
///
/// Opaque: never normalised, decoded or shortened (P-10). Two locations are the same object only
/// if their bytes are equal; what else may be equal is for the guards of orphan removal to say.
public struct Location: Sendable, CustomStringConvertible {
    /// The text.
    public let rawValue: String

    /// Takes a text as it is.
    public init(_ rawValue: String) { self.rawValue = rawValue }

    /// The scheme in lower case, or nil for a plain path: `s3`, `file`.
    public var scheme: String? {
        guard let colon = rawValue.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let scheme = rawValue[..<colon]
        guard let first = scheme.first, first.isASCII, first.isLetter,
            scheme.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) })
        else { return nil }
        return scheme.lowercased()
    }

    /// This location with a name below it; exactly one slash between them.
    public func appending(_ name: String) -> Location {
        Location(rawValue.utf8.last == UInt8(ascii: "/") ? rawValue + name : rawValue + "/" + name)
    }

    /// What follows the last slash; the whole text if there is none.
    public var lastComponent: String {
        guard let slash = rawValue.utf8.lastIndex(of: UInt8(ascii: "/")) else { return rawValue }
        return String(rawValue[rawValue.utf8.index(after: slash)...])
    }

    /// The text form, for logs and messages.
    public var description: String { rawValue }
}

extension Location: Hashable, Comparable {
    // A `String` holds é and e + ´ to be equal; a store does not. Bytes decide.

    /// Whether two locations are spelled with the same bytes.
    public static func == (left: Location, right: Location) -> Bool {
        left.rawValue.utf8.count == right.rawValue.utf8.count
            && left.rawValue.utf8.elementsEqual(right.rawValue.utf8)
    }

    /// Feeds the bytes of the text.
    public func hash(into hasher: inout Hasher) {
        var text = rawValue
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        // A byte that no UTF-8 text has ends the text, so that neighbours do not run together.
        hasher.combine(UInt8(0xFF))
    }

    /// Orders by bytes.
    public static func < (left: Location, right: Location) -> Bool {
        left.rawValue.utf8.lexicographicallyPrecedes(right.rawValue.utf8)
    }
}
