// SPDX-License-Identifier: Apache-2.0

/// What precedes the bytes of a page.
public struct PageHeader: Hashable, Sendable {
    /// What the page holds, with what is particular to it.
    public enum Kind: Hashable, Sendable {
        /// A data page of the first version.
        case data(DataPageHeader)
        /// A data page of the second version.
        case dataV2(DataPageHeaderV2)
        /// A dictionary page.
        case dictionary(DictionaryPageHeader)
        /// A page to step over.
        case index
    }

    /// What the page holds.
    public var kind: Kind
    /// The bytes of the page once it is decompressed.
    public var uncompressedSize: Int32
    /// The bytes of the page as it is stored.
    public var compressedSize: Int32
    /// The CRC-32 of the page as it is stored.
    public var checksum: UInt32?
    var unknown: [ThriftUnknownField] = []

    init(kind: Kind, uncompressedSize: Int32, compressedSize: Int32, checksum: UInt32?) {
        self.kind = kind
        self.uncompressedSize = uncompressedSize
        self.compressedSize = compressedSize
        self.checksum = checksum
    }

    /// The page's type.
    public var type: PageType {
        switch kind {
        case .data: .data
        case .dataV2: .dataV2
        case .dictionary: .dictionary
        case .index: .index
        }
    }
}

/// What is particular to a data page of the first version.
public struct DataPageHeader: Hashable, Sendable {
    /// How many values there are, nulls included.
    public var valueCount: Int32
    /// How values are encoded.
    public var encoding: ParquetEncoding
    /// How definition levels are encoded.
    public var definitionLevelEncoding: ParquetEncoding
    /// How repetition levels are encoded.
    public var repetitionLevelEncoding: ParquetEncoding
    /// What the writer said about the values.
    public var statistics: ParquetStatistics?
    var unknown: [ThriftUnknownField] = []
}

/// What is particular to a data page of the second version, which begins and ends with a row.
public struct DataPageHeaderV2: Hashable, Sendable {
    /// How many values there are, nulls included.
    public var valueCount: Int32
    /// How many of them are null.
    public var nullCount: Int32
    /// How many rows there are.
    public var rowCount: Int32
    /// How values are encoded.
    public var encoding: ParquetEncoding
    /// The bytes of the definition levels.
    public var definitionLevelsSize: Int32
    /// The bytes of the repetition levels, which come first.
    public var repetitionLevelsSize: Int32
    /// Whether the values are compressed; levels never are.
    public var isCompressed: Bool
    /// What the writer said about the values.
    public var statistics: ParquetStatistics?
    var unknown: [ThriftUnknownField] = []
}

/// What is particular to a dictionary page.
public struct DictionaryPageHeader: Hashable, Sendable {
    /// How many values there are.
    public var valueCount: Int32
    /// How they are encoded.
    public var encoding: ParquetEncoding
    /// Whether they ascend.
    public var isSorted: Bool?
}

extension PageHeader: ThriftStruct {
    init(from reader: inout ThriftReader) throws(ParquetError) {
        self.init(kind: .index, uncompressedSize: 0, compressedSize: 0, checksum: nil)
        var type: PageType?
        var sizes: [Int16: Int32] = [:]
        var data: DataPageHeader?
        var dataV2: DataPageHeaderV2?
        var dictionary: DictionaryPageHeader?
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: type = try reader.enumeration(field, "page type")
            case 2, 3: sizes[field.id] = try reader.natural(reader.i32(field), "a page size")
            case 4: checksum = UInt32(bitPattern: try reader.i32(field))
            case 5: data = try reader.structure(field)
            case 6: try reader.skip(field.type)
            case 7: dictionary = try reader.structure(field)
            case 8: dataV2 = try reader.structure(field)
            default: try reader.keep(field, in: &unknown)
            }
        }
        uncompressedSize = try reader.required(sizes[2], "the size of a page")
        compressedSize = try reader.required(sizes[3], "the stored size of a page")
        switch try reader.required(type, "the type of a page") {
        case .data: kind = .data(try reader.required(data, "the header of a data page"))
        case .dataV2: kind = .dataV2(try reader.required(dataV2, "the header of a data page"))
        case .dictionary:
            kind = .dictionary(try reader.required(dictionary, "the header of a dictionary page"))
        case .index: kind = .index
        }
    }

    func write(to writer: inout ThriftWriter) {
        writer.field(1, type.rawValue)
        writer.field(2, uncompressedSize)
        writer.field(3, compressedSize)
        writer.field(4, checksum.map { Int32(bitPattern: $0) })
        switch kind {
        case .data(let header): writer.field(5, header)
        case .dataV2(let header): writer.field(8, header)
        case .dictionary(let header): writer.field(7, header)
        case .index: writer.field(6, RawThriftStruct(fields: []))
        }
        writer.fields(unknown)
    }
}

