// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergSpec
import ParquetFormat
import TestSupport
import WireFormat

/// A value of a row as the tests know it: two are equal where Iceberg says that they are.
enum KeyCell: Hashable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    /// A floating-point number by its bits; there is one NaN.
    case number(UInt64)
    /// An unscaled decimal.
    case decimal(Int64)
    case bytes([UInt8])

    static func number(of value: Double) -> KeyCell {
        .number(value.isNaN ? Double.nan.bitPattern : value.bitPattern)
    }

    var double: Double? {
        if case .number(let bits) = self { Double(bitPattern: bits) } else { nil }
    }
}

/// A column of every type that a key may have, as files of two ages store it.
enum KeyColumn: Int32, CaseIterable, Sendable {
    case id = 1
    case region, count, name, weight, price, wide, uid, code, blob, at, day, flag
    case inner = 15
    /// Added after the older files, with a default where the format version has them.
    case later, nanos

    static func all(_ version: FormatVersion) -> [KeyColumn] {
        allCases.filter { version >= .v3 || $0 != .nanos }
    }

    /// What the table has beside `id` and `region`.
    static func schema(_ version: FormatVersion) -> [JSONValue] {
        func field(_ id: Int, _ name: String, _ type: JSONValue) -> JSONValue {
            ["id": .integer(id), "name": .string(name), "required": false, "type": type]
        }
        return all(version).dropFirst(2).map { column in
            let id = Int(column.rawValue)
            switch column {
            case .inner:
                return field(14, "box", ["type": "struct", "fields": [field(id, "inner", "int")]])
            case .later where version >= .v3:
                return [
                    "id": .integer(id), "name": "later", "required": false, "type": "long",
                    "initial-default": 2,
                ]
            default: return field(id, "\(column)", .string(column.type))
            }
        }
    }

    private var type: String {
        switch self {
        case .id, .count, .later: "long"
        case .region, .name: "string"
        case .weight: "double"
        case .price: "decimal(18,2)"
        case .wide: "decimal(30,4)"
        case .uid: "uuid"
        case .code: "fixed[4]"
        case .blob: "binary"
        case .at: "timestamp"
        case .day: "date"
        case .flag: "boolean"
        case .inner: "int"
        case .nanos: "timestamp_ns"
        }
    }

    /// What a row has where its file lacks the column.
    func missing(_ version: FormatVersion) -> KeyCell {
        self == .later && version >= .v3 ? .integer(2) : .null
    }

    /// One of few values, so that keys meet.
    func value(_ random: inout SeededGenerator) -> KeyCell {
        guard Int.random(in: 0..<6, using: &random) > 0 else { return .null }
        let number = Int.random(in: 0..<3, using: &random)
        return switch self {
        case .id, .count, .day, .later, .inner, .nanos: .integer(Int64(number) - 1)
        // Whole milliseconds, which older files have.
        case .at: .integer(Int64(number) * 1000 - 1000)
        case .weight:
            .number(of: [Double.nan, 0, -0.0, 1.5].randomElement(using: &random) ?? 0)
        case .price, .wide: .decimal(Int64(number) * 700 - 700)
        case .region, .name, .blob:
            .bytes(Array([[], Array("a".utf8), Array("ab".utf8)][number]))
        case .uid: .bytes([UInt8](repeating: UInt8(number) * 100, count: 16))
        case .code: .bytes([UInt8](repeating: UInt8(number) * 100, count: 4))
        case .flag: .boolean(number == 0)
        }
    }
}

// MARK: Parquet

