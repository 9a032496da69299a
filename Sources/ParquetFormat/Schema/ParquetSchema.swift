// SPDX-License-Identifier: Apache-2.0

/// A node of a schema: a group, or a leaf that holds values.
public struct SchemaNode: Hashable, Sendable {
    /// Its name; the root's means nothing.
    public let name: String
    /// How often it occurs in its parent; the root occurs once.
    public let repetition: FieldRepetition
    /// The field's id, which Iceberg's files have on every field.
    public let fieldID: Int32?
    /// What its values mean, by either annotation.
    public let logicalType: LogicalType?
    /// The definition level at which it is there.
    public let definitionLevel: Int
    /// The repetition level of its repetition, or of the nearest repeated node above.
    public let repetitionLevel: Int
    /// Its parent's position among the nodes; nil for the root.
    public let parent: Int?
    /// Its children's positions among the nodes.
    public internal(set) var children: [Int] = []
    /// For a leaf, its position among the columns.
    public internal(set) var column: Int?
}

/// A leaf of a schema: one column of values.
public struct ParquetColumn: Hashable, Sendable {
    /// The names from the root to the leaf, without the root's own.
    public let path: [String]
    /// The leaf's position among the nodes.
    public let node: Int
    /// How values are stored.
    public let type: PhysicalType
    /// The bytes of a value of fixed length; 0 for other types.
    public let typeLength: Int
    /// What values mean.
    public let logicalType: LogicalType?
    /// The field's id.
    public let fieldID: Int32?
    /// The level of a value that is there.
    public let maximumDefinitionLevel: Int
    /// How many repeated nodes there are on the path.
    public let maximumRepetitionLevel: Int

    /// The bytes of a plain value; nil where they vary, and for booleans.
    var plainWidth: Int? {
        switch type {
        case .boolean, .byteArray: nil
        case .int32, .float: 4
        case .int64, .double: 8
        case .int96: 12
        case .fixedLengthByteArray: typeLength
        }
    }

    /// Whether a row may have many of its values.
    var isRepeated: Bool { maximumRepetitionLevel > 0 }

    /// The path with dots, for messages.
    var name: String { path.joined(separator: ".") }
}

/// A file's schema as a tree.
public struct ParquetSchema: Hashable, Sendable {
    /// All nodes, a parent before its children; the first is the root.
    public private(set) var nodes: [SchemaNode] = []
    /// The leaves, in the order in which row groups have their chunks.
    public private(set) var columns: [ParquetColumn] = []
    /// The elements as the footer has them.
    let elements: [SchemaElement]

    /// Builds the tree from the footer's list.
    init(_ elements: [SchemaElement], place: ParquetPlace) throws(ParquetError) {
        self.elements = elements
        func malformed(_ reason: String) -> ParquetError { .malformed(reason: reason, at: place) }
        guard let root = elements.first else { throw malformed("the schema is empty") }
        // Groups that still await children, from the root down.
        var open: [(node: Int, missing: Int32)] = []
        for (index, element) in elements.enumerated() {
            guard index == 0 || !open.isEmpty else {
                throw malformed("the schema has elements outside its root")
            }
            let count = element.childCount ?? 0
            guard count >= 0 else { throw malformed("a group has \(count) children") }
            guard open.count <= ParquetLimits.schemaDepth else {
                throw .tooLarge(
                    part: "the depth of the schema", size: Int64(open.count),
                    limit: Int64(ParquetLimits.schemaDepth))
            }
            try append(element, parent: open.last?.node, place)
            if let last = open.indices.last { open[last].missing -= 1 }
            if count > 0 {
                guard element.type == nil else { throw malformed("a leaf has children") }
                open.append((index, count))
            }
            while let last = open.last, last.missing == 0 { open.removeLast() }
        }
        guard open.isEmpty else { throw malformed("the schema ends within a group") }
        guard root.type == nil else { throw malformed("the schema's root is no group") }
    }

    private mutating func append(
        _ element: SchemaElement, parent: Int?, _ place: ParquetPlace
    ) throws(ParquetError) {
        let repetition = parent == nil ? .required : element.repetition
        guard let repetition else {
            throw .malformed(reason: "\(element.name) has no repetition", at: place)
        }
        var logicalType: LogicalType?
        if let union = element.logicalType { logicalType = try LogicalType(union, place: place) }
        if logicalType == nil, let converted = element.convertedType {
            logicalType = LogicalType(
                converted: converted, precision: element.precision, scale: element.scale)
        }
        let above = parent.map { nodes[$0] }
        var node = SchemaNode(
            name: element.name, repetition: repetition, fieldID: element.fieldID,
            logicalType: logicalType,
            definitionLevel: (above?.definitionLevel ?? 0) + (repetition == .required ? 0 : 1),
            repetitionLevel: (above?.repetitionLevel ?? 0) + (repetition == .repeated ? 1 : 0),
            parent: parent)
        let index = nodes.count
        if let parent { nodes[parent].children.append(index) }
        if let type = element.type {
            let length = type == .fixedLengthByteArray ? Int(element.typeLength ?? 0) : 0
            guard type != .fixedLengthByteArray || length > 0 else {
                throw .malformed(reason: "\(element.name) has no length", at: place)
            }
            node.column = columns.count
            columns.append(
                ParquetColumn(
                    path: path(of: parent) + [element.name], node: index, type: type,
                    typeLength: length, logicalType: logicalType, fieldID: element.fieldID,
                    maximumDefinitionLevel: node.definitionLevel,
                    maximumRepetitionLevel: node.repetitionLevel))
        }
        nodes.append(node)
    }

    /// The names from the root to a node, without the root's own.
    func path(of node: Int?) -> [String] {
        var names: [String] = []
        var next = node
        while let index = next, let parent = nodes[index].parent {
            names.append(nodes[index].name)
            next = parent
        }
        return names.reversed()
    }

    /// Whether rows of either file are rows of the other: all but the root's name is the same.
    func isInterchangeable(with other: ParquetSchema) -> Bool {
        elements.count == other.elements.count
            && elements.first?.childCount == other.elements.first?.childCount
            && elements.dropFirst().elementsEqual(other.elements.dropFirst())
    }
}
