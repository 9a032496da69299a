// SPDX-License-Identifier: Apache-2.0

package import WireFormat

/// Reads typed members of one JSON object and names the full path of whatever is wrong.
///
/// A member that is `null` counts as absent, as in every other reader of table metadata.
package struct MemberReader {
    /// The object.
    package let object: JSONObject
    /// Where it is in the document, empty at the top.
    package let path: String

    /// Takes a value that has to be an object.
    package init(_ value: JSONValue, at path: String) throws(TableMetadataError) {
        guard case .object(let object) = value else {
            throw .invalid(path: path, reason: "must be an object, not \(value.kindName)")
        }
        self.object = object
        self.path = path
    }

    /// The path of one of the members.
    package func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// An error about one of the members.
    package func failure(_ key: String, _ reason: String) -> TableMetadataError {
        .invalid(path: path(of: key), reason: reason)
    }

    /// The member, or nil when it is absent or null.
    package func value(_ key: String) -> JSONValue? {
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    /// A required member.
    package func required<Value>(
        _ key: String, _ value: Value?
    ) throws(TableMetadataError) -> Value {
        guard let value else { throw failure(key, "is missing") }
        return value
    }

    /// A 64-bit integer, or nil.
    package func optionalInt64(_ key: String) throws(TableMetadataError) -> Int64? {
        guard let value = value(key) else { return nil }
        guard let number = value.int64Value else {
            let found =
                if case .number(let number) = value { number.literal } else { value.kindName }
            throw failure(key, "must be a 64-bit integer, not \(found.prefix(40))")
        }
        return number
    }

    /// A 64-bit integer.
    package func int64(_ key: String) throws(TableMetadataError) -> Int64 {
        try required(key, try optionalInt64(key))
    }

    /// A 64-bit integer that is not negative, or nil.
    package func optionalCount(_ key: String) throws(TableMetadataError) -> Int64? {
        guard let number = try optionalInt64(key) else { return nil }
        guard number >= 0 else { throw failure(key, "must not be negative, but is \(number)") }
        return number
    }

    /// A 64-bit integer that is not negative: an id, a size or a count.
    package func count(_ key: String) throws(TableMetadataError) -> Int64 {
        try required(key, try optionalCount(key))
    }

    /// A 32-bit integer, or nil.
    ///
    /// The specification's `int`: ids of columns, schemas and specs.
    package func optionalInt32(_ key: String) throws(TableMetadataError) -> Int? {
        guard let number = try optionalInt64(key) else { return nil }
        guard let narrow = Int32(exactly: number) else {
            throw failure(key, "must be a 32-bit integer, not \(number)")
        }
        return Int(narrow)
    }

    /// A 32-bit integer.
    package func int32(_ key: String) throws(TableMetadataError) -> Int {
        try required(key, try optionalInt32(key))
    }

    /// A string, or nil.
    package func optionalString(_ key: String) throws(TableMetadataError) -> String? {
        guard let value = value(key) else { return nil }
        guard let text = value.stringValue else {
            throw failure(key, "must be a string, not \(value.kindName)")
        }
        return text
    }

    /// A string.
    package func string(_ key: String) throws(TableMetadataError) -> String {
        try required(key, try optionalString(key))
    }

    /// A string that is not empty.
    package func name(_ key: String) throws(TableMetadataError) -> String {
        let text = try string(key)
        guard !text.isEmpty else { throw failure(key, "must not be empty") }
        return text
    }

    /// `true` or `false`.
    package func bool(_ key: String) throws(TableMetadataError) -> Bool {
        let value = try required(key, value(key))
        guard let truth = value.boolValue else {
            throw failure(key, "must be true or false, not \(value.kindName)")
        }
        return truth
    }

    /// The elements of an array, or nil.
    package func optionalArray(_ key: String) throws(TableMetadataError) -> [JSONValue]? {
        guard let value = value(key) else { return nil }
        guard let elements = value.arrayValue else {
            throw failure(key, "must be an array, not \(value.kindName)")
        }
        return elements
    }

    /// The elements of an array, each read by a closure that is given its path; nil when absent.
    package func optionalElements<Element>(
        _ key: String,
        _ read: (JSONValue, String) throws(TableMetadataError) -> Element
    ) throws(TableMetadataError) -> [Element]? {
        guard let values = try optionalArray(key) else { return nil }
        let base = path(of: key)
        var elements: [Element] = []
        elements.reserveCapacity(values.count)
        for (index, value) in values.enumerated() {
            elements.append(try read(value, "\(base)[\(index)]"))
        }
        return elements
    }

    /// The elements of an array that has to be there.
    package func elements<Element>(
        _ key: String,
        _ read: (JSONValue, String) throws(TableMetadataError) -> Element
    ) throws(TableMetadataError) -> [Element] {
        try required(key, try optionalElements(key, read))
    }

    /// An object whose values are all strings, or nil.
    package func optionalStringMap(_ key: String) throws(TableMetadataError) -> JSONObject? {
        guard let value = value(key) else { return nil }
        let map = try MemberReader(value, at: path(of: key))
        for member in map.object.members {
            guard member.value.stringValue != nil else {
                throw map.failure(member.key, "must be a string, not \(member.value.kindName)")
            }
        }
        return map.object
    }
}
