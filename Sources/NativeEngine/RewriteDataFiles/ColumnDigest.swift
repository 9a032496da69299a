// SPDX-License-Identifier: Apache-2.0

import ParquetFormat

/// The values of a column, each with its row's ordinal among the rows that stay, in 128 bits; or,
/// where rows change places, with the column's own.
///
/// A sum over values, so that it does not matter in which order or in how many pieces they come;
/// but as each goes with its row, a value in the wrong row, lost or there twice changes it. It
/// guards against mistakes, not against somebody who makes two sums equal on purpose.
struct ColumnDigest: Hashable {
    /// How many entries there are: values, nulls and empty lists.
    private(set) var entries: Int64 = 0
    /// How many rows there are.
    private(set) var rows: Int64 = 0
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    private static let first: UInt64 = 0x9E37_79B9_7F4A_7C15
    private static let second: UInt64 = 0xD6E8_FEB8_6659_FD93

    /// One value on its way into the sum.
    struct Entry {
        fileprivate var low: UInt64
        fileprivate var high: UInt64

        @inline(__always)
        mutating func absorb(_ word: UInt64) {
            low = Self.mixed(low ^ word, ColumnDigest.first)
            high = Self.mixed(high ^ word, ColumnDigest.second) ^ (low >> 32)
        }

        @inline(__always)
        private static func mixed(_ left: UInt64, _ right: UInt64) -> UInt64 {
            let product = left.multipliedFullWidth(by: right)
            return product.high ^ product.low ^ left
        }

        mutating func absorb(_ bytes: ArraySlice<UInt8>) {
            bytes.withUnsafeBytes { absorb($0) }
        }

        /// The bytes in a range, which is one of the array's.
        @inline(__always)
        mutating func absorb(_ bytes: [UInt8], _ range: Range<Int>) {
            bytes.withUnsafeBytes { absorb(UnsafeRawBufferPointer(rebasing: $0[range])) }
        }

        @inline(__always)
        private mutating func absorb(_ bytes: UnsafeRawBufferPointer) {
            absorb(UInt64(bytes.count))
            var index = 0
            while index + 8 <= bytes.count {
                absorb(bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                index += 8
            }
            guard index < bytes.count else { return }
            var rest: UInt64 = 0
            for place in index..<bytes.count {
                rest |= UInt64(bytes[place]) << UInt64(8 * (place - index))
            }
            absorb(rest)
        }
    }

    /// Begins an entry: its row, or what stands for it, its place in that, and how present it is.
    @inline(__always)
    static func entry(row: Int64, place: Int64, presence: UInt32) -> Entry {
        var entry = Entry(low: first, high: second)
        entry.absorb(UInt64(bitPattern: row))
        entry.absorb(UInt64(bitPattern: place) << 32 | UInt64(presence))
        return entry
    }

    /// Adds an entry, and gives what it amounts to in short.
    @inline(__always)
    @discardableResult
    mutating func add(_ entry: Entry) -> UInt64 {
        entries += 1
        var entry = entry
        entry.absorb(0x5851_F42D_4C95_7F2D)
        low &+= entry.low
        high &+= entry.high
        return entry.low ^ entry.high
    }

    /// Notes that a row begins.
    @inline(__always)
    mutating func beginRow() { rows += 1 }
}

/// Values in a form that does not depend on how wide or in what unit a file stores them.
enum PlainMeaning {
    /// What is known of the values of a new file's column.
    enum Kind {
        case decimal
        /// Times: what those of the file are multiplied by to be of the new file's unit.
        case scaled(Int64)
        case plain
    }

    /// How values of a file's column are to be seen beside those of the new file's.
    static func kind(of source: ParquetColumn, beside target: ParquetColumn) -> Kind {
        if case .decimal = target.logicalType { return .decimal }
        guard let wanted = unitsPerSecond(target) else { return .plain }
        // A date that became a timestamp.
        if source.logicalType == .date { return .scaled(86_400 * wanted) }
        guard let mine = unitsPerSecond(source), wanted > mine else { return .plain }
        return .scaled(wanted / mine)
    }

