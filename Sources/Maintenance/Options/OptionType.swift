// SPDX-License-Identifier: Apache-2.0

/// What values an option takes.
public enum OptionType: Hashable, Sendable {
    /// `true` or `false`.
    case boolean
    /// A whole number in a range.
    case integer(ClosedRange<Int64>)
    /// A number above the first bound and at most the second.
    case fraction(above: Double, through: Double)
    /// Text that is not empty.
    case string
    /// One of these words; letter case does not matter and the published spelling is kept.
    case choice([String])
    /// An ISO 8601 time.
    case timestamp
    /// A list of 64-bit whole numbers, not empty.
    case integers
    /// A list of texts, none empty, not empty itself.
    case strings
    /// An object whose values are texts.
    case stringMap

    /// The most elements that a list or an object may hold.
    public static let maxElements = 10_000

    /// The type in words, for an error message: `must be …`.
    public var expectation: String {
        switch self {
        case .boolean: "true or false"
        case .integer(let range): Self.describe(range)
        case .fraction(let above, let through): "a number above \(above) and at most \(through)"
        case .string: "a text that is not empty"
        case .choice(let words): "one of \(words.joined(separator: ", "))"
        case .timestamp: "an ISO 8601 time such as 2026-01-31T00:00:00Z"
        case .integers: "a list of 1 to \(Self.maxElements) whole numbers"
        case .strings: "a list of 1 to \(Self.maxElements) texts"
        case .stringMap: "an object of at most \(Self.maxElements) texts"
        }
    }

    private static func describe(_ range: ClosedRange<Int64>) -> String {
        range.upperBound == .max
            ? "a whole number of at least \(range.lowerBound)"
            : "a whole number from \(range.lowerBound) to \(range.upperBound)"
    }
}
