// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import ParquetFormat
import WireFormat

/// What stands in for fields that a file does not have.
///
/// Iceberg spec, Column Projection: the partition's value where the partition is the column itself,
/// else the initial default, else null.
struct ColumnDefaults {
    private let schema: Schema
    private let target: ParquetSchema

    init(_ schema: Schema, _ target: ParquetSchema) {
        self.schema = schema
        self.target = target
    }

    /// Refuses tables whose partitions count other units than the column that they are of: a date
    /// that became a timestamp, which the specification forbids for partition columns.
    static func checkPartitionColumns(
        _ metadata: TableMetadata, _ schema: Schema
    ) throws(Unsupported) {
        for field in metadata.partitionSpecs.flatMap(\.fields)
        where field.transform == .identity {
            for id in field.sourceIDs {
                guard let now = schema.field(id), now.type != .primitive(.date) else { continue }
                let was = metadata.schemas.contains { $0.field(id)?.type == .primitive(.date) }
                guard !was else {
                    throw Unsupported(
                        reason: "the partition column \(now.name) was a date and is none any more")
                }
            }
        }
    }

    /// The fills for a file.
    ///
    /// - Parameters:
    ///   - ids: The field ids that the file has.
    ///   - partition: The file's partition, and its spec.
    func fills(
        missingIn ids: Set<Int32>, partition: [PartitionValue?], of spec: PartitionSpec
    ) throws(Unsupported) -> [Int32: ColumnFill] {
        var fills: [Int32: ColumnFill] = [:]
        for column in target.columns {
            guard let id = column.fieldID, !ids.contains(id), let field = schema.field(Int(id))
            else { continue }
            let isFillable = isFillable(id, ids)
            if let value = try fill(for: field, column, partition, spec, isFillable) {
                fills[id] = value
            }
        }
        try checkParents(ids)
        return fills.filter { isFillable($0.key, ids) }
    }

    private func fill(
        for field: NestedField, _ column: ParquetColumn, _ partition: [PartitionValue?],
        _ spec: PartitionSpec, _ isFillable: Bool
    ) throws(Unsupported) -> ColumnFill? {
        for (part, value) in zip(spec.fields, partition)
        where part.transform == .identity && part.sourceIDs == [field.id] {
            guard let value else { return .null }
            guard isFillable else { throw .structOfPartition(part.name) }
            guard let bytes = PlainValue.bytes(of: value, for: column) else {
                throw Unsupported(
                    reason: "the partition field \(part.name) has a value that is none of its "
                        + "column's type")
            }
            return .constant(bytes)
        }
        guard let json = field.initialDefault, !json.isNull else { return nil }
        guard case .primitive(let type) = field.type,
            let bytes = PlainValue.bytes(ofDefault: json, type, for: column)
        else {
            throw Unsupported(reason: "the initial default of \(field.name) is not understood")
        }
        return .constant(bytes)
    }

    /// Whether the struct that a missing field is in is one that the file has; else the struct is
    /// null as a whole, and so are its fields.
    private func isFillable(_ id: Int32, _ ids: Set<Int32>) -> Bool {
        guard let column = target.columns.first(where: { $0.fieldID == id }),
            let parent = target.nodes[column.node].parent, parent != 0
        else { return true }
        return target.nodes[parent].fieldID.map { ids.contains($0) } ?? false
    }

    /// Refuses defaults of structs, and of fields in required structs that the file lacks.
    private func checkParents(_ ids: Set<Int32>) throws(Unsupported) {
        for node in target.nodes.dropFirst() where node.column == nil {
            guard let id = node.fieldID, !ids.contains(id) else { continue }
            let field = schema.field(Int(id))
            guard field?.initialDefault.map(\.isNull) ?? true else {
                throw Unsupported(reason: "the nested column \(node.name) has an initial default")
            }
            guard node.repetition != .required else {
                throw Unsupported(
                    reason: "the required column \(node.name) is nested, and a file lacks it")
            }
        }
    }
}

/// Values as Parquet has them in plain encoding, without lengths.
enum PlainValue {
    /// The bytes of a partition's value; nil if it is none of the column's type.
    static func bytes(of value: PartitionValue, for column: ParquetColumn) -> [UInt8]? {
        switch (value, column.type) {
        case (.boolean(let truth), .boolean): [truth ? 1 : 0]
        case (.int(let number), .int32): littleEndian(number)
        // A date that became a timestamp counts days, and not what the column counts.
        case (.int(let number), .int64) where column.logicalType == nil:
            littleEndian(Int64(number))
        case (.long(let number), .int64): littleEndian(number)
        case (.float(let number), .float): littleEndian(number.bitPattern)
        case (.float(let number), .double): littleEndian(Double(number).bitPattern)
        case (.double(let number), .double): littleEndian(number.bitPattern)
        case (.string(let text), .byteArray): Array(text.utf8)
        case (.bytes(let bytes), .byteArray): bytes
        case (.bytes(let bytes), .fixedLengthByteArray):
            bytes.count == column.typeLength ? bytes : nil
        case (.decimal(let unscaled), _): decimal(unscaled, column)
        default: nil
        }
    }

