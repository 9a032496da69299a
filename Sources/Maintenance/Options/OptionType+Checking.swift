// SPDX-License-Identifier: Apache-2.0

import WireFormat

extension OptionType {
    /// The value as it is kept, if it is one of this type.
    func checking(_ value: JSONValue, at path: String) throws(OptionError) -> JSONValue {
        guard let kept = accepted(value) else {
            throw OptionError(
                field: path, reason: .badValue(expected: expectation, found: Self.shown(value)))
        }
        return kept
    }

    // Careful: `nil` in an expression of type `JSONValue` is JSON's null, so a conditional
    // expression that ends in `nil` accepts the value. Hence the guards.
    private func accepted(_ value: JSONValue) -> JSONValue? {
        switch self {
        case .boolean:
            return value.boolValue.map(JSONValue.bool)
        case .integer(let range):
            guard let number = value.int64Value, range.contains(number) else { return nil }
            return .integer(number)
        case .fraction(let above, let through):
            guard let number = value.doubleValue, number > above, number <= through else {
                return nil
            }
            return value
        case .string:
            return value.stringValue.flatMap { $0.isEmpty ? Optional.none : .string($0) }
        case .choice(let words):
            guard let text = value.stringValue?.lowercased() else { return nil }
            return words.first { $0.lowercased() == text }.map(JSONValue.string)
        case .timestamp:
            guard let text = value.stringValue, Timestamp(iso8601: text) != nil else { return nil }
            return value
        case .integers:
            return Self.list(value) { $0.int64Value.map { .integer($0) } }
        case .strings:
            return Self.list(value) { OptionType.string.accepted($0) }
        case .stringMap:
            guard let object = value.objectValue, object.members.count <= Self.maxElements,
                object.members.allSatisfy({ $0.value.stringValue != nil })
            else { return nil }
            return value
        }
    }

    private static func list(
        _ value: JSONValue, element: (JSONValue) -> JSONValue?
    ) -> JSONValue? {
        guard let elements = value.arrayValue, (1...maxElements).contains(elements.count) else {
            return nil
        }
        let kept = elements.compactMap(element)
        return kept.count == elements.count ? .array(kept) : nil
    }

    /// The value as an error message may show it: short, or only its kind.
    private static func shown(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let truth): String(truth)
        case .number(let number): number.literal.utf8.count <= 40 ? number.literal : "a number"
        case .string(let text): text.utf8.count <= 60 ? "\"\(text)\"" : "a long text"
        case .array(let elements): "a list of \(elements.count) values"
        case .object: "an object"
        }
    }
}

extension OptionType {
    /// The JSON value that a command line's text stands for, before it is checked.
    ///
    /// Lists are separated by commas and maps by commas and colons (`s3a:s3,s3n:s3`); both may
    /// also be written as JSON.
    func reading(_ text: String) -> JSONValue {
        switch self {
        case .boolean:
            switch text.lowercased() {
            case "true": true
            case "false": false
            default: .string(text)
            }
        case .integer, .fraction:
            Self.number(text)
        case .string, .choice, .timestamp:
            .string(text)
        case .integers:
            Self.json(text, opening: "[")
                ?? .array(Self.parts(text).map(Self.number))
        case .strings:
            Self.json(text, opening: "[") ?? .array(Self.parts(text).map(JSONValue.string))
        case .stringMap:
            Self.json(text, opening: "{") ?? Self.map(text)
        }
    }

    private static func number(_ text: String) -> JSONValue {
        guard let value = try? JSONValue(parsing: text), case .number = value else {
            return .string(text)
        }
        return value
    }

    private static func json(_ text: String, opening: Character) -> JSONValue? {
        text.first == opening ? try? JSONValue(parsing: text) : nil
    }

    private static func parts(_ text: String) -> [String] {
        text.split(separator: ",", omittingEmptySubsequences: false).map { trimmed($0) }
    }

    private static func map(_ text: String) -> JSONValue {
        var object = JSONObject()
        for part in parts(text) {
            guard let colon = part.firstIndex(of: ":") else { return .string(text) }
            object[trimmed(part[..<colon])] = .string(trimmed(part[part.index(after: colon)...]))
        }
        return .object(object)
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
