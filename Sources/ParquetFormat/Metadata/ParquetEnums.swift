// SPDX-License-Identifier: Apache-2.0

/// How a value is stored.
public enum PhysicalType: Int32, Hashable, Sendable, CaseIterable {
    /// One bit.
    case boolean = 0
    /// Four bytes.
    case int32 = 1
    /// Eight bytes.
    case int64 = 2
    /// Twelve bytes: nanoseconds of a day, then a Julian day. Deprecated, so only read.
    case int96 = 3
    /// IEEE 754, single.
    case float = 4
    /// IEEE 754, double.
    case double = 5
    /// Any number of bytes.
    case byteArray = 6
    /// As many bytes as the schema says.
    case fixedLengthByteArray = 7
}

/// How often a field occurs in its parent.
public enum FieldRepetition: Int32, Hashable, Sendable {
    /// Exactly once.
    case required = 0
    /// Once or not at all.
    case optional = 1
    /// Any number of times.
    case repeated = 2
}

/// How values or levels become bytes.
public enum ParquetEncoding: Int32, Hashable, Sendable, CaseIterable {
    /// One value after the other.
    case plain = 0
    /// Positions in a dictionary, under its older name; in a dictionary page, plain.
    case plainDictionary = 2
    /// Runs, mixed with packed bits.
    case rle = 3
    /// Packed bits, highest first. Deprecated, so only read.
    case bitPacked = 4
    /// Packed differences of integers.
    case deltaBinaryPacked = 5
    /// Packed differences of lengths, then all bytes.
    case deltaLengthByteArray = 6
    /// What each value shares with the one before, then the rest.
    case deltaByteArray = 7
    /// Positions in a dictionary.
    case rleDictionary = 8
    /// All first bytes, then all second bytes, and so on.
    case byteStreamSplit = 9

    /// Whether values are positions in the chunk's dictionary.
    public var usesDictionary: Bool { self == .plainDictionary || self == .rleDictionary }
}

/// How the bytes of a page are compressed.
public enum ParquetCodec: Int32, Hashable, Sendable, CaseIterable {
    /// Not at all.
    case uncompressed = 0
    /// A raw Snappy block.
    case snappy = 1
    /// One or several gzip members.
    case gzip = 2
    /// LZO, which nothing can read any more.
    case lzo = 3
    /// Brotli.
    case brotli = 4
    /// LZ4 as Hadoop frames it, or raw, or as LZ4 frames itself. Deprecated, so only read.
    case lz4Hadoop = 5
    /// Zstandard.
    case zstandard = 6
    /// A raw LZ4 block.
    case lz4Raw = 7
}

/// What a page holds.
public enum PageType: Int32, Hashable, Sendable {
    /// Levels and values, compressed together.
    case data = 0
    /// An index, which nobody ever wrote.
    case index = 1
    /// The values that positions in the chunk's data pages stand for.
    case dictionary = 2
    /// Levels, then values that are compressed apart.
    case dataV2 = 3
}

/// Whether the bounds of a chunk's pages are in order.
public enum BoundaryOrder: Int32, Hashable, Sendable {
    /// They are not.
    case unordered = 0
    /// Both lists ascend.
    case ascending = 1
    /// Both lists descend.
    case descending = 2
}

extension ThriftReader {
    /// A field that is one of an enumeration's numbers; any other number is unsupported.
    mutating func enumeration<Value: RawRepresentable<Int32>>(
        _ field: ThriftField, _ name: String
    ) throws(ParquetError) -> Value {
        let number = try i32(field)
        guard let value = Value(rawValue: number) else {
            throw .unsupported(feature: "\(name) number \(number)")
        }
        return value
    }

    /// A value that must be there.
    func required<Value>(_ value: Value?, _ name: String) throws(ParquetError) -> Value {
        guard let value else { throw malformed("\(name) is missing") }
        return value
    }

    /// A size or count that must not be negative.
    func natural<Value: SignedInteger>(
        _ value: Value, _ name: String
    ) throws(ParquetError) -> Value {
        guard value >= 0 else { throw malformed("\(name) is \(value)") }
        return value
    }
}
