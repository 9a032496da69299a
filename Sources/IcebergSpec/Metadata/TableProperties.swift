// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// The properties of a table, string to string, in their order.
public struct TableProperties: Hashable, Sendable {
    /// The properties as they stand in the metadata; every value is a string.
    public let json: JSONObject

    /// Takes an object whose values are all strings.
    init(checked json: JSONObject) { self.json = json }

    /// Properties in the order given; of two with the same key the later one counts.
    public init(_ entries: some Sequence<(key: String, value: String)>) {
        var object = JSONObject()
        for (key, value) in entries { object[key] = .string(value) }
        json = object
    }

    /// The keys in order.
    public var keys: [String] { json.keys }

    /// The text of a property, or nil.
    public subscript(key: String) -> String? { json[key]?.stringValue }

    /// An integer, or nil when the property is absent.
    ///
    /// - Throws: ``UnreadableProperty`` when it is there and is not one.
    public func int64(_ key: String) throws(UnreadableProperty) -> Int64? {
        try read(key, expected: "an integer") { Int64($0) }
    }

    /// A finite number, or nil when the property is absent.
    ///
    /// - Throws: ``UnreadableProperty`` when it is there and is not one.
    public func double(_ key: String) throws(UnreadableProperty) -> Double? {
        try read(key, expected: "a number") { text in
            Double(text).flatMap { $0.isFinite ? $0 : nil }
        }
    }

    /// `true` or `false` in any case, or nil when the property is absent.
    ///
    /// - Throws: ``UnreadableProperty`` when it is there and is neither.
    public func bool(_ key: String) throws(UnreadableProperty) -> Bool? {
        try read(key, expected: "true or false") { Bool($0.lowercased()) }
    }

    private func read<Value>(
        _ key: String, expected: String, _ parse: (String) -> Value?
    ) throws(UnreadableProperty) -> Value? {
        guard let text = self[key] else { return nil }
        guard let value = parse(text) else {
            throw UnreadableProperty(key: key, value: text, expected: expected)
        }
        return value
    }
}

extension TableProperties: ExpressibleByDictionaryLiteral {
    /// Properties in the order written; of two with the same key the later one counts.
    public init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements.map { (key: $0.0, value: $0.1) })
    }
}

/// A table property that is set to something that cannot be read.
public struct UnreadableProperty: Error, Hashable, Sendable, CustomStringConvertible {
    /// The property.
    public let key: String
    /// What it is set to.
    public let value: String
    /// What it has to be, such as `an integer`.
    public let expected: String

    /// Takes every field.
    public init(key: String, value: String, expected: String) {
        self.key = key
        self.value = value
        self.expected = expected
    }

    /// The text form, for logs and messages.
    public var description: String {
        "the table property \(key) must be \(expected), not \"\(value)\""
    }
}
