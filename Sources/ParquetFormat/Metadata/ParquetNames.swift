// SPDX-License-Identifier: Apache-2.0

extension PhysicalType: CustomStringConvertible {
    /// The type as Parquet's documents spell it.
    public var description: String {
        switch self {
        case .boolean: "BOOLEAN"
        case .int32: "INT32"
        case .int64: "INT64"
        case .int96: "INT96"
        case .float: "FLOAT"
        case .double: "DOUBLE"
        case .byteArray: "BYTE_ARRAY"
        case .fixedLengthByteArray: "FIXED_LEN_BYTE_ARRAY"
        }
    }
}

extension LogicalType: CustomStringConvertible {
    /// The type as Parquet's documents spell it, with its parameters: `TIMESTAMP(MICROS,true)`.
    public var description: String {
        switch self {
        case .string: "STRING"
        case .map: "MAP"
        case .list: "LIST"
        case .enumeration: "ENUM"
        case .decimal(let precision, let scale): "DECIMAL(\(precision),\(scale))"
        case .date: "DATE"
        case .time(let unit, let isAdjustedToUTC): "TIME(\(unit),\(isAdjustedToUTC))"
        case .timestamp(let unit, let isAdjustedToUTC):
            "TIMESTAMP(\(unit),\(isAdjustedToUTC))"
        case .integer(let bitWidth, let isSigned): "INTEGER(\(bitWidth),\(isSigned))"
        case .null: "NULL"
        case .json: "JSON"
        case .bson: "BSON"
        case .uuid: "UUID"
        case .float16: "FLOAT16"
        case .variant: "VARIANT"
        case .geometry(let crs): "GEOMETRY\(crs.map { "(\($0))" } ?? "")"
        case .geography(let crs, _): "GEOGRAPHY\(crs.map { "(\($0))" } ?? "")"
        case .interval: "INTERVAL"
        case .unknown(let id): "a logical type of number \(id)"
        }
    }
}

extension LogicalType.TimeUnit: CustomStringConvertible {
    /// The unit as Parquet's documents spell it.
    public var description: String {
        switch self {
        case .milliseconds: "MILLIS"
        case .microseconds: "MICROS"
        case .nanoseconds: "NANOS"
        }
    }
}

extension ParquetEncoding: CustomStringConvertible {
    /// The encoding as Parquet's documents spell it.
    public var description: String {
        switch self {
        case .plain: "PLAIN"
        case .plainDictionary: "PLAIN_DICTIONARY"
        case .rle: "RLE"
        case .bitPacked: "BIT_PACKED"
        case .deltaBinaryPacked: "DELTA_BINARY_PACKED"
        case .deltaLengthByteArray: "DELTA_LENGTH_BYTE_ARRAY"
        case .deltaByteArray: "DELTA_BYTE_ARRAY"
        case .rleDictionary: "RLE_DICTIONARY"
        case .byteStreamSplit: "BYTE_STREAM_SPLIT"
        }
    }
}

extension ParquetCodec: CustomStringConvertible {
    /// The codec as Parquet's documents spell it; the deprecated LZ4 with whose it is.
    public var description: String {
        switch self {
        case .uncompressed: "UNCOMPRESSED"
        case .snappy: "SNAPPY"
        case .gzip: "GZIP"
        case .lzo: "LZO"
        case .brotli: "BROTLI"
        case .lz4Hadoop: "LZ4 of Hadoop"
        case .zstandard: "ZSTD"
        case .lz4Raw: "LZ4_RAW"
        }
    }
}

extension ParquetColumn {
    /// The type as Parquet's documents spell it, for messages: `INT64 (TIMESTAMP(MICROS,true))`.
    public var typeText: String {
        let length = type == .fixedLengthByteArray ? "(\(typeLength))" : ""
        return "\(type)\(length)\(logicalType.map { " (\($0))" } ?? "")"
    }
}