    /// The bytes of an initial default in its JSON form; nil if that is none of the type.
    ///
    /// Iceberg spec, Appendix D: Single-value serialization, JSON single-value serialization.
    static func bytes(
        ofDefault json: JSONValue, _ type: PrimitiveType, for column: ParquetColumn
    ) -> [UInt8]? {
        switch type {
        case .boolean: return json.boolValue.map { [$0 ? 1 : 0] }
        case .int: return json.int64Value.flatMap { Int32(exactly: $0) }.map { littleEndian($0) }
        case .long: return json.int64Value.map { littleEndian($0) }
        case .float: return json.doubleValue.map { littleEndian(Float($0).bitPattern) }
        case .double: return json.doubleValue.map { littleEndian($0.bitPattern) }
        case .string: return json.stringValue.map { Array($0.utf8) }
        case .decimal(_, let scale):
            return json.stringValue.flatMap { unscaled($0, scale: scale) }.flatMap {
                decimal($0, column)
            }
        case .date:
            let midnight = json.stringValue.flatMap { Timestamp(iso8601: $0 + "T00:00:00Z") }
            return midnight.map { littleEndian(Int32($0.microseconds / 86_400_000_000)) }
        case .timestamp:
            return json.stringValue.flatMap { Timestamp(iso8601: $0 + "Z") }.map {
                littleEndian($0.microseconds)
            }
        case .timestamptz:
            return json.stringValue.flatMap { Timestamp(iso8601: $0) }.map {
                littleEndian($0.microseconds)
            }
        case .uuid:
            return json.stringValue.flatMap { hexadecimal($0.filter { $0 != "-" }) }.flatMap {
                $0.count == 16 ? $0 : nil
            }
        case .fixed(let length):
            return json.stringValue.flatMap { hexadecimal($0) }.flatMap {
                $0.count == length ? $0 : nil
            }
        case .binary: return json.stringValue.flatMap { hexadecimal($0) }
        case .time:
            return json.stringValue.flatMap { Timestamp(iso8601: "1970-01-01T\($0)Z") }.map {
                littleEndian($0.microseconds)
            }
        case .timestampNanoseconds:
            return json.stringValue.flatMap { nanoseconds($0 + "Z") }.map { littleEndian($0) }
        case .timestamptzNanoseconds:
            return json.stringValue.flatMap { nanoseconds($0) }.map { littleEndian($0) }
        case .unknown, .geometry, .geography: return nil
        }
    }

    /// A moment with up to nine digits after the second, in nanoseconds since 1970.
    private static func nanoseconds(_ text: String) -> Int64? {
        let point = text.firstIndex(of: ".") ?? text.endIndex
        let (seconds, rest) = (text[..<point], text[point...].dropFirst())
        let digits = rest.prefix { ("0"..."9").contains($0) }
        let padded = digits + String(repeating: "0", count: max(0, 9 - digits.count))
        guard digits.count <= 9, let fraction = Int64(padded),
            let whole = Timestamp(iso8601: String(seconds + rest.dropFirst(digits.count)))
        else { return nil }
        let (start, isTooLarge) = whole.microseconds.multipliedReportingOverflow(by: 1000)
        let (sum, overflows) = start.addingReportingOverflow(fraction)
        return isTooLarge || overflows ? nil : sum
    }

    /// The bytes of an unscaled decimal, the highest first, as the column stores decimals.
    private static func decimal(_ bytes: [UInt8], _ column: ParquetColumn) -> [UInt8]? {
        func widened(_ width: Int) -> [UInt8]? {
            guard bytes.count <= width else { return nil }
            let fill: UInt8 = (bytes.first ?? 0) >= 0x80 ? 0xFF : 0
            return [UInt8](repeating: fill, count: width - bytes.count) + bytes
        }
        return switch column.type {
        case .int32: widened(4).map { $0.reversed() }
        case .int64: widened(8).map { $0.reversed() }
        case .fixedLengthByteArray: widened(column.typeLength)
        case .byteArray: bytes
        case .boolean, .int96, .float, .double: nil
        }
    }

    /// The unscaled value of a decimal in digits, which has exactly as many after the point.
    private static func unscaled(_ text: String, scale: Int) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (parts.count == 2 ? parts[1].count : 0) == scale, parts.count <= 2,
            let number = Int128(parts.joined())
        else { return nil }
        let bytes = withUnsafeBytes(of: number.bigEndian) { Array($0) }
        guard case .decimal(let shortest) = PartitionValue.decimal(unscaled: bytes) else {
            return nil
        }
        return shortest
    }

    private static func hexadecimal(_ text: String) -> [UInt8]? {
        guard text.utf8.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        var rest = text[...]
        while !rest.isEmpty {
            guard rest.prefix(2).allSatisfy(\.isHexDigit),
                let byte = UInt8(rest.prefix(2), radix: 16)
            else { return nil }
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        return bytes
    }

    static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}
