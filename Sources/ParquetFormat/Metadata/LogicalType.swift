// SPDX-License-Identifier: Apache-2.0

/// What the stored values of a field mean.
public enum LogicalType: Hashable, Sendable {
    /// UTF-8 text.
    case string
    /// A group of keys and values.
    case map
    /// A group of elements.
    case list
    /// The name of an enumeration's case.
    case enumeration
    /// An unscaled integer.
    case decimal(precision: Int32, scale: Int32)
    /// Days since the epoch.
    case date
    /// Time of day.
    case time(TimeUnit, isAdjustedToUTC: Bool)
    /// Time since the epoch.
    case timestamp(TimeUnit, isAdjustedToUTC: Bool)
    /// An integer of some width.
    case integer(bitWidth: Int8, isSigned: Bool)
    /// Always null.
    case null
    /// A JSON document.
    case json
    /// A BSON document.
    case bson
    /// Sixteen bytes of a UUID.
    case uuid
    /// A half-precision number in two bytes.
    case float16
    /// A group that holds a variant.
    case variant(specificationVersion: Int8?)
    /// Well-known binary with straight edges.
    case geometry(crs: String?)
    /// Well-known binary with edges on a globe; the algorithm by its number.
    case geography(crs: String?, algorithm: Int32?)
    /// Months, days and milliseconds in twelve bytes; known only by its older annotation.
    case interval
    /// A type that this version does not know: its values are opaque.
    case unknown(id: Int16)

    /// How finely time is counted.
    public enum TimeUnit: Int16, Hashable, Sendable {
        /// Milliseconds.
        case milliseconds = 1
        /// Microseconds.
        case microseconds = 2
        /// Nanoseconds.
        case nanoseconds = 3
    }
}

/// A structure that is kept as it was written, field by field.
struct RawThriftStruct: ThriftStruct, Hashable, Sendable {
    var fields: [ThriftUnknownField] = []

    init(fields: [ThriftUnknownField]) { self.fields = fields }

    init(from reader: inout ThriftReader) throws(ParquetError) {
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) { try reader.keep(field, in: &fields) }
    }

    func write(to writer: inout ThriftWriter) { writer.fields(fields) }
}

extension LogicalType {
    /// Reads the union from its kept fields; nil when none of them is set.
    init?(_ union: RawThriftStruct, place: ParquetPlace) throws(ParquetError) {
        guard let field = union.fields.first else { return nil }
        guard field.type == ThriftType.structure.rawValue else {
            self = .unknown(id: field.id)
            return
        }
        var reader = ThriftReader(field.bytes, place: place)
        switch field.id {
        case 1: self = .string
        case 2: self = .map
        case 3: self = .list
        case 4: self = .enumeration
        case 5: self = try Self.decimal(&reader)
        case 6: self = .date
        case 7, 8: self = try Self.temporal(field.id, &reader)
        case 10: self = try Self.integer(&reader)
        case 11: self = .null
        case 12: self = .json
        case 13: self = .bson
        case 14: self = .uuid
        case 15: self = .float16
        case 16: self = try Self.variant(&reader)
        case 17, 18: self = try Self.geospatial(field.id, &reader)
        default: self = .unknown(id: field.id)
        }
    }

    private static func decimal(
        _ reader: inout ThriftReader
    ) throws(ParquetError) -> LogicalType {
        var scale: Int32 = 0
        var precision: Int32?
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: scale = try reader.i32(field)
            case 2: precision = try reader.i32(field)
            default: try reader.skip(field.type)
            }
        }
        return .decimal(precision: try reader.required(precision, "the precision"), scale: scale)
    }

    private static func temporal(
        _ id: Int16, _ reader: inout ThriftReader
    ) throws(ParquetError) -> LogicalType {
        var isAdjustedToUTC = false
        var unit: Int16?
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: isAdjustedToUTC = try reader.bool(field)
            case 2:
                let union: RawThriftStruct = try reader.structure(field)
                unit = union.fields.first?.id
            default: try reader.skip(field.type)
            }
        }
        guard let number = unit, let unit = TimeUnit(rawValue: number) else {
            throw .unsupported(feature: "time unit number \(unit ?? 0)")
        }
        return id == 7
            ? .time(unit, isAdjustedToUTC: isAdjustedToUTC)
            : .timestamp(unit, isAdjustedToUTC: isAdjustedToUTC)
    }

    private static func integer(
        _ reader: inout ThriftReader
    ) throws(ParquetError) -> LogicalType {
        var bitWidth: Int8?
        var isSigned = true
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: bitWidth = try reader.i8(field)
            case 2: isSigned = try reader.bool(field)
            default: try reader.skip(field.type)
            }
        }
        return .integer(
            bitWidth: try reader.required(bitWidth, "the bit width"), isSigned: isSigned)
    }

    private static func variant(
        _ reader: inout ThriftReader
    ) throws(ParquetError) -> LogicalType {
        var version: Int8?
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: version = try reader.i8(field)
            default: try reader.skip(field.type)
            }
        }
        return .variant(specificationVersion: version)
    }

    private static func geospatial(
        _ id: Int16, _ reader: inout ThriftReader
    ) throws(ParquetError) -> LogicalType {
        var crs: String?
        var algorithm: Int32?
        var last = try reader.beginStruct()
        while let field = try reader.nextField(&last) {
            switch field.id {
            case 1: crs = try reader.string(field)
            case 2 where id == 18: algorithm = try reader.i32(field)
            default: try reader.skip(field.type)
            }
        }
        return id == 17 ? .geometry(crs: crs) : .geography(crs: crs, algorithm: algorithm)
    }
}

extension LogicalType {
    /// What the older annotation means, or nil for one that annotates nothing by itself.
    init?(converted: Int32, precision: Int32?, scale: Int32?) {
        switch converted {
        case 0: self = .string
        case 1, 2: self = .map
        case 3: self = .list
        case 4: self = .enumeration
        case 5:
            guard let precision else { return nil }
            self = .decimal(precision: precision, scale: scale ?? 0)
        case 6: self = .date
        case 7: self = .time(.milliseconds, isAdjustedToUTC: true)
        case 8: self = .time(.microseconds, isAdjustedToUTC: true)
        case 9: self = .timestamp(.milliseconds, isAdjustedToUTC: true)
        case 10: self = .timestamp(.microseconds, isAdjustedToUTC: true)
        case 11...14: self = .integer(bitWidth: 8 << Int8(converted - 11), isSigned: false)
        case 15...18: self = .integer(bitWidth: 8 << Int8(converted - 15), isSigned: true)
        case 19: self = .json
        case 20: self = .bson
        case 21: self = .interval
        default: return nil
        }
    }
}
