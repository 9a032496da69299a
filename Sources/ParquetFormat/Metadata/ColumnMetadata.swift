// SPDX-License-Identifier: Apache-2.0

/// A name with a text, as files and column chunks carry them.
public struct KeyValue: Hashable, Sendable {
    /// The name; nothing keeps a file from having one twice.
    public var key: String
    /// The text, if there is one.
    public var value: String?

    /// Takes both.
    public init(key: String, value: String?) {
        self.key = key
        self.value = value
    }
}

extension KeyValue: ThriftStruct {
    init(from reader: inout ThriftReader) throws(ParquetError) {
        var key: String?
        value = nil
        self.key = ""
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: key = try reader.string(field)
            case 2: value = try reader.string(field)
            default: try reader.skip(field.type)
            }
        }
        self.key = try reader.required(key, "a metadata key")
    }

    func write(to writer: inout ThriftWriter) {
        writer.field(1, key)
        writer.field(2, value)
    }
}

/// How many pages of a chunk have a type and an encoding.
public struct PageEncodingStatistics: Hashable, Sendable {
    /// The type's number.
    public var pageType: Int32
    /// The encoding's number.
    public var encoding: Int32
    /// How many pages.
    public var count: Int32
}

extension PageEncodingStatistics: ThriftStruct {
    init(from reader: inout ThriftReader) throws(ParquetError) {
        var values: [Int16: Int32] = [:]
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1, 2, 3: values[field.id] = try reader.i32(field)
            default: try reader.skip(field.type)
            }
        }
        pageType = try reader.required(values[1], "a page type")
        encoding = try reader.required(values[2], "an encoding")
        count = try reader.required(values[3], "a page count")
    }

    func write(to writer: inout ThriftWriter) {
        writer.field(1, pageType)
        writer.field(2, encoding)
        writer.field(3, count)
    }
}

/// What the footer says of the pages of one column in one row group.
public struct ColumnMetadata: Hashable, Sendable {
    /// How values are stored.
    public var type: PhysicalType
    /// The numbers of the encodings that pages and levels use.
    public var encodings: [Int32]
    /// The names from the root to the column, without the root's own.
    public var path: [String]
    /// How pages are compressed.
    public var codec: ParquetCodec
    /// How many values there are, nulls included.
    public var valueCount: Int64
    /// The bytes of all pages and headers, decompressed.
    public var uncompressedSize: Int64
    /// The bytes of all pages and headers as they are stored.
    public var compressedSize: Int64
    /// What the writer noted about the chunk.
    public var keyValues: [KeyValue]?
    /// Where the first data page begins.
    public var dataPageOffset: Int64
    /// Where an index page begins, which no writer makes.
    public var indexPageOffset: Int64?
    /// Where the dictionary page begins; some writers say 0 for none.
    public var dictionaryPageOffset: Int64?
    /// What the writer said about the values.
    public var statistics: ParquetStatistics?
    /// How many pages have which encoding.
    public var encodingStatistics: [PageEncodingStatistics]?
    /// Where the bloom filter begins.
    public var bloomFilterOffset: Int64?
    /// How many bytes the bloom filter has with its header; older writers do not say.
    public var bloomFilterLength: Int32?
    /// Sizes and level histograms.
    public var sizeStatistics: SizeStatistics?
    /// Bounds of geometries, kept as they are.
    var geospatialStatistics: RawThriftStruct?
    var unknown: [ThriftUnknownField] = []
}

extension ColumnMetadata: ThriftStruct {
    init(from reader: inout ThriftReader) throws(ParquetError) {
        var type: PhysicalType?
        var codec: ParquetCodec?
        var valueCount: Int64?
        var dataPageOffset: Int64?
        self.init(
            type: .boolean, encodings: [], path: [], codec: .uncompressed, valueCount: 0,
            uncompressedSize: 0, compressedSize: 0, dataPageOffset: 0)
        var compressedSize: Int64?
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: type = try reader.enumeration(field, "physical type")
            case 2: encodings = try reader.i32s(field)
            case 3: path = try reader.strings(field)
            case 4: codec = try reader.enumeration(field, "compression codec")
            case 5: valueCount = try reader.i64(field)
            case 6: uncompressedSize = try reader.i64(field)
            case 7: compressedSize = try reader.i64(field)
            case 8: keyValues = try reader.structures(field)
            case 9: dataPageOffset = try reader.i64(field)
            case 10: indexPageOffset = try reader.i64(field)
            case 11: dictionaryPageOffset = try reader.i64(field)
            case 12: statistics = try reader.structure(field)
            case 13: encodingStatistics = try reader.structures(field)
            case 14: bloomFilterOffset = try reader.i64(field)
            // Early drafts gave these ids to other things, which readers pass over.
            case 15 where field.type == .i32: bloomFilterLength = try reader.i32(field)
            case 16 where field.type == .structure: sizeStatistics = try reader.structure(field)
            case 17 where field.type == .structure:
                geospatialStatistics = try reader.structure(field)
            default: try reader.keep(field, in: &unknown)
            }
        }
        self.type = try reader.required(type, "the type of a column chunk")
        self.codec = try reader.required(codec, "the codec of a column chunk")
        self.valueCount = try reader.natural(
            reader.required(valueCount, "the value count of a column chunk"), "a value count")
        self.compressedSize = try reader.natural(
            reader.required(compressedSize, "the size of a column chunk"), "a chunk's size")
        self.dataPageOffset = try reader.natural(
            reader.required(dataPageOffset, "the offset of a column chunk"), "a page offset")
    }

    func write(to writer: inout ThriftWriter) {
        writer.field(1, type.rawValue)
        writer.field(2, encodings)
        writer.field(3, path)
        writer.field(4, codec.rawValue)
        writer.field(5, valueCount)
        writer.field(6, uncompressedSize)
        writer.field(7, compressedSize)
        writer.field(8, keyValues)
        writer.field(9, dataPageOffset)
        writer.field(10, indexPageOffset)
        writer.field(11, dictionaryPageOffset)
        writer.field(12, statistics)
        writer.field(13, encodingStatistics)
        writer.field(14, bloomFilterOffset)
        writer.field(15, bloomFilterLength)
        writer.field(16, sizeStatistics)
        writer.field(17, geospatialStatistics)
        writer.fields(unknown)
    }

    /// The bytes of the chunk's pages in the file, from the dictionary page if there is one.
    ///
    /// Some writers say 0 for no dictionary, and some never say where it is: it then begins where
    /// data pages are said to begin.
    public var byteRange: Range<Int64> {
        var start = dataPageOffset
        if let dictionaryPageOffset, dictionaryPageOffset > 0, dictionaryPageOffset < start {
            start = dictionaryPageOffset
        }
        let (end, overflow) = start.addingReportingOverflow(compressedSize)
        return start..<(overflow ? .max : end)
    }
}
