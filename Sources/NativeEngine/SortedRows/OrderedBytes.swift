// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import ParquetFormat

/// Bytes whose order, compared one by one, is Iceberg's order of the values that they are of.
///
/// No value's bytes begin with another's of the same column, so that what follows never counts
/// before a difference.
///
/// Iceberg spec, Sorting: `-NaN < -Infinity < -value < -0 < 0 < value < Infinity < NaN`.
enum OrderedBytes {
    /// Appends the value of a column from its plain bytes.
    static func append(
        _ bytes: UnsafeRawBufferPointer, of column: ParquetColumn, to key: inout [UInt8]
    ) {
        switch column.type {
        case .boolean: key.append(bytes[0])
        case .int32: append(Int64(PlainBytes.int32(bytes)), to: &key)
        case .int64: append(PlainBytes.int64(bytes), to: &key)
        case .float: append(Double(PlainBytes.float(bytes)), to: &key)
        case .double: append(PlainBytes.double(bytes), to: &key)
        case .byteArray: append(escaping: bytes, to: &key)
        case .int96, .fixedLengthByteArray:
            let start = key.count
            key.append(contentsOf: bytes)
            // Of a number in two's complement the sign decides first.
            if case .decimal = column.logicalType { key[start] ^= 0x80 }
        }
    }

    /// Appends what a transform made.
    static func append(_ value: OrderedValue, to key: inout [UInt8]) {
        switch value {
        case .integer(let number):
            withUnsafeBytes(of: (number ^ .min).bigEndian) { key.append(contentsOf: $0) }
        case .number(let number): append(number, to: &key)
        case .bytes(let bytes): bytes.withUnsafeBytes { append(escaping: $0, to: &key) }
        }
    }

    static func append(_ number: Int64, to key: inout [UInt8]) {
        withUnsafeBytes(of: (number ^ .min).bigEndian) { key.append(contentsOf: $0) }
    }

    /// Of numbers below zero all bits are turned round, as the larger ones come first.
    static func append(_ number: Double, to key: inout [UInt8]) {
        let bits = Int64(bitPattern: number.bitPattern)
        append(bits ^ ((bits >> 63) & .max), to: &key)
    }

    /// A zero byte is followed by 255, and the end is two zero bytes.
    private static func append(escaping bytes: UnsafeRawBufferPointer, to key: inout [UInt8]) {
        for byte in bytes {
            key.append(byte)
            if byte == 0 { key.append(0xFF) }
        }
        key.append(0)
        key.append(0)
    }
}

/// Makes the part of a row's key that one field of a sort order gives.
struct SortKeyField: Sendable {
    private let column: DecidingColumn
    private let field: SortField

    init(
        _ field: SortField, _ schema: Schema, _ target: ParquetSchema
    ) throws(Unsupported) {
        self.field = field
        column = try DecidingColumn(field.sourceIDs.first ?? 0, schema, target)
    }

    func append(_ row: PackedRow, to key: inout [UInt8]) {
        let start = key.count
        key.append(1)
        let isThere: Bool
        if field.transform == .identity {
            isThere = column.withValue(of: row) { bytes in
                guard let bytes else { return false }
                OrderedBytes.append(bytes, of: column.column, to: &key)
                return true
            }
        } else {
            let value = column.orderedValue(of: row).flatMap {
                field.transform.value(of: $0, column.type)
            }
            if let value { OrderedBytes.append(value, to: &key) }
            isThere = value != nil
        }
        guard isThere else {
            key[start] = field.nullOrder == .first ? 0 : 2
            return
        }
        guard field.direction == .descending else { return }
        for index in start + 1..<key.count { key[index] = ~key[index] }
    }
}
