// SPDX-License-Identifier: Apache-2.0

/// A field of a schema that is to be written: a leaf with values, or a group of fields.
public struct ParquetField: Hashable, Sendable {
    /// What a field holds.
    public indirect enum Content: Hashable, Sendable {
        /// Values; the length is that of byte strings of one length, else 0.
        case values(PhysicalType, length: Int32)
        /// Other fields, at least one.
        case fields([ParquetField])
    }

    /// Its name.
    public var name: String
    /// Its id; Iceberg's files have one on every field but the middle of lists and maps.
    public var id: Int32?
    /// How often it occurs in its parent.
    public var repetition: FieldRepetition
    /// What it holds.
    public var content: Content
    /// What that means.
    public var logicalType: LogicalType?

    /// A leaf.
    public static func values(
        _ name: String, id: Int32? = nil, _ repetition: FieldRepetition = .optional,
        _ type: PhysicalType, length: Int32 = 0, logicalType: LogicalType? = nil
    ) -> ParquetField {
        ParquetField(
            name: name, id: id, repetition: repetition, content: .values(type, length: length),
            logicalType: logicalType)
    }

    /// A group.
    public static func group(
        _ name: String, id: Int32? = nil, _ repetition: FieldRepetition = .optional,
        _ fields: [ParquetField], logicalType: LogicalType? = nil
    ) -> ParquetField {
        ParquetField(
            name: name, id: id, repetition: repetition, content: .fields(fields),
            logicalType: logicalType)
    }

    /// A list in the three levels that the format asks for; its element is called so.
    public static func list(
        _ name: String, id: Int32? = nil, _ repetition: FieldRepetition = .optional,
        element: ParquetField
    ) -> ParquetField {
        var element = element
        element.name = "element"
        return .group(
            name, id: id, repetition, [.group("list", .repeated, [element])], logicalType: .list)
    }

    /// A map in the three levels that the format asks for; keys are required.
    public static func map(
        _ name: String, id: Int32? = nil, _ repetition: FieldRepetition = .optional,
        key: ParquetField, value: ParquetField
    ) -> ParquetField {
        var (key, value) = (key, value)
        (key.name, key.repetition, value.name) = ("key", .required, "value")
        return .group(
            name, id: id, repetition, [.group("key_value", .repeated, [key, value])],
            logicalType: .map)
    }
}

extension ParquetSchema {
    /// Builds the schema of a file that is to be written.
    ///
    /// - Throws: ``ParquetError/incompatible(reason:)`` for a field that cannot be written.
    public init(_ fields: [ParquetField]) throws(ParquetError) {
        guard !fields.isEmpty else {
            throw .incompatible(reason: "a schema needs at least one column")
        }
        var root = SchemaElement(name: "table")
        root.childCount = Int32(fields.count)
        var elements = [root]
        for field in fields { try field.append(to: &elements) }
        try self.init(elements, place: ParquetPlace(.footer, 0))
    }

    /// The same schema with ids on the fields of these paths, for files that carry none.
    ///
    /// A path names the nodes from below the root; others keep what they have.
    public func addingFieldIDs(_ ids: [[String]: Int32]) throws(ParquetError) -> ParquetSchema {
        var elements = self.elements
        for index in nodes.indices.dropFirst() {
            if let id = ids[path(of: index)] { elements[index].fieldID = id }
        }
        return try ParquetSchema(elements, place: ParquetPlace(.footer, 0))
    }
}

extension ParquetField {
    fileprivate func append(to elements: inout [SchemaElement]) throws(ParquetError) {
        var element = SchemaElement(name: name)
        element.repetition = repetition
        element.fieldID = id
        element.logicalType = logicalType?.union
        element.convertedType = logicalType?.converted
        if case .decimal(let precision, let scale) = logicalType {
            (element.precision, element.scale) = (precision, scale)
        }
        switch content {
        case .values(let type, let length):
            guard type != .int96 else {
                throw .incompatible(
                    reason: "\(name) is an INT96, which is deprecated: use a timestamp")
            }
            element.type = type
            if type == .fixedLengthByteArray { element.typeLength = length }
            elements.append(element)
        case .fields(let fields):
            guard !fields.isEmpty else {
                throw .incompatible(reason: "the group \(name) has no fields")
            }
            element.childCount = Int32(fields.count)
            elements.append(element)
            for field in fields { try field.append(to: &elements) }
        }
    }
}
