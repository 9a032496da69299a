// SPDX-License-Identifier: Apache-2.0

/// TFetchResultsResp.
struct FetchReply: Reply {
    private(set) var status: ReplyStatus?
    private var rowSet: RowSet?

    mutating func take(_ field: ThriftField, from reader: inout ThriftReader) throws(ThriftError) {
        switch field.id {
        case 1: status = try reader.structure(field)
        case 3: rowSet = try reader.structure(field)
        default: try reader.skip(field)
        }
    }

    /// The columns' values, all equally many; no columns for a statement without a result.
    func page() throws(ThriftError) -> [ColumnValues] {
        guard let rowSet else { return [] }
        guard !rowSet.isPacked else { throw .invalid("form of the rows: packed columns") }
        var columns: [ColumnValues] = []
        for column in rowSet.columns {
            guard let values = column.values else { throw .missing("a column's values") }
            guard values.count == columns.first?.count ?? values.count else {
                throw .invalid("result: its columns are not equally long")
            }
            columns.append(values)
        }
        return columns
    }

    /// TRowSet.
    private struct RowSet: ThriftStructure {
        var columns: [ColumnReader] = []
        var isPacked = false

        mutating func take(
            _ field: ThriftField, from reader: inout ThriftReader
        ) throws(ThriftError) {
            switch field.id {
            case 3: columns = try reader.structures(field)
            case 4: isPacked = try !reader.binary(field).isEmpty
            default: try reader.skip(field)
            }
        }
    }
}

/// TColumn, a union of one list for each type.
private struct ColumnReader: ThriftStructure {
    private(set) var values: ColumnValues?

    mutating func take(_ field: ThriftField, from reader: inout ThriftReader) throws(ThriftError) {
        guard (1...8).contains(field.id) else { return try reader.skip(field) }
        guard values == nil else { throw .invalid("column: it has two types") }
        values =
            switch field.id {
            case 1:
                try read(field, &reader, .bool, ColumnValues.Storage.booleans) {
                    (reader) throws(ThriftError) in try reader.number(UInt8.self) != 0
                }
            case 2:
                try read(field, &reader, .byte, ColumnValues.Storage.bytes) {
                    (reader) throws(ThriftError) in try reader.number(Int8.self)
                }
            case 3:
                try read(field, &reader, .int16, ColumnValues.Storage.shorts) {
                    (reader) throws(ThriftError) in try reader.number(Int16.self)
                }
            case 4:
                try read(field, &reader, .int32, ColumnValues.Storage.integers) {
                    (reader) throws(ThriftError) in try reader.number(Int32.self)
                }
            case 5:
                try read(field, &reader, .int64, ColumnValues.Storage.longs) {
                    (reader) throws(ThriftError) in try reader.number(Int64.self)
                }
            case 6:
                try read(field, &reader, .double, ColumnValues.Storage.doubles) {
                    (reader) throws(ThriftError) in try reader.double()
                }
            case 7:
                try read(field, &reader, .string, ColumnValues.Storage.strings) {
                    (reader) throws(ThriftError) in try reader.string()
                }
            default:
                try read(field, &reader, .string, ColumnValues.Storage.binaries) {
                    (reader) throws(ThriftError) in Array(try reader.blob())
                }
            }
    }

    private func read<Element>(
        _ field: ThriftField, _ reader: inout ThriftReader, _ type: ThriftType,
        _ storage: ([Element]) -> ColumnValues.Storage,
        _ element: @escaping (inout ThriftReader) throws(ThriftError) -> Element
    ) throws(ThriftError) -> ColumnValues {
        var list = ListReader<Element>()
        try list.read(field, &reader, type, element)
        return ColumnValues(storage: storage(list.values), nulls: list.nulls)
    }
}

/// TBoolColumn and its siblings: values, and a bitmap of which are null.
private struct ListReader<Element> {
    private(set) var values: [Element] = []
    private(set) var nulls: [UInt8] = []

    /// Reads the structure; the element's type is what tells the siblings apart.
    mutating func read(
        _ field: ThriftField, _ reader: inout ThriftReader, _ type: ThriftType,
        _ element: (inout ThriftReader) throws(ThriftError) -> Element
    ) throws(ThriftError) {
        try field.check(.structure)
        while let field = try reader.nextField() {
            switch field.id {
            case 1: values = try reader.list(field, of: type, element)
            case 2: nulls = try reader.binary(field)
            default: try reader.skip(field)
            }
        }
    }
}
