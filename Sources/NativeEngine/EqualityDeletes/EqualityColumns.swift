// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import ParquetFormat
import WireFormat

/// A column by which rows are deleted.
struct EqualityColumn: Hashable, Sendable {
    let id: Int32
    /// Its name with those of the structs around it.
    let path: [String]
    /// The ids of the structs around it, the outermost first.
    let parents: [Int32]
    /// The newest type that the table gives it.
    let type: PrimitiveType
    /// The value of rows from before the column, if that is not null.
    let initialDefault: JSONValue?
    /// What a file of the newest schema would have.
    let stored: ParquetColumn

    var name: String { path.joined(separator: ".") }
}

/// The columns by which a delete file deletes, ascending by id.
///
/// Iceberg spec, Equality Delete Files: columns are found by id, also those that the table has
/// dropped since; members of structs may be among them, and nothing in lists or maps.
struct EqualityColumns: Hashable, Sendable {
    let columns: [EqualityColumn]

    init(_ ids: [Int32], of metadata: TableMetadata) throws(Unsupported) {
        guard !ids.isEmpty else {
            throw Unsupported(reason: "equality deletes that name no column apply to")
        }
        // The current schema first, then the newest that has the column.
        let schemas =
            [metadata.schema(metadata.currentSchemaID)].compactMap(\.self)
            + metadata.schemas.sorted { $0.id > $1.id }
        var columns: [EqualityColumn] = []
        for id in Set(ids).sorted() {
            guard let schema = schemas.first(where: { $0.field(Int(id)) != nil }) else {
                throw Unsupported(
                    reason: "equality deletes by the column \(id), which no schema of the table "
                        + "has, apply to")
            }
            columns.append(try Self.column(id, of: schema))
        }
        self.columns = columns
    }

    private static func column(
        _ id: Int32, of schema: Schema
    ) throws(Unsupported) -> EqualityColumn {
        guard let fields = path(to: Int(id), in: schema.fields), let last = fields.last else {
            throw Unsupported(
                reason: "equality deletes by the column \(id), which is in a list or map, apply to")
        }
        let names = fields.map(\.name)
        guard case .primitive(let type) = last.type, let stored = stored(last) else {
            throw Unsupported(
                reason: "equality deletes by the column \(names.joined(separator: ".")), which "
                    + "has no values that can be compared, apply to")
        }
        let initial = last.initialDefault.flatMap { $0.isNull ? nil : $0 }
        return EqualityColumn(
            id: id, path: names,
            parents: fields.dropLast().map { Int32(truncatingIfNeeded: $0.id) }, type: type,
            initialDefault: initial, stored: stored)
    }

    /// The fields from a column of the table down to a field, through structs alone.
    private static func path(to id: Int, in fields: [NestedField]) -> [NestedField]? {
        for field in fields {
            if field.id == id { return [field] }
            guard case .structure(let members) = field.type,
                let rest = path(to: id, in: members)
            else { continue }
            return [field] + rest
        }
        return nil
    }

    private static func stored(_ field: NestedField) -> ParquetColumn? {
        do throws(Unsupported) {
            let alone = try FileSchema.field(field)
            do throws(ParquetError) { return try ParquetSchema([alone]).columns.first } catch {
                return nil
            }
        } catch {
            return nil
        }
    }
}