    private static func unitsPerSecond(_ column: ParquetColumn) -> Int64? {
        let unit: LogicalType.TimeUnit
        switch column.logicalType {
        case .time(let found, _), .timestamp(let found, _): unit = found
        default: return nil
        }
        return switch unit {
        case .milliseconds: 1000
        case .microseconds: 1_000_000
        case .nanoseconds: 1_000_000_000
        }
    }

    /// Absorbs the value at a place.
    @inline(__always)
    static func absorb(
        _ values: ColumnValues, _ index: Int, _ kind: Kind, into entry: inout ColumnDigest.Entry
    ) {
        switch values {
        case .boolean(let array): entry.absorb(array[index] ? 1 : 0)
        case .int32(let array): absorb(Int64(array[index]), kind, into: &entry)
        case .int64(let array): absorb(array[index], kind, into: &entry)
        case .int96(let array): entry.absorb(array[index])
        case .float(let array): absorb(Double(array[index]), into: &entry)
        case .double(let array): absorb(array[index], into: &entry)
        case .byteArray(let array): absorb(array[index], kind, into: &entry)
        case .fixedLengthByteArray(let array): absorb(array[index], kind, into: &entry)
        }
    }

    private static func absorb(_ number: Int64, _ kind: Kind, into entry: inout ColumnDigest.Entry)
    {
        switch kind {
        case .plain: entry.absorb(UInt64(bitPattern: number))
        // An overflow shows: the rewriter refuses what it cannot scale.
        case .scaled(let factor): entry.absorb(UInt64(bitPattern: number &* factor))
        case .decimal: absorb(Int128(number), into: &entry)
        }
    }

    static func absorb(_ number: Double, into entry: inout ColumnDigest.Entry) {
        // Widening may change which NaN it is.
        entry.absorb(number.isNaN ? Double.nan.bitPattern : number.bitPattern)
    }

    private static func absorb(
        _ bytes: ArraySlice<UInt8>, _ kind: Kind, into entry: inout ColumnDigest.Entry
    ) {
        guard case .decimal = kind else { return entry.absorb(bytes) }
        absorb(decimal: bytes, into: &entry)
    }

    /// Absorbs an unscaled decimal, the highest byte first, in as many bytes as it may take.
    static func absorb(
        decimal bytes: ArraySlice<UInt8>, into entry: inout ColumnDigest.Entry
    ) {
        let isNegative = (bytes.first ?? 0) >= 0x80
        var bytes = bytes
        // Bytes that only repeat the sign, which a wider column has more of.
        while bytes.count > 16, bytes.first == (isNegative ? 0xFF : 0),
            (bytes[bytes.startIndex + 1] >= 0x80) == isNegative
        {
            bytes = bytes.dropFirst()
        }
        // More digits than any decimal may have: the rewriter refuses them.
        guard bytes.count <= 16 else { return entry.absorb(bytes) }
        var number: Int128 = isNegative ? -1 : 0
        for byte in bytes { number = number << 8 | Int128(byte) }
        absorb(number, into: &entry)
    }

    private static func absorb(_ number: Int128, into entry: inout ColumnDigest.Entry) {
        entry.absorb(UInt64(truncatingIfNeeded: number))
        entry.absorb(UInt64(truncatingIfNeeded: number >> 64))
    }

    /// Absorbs the value that stands in for those of a column.
    static func absorb(
        constant bytes: [UInt8], of column: ParquetColumn, into entry: inout ColumnDigest.Entry
    ) {
        func integer() -> UInt64 {
            bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        switch column.type {
        case .boolean: entry.absorb(UInt64(bytes.first ?? 0))
        case .int32:
            let number = Int64(Int32(truncatingIfNeeded: integer()))
            absorb(number, kind(of: column, beside: column), into: &entry)
        case .int64:
            absorb(Int64(bitPattern: integer()), kind(of: column, beside: column), into: &entry)
        case .float:
            absorb(
                Double(Float(bitPattern: UInt32(truncatingIfNeeded: integer()))), into: &entry)
        case .double: absorb(Double(bitPattern: integer()), into: &entry)
        case .byteArray, .fixedLengthByteArray, .int96:
            absorb(bytes[...], kind(of: column, beside: column), into: &entry)
        }
    }
}
