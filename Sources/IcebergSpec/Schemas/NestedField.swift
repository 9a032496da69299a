// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// A column, a member of a struct, or what a list or map holds.
public struct NestedField: Hashable, Sendable {
    /// Its id, unique in the schema; files are matched by it.
    public let id: Int
    /// Its name; `element`, `key` or `value` inside lists and maps.
    public let name: String
    /// Whether it is never null.
    public let isRequired: Bool
    /// What it holds.
    public let type: FieldType
    /// What its author says about it.
    public let doc: String?
    /// The value of rows written before the column existed, in its JSON form (format version 3).
    public let initialDefault: JSONValue?
    /// The value that writers fill in, in its JSON form (format version 3).
    public let writeDefault: JSONValue?

    init(id: Int, name: String, isRequired: Bool, type: FieldType) {
        self.id = id
        self.name = name
        self.isRequired = isRequired
        self.type = type
        doc = nil
        initialDefault = nil
        writeDefault = nil
    }

    private init(_ value: JSONValue, at path: String) throws(TableMetadataError) {
        let reader = try MemberReader(value, at: path)
        id = try reader.int32("id")
        name = try reader.string("name")
        isRequired = try reader.bool("required")
        type = try FieldType(
            reader.required("type", reader.value("type")), at: reader.path(of: "type"))
        doc = try reader.optionalString("doc")
        initialDefault = reader.value("initial-default")
        writeDefault = reader.value("write-default")
    }

    /// The fields of a struct, names unique among them.
    static func fields(of reader: MemberReader) throws(TableMetadataError) -> [NestedField] {
        let fields = try reader.elements("fields") { value, path throws(TableMetadataError) in
            try NestedField(value, at: path)
        }
        var names: Set<String> = []
        for (index, field) in fields.enumerated() where !names.insert(field.name).inserted {
            throw reader.failure("fields[\(index)].name", "is there twice: \"\(field.name)\"")
        }
        return fields
    }

    /// Adds this field and everything below it to an index by id.
    func collect(
        into index: inout [Int: NestedField], at path: String
    ) throws(TableMetadataError) {
        guard index.updateValue(self, forKey: id) == nil else {
            throw .invalid(path: path, reason: "has two fields with the id \(id)")
        }
        for child in type.children { try child.collect(into: &index, at: path) }
    }

    /// The names from this field down to the one with this id, or nil.
    func path(to id: Int) -> [String]? {
        if self.id == id { return [name] }
        for child in type.children {
            if let rest = child.path(to: id) { return [name] + rest }
        }
        return nil
    }
}
