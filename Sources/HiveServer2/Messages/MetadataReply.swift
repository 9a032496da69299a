// SPDX-License-Identifier: Apache-2.0

/// TGetResultSetMetadataResp.
struct MetadataReply: Reply {
    private(set) var status: ReplyStatus?
    private var schema: Schema?

    mutating func take(_ field: ThriftField, from reader: inout ThriftReader) throws(ThriftError) {
        switch field.id {
        case 1: status = try reader.structure(field)
        case 2: schema = try reader.structure(field)
        default: try reader.skip(field)
        }
    }

    /// The columns, in their order; none for a statement without a result.
    func columns() throws(ThriftError) -> [Column] {
        var columns: [Column] = []
        for description in schema?.columns ?? [] { columns.append(try description.column()) }
        return columns
    }

    /// TTableSchema.
    private struct Schema: ThriftStructure {
        var columns: [Description] = []

        mutating func take(
            _ field: ThriftField, from reader: inout ThriftReader
        ) throws(ThriftError) {
            switch field.id {
            case 1: columns = try reader.structures(field)
            default: try reader.skip(field)
            }
        }
    }

    /// TColumnDesc.
    private struct Description: ThriftStructure {
        private var name: String?
        private var type: TypeDescription?

        mutating func take(
            _ field: ThriftField, from reader: inout ThriftReader
        ) throws(ThriftError) {
            switch field.id {
            case 1: name = try reader.string(field)
            case 2: type = try reader.structure(field)
            default: try reader.skip(field)
            }
        }

        func column() throws(ThriftError) -> Column {
            guard let name else { throw .missing("a column's name") }
            guard let number = type?.entries.first?.primitive?.type else {
                throw .missing("a column's type")
            }
            return Column(name: name, type: ColumnType(wire: number))
        }
    }

    /// TTypeDesc.
    private struct TypeDescription: ThriftStructure {
        var entries: [TypeEntry] = []

        mutating func take(
            _ field: ThriftField, from reader: inout ThriftReader
        ) throws(ThriftError) {
            switch field.id {
            case 1: entries = try reader.structures(field)
            default: try reader.skip(field)
            }
        }
    }

    /// TTypeEntry, of which only primitive ones are sent: nested types arrive as text.
    private struct TypeEntry: ThriftStructure {
        var primitive: Primitive?

        mutating func take(
            _ field: ThriftField, from reader: inout ThriftReader
        ) throws(ThriftError) {
            switch field.id {
            case 1: primitive = try reader.structure(field)
            default: try reader.skip(field)
            }
        }
    }

    /// TPrimitiveTypeEntry.
    private struct Primitive: ThriftStructure {
        var type: Int32?

        mutating func take(
            _ field: ThriftField, from reader: inout ThriftReader
        ) throws(ThriftError) {
            switch field.id {
            case 1: type = try reader.int32(field)
            default: try reader.skip(field)
            }
        }
    }
}