extension KeyColumn {
    func field(isOld: Bool) -> ParquetField {
        let name = "\(self)"
        return switch self {
        case .count where isOld: .values(name, id: rawValue, .optional, .int32)
        case .id, .count, .later: .values(name, id: rawValue, .optional, .int64)
        case .region, .name:
            .values(name, id: rawValue, .optional, .byteArray, logicalType: .string)
        case .weight: .values(name, id: rawValue, .optional, isOld ? .float : .double)
        case .price:
            .values(
                name, id: rawValue, .optional, isOld ? .int32 : .int64,
                logicalType: .decimal(precision: isOld ? 9 : 18, scale: 2))
        case .wide:
            .values(
                name, id: rawValue, .optional, .fixedLengthByteArray,
                length: Self.wideLength(isOld: isOld),
                logicalType: .decimal(precision: isOld ? 20 : 30, scale: 4))
        case .uid:
            .values(
                name, id: rawValue, .optional, .fixedLengthByteArray, length: 16,
                logicalType: isOld ? nil : .uuid)
        case .code: .values(name, id: rawValue, .optional, .fixedLengthByteArray, length: 4)
        case .blob: .values(name, id: rawValue, .optional, .byteArray)
        case .at:
            .values(
                name, id: rawValue, .optional, .int64,
                logicalType: .timestamp(
                    isOld ? .milliseconds : .microseconds, isAdjustedToUTC: false))
        case .day: .values(name, id: rawValue, .optional, .int32, logicalType: .date)
        case .flag: .values(name, id: rawValue, .optional, .boolean)
        case .inner:
            .group("box", id: 14, .optional, [.values(name, id: rawValue, .optional, .int32)])
        case .nanos:
            .values(
                name, id: rawValue, .optional, .int64,
                logicalType: .timestamp(.nanoseconds, isAdjustedToUTC: false))
        }
    }

    /// The values of a column as a file of the age has them; those that it cannot have are refused.
    func batch(_ values: [KeyCell], isOld: Bool) -> ColumnBatch {
        let there = values.filter { $0 != .null }
        let integers = there.compactMap { value -> Int64? in
            switch value {
            case .integer(let number): self == .at && isOld ? number / 1000 : number
            case .decimal(let number): number
            default: nil
            }
        }
        let numbers = there.compactMap(\.double)
        let bytes = there.compactMap { value -> [UInt8]? in
            if case .bytes(let bytes) = value { bytes } else { nil }
        }
        let columnValues: ColumnValues
        switch self {
        case .count where isOld, .price where isOld, .day, .inner:
            columnValues = .int32(integers.map { Int32(truncatingIfNeeded: $0) })
        case .id, .count, .later, .price, .at, .nanos: columnValues = .int64(integers)
        case .weight:
            columnValues = isOld ? .float(numbers.map { Float($0) }) : .double(numbers)
        case .region, .name, .blob: columnValues = .byteArray(ByteArrays(bytes))
        case .flag:
            columnValues = .boolean(there.map { $0 == .boolean(true) })
        case .wide:
            var fixed = FixedByteArrays(width: Int(Self.wideLength(isOld: isOld)))
            for number in integers { fixed.append(Self.bigEndian(number, fixed.width)) }
            columnValues = .fixedLengthByteArray(fixed)
        case .uid, .code:
            var fixed = FixedByteArrays(width: self == .uid ? 16 : 4)
            for value in bytes { fixed.append(value) }
            columnValues = .fixedLengthByteArray(fixed)
        }
        let whole: UInt8 = self == .inner ? 2 : 1
        let levels = values.enumerated().map { row, value -> UInt8 in
            // A null in a struct, or a null struct.
            value == .null ? (self == .inner && row % 2 == 0 ? 1 : 0) : whole
        }
        return ColumnBatch(columnValues, definitionLevels: levels)
    }

    /// Older files have more bytes than any decimal needs.
    private static func wideLength(isOld: Bool) -> Int32 { isOld ? 20 : 13 }

    static func bigEndian(_ number: Int64, _ width: Int) -> [UInt8] {
        let bytes = withUnsafeBytes(of: number.bigEndian) { Array($0) }
        return [UInt8](repeating: number < 0 ? 0xFF : 0, count: width - 8) + bytes
    }

