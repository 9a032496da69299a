// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import ParquetFormat

/// What the values of a file's column are to those of the table's, so that equal values get equal
/// bytes however wide or in what unit a file stores them.
///
/// Numbers are equal as Iceberg's own readers have it: every NaN is like every other, and 0 and -0
/// differ.
enum KeyMeaning: Hashable, Sendable {
    case boolean
    /// Integers, and what Iceberg stores as such, times a factor.
    case integer(factor: Int64)
    case number
    case decimal
    /// Text and bytes.
    case bytes

    /// Works out what a Parquet column's values are.
    init(_ column: ParquetColumn, as type: PrimitiveType) throws(Unsupported) {
        guard column.maximumRepetitionLevel == 0, let meaning = Self.meaning(column, type) else {
            throw Unsupported(
                reason: "\(column.path.joined(separator: ".")) is \(column.typeText) there, "
                    + "which is no \(type)")
        }
        self = meaning
    }

    private static func meaning(_ column: ParquetColumn, _ type: PrimitiveType) -> KeyMeaning? {
        switch (type, column.type) {
        case (.boolean, .boolean): .boolean
        case (.int, .int32), (.long, .int32), (.long, .int64):
            isPlainInteger(column.logicalType) ? .integer(factor: 1) : nil
        case (.float, .float), (.double, .float), (.double, .double): .number
        case (.date, .int32): column.logicalType == .date ? .integer(factor: 1) : nil
        case (.time, .int32), (.time, .int64), (.timestamp, _), (.timestamptz, _),
            (.timestampNanoseconds, _), (.timestamptzNanoseconds, _):
            factor(column, type).map { .integer(factor: $0) }
        case (.decimal(let precision, let scale), .int32),
            (.decimal(let precision, let scale), .int64),
            (.decimal(let precision, let scale), .fixedLengthByteArray),
            (.decimal(let precision, let scale), .byteArray):
            isDecimal(column.logicalType, precision, scale) ? .decimal : nil
        case (.string, .byteArray), (.binary, .byteArray): .bytes
        case (.uuid, .fixedLengthByteArray): column.typeLength == 16 ? .bytes : nil
        case (.fixed(let length), .fixedLengthByteArray):
            column.typeLength == length ? .bytes : nil
        default: nil
        }
    }

    private static func isPlainInteger(_ type: LogicalType?) -> Bool {
        switch type {
        case nil, .integer(_, isSigned: true): true
        default: false
        }
    }

    private static func isDecimal(_ type: LogicalType?, _ precision: Int, _ scale: Int) -> Bool {
        guard case .decimal(let mine, let place)? = type else { return false }
        return Int(place) == scale && Int(mine) <= precision
    }

    /// By how much a time is multiplied to be one of the table's unit; nil where that is no whole
    /// number.
    private static func factor(_ column: ParquetColumn, _ type: PrimitiveType) -> Int64? {
        let wanted: Int64
        let isAdjusted: Bool?
        switch type {
        case .time: (wanted, isAdjusted) = (1_000_000, nil)
        case .timestamp: (wanted, isAdjusted) = (1_000_000, false)
        case .timestamptz: (wanted, isAdjusted) = (1_000_000, true)
        case .timestampNanoseconds: (wanted, isAdjusted) = (1_000_000_000, false)
        case .timestamptzNanoseconds: (wanted, isAdjusted) = (1_000_000_000, true)
        default: return nil
        }
        let found: Int64
        switch (column.logicalType, column.type) {
        case (.date, .int32): return isAdjusted == false ? 86_400 * wanted : nil
        case (.time(let unit, _), .int32), (.time(let unit, _), .int64):
            guard isAdjusted == nil else { return nil }
            found = perSecond(unit)
        case (.timestamp(let unit, let adjusted), .int64):
            guard isAdjusted == adjusted else { return nil }
            found = perSecond(unit)
        default: return nil
        }
        return wanted.isMultiple(of: found) ? wanted / found : nil
    }

    private static func perSecond(_ unit: LogicalType.TimeUnit) -> Int64 {
        switch unit {
        case .milliseconds: 1000
        case .microseconds: 1_000_000
        case .nanoseconds: 1_000_000_000
        }
    }
}

/// The values of one column as bytes that are equal exactly where the values are.
///
/// A null is one byte; everything else says first that it is none, and bytes how many they are, so
/// that no two rows of several columns run into the same bytes.
struct KeyValues: Sendable {
    private(set) var bytes: [UInt8] = []
    private(set) var ends: [Int] = []

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    @inline(__always)
    mutating func appendNull() {
        bytes.append(0)
        ends.append(bytes.count)
    }

    @inline(__always)
    mutating func append(_ number: some FixedWidthInteger & Sendable) {
        bytes.append(1)
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        ends.append(bytes.count)
    }

    @inline(__always)
    mutating func append(_ number: Double) {
        append(number.isNaN ? Double.nan.bitPattern : number.bitPattern)
    }

