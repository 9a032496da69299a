// SPDX-License-Identifier: Apache-2.0

/// A JSON value that remembers the order of its members and the spelling of its numbers.
///
/// Table metadata is written by many engines and must survive a trip through us with whatever we
/// did not understand left exactly as it was; Foundation's reader loses both order and spelling.
/// RFC 8259.
public enum JSONValue: Hashable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number, kept as it was spelled.
    case number(JSONNumber)
    /// A string.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object, members in their order.
    case object(JSONObject)

    /// A number from an integer.
    public static func integer(_ value: some BinaryInteger) -> JSONValue {
        .number(JSONNumber(literal: String(value)))
    }

    /// A number from a floating-point value; `null` if it is not finite, which JSON cannot say.
    public static func double(_ value: Double) -> JSONValue {
        value.isFinite ? .number(JSONNumber(literal: value.description)) : .null
    }

    /// A string, or `null` for nil.
    public static func optional(_ text: String?) -> JSONValue {
        text.map(JSONValue.string) ?? .null
    }

    /// The members, if this is an object.
    public var objectValue: JSONObject? {
        if case .object(let object) = self { object } else { nil }
    }

    /// The elements, if this is an array.
    public var arrayValue: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The text, if this is a string.
    public var stringValue: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The truth value, if this is a Boolean.
    public var boolValue: Bool? {
        if case .bool(let truth) = self { truth } else { nil }
    }

    /// The exact 64-bit integer, if this is a number that is one.
    public var int64Value: Int64? {
        if case .number(let number) = self { number.int64Value } else { nil }
    }

    /// The exact integer, if this is a number that is one.
    public var intValue: Int? {
        int64Value.flatMap { Int(exactly: $0) }
    }

    /// The nearest double, if this is a number.
    public var doubleValue: Double? {
        if case .number(let number) = self { Double(number.literal) } else { nil }
    }

    /// Whether this is `null`.
    public var isNull: Bool { self == .null }

    /// What kind of value this is, in words for an error message.
    public var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// A JSON number as it was spelled.
public struct JSONNumber: Hashable, Sendable {
    /// The spelling, valid under RFC 8259 section 6.
    public let literal: String

    /// Takes a spelling that the caller knows to be valid JSON.
    public init(literal: String) { self.literal = literal }

    /// The exact 64-bit integer this spells, or nil.
    ///
    /// `1.0` and `1e3` are integers; `1.5` is not.
    public var int64Value: Int64? {
        if let direct = Int64(literal) { return direct }
        guard literal.contains(where: { $0 == "." || $0 == "e" || $0 == "E" }) else { return nil }
        // Beyond 2^53 a double no longer tells neighbours apart, so only what it holds exactly
        // counts.
        guard let value = Double(literal), abs(value) <= 9_007_199_254_740_992 else { return nil }
        return Int64(exactly: value)
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
    ExpressibleByNilLiteral
{
    /// Writes a string literal in source as this value.
    public init(stringLiteral value: String) { self = .string(value) }
    /// Writes a boolean literal in source as this value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// Writes an integer literal in source as this value.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// Writes an array literal in source as this value.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// Writes a nil literal in source as this value.
    public init(nilLiteral: ()) { self = .null }
    /// Writes a dictionary literal in source as this value.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(elements.map { .init(key: $0.0, value: $0.1) }))
    }
}
