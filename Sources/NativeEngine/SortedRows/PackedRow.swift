// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import ParquetFormat

/// A row of a new file as bytes, column after column.
struct PackedRow {
    var bytes: [UInt8] = []
    /// Where each column begins, and where the last one ends.
    var starts: [Int] = []

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        starts.removeAll(keepingCapacity: true)
    }
}

/// A column that decides where a row goes.
struct DecidingColumn: Sendable {
    let type: PrimitiveType
    private let index: Int
    private let layout: RowLayout

    /// Finds the column of a field among those of new files.
    init(_ id: Int, _ schema: Schema, _ target: ParquetSchema) throws(Unsupported) {
        guard case .primitive(let type)? = schema.field(id)?.type,
            let index = target.columns.firstIndex(where: { $0.fieldID.map { Int($0) } == id })
        else {
            throw Unsupported(
                reason: "\(schema.fullName(ofField: id) ?? "the field \(id)") is no column of "
                    + "single values that the table has")
        }
        guard target.columns[index].maximumRepetitionLevel == 0 else {
            throw Unsupported(
                reason: "\(target.columns[index].path.joined(separator: ".")) is in a list or map")
        }
        self.type = type
        self.index = index
        layout = RowLayout(target.columns[index])
    }

    /// The column as new files have it.
    var column: ParquetColumn { layout.column }

    /// The bytes of the column in a row, levels and all.
    func entry(of row: PackedRow) -> ArraySlice<UInt8> {
        row.bytes[row.starts[index]..<row.starts[index + 1]]
    }

    /// Calls back with the plain bytes of a row's value; nil for null.
    func withValue<Result>(
        of row: PackedRow, _ body: (UnsafeRawBufferPointer?) -> Result
    ) -> Result {
        entry(of: row).withUnsafeBytes { body(layout.value($0)) }
    }

    /// A row's value by which transforms go; nil for null and NaN.
    func orderedValue(of row: PackedRow) -> OrderedValue? {
        withValue(of: row) { bytes in
            guard let bytes else { return nil }
            switch column.type {
            case .boolean: return .integer(bytes[0] != 0 ? 1 : 0)
            case .int32: return .integer(Int128(PlainBytes.int32(bytes)))
            case .int64: return .integer(Int128(PlainBytes.int64(bytes)))
            case .float:
                let value = PlainBytes.float(bytes)
                return value.isNaN ? nil : .number(Double(value))
            case .double:
                let value = PlainBytes.double(bytes)
                return value.isNaN ? nil : .number(value)
            case .int96, .byteArray, .fixedLengthByteArray:
                guard case .decimal = type else { return .bytes(Array(bytes)) }
                return OrderedValue.unscaled(Array(bytes)).map { .integer($0) }
            }
        }
    }

    /// A row's value as partitions by the value itself have it; nil for null.
    ///
    /// - Throws: ``Unsupported`` for text that is none.
    func identityValue(of row: PackedRow) throws(Unsupported) -> PartitionValue? {
        // The plain bytes are those of a bound, but for decimals that are stored as numbers.
        if case .decimal = type {
            return orderedValue(of: row).flatMap { PartitionValue($0, as: type) }
        }
        let bytes = withValue(of: row) { $0.map { Array($0) } }
        guard let bytes else { return nil }
        guard let value = PartitionValue(serialized: bytes, as: type) else {
            throw Unsupported(
                reason: "\(column.path.joined(separator: ".")) has a value that is no \(type)")
        }
        return value
    }
}

/// Plain values of fixed width.
enum PlainBytes {
    static func int32(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        Int32(littleEndian: bytes.loadUnaligned(as: Int32.self))
    }

    static func int64(_ bytes: UnsafeRawBufferPointer) -> Int64 {
        Int64(littleEndian: bytes.loadUnaligned(as: Int64.self))
    }

    static func float(_ bytes: UnsafeRawBufferPointer) -> Float {
        Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)))
    }

    static func double(_ bytes: UnsafeRawBufferPointer) -> Double {
        Double(bitPattern: UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)))
    }
}
