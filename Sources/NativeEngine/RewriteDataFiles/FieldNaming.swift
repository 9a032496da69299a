// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import ParquetFormat

/// Gives field ids to the columns of files that carry none, by the table's name mapping.
///
/// Iceberg spec, Column Projection.
enum FieldNaming {
    /// The table's name mapping; nil if it has none.
    static func mapping(of metadata: TableMetadata) throws(Unsupported) -> NameMapping? {
        do throws(TableMetadataError) { return try metadata.nameMapping() } catch {
            throw Unsupported(reason: error.description)
        }
    }

    /// The ids of a file's fields by the paths of their names; empty for a file that has its own.
    static func ids(
        for schema: ParquetSchema, _ mapping: NameMapping?
    ) throws(Unsupported) -> [[String]: Int32] {
        let unnamed = schema.nodes.indices.dropFirst().filter { isNamed($0, schema) }
        let missing = unnamed.filter { schema.nodes[$0].fieldID == nil }
        guard !missing.isEmpty else { return [:] }
        guard missing.count == unnamed.count else {
            throw Unsupported(reason: "some of a file's columns have field ids and some have none")
        }
        guard let mapping else {
            throw Unsupported(
                reason: "a file has no field ids, and the table no \(NameMapping.property)")
        }
        var ids: [[String]: Int32] = [:]
        for child in schema.nodes[0].children {
            collect(child, schema, [], mapping.fields, into: &ids)
        }
        return ids
    }

    /// Whether a node is a field of the table: the middle of a list or map is none.
    private static func isNamed(_ index: Int, _ schema: ParquetSchema) -> Bool {
        guard let parent = schema.nodes[index].parent, parent != 0 else { return true }
        return !isMiddle(index, schema)
    }

    /// Whether a node is the repeated group in the middle of a list or a map of three levels.
    private static func isMiddle(_ index: Int, _ schema: ParquetSchema) -> Bool {
        let node = schema.nodes[index]
        guard node.repetition == .repeated, let parent = node.parent, !node.children.isEmpty else {
            return false
        }
        let meaning = schema.nodes[parent].logicalType
        // A list of two levels has its element there: a group of several fields, or one that old
        // writers named so.
        return meaning == .map
            || meaning == .list && node.children.count == 1 && node.name != "array"
                && node.name != schema.nodes[parent].name + "_tuple"
    }

    private static func collect(
        _ index: Int, _ schema: ParquetSchema, _ path: [String], _ mapped: [MappedField],
        into ids: inout [[String]: Int32]
    ) {
        let node = schema.nodes[index]
        let path = path + [node.name]
        if isMiddle(index, schema) {
            let isMap = node.parent.map { schema.nodes[$0].logicalType == .map } ?? false
            for (place, child) in node.children.enumerated() {
                let name = isMap ? (place == 0 ? "key" : "value") : "element"
                collect(child, named: name, schema, path, mapped, into: &ids)
            }
        } else {
            collect(index, named: node.name, schema, Array(path.dropLast()), mapped, into: &ids)
        }
    }

    private static func collect(
        _ index: Int, named name: String, _ schema: ParquetSchema, _ path: [String],
        _ mapped: [MappedField], into ids: inout [[String]: Int32]
    ) {
        let node = schema.nodes[index]
        let path = path + [node.name]
        guard let field = mapped.first(where: { $0.names.contains(name) }) else { return }
        if let id = field.id { ids[path] = Int32(truncatingIfNeeded: id) }
        for child in node.children {
            let isElement =
                node.logicalType == .list && schema.nodes[child].repetition == .repeated
                && !isMiddle(child, schema)
            if isElement {
                collect(child, named: "element", schema, path, field.fields, into: &ids)
            } else {
                collect(child, schema, path, field.fields, into: &ids)
            }
        }
    }
}
