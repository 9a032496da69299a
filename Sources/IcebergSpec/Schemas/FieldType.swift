// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// The type of a field, format versions 1 to 3.
public indirect enum FieldType: Hashable, Sendable {
    /// A single value.
    case primitive(PrimitiveType)
    /// Fields of their own.
    case structure([NestedField])
    /// Elements of one type.
    case list(element: NestedField)
    /// Values by key.
    case map(key: NestedField, value: NestedField)
    /// A semi-structured value (format version 3).
    case variant

    /// The fields directly below.
    public var children: [NestedField] {
        switch self {
        case .primitive, .variant: []
        case .structure(let fields): fields
        case .list(let element): [element]
        case .map(let key, let value): [key, value]
        }
    }

    /// Reads a type: a name, or an object for a nested one.
    init(_ value: JSONValue, at path: String) throws(TableMetadataError) {
        if let name = value.stringValue {
            if name.lowercased() == "variant" {
                self = .variant
            } else if let primitive = PrimitiveType(name) {
                self = .primitive(primitive)
            } else {
                throw .invalid(path: path, reason: "is the unknown type \"\(name.prefix(60))\"")
            }
        } else {
            try self.init(nested: MemberReader(value, at: path))
        }
    }

    private init(nested reader: MemberReader) throws(TableMetadataError) {
        let name = try reader.string("type")
        switch name {
        case "struct": self = .structure(try NestedField.fields(of: reader))
        case "list":
            self = .list(
                element: try Self.child(
                    "element", of: reader, required: reader.bool("element-required")))
        case "map":
            self = .map(
                key: try Self.child("key", of: reader, required: true),
                value: try Self.child("value", of: reader, required: reader.bool("value-required")))
        default: throw reader.failure("type", "is the unknown nested type \"\(name.prefix(60))\"")
        }
    }

    private static func child(
        _ name: String, of reader: MemberReader, required: Bool
    ) throws(TableMetadataError) -> NestedField {
        let type = try reader.required(name, reader.value(name))
        return NestedField(
            id: try reader.int32("\(name)-id"), name: name, isRequired: required,
            type: try FieldType(type, at: reader.path(of: name)))
    }
}
