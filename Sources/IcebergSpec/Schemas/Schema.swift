// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// The columns of a table.
public struct Schema: Hashable, Sendable {
    /// Its id; 0 where an old writer left it out.
    public let id: Int
    /// The top-level columns in order.
    public let fields: [NestedField]
    /// The columns that together identify a row, by field id.
    public let identifierFieldIDs: [Int]
    /// The schema as it is written.
    public let json: JSONObject
    private let fieldsByID: [Int: NestedField]

    /// Reads a schema.
    public init(_ value: JSONValue, at path: String = "") throws(TableMetadataError) {
        let reader = try MemberReader(value, at: path)
        let type = try reader.string("type")
        guard type == "struct" else {
            throw reader.failure("type", "must be \"struct\", not \"\(type)\"")
        }
        id = try reader.optionalInt32("schema-id") ?? 0
        fields = try NestedField.fields(of: reader)
        identifierFieldIDs =
            try reader.optionalElements("identifier-field-ids") {
                value, path throws(TableMetadataError) in
                guard let id = value.intValue else {
                    throw .invalid(path: path, reason: "must be an integer, not \(value.kindName)")
                }
                return id
            } ?? []
        json = reader.object
        var byID: [Int: NestedField] = [:]
        for field in fields { try field.collect(into: &byID, at: path) }
        fieldsByID = byID
    }

    /// The field with this id at any depth, or nil.
    ///
    /// Constant time.
    public func field(_ id: Int) -> NestedField? { fieldsByID[id] }

    /// The full name of the field with this id, its parents' names first, such as
    /// `address.street` or `tags.element`; nil when there is none.
    public func fullName(ofField id: Int) -> String? {
        for field in fields {
            if let names = field.path(to: id) { return names.joined(separator: ".") }
        }
        return nil
    }
}
