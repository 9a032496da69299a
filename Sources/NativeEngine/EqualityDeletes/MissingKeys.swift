// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import ParquetFormat

/// What stands for columns of a key that a data file does not have.
///
/// Iceberg spec, Column Projection and Equality Delete Files: the partition's value where the
/// partition is the column itself, else the initial default, else null.
struct MissingKeys {
    let partition: [PartitionValue?]
    let spec: PartitionSpec
    /// The field ids that the file has.
    let known: Set<Int32>

    /// The value of all rows, as ``KeyValues`` has it.
    func constant(_ column: EqualityColumn) throws(Unsupported) -> [UInt8] {
        for (part, value) in zip(spec.fields, partition)
        where part.transform == .identity && part.sourceIDs == [Int(column.id)] {
            guard value == nil || column.parents.allSatisfy({ known.contains($0) }) else {
                throw .structOfPartition(part.name)
            }
            return try Self.encoded(value, column)
        }
        guard let json = column.initialDefault else { return Self.null }
        if let parent = column.parents.last {
            // A struct that the file lacks is null as a whole.
            guard known.contains(parent) else { return Self.null }
            throw Unsupported(
                reason: "equality deletes by \(column.name), which is in a struct and has an "
                    + "initial default that the file lacks, apply to it")
        }
        guard let plain = PlainValue.bytes(ofDefault: json, column.type, for: column.stored),
            let value = Self.value(plain: plain, column)
        else {
            throw Unsupported(reason: "the initial default of \(column.name) is not understood")
        }
        return try Self.encoded(value, column)
    }

    private static var null: [UInt8] {
        var values = KeyValues()
        values.appendNull()
        return values.bytes
    }

    /// A value in plain encoding as one of a partition.
    private static func value(plain: [UInt8], _ column: EqualityColumn) -> PartitionValue? {
        guard case .decimal = column.type else {
            return PartitionValue(serialized: plain, as: column.type)
        }
        // Parquet has the lowest byte of an integer first, and Iceberg the highest.
        let isInteger = column.stored.type == .int32 || column.stored.type == .int64
        return .decimal(unscaled: isInteger ? plain.reversed() : plain)
    }

    private static func encoded(
        _ value: PartitionValue?, _ column: EqualityColumn
    ) throws(Unsupported) -> [UInt8] {
        var values = KeyValues()
        switch (value, column.type) {
        case (nil, _): values.appendNull()
        case (.boolean(let truth)?, .boolean): values.append(truth)
        case (.int(let number)?, .int), (.int(let number)?, .long), (.int(let number)?, .date):
            values.append(Int64(number))
        case (.long(let number)?, .long), (.long(let number)?, .time),
            (.long(let number)?, .timestamp), (.long(let number)?, .timestamptz),
            (.long(let number)?, .timestampNanoseconds),
            (.long(let number)?, .timestamptzNanoseconds):
            values.append(number)
        case (.float(let number)?, .float), (.float(let number)?, .double):
            values.append(Double(number))
        case (.double(let number)?, .double): values.append(number)
        case (.string(let text)?, .string): values.append(text.utf8)
        case (.bytes(let bytes)?, .uuid), (.bytes(let bytes)?, .fixed),
            (.bytes(let bytes)?, .binary):
            values.append(bytes)
        case (.decimal(let bytes)?, .decimal) where values.append(decimal: bytes): break
        default:
            throw Unsupported(
                reason: "its partition has a value of \(column.name) that is none of its type")
        }
        return values.bytes
    }
}