extension DataPageHeader: ThriftStruct {
    init(from reader: inout ThriftReader) throws(ParquetError) {
        self.init(
            valueCount: 0, encoding: .plain, definitionLevelEncoding: .rle,
            repetitionLevelEncoding: .rle)
        var count: Int32?
        var values: ParquetEncoding?
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: count = try reader.i32(field)
            case 2: values = try reader.enumeration(field, "encoding")
            case 3: definitionLevelEncoding = try reader.enumeration(field, "encoding")
            case 4: repetitionLevelEncoding = try reader.enumeration(field, "encoding")
            case 5: statistics = try reader.structure(field)
            default: try reader.keep(field, in: &unknown)
            }
        }
        valueCount = try reader.natural(
            reader.required(count, "the value count of a page"), "a page's value count")
        encoding = try reader.required(values, "the encoding of a page")
    }

    func write(to writer: inout ThriftWriter) {
        writer.field(1, valueCount)
        writer.field(2, encoding.rawValue)
        writer.field(3, definitionLevelEncoding.rawValue)
        writer.field(4, repetitionLevelEncoding.rawValue)
        writer.field(5, statistics)
        writer.fields(unknown)
    }
}

extension DataPageHeaderV2: ThriftStruct {
    init(from reader: inout ThriftReader) throws(ParquetError) {
        self.init(
            valueCount: 0, nullCount: 0, rowCount: 0, encoding: .plain, definitionLevelsSize: 0,
            repetitionLevelsSize: 0, isCompressed: true)
        var counts: [Int16: Int32] = [:]
        var values: ParquetEncoding?
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1, 2, 3, 5, 6:
                counts[field.id] = try reader.natural(reader.i32(field), "a count of a page")
            case 4: values = try reader.enumeration(field, "encoding")
            case 7: isCompressed = try reader.bool(field)
            case 8: statistics = try reader.structure(field)
            default: try reader.keep(field, in: &unknown)
            }
        }
        valueCount = try reader.required(counts[1], "the value count of a page")
        nullCount = try reader.required(counts[2], "the null count of a page")
        rowCount = try reader.required(counts[3], "the row count of a page")
        encoding = try reader.required(values, "the encoding of a page")
        definitionLevelsSize = try reader.required(counts[5], "the size of definition levels")
        repetitionLevelsSize = try reader.required(counts[6], "the size of repetition levels")
    }

    func write(to writer: inout ThriftWriter) {
        writer.field(1, valueCount)
        writer.field(2, nullCount)
        writer.field(3, rowCount)
        writer.field(4, encoding.rawValue)
        writer.field(5, definitionLevelsSize)
        writer.field(6, repetitionLevelsSize)
        writer.field(7, isCompressed)
        writer.field(8, statistics)
        writer.fields(unknown)
    }
}

extension DictionaryPageHeader: ThriftStruct {
    init(from reader: inout ThriftReader) throws(ParquetError) {
        var count: Int32?
        var values: ParquetEncoding?
        var isSorted: Bool?
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: count = try reader.i32(field)
            case 2: values = try reader.enumeration(field, "encoding")
            case 3: isSorted = try reader.bool(field)
            default: try reader.skip(field.type)
            }
        }
        valueCount = try reader.natural(
            reader.required(count, "the value count of a dictionary"), "a dictionary's count")
        encoding = try reader.required(values, "the encoding of a dictionary")
        self.isSorted = isSorted
    }

    func write(to writer: inout ThriftWriter) {
        writer.field(1, valueCount)
        writer.field(2, encoding.rawValue)
        writer.field(3, isSorted)
    }
}
