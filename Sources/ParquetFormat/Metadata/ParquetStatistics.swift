// SPDX-License-Identifier: Apache-2.0

/// What a writer said about the values of a column chunk or of a page.
///
/// Bounds are plain-encoded, byte arrays without their length. What they are worth depends on the
/// file's column orders and on its writer.
public struct ParquetStatistics: Hashable, Sendable {
    /// The largest value by signed comparison; deprecated.
    public var deprecatedMaximum: [UInt8]?
    /// The smallest value by signed comparison; deprecated.
    public var deprecatedMinimum: [UInt8]?
    /// How many values are null.
    public var nullCount: Int64?
    /// How many different values there are.
    public var distinctCount: Int64?
    /// No value is larger.
    public var maximum: [UInt8]?
    /// No value is smaller.
    public var minimum: [UInt8]?
    /// Whether the upper bound is a value that occurs.
    public var isMaximumExact: Bool?
    /// Whether the lower bound is a value that occurs.
    public var isMinimumExact: Bool?
    /// How many values are not numbers.
    public var nanCount: Int64?
    var unknown: [ThriftUnknownField] = []

    /// Says nothing.
    public init() {}
}

extension ParquetStatistics: ThriftStruct {
    init(from reader: inout ThriftReader) throws(ParquetError) {
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: deprecatedMaximum = try reader.binary(field)
            case 2: deprecatedMinimum = try reader.binary(field)
            case 3: nullCount = try reader.i64(field)
            case 4: distinctCount = try reader.i64(field)
            case 5: maximum = try reader.binary(field)
            case 6: minimum = try reader.binary(field)
            case 7: isMaximumExact = try reader.bool(field)
            case 8: isMinimumExact = try reader.bool(field)
            case 9: nanCount = try reader.i64(field)
            default: try reader.keep(field, in: &unknown)
            }
        }
    }

    func write(to writer: inout ThriftWriter) {
        writer.field(1, deprecatedMaximum)
        writer.field(2, deprecatedMinimum)
        writer.field(3, nullCount)
        writer.field(4, distinctCount)
        writer.field(5, maximum)
        writer.field(6, minimum)
        writer.field(7, isMaximumExact)
        writer.field(8, isMinimumExact)
        writer.field(9, nanCount)
        writer.fields(unknown)
    }
}

/// Sizes and level histograms, from which readers estimate how much memory values take.
public struct SizeStatistics: Hashable, Sendable {
    /// The bytes of all byte arrays without their lengths.
    public var unencodedByteArrayBytes: Int64?
    /// How often each repetition level occurs.
    public var repetitionLevelHistogram: [Int64]?
    /// How often each definition level occurs.
    public var definitionLevelHistogram: [Int64]?
    var unknown: [ThriftUnknownField] = []
}

extension SizeStatistics: ThriftStruct {
    init(from reader: inout ThriftReader) throws(ParquetError) {
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: unencodedByteArrayBytes = try reader.i64(field)
            case 2: repetitionLevelHistogram = try reader.i64s(field)
            case 3: definitionLevelHistogram = try reader.i64s(field)
            default: try reader.keep(field, in: &unknown)
            }
        }
    }

    func write(to writer: inout ThriftWriter) {
        writer.field(1, unencodedByteArrayBytes)
        writer.field(2, repetitionLevelHistogram)
        writer.field(3, definitionLevelHistogram)
        writer.fields(unknown)
    }
}
