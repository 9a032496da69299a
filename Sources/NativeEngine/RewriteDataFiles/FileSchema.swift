// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import ParquetFormat

/// Why files of a group, or a whole table, are not rewritten here.
struct Unsupported: Error, CustomStringConvertible {
    let reason: String
    var description: String { reason }

    /// A file lacks the struct that the column of a partition field is in: by the specification
    /// the column has the partition's value, and readers make the struct null as a whole.
    static func structOfPartition(_ field: String) -> Unsupported {
        Unsupported(
            reason: "the column of the partition field \(field) is in a struct that the file "
                + "lacks, and readers disagree on whether its rows have the partition's value")
    }
}

/// A table's schema as its Parquet files have it.
///
/// Iceberg spec, Appendix A: Parquet.
enum FileSchema {
    /// The reserved field id of a row's id (format version 3).
    static let rowID: Int32 = 2_147_483_540
    /// The reserved field id of the sequence number at which a row changed last (format version 3).
    static let lastUpdated: Int32 = 2_147_483_539

    /// The schema of new files.
    ///
    /// - Parameter withLineage: Whether rows carry their ids.
    static func target(
        of schema: Schema, withLineage: Bool
    ) throws(Unsupported) -> ParquetSchema {
        var fields: [ParquetField] = []
        for field in schema.fields { fields.append(try self.field(field)) }
        if withLineage {
            fields.append(.values("_row_id", id: rowID, .optional, .int64))
            fields.append(
                .values("_last_updated_sequence_number", id: lastUpdated, .optional, .int64))
        }
        do throws(ParquetError) { return try ParquetSchema(fields) } catch {
            throw Unsupported(reason: "the table's schema makes no Parquet schema: \(error)")
        }
    }

    /// A column of the table.
    static func field(_ field: NestedField) throws(Unsupported) -> ParquetField {
        let id = Int32(truncatingIfNeeded: field.id)
        let name = compatibleName(field.name)
        let repetition: FieldRepetition = field.isRequired ? .required : .optional
        switch field.type {
        case .primitive(let type):
            let stored = try stored(type, name: field.name)
            return .values(
                name, id: id, repetition, stored.type, length: stored.length,
                logicalType: stored.meaning)
        case .structure(let members):
            guard !members.isEmpty else {
                throw Unsupported(reason: "the column \(field.name) is a struct without fields")
            }
            var fields: [ParquetField] = []
            for member in members { fields.append(try self.field(member)) }
            return .group(name, id: id, repetition, fields)
        case .list(let element):
            return .list(name, id: id, repetition, element: try self.field(element))
        case .map(let key, let value):
            return .map(
                name, id: id, repetition, key: try self.field(key), value: try self.field(value))
        case .variant:
            throw Unsupported(reason: "the column \(field.name) is a variant")
        }
    }

    private typealias Stored = (type: PhysicalType, length: Int32, meaning: LogicalType?)

    private static func stored(
        _ type: PrimitiveType, name: String
    ) throws(Unsupported) -> Stored {
        switch type {
        case .boolean: return (.boolean, 0, nil)
        case .int: return (.int32, 0, nil)
        case .long: return (.int64, 0, nil)
        case .float: return (.float, 0, nil)
        case .double: return (.double, 0, nil)
        case .decimal(let precision, let scale):
            let meaning = LogicalType.decimal(precision: Int32(precision), scale: Int32(scale))
            if precision <= 9 { return (.int32, 0, meaning) }
            if precision <= 18 { return (.int64, 0, meaning) }
            return (.fixedLengthByteArray, Int32(decimalBytes(precision)), meaning)
        case .date: return (.int32, 0, .date)
        case .time: return (.int64, 0, .time(.microseconds, isAdjustedToUTC: false))
        case .timestamp: return (.int64, 0, .timestamp(.microseconds, isAdjustedToUTC: false))
        case .timestamptz: return (.int64, 0, .timestamp(.microseconds, isAdjustedToUTC: true))
        case .timestampNanoseconds:
            return (.int64, 0, .timestamp(.nanoseconds, isAdjustedToUTC: false))
        case .timestamptzNanoseconds:
            return (.int64, 0, .timestamp(.nanoseconds, isAdjustedToUTC: true))
        case .string: return (.byteArray, 0, .string)
        case .uuid: return (.fixedLengthByteArray, 16, .uuid)
        case .fixed(let length):
            guard length > 0 else {
                throw Unsupported(reason: "the column \(name) is a fixed[0]")
            }
            return (.fixedLengthByteArray, Int32(length), nil)
        case .binary: return (.byteArray, 0, nil)
        case .unknown, .geometry, .geography:
            throw Unsupported(reason: "the column \(name) is of the type \(type)")
        }
    }

    /// The fewest bytes that hold every unscaled value of a precision.
    static func decimalBytes(_ precision: Int) -> Int {
        // A digit takes log2(10) bits, and one more is the sign's.
        var limit: Double = 1
        for _ in 0..<precision { limit *= 10 }
        var bytes = 1
        var room: Double = 128
        while room < limit {
            bytes += 1
            room *= 256
        }
        return bytes
    }

    /// A name as Iceberg's writers spell it in files, which Avro's rules bind.
    ///
    /// Readers go by ids; equal names only spare decoding.
    static func compatibleName(_ name: String) -> String {
        var result = ""
        for (index, unit) in name.utf16.enumerated() {
            let scalar = Unicode.Scalar(unit)
            // Letters and digits of any script; halves of a surrogate pair are none.
            let kind = scalar?.properties.generalCategory
            if let scalar,
                kind?.isLetter == true || scalar == "_" || kind == .decimalNumber && index > 0
            {
                result.unicodeScalars.append(scalar)
            } else if let scalar, kind == .decimalNumber {
                result += "_"
                result.unicodeScalars.append(scalar)
            } else {
                result += "_x" + String(unit, radix: 16, uppercase: true)
            }
        }
        return result
    }
}

extension Unicode.GeneralCategory {
    fileprivate var isLetter: Bool {
        switch self {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            true
        default: false
        }
    }
}
