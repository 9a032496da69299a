// SPDX-License-Identifier: Apache-2.0

/// One column in one row group, and where its parts are.
public struct ColumnChunk: Hashable, Sendable {
    /// Another file that holds the pages; never set but in summary files.
    public var filePath: String?
    /// Deprecated; what writers put there differs.
    public var fileOffset: Int64
    /// What the footer says of the chunk; encrypted columns may have none.
    public var metadata: ColumnMetadata?
    /// Where the offset index begins.
    public var offsetIndexOffset: Int64?
    /// How many bytes the offset index has.
    public var offsetIndexLength: Int32?
    /// Where the column index begins.
    public var columnIndexOffset: Int64?
    /// How many bytes the column index has.
    public var columnIndexLength: Int32?
    /// Set if the column is encrypted.
    var cryptoMetadata: RawThriftStruct?
    var encryptedMetadata: [UInt8]?
    var unknown: [ThriftUnknownField] = []

    /// Whether the column is encrypted.
    public var isEncrypted: Bool { cryptoMetadata != nil || encryptedMetadata != nil }

    init(metadata: ColumnMetadata?) {
        fileOffset = 0
        self.metadata = metadata
    }
}

extension ColumnChunk: ThriftStruct {
    init(from reader: inout ThriftReader) throws(ParquetError) {
        self.init(metadata: nil)
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: filePath = try reader.string(field)
            case 2: fileOffset = try reader.i64(field)
            case 3: metadata = try reader.structure(field)
            case 4: offsetIndexOffset = try reader.i64(field)
            case 5: offsetIndexLength = try reader.i32(field)
            case 6: columnIndexOffset = try reader.i64(field)
            case 7: columnIndexLength = try reader.i32(field)
            case 8: cryptoMetadata = try reader.structure(field)
            case 9: encryptedMetadata = try reader.binary(field)
            default: try reader.keep(field, in: &unknown)
            }
        }
    }

    func write(to writer: inout ThriftWriter) {
        writer.field(1, filePath)
        writer.field(2, fileOffset)
        writer.field(3, metadata)
        writer.field(4, offsetIndexOffset)
        writer.field(5, offsetIndexLength)
        writer.field(6, columnIndexOffset)
        writer.field(7, columnIndexLength)
        writer.field(8, cryptoMetadata)
        writer.field(9, encryptedMetadata)
        writer.fields(unknown)
    }
}

/// A horizontal slice of a file: one chunk for each column of the schema, in its order.
public struct RowGroup: Hashable, Sendable {
    /// One chunk for each leaf of the schema.
    public var columns: [ColumnChunk]
    /// The bytes of all pages, decompressed.
    public var totalByteSize: Int64
    /// How many rows there are.
    public var rowCount: Int64
    /// By what the rows are sorted, kept as it is.
    var sortingColumns: [RawThriftStruct]?
    /// Where the first page begins.
    public var fileOffset: Int64?
    /// The bytes of all pages as they are stored.
    public var totalCompressedSize: Int64?
    /// Its position in the file.
    public var ordinal: Int16?
    var unknown: [ThriftUnknownField] = []

    init(columns: [ColumnChunk], totalByteSize: Int64, rowCount: Int64) {
        self.columns = columns
        self.totalByteSize = totalByteSize
        self.rowCount = rowCount
    }

    /// Whether the writer says that the rows are sorted by something.
    public var isSorted: Bool { sortingColumns?.isEmpty == false }

    /// The bytes of all pages as they are stored, from the chunks themselves.
    public var storedSize: Int64 {
        columns.reduce(0) { $0 &+ ($1.metadata?.compressedSize ?? 0) }
    }
}

extension RowGroup: ThriftStruct {
    init(from reader: inout ThriftReader) throws(ParquetError) {
        var columns: [ColumnChunk]?
        var rowCount: Int64?
        self.init(columns: [], totalByteSize: 0, rowCount: 0)
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: columns = try reader.structures(field)
            case 2: totalByteSize = try reader.i64(field)
            case 3: rowCount = try reader.i64(field)
            case 4: sortingColumns = try reader.structures(field)
            case 5: fileOffset = try reader.i64(field)
            case 6: totalCompressedSize = try reader.i64(field)
            case 7: ordinal = try reader.i16(field)
            default: try reader.keep(field, in: &unknown)
            }
        }
        self.columns = try reader.required(columns, "the columns of a row group")
        self.rowCount = try reader.natural(
            reader.required(rowCount, "the row count of a row group"), "a row count")
    }

    func write(to writer: inout ThriftWriter) {
        writer.field(1, columns)
        writer.field(2, totalByteSize)
        writer.field(3, rowCount)
        writer.field(4, sortingColumns)
        writer.field(5, fileOffset)
        writer.field(6, totalCompressedSize)
        writer.field(7, ordinal)
        writer.fields(unknown)
    }
}
