// SPDX-License-Identifier: Apache-2.0

/// Where one data page is.
public struct PageLocation: Hashable, Sendable {
    /// Where its header begins.
    public var offset: Int64
    /// Its bytes, header included.
    public var compressedSize: Int32
    /// The position in the row group of its first row.
    public var firstRow: Int64

    /// Takes all three.
    public init(offset: Int64, compressedSize: Int32, firstRow: Int64) {
        self.offset = offset
        self.compressedSize = compressedSize
        self.firstRow = firstRow
    }
}

/// Where the data pages of a column chunk are.
public struct OffsetIndex: Hashable, Sendable {
    /// One entry for each data page, in their order.
    public var pages: [PageLocation]
    /// For byte arrays, the bytes of each page's values without their lengths.
    public var unencodedByteArrayBytes: [Int64]?
    var unknown: [ThriftUnknownField] = []

    init(pages: [PageLocation]) { self.pages = pages }
}

/// What a writer said about each data page of a column chunk.
public struct ColumnIndex: Hashable, Sendable {
    /// Whether all values of a page are null; its bounds are then empty and mean nothing.
    public var nullPages: [Bool]
    /// No value of a page is smaller.
    public var minimums: [[UInt8]]
    /// No value of a page is larger.
    public var maximums: [[UInt8]]
    /// Whether the bounds are in order.
    public var boundaryOrder: BoundaryOrder
    /// How many values of each page are null.
    public var nullCounts: [Int64]?
    var repetitionLevelHistograms: [Int64]?
    var definitionLevelHistograms: [Int64]?
    /// How many values of each page are not numbers.
    public var nanCounts: [Int64]?
    var unknown: [ThriftUnknownField] = []

    init(
        nullPages: [Bool], minimums: [[UInt8]], maximums: [[UInt8]], boundaryOrder: BoundaryOrder
    ) {
        self.nullPages = nullPages
        self.minimums = minimums
        self.maximums = maximums
        self.boundaryOrder = boundaryOrder
    }
}

extension PageLocation: ThriftStruct {
    init(from reader: inout ThriftReader) throws(ParquetError) {
        var values: [Int16: Int64] = [:]
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1, 3: values[field.id] = try reader.i64(field)
            case 2: values[field.id] = Int64(try reader.i32(field))
            default: try reader.skip(field.type)
            }
        }
        offset = try reader.natural(
            reader.required(values[1], "the offset of a page"), "a page's offset")
        compressedSize = Int32(
            try reader.natural(reader.required(values[2], "the size of a page"), "a page's size"))
        firstRow = try reader.natural(
            reader.required(values[3], "the first row of a page"), "a page's first row")
    }

    func write(to writer: inout ThriftWriter) {
        writer.field(1, offset)
        writer.field(2, compressedSize)
        writer.field(3, firstRow)
    }
}

extension OffsetIndex: ThriftStruct {
    init(from reader: inout ThriftReader) throws(ParquetError) {
        self.init(pages: [])
        var pages: [PageLocation]?
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: pages = try reader.structures(field)
            case 2: unencodedByteArrayBytes = try reader.i64s(field)
            default: try reader.keep(field, in: &unknown)
            }
        }
        self.pages = try reader.required(pages, "the list of pages")
    }

    func write(to writer: inout ThriftWriter) {
        writer.field(1, pages)
        writer.field(2, unencodedByteArrayBytes)
        writer.fields(unknown)
    }
}

extension ColumnIndex: ThriftStruct {
    init(from reader: inout ThriftReader) throws(ParquetError) {
        self.init(nullPages: [], minimums: [], maximums: [], boundaryOrder: .unordered)
        var nullPages: [Bool]?
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: nullPages = try reader.bools(field)
            case 2: minimums = try reader.binaries(field)
            case 3: maximums = try reader.binaries(field)
            case 4: boundaryOrder = try reader.enumeration(field, "boundary order")
            case 5: nullCounts = try reader.i64s(field)
            case 6: repetitionLevelHistograms = try reader.i64s(field)
            case 7: definitionLevelHistograms = try reader.i64s(field)
            case 8: nanCounts = try reader.i64s(field)
            default: try reader.keep(field, in: &unknown)
            }
        }
        self.nullPages = try reader.required(nullPages, "the list of null pages")
        let count = self.nullPages.count
        guard minimums.count == count, maximums.count == count,
            nullCounts.map({ $0.count == count }) ?? true,
            nanCounts.map({ $0.count == count }) ?? true
        else { throw reader.malformed("the lists of a column index differ in length") }
    }

    func write(to writer: inout ThriftWriter) {
        writer.field(1, nullPages)
        writer.field(2, minimums)
        writer.field(3, maximums)
        writer.field(4, boundaryOrder.rawValue)
        writer.field(5, nullCounts)
        writer.field(6, repetitionLevelHistograms)
        writer.field(7, definitionLevelHistograms)
        writer.field(8, nanCounts)
        writer.fields(unknown)
    }
}

/// What precedes the bits of a bloom filter.
public struct BloomFilterHeader: Hashable, Sendable {
    /// The bytes of the bits that follow.
    public var byteCount: Int32
    /// How bits are chosen: 1 is split blocks, the one that there is.
    public var algorithm: Int16
    /// How values are hashed: 1 is xxHash, the one that there is.
    public var hash: Int16
    /// How the bits are compressed: 1 is not at all, the one that there is.
    public var compression: Int16
}

extension BloomFilterHeader: ThriftStruct {
    init(from reader: inout ThriftReader) throws(ParquetError) {
        var count: Int32?
        var unions: [Int16: Int16] = [:]
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: count = try reader.i32(field)
            case 2, 3, 4:
                let union: RawThriftStruct = try reader.structure(field)
                unions[field.id] = union.fields.first?.id
            default: try reader.skip(field.type)
            }
        }
        byteCount = try reader.natural(
            reader.required(count, "the size of a bloom filter"), "a bloom filter's size")
        algorithm = try reader.required(unions[2], "the algorithm of a bloom filter")
        hash = try reader.required(unions[3], "the hash of a bloom filter")
        compression = try reader.required(unions[4], "the compression of a bloom filter")
    }

    func write(to writer: inout ThriftWriter) {
        writer.field(1, byteCount)
        let empty = RawThriftStruct(fields: [])
        for (id, choice) in [(Int16(2), algorithm), (3, hash), (4, compression)] {
            let field = ThriftUnknownField(
                id: choice, type: ThriftType.structure.rawValue, bytes: empty.thriftBytes)
            writer.field(id, RawThriftStruct(fields: [field]))
        }
    }
}