    /// The values of a column that was read from a file of any age.
    static func values(_ batch: ColumnBatch, of column: ParquetColumn) -> [KeyCell] {
        let there: [KeyCell]
        let isDecimal = if case .decimal = column.logicalType { true } else { false }
        let factor: Int64 =
            if case .timestamp(.milliseconds, _) = column.logicalType { 1000 } else { 1 }
        func integer(_ number: Int64) -> KeyCell {
            isDecimal ? .decimal(number) : .integer(number * factor)
        }
        switch batch.values {
        case .boolean(let array): there = array.map { .boolean($0) }
        case .int32(let array): there = array.map { integer(Int64($0)) }
        case .int64(let array): there = array.map { integer($0) }
        case .int96: there = []
        case .float(let array): there = array.map { .number(of: Double($0)) }
        case .double(let array): there = array.map { .number(of: $0) }
        case .byteArray(let array):
            there = (0..<array.count).map { .bytes(Array(array[$0])) }
        case .fixedLengthByteArray(let array):
            there = (0..<array.count).map { index in
                let bytes = Array(array[index])
                guard isDecimal else { return .bytes(bytes) }
                return .decimal(bytes.suffix(8).reduce(0) { $0 << 8 | Int64($1) })
            }
        }
        guard !batch.definitionLevels.isEmpty else { return there }
        var next = there.makeIterator()
        return batch.definitionLevels.map {
            Int($0) == column.maximumDefinitionLevel ? next.next() ?? .null : .null
        }
    }
}

// MARK: Avro

extension KeyColumn {
    /// The column as delete files in Avro have it.
    func avroField(isOld: Bool) -> JSONValue {
        func field(_ name: String, _ id: Int32, _ type: JSONValue) -> JSONValue {
            [
                "name": .string(name), "type": ["null", type], "default": nil,
                "field-id": .integer(id),
            ]
        }
        let name = "\(self)"
        let type: JSONValue =
            switch self {
            case .count where isOld: "int"
            case .id, .count, .later: "long"
            case .region, .name: "string"
            case .weight: isOld ? "float" : "double"
            case .price, .wide:
                [
                    "type": "fixed", "name": .string("f_\(name)"),
                    "size": .integer(avroWidth(isOld: isOld)), "logicalType": "decimal",
                    "precision": self == .price ? 18 : 30, "scale": self == .price ? 2 : 4,
                ]
            case .uid:
                ["type": "fixed", "name": "f_uid", "size": 16, "logicalType": "uuid"]
            case .code: ["type": "fixed", "name": "f_code", "size": 4]
            case .blob: "bytes"
            case .at:
                ["type": "long", "logicalType": "timestamp-micros", "adjust-to-utc": false]
            case .day: ["type": "int", "logicalType": "date"]
            case .flag: "boolean"
            case .inner:
                ["type": "record", "name": "r14", "fields": [field("inner", rawValue, "int")]]
            case .nanos:
                ["type": "long", "logicalType": "timestamp-nanos", "adjust-to-utc": false]
            }
        return self == .inner ? field("box", 14, type) : field(name, rawValue, type)
    }

    private func avroWidth(isOld: Bool) -> Int {
        self == .price ? 8 : Int(Self.wideLength(isOld: isOld))
    }

    func write(_ value: KeyCell, isOld: Bool, to encoder: inout AvroEncoder) {
        // The struct itself is always there.
        if self == .inner { encoder.long(1) }
        encoder.long(value == .null ? 0 : 1)
        switch value {
        case .null: break
        case .boolean(let truth): encoder.boolean(truth)
        case .integer(let number): encoder.long(number)
        case .number(let bits):
            let number = Double(bitPattern: bits)
            if isOld { encoder.float(Float(number)) } else { encoder.double(number) }
        case .decimal(let number): encoder.fixed(Self.bigEndian(number, avroWidth(isOld: isOld)))
        case .bytes(let bytes):
            if self == .uid || self == .code {
                encoder.fixed(bytes)
            } else {
                encoder.bytes(bytes)
            }
        }
    }
}
