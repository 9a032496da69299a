// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// Gives field ids to the columns of files that were written without them.
///
/// Iceberg spec, Column Projection and Name Mapping Serialization.
public struct NameMapping: Hashable, Sendable {
    /// The table property that holds it.
    public static let property = "schema.name-mapping.default"

    /// The mappings of the top-level columns.
    public let fields: [MappedField]

    /// Reads the text of the property.
    public init(parsing text: String) throws(TableMetadataError) {
        let value: JSONValue
        do throws(JSONSyntaxError) {
            value = try JSONValue(parsing: text)
        } catch {
            throw .invalid(path: Self.path, reason: "is \(error)")
        }
        fields = try MappedField.read(value, at: Self.path)
    }

    /// Where errors say that something is wrong.
    private static let path = "properties.\(property)"

    /// The id of the column with these names from the top down, or nil.
    ///
    /// Lists have `element` and maps `key` and `value` as the names of what they hold.
    public func fieldID(of names: [String]) -> Int? {
        var level = fields
        var found: MappedField?
        for name in names {
            guard let next = level.first(where: { $0.names.contains(name) }) else { return nil }
            found = next
            level = next.fields
        }
        return found?.id
    }
}

/// The names of one column.
public struct MappedField: Hashable, Sendable {
    /// The field id; nil when columns with these names are to be ignored.
    public let id: Int?
    /// Every name that the column has in some file.
    public let names: [String]
    /// The mappings of the columns below.
    public let fields: [MappedField]

    private init(_ value: JSONValue, at path: String) throws(TableMetadataError) {
        let reader = try MemberReader(value, at: path)
        id = try reader.optionalInt32("field-id")
        names = try reader.elements("names") { value, path throws(TableMetadataError) in
            guard let name = value.stringValue else {
                throw .invalid(path: path, reason: "must be a string, not \(value.kindName)")
            }
            return name
        }
        fields =
            try reader.value("fields").map { value throws(TableMetadataError) in
                try MappedField.read(value, at: reader.path(of: "fields"))
            } ?? []
    }

    /// Siblings; a name that two of them have would give a column two ids.
    static func read(_ value: JSONValue, at path: String) throws(TableMetadataError)
        -> [MappedField]
    {
        guard let values = value.arrayValue else {
            throw .invalid(path: path, reason: "must be an array, not \(value.kindName)")
        }
        var fields: [MappedField] = []
        var taken: Set<String> = []
        for (index, value) in values.enumerated() {
            let field = try MappedField(value, at: "\(path)[\(index)]")
            for name in field.names where !taken.insert(name).inserted {
                throw .invalid(
                    path: "\(path)[\(index)].names",
                    reason: "has \"\(name)\", which another field has")
            }
            fields.append(field)
        }
        return fields
    }
}

extension TableMetadata {
    /// The table's name mapping, or nil when it has none.
    public func nameMapping() throws(TableMetadataError) -> NameMapping? {
        guard let text = properties[NameMapping.property] else { return nil }
        return try NameMapping(parsing: text)
    }
}
