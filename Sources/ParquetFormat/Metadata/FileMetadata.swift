// SPDX-License-Identifier: Apache-2.0

/// A file's footer.
struct FileMetadata: ThriftStruct, Hashable, Sendable {
    var version: Int32 = 1
    var schema: [SchemaElement] = []
    var rowCount: Int64 = 0
    var rowGroups: [RowGroup] = []
    var keyValues: [KeyValue]?
    var createdBy: String?
    var columnOrders: [RawThriftStruct]?
    var encryptionAlgorithm: RawThriftStruct?
    var footerSigningKey: [UInt8]?
    var unknown: [ThriftUnknownField] = []

    init() {}

    init(from reader: inout ThriftReader) throws(ParquetError) {
        try self.init(from: &reader, limits: ParquetLimits())
    }

    init(from reader: inout ThriftReader, limits: ParquetLimits) throws(ParquetError) {
        var schema: [SchemaElement]?
        var rowCount: Int64?
        var rowGroups: [RowGroup]?
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: version = try reader.i32(field)
            case 2:
                schema = try reader.structures(
                    field, limit: limits.schemaElements, part: "a schema")
            case 3: rowCount = try reader.i64(field)
            case 4: rowGroups = try Self.rowGroups(field, &reader, limits: limits)
            case 5: keyValues = try reader.structures(field)
            case 6: createdBy = try reader.string(field)
            case 7: columnOrders = try reader.structures(field)
            case 8: encryptionAlgorithm = try reader.structure(field)
            case 9: footerSigningKey = try reader.binary(field)
            default: try reader.keep(field, in: &unknown)
            }
        }
        self.schema = try reader.required(schema, "the schema")
        self.rowCount = try reader.natural(
            reader.required(rowCount, "the row count"), "the row count")
        self.rowGroups = try reader.required(rowGroups, "the list of row groups")
    }

    /// The row groups, counted as they are read, because each takes more memory than bytes.
    private static func rowGroups(
        _ field: ThriftField, _ reader: inout ThriftReader, limits: ParquetLimits
    ) throws(ParquetError) -> [RowGroup] {
        let count = try reader.list(field, of: .structure)
        var groups: [RowGroup] = []
        var chunks = 0
        for _ in 0..<count {
            let group = try RowGroup(from: &reader)
            // A row group without columns counts as well.
            chunks += max(1, group.columns.count)
            guard chunks <= limits.columnChunks else {
                throw .tooLarge(
                    part: "the list of column chunks", size: Int64(chunks),
                    limit: Int64(limits.columnChunks))
            }
            groups.append(group)
        }
        return groups
    }

    func write(to writer: inout ThriftWriter) {
        writer.field(1, version)
        writer.field(2, schema)
        writer.field(3, rowCount)
        writer.field(4, rowGroups)
        writer.field(5, keyValues)
        writer.field(6, createdBy)
        writer.field(7, columnOrders)
        writer.field(8, encryptionAlgorithm)
        writer.field(9, footerSigningKey)
        writer.fields(unknown)
    }
}