    @inline(__always)
    mutating func append(_ truth: Bool) { append(truth ? UInt8(1) : 0) }

    mutating func append(_ value: some Collection<UInt8>) {
        bytes.append(1)
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: value.count).littleEndian) {
            bytes.append(contentsOf: $0)
        }
        bytes.append(contentsOf: value)
        ends.append(bytes.count)
    }

    /// Appends an unscaled decimal in two's complement, the highest byte first; false if it is
    /// longer than any decimal.
    mutating func append(decimal value: some Collection<UInt8>) -> Bool {
        var rest = value[...]
        let fill: UInt8 = (value.first ?? 0) >= 0x80 ? 0xFF : 0
        while rest.count > 16, rest.first == fill { rest = rest.dropFirst() }
        let isSame = fill == ((rest.first ?? 0) >= 0x80 ? 0xFF : 0)
        guard rest.count <= 16, isSame else { return false }
        var number: Int128 = fill == 0 ? 0 : -1
        for byte in rest { number = number << 8 | Int128(byte) }
        append(number)
        return true
    }

    /// Repeats the value of another row.
    mutating func append(encoded value: [UInt8]) {
        bytes += value
        ends.append(bytes.count)
    }

    @inline(__always)
    func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }
}

extension KeyValues {
    /// Appends entries of a batch.
    ///
    /// - Parameters:
    ///   - value: Which of the batch's values is that of the first entry, if it has one; moved on.
    mutating func append(
        _ batch: ColumnBatch, _ entries: Range<Int>, value: inout Int, maximum: UInt8,
        _ meaning: KeyMeaning
    ) throws(ParquetError) {
        // The loops are written out so that what a value is is decided once for all of them.
        switch (meaning, batch.values) {
        case (.boolean, .boolean(let array)):
            each(batch, entries, &value, maximum) { $0.append(array[$1]) }
        case (.integer(1), .int32(let array)):
            each(batch, entries, &value, maximum) { $0.append(Int64(array[$1])) }
        case (.integer(1), .int64(let array)):
            each(batch, entries, &value, maximum) { $0.append(array[$1]) }
        case (.integer(let factor), .int32(let array)):
            try scaled(batch, entries, &value, maximum, factor) { Int64(array[$0]) }
        case (.integer(let factor), .int64(let array)):
            try scaled(batch, entries, &value, maximum, factor) { array[$0] }
        case (.number, .float(let array)):
            each(batch, entries, &value, maximum) { $0.append(Double(array[$1])) }
        case (.number, .double(let array)):
            each(batch, entries, &value, maximum) { $0.append(array[$1]) }
        case (.decimal, .int32(let array)):
            each(batch, entries, &value, maximum) { $0.append(Int128(array[$1])) }
        case (.decimal, .int64(let array)):
            each(batch, entries, &value, maximum) { $0.append(Int128(array[$1])) }
        case (.decimal, .fixedLengthByteArray(let array)):
            try decimals(batch, entries, &value, maximum) { array[$0] }
        case (.decimal, .byteArray(let array)):
            try decimals(batch, entries, &value, maximum) { array[$0] }
        case (.bytes, .fixedLengthByteArray(let array)):
            each(batch, entries, &value, maximum) { $0.append(array[$1]) }
        case (.bytes, .byteArray(let array)):
            each(batch, entries, &value, maximum) { $0.append(array[$1]) }
        default:
            throw .incompatible(reason: "values are not of the type that their column has")
        }
    }

    @inline(__always)
    private mutating func each(
        _ batch: ColumnBatch, _ entries: Range<Int>, _ value: inout Int, _ maximum: UInt8,
        _ body: (inout KeyValues, Int) -> Void
    ) {
        let levels = batch.definitionLevels
        for entry in entries {
            if levels.isEmpty || levels[entry] == maximum {
                body(&self, value)
                value += 1
            } else {
                appendNull()
            }
        }
    }

    private mutating func scaled(
        _ batch: ColumnBatch, _ entries: Range<Int>, _ value: inout Int, _ maximum: UInt8,
        _ factor: Int64, _ number: (Int) -> Int64
    ) throws(ParquetError) {
        var tooLarge: Int64?
        each(batch, entries, &value, maximum) { values, index in
            let (product, overflow) = number(index).multipliedReportingOverflow(by: factor)
            if overflow { tooLarge = number(index) }
            values.append(product)
        }
        if let tooLarge {
            throw .incompatible(reason: "the time \(tooLarge) does not fit the finer unit")
        }
    }

    private mutating func decimals(
        _ batch: ColumnBatch, _ entries: Range<Int>, _ value: inout Int, _ maximum: UInt8,
        _ bytes: (Int) -> ArraySlice<UInt8>
    ) throws(ParquetError) {
        var fits = true
        each(batch, entries, &value, maximum) { values, index in
            if !values.append(decimal: bytes(index)) {
                fits = false
                values.appendNull()
            }
        }
        guard fits else {
            throw .incompatible(reason: "a decimal has more digits than any may have")
        }
    }
}
