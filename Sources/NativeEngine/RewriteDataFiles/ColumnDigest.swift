// SPDX-License-Identifier: Apache-2.0

import ParquetFormat

/// The values of rows in any order, each with what it goes with, in 128 bits.
///
/// A sum over values, so that it does not matter in which order they come. It guards against
/// mistakes, not against somebody who makes two sums equal on purpose.
struct ColumnDigest: Hashable {
    /// How many entries there are: values, nulls and empty lists.
    private(set) var entries: Int64 = 0
    /// How many rows there are.
    private(set) var rows: Int64 = 0
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    fileprivate static let first: UInt64 = 0x9E37_79B9_7F4A_7C15
    fileprivate static let second: UInt64 = 0xD6E8_FEB8_6659_FD93

    /// One value on its way into the sum.
    struct Entry: WordHash {
        fileprivate var low: UInt64
        fileprivate var high: UInt64

        @inline(__always)
        mutating func absorb(_ word: UInt64) {
            low = ValueToken.mixed(low ^ word, ColumnDigest.first)
            high = ValueToken.mixed(high ^ word, ColumnDigest.second) ^ (low >> 32)
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

/// The values of a column in the order of its rows, in 128 bits.
///
/// Each value's token is stirred into what came before it, and no step loses anything: one value
/// of another token always shows, and several do but for a chance of 2 to the -128, as do values in
/// another order. It guards against mistakes, not against somebody who makes two digests equal on
/// purpose.
struct OrderedDigest: Hashable {
    /// How many entries there are: values, nulls and empty lists.
    private(set) var entries: Int64 = 0
    /// How many rows there are.
    private(set) var rows: Int64 = 0
    private var stirred = Stirred()

    /// Two words, which are stirred apart.
    private struct Stirred: Hashable {
        private var first: UInt64 = 0
        private var second: UInt64 = 0

        @inline(__always)
        mutating func stir(_ word: UInt64) {
            first = (first ^ word) &* ColumnDigest.first
            first ^= first >> 32
            second = (second &+ word) &* ColumnDigest.second
            second ^= second >> 29
        }
    }

    /// What tells an entry from one of the same token that is more or less present.
    static func key(presence: UInt32) -> UInt64 {
        ValueToken.mixed(UInt64(presence) ^ ColumnDigest.first, ColumnDigest.second)
    }

    /// Notes that a row begins, and adds entries up to the next.
    @inline(__always)
    mutating func beginRow() { rows += 1 }

    /// Adds an entry of the current row, behind those before it.
    ///
    /// - Parameters:
    ///   - token: What stands for the value.
    ///   - place: Where in the row it is; 0 is the first.
    ///   - key: How present it is, as ``key(presence:)`` has it.
    @inline(__always)
    mutating func add(_ token: UInt64, place: Int64, key: UInt64) {
        entries += 1
        stirred.stir(token &+ key &+ UInt64(bitPattern: place) &* Self.step)
    }

    /// Adds rows of one present value each.
    @inline(__always)
    mutating func addRows(_ tokens: ArraySlice<UInt64>, key: UInt64) {
        var stirred = stirred
        for token in tokens { stirred.stir(token &+ key) }
        self.stirred = stirred
        rows += Int64(tokens.count)
        entries += Int64(tokens.count)
    }

    /// Adds rows of one present value each, whose tokens are at some positions among others.
    @inline(__always)
    mutating func addRows(_ positions: ArraySlice<UInt32>, of tokens: [UInt64], key: UInt64) {
        var stirred = stirred
        for position in positions { stirred.stir(tokens[Int(position)] &+ key) }
        self.stirred = stirred
        rows += Int64(positions.count)
        entries += Int64(positions.count)
    }

    private static let step: UInt64 = 0xA076_1D64_78BD_642F
}

/// Takes words, and is another with high probability where any of them is another.
protocol WordHash {
    mutating func absorb(_ word: UInt64)
}

extension WordHash {
    mutating func absorb(_ bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBytes { absorb($0) }
    }

    /// The bytes in a range, which is one of the array's.
    @inline(__always)
    mutating func absorb(_ bytes: [UInt8], _ range: Range<Int>) {
        bytes.withUnsafeBytes { absorb(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    @inline(__always)
    fileprivate mutating func absorb(_ bytes: UnsafeRawBufferPointer) {
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

/// A number that stands for a value: two values have the same by chance once in 2 to the 64.
struct ValueToken: WordHash {
    private(set) var word: UInt64 = 0x2545_F491_4F6C_DD1D

    @inline(__always)
    mutating func absorb(_ next: UInt64) {
        word = Self.mixed(word ^ next, ColumnDigest.second)
    }

    @inline(__always)
    static func mixed(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low ^ left
    }
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

    /// What stands for each of some values.
    ///
    /// The type of the values is asked for once: calls that are looked up for each value take
    /// longer than what they do.
    static func tokens(of values: ColumnValues, _ kind: Kind) -> [UInt64] {
        switch (values, kind) {
        case (.int32(let array), .plain):
            tokens(array.count) { $1.absorb(UInt64(bitPattern: Int64(array[$0]))) }
        case (.int64(let array), .plain):
            tokens(array.count) { $1.absorb(UInt64(bitPattern: array[$0])) }
        case (.double(let array), _):
            tokens(array.count) { absorb(array[$0], into: &$1) }
        case (.byteArray(let array), .plain):
            tokens(array.count) { $1.absorb(array.bytes, array.range(at: $0)) }
        case (.int32(let array), .decimal):
            tokens(array.count) { absorb(Int128(array[$0]), into: &$1) }
        case (.int64(let array), .decimal):
            tokens(array.count) { absorb(Int128(array[$0]), into: &$1) }
        default:
            tokens(values.count) { absorb(values, $0, kind, into: &$1) }
        }
    }

    @inline(__always)
    private static func tokens(
        _ count: Int, _ absorb: (Int, inout ValueToken) -> Void
    ) -> [UInt64] {
        var all: [UInt64] = []
        all.append(addingCapacity: count) { span in
            for index in 0..<count {
                var token = ValueToken()
                absorb(index, &token)
                span.append(token.word)
            }
        }
        return all
    }

    /// What stands for the value that stands in for those of a column.
    static func token(constant bytes: [UInt8], of column: ParquetColumn) -> UInt64 {
        var token = ValueToken()
        absorb(constant: bytes, of: column, into: &token)
        return token.word
    }

    /// What stands for a number of eight bytes.
    @inline(__always)
    static func token(_ number: Int64) -> UInt64 {
        var token = ValueToken()
        token.absorb(UInt64(bitPattern: number))
        return token.word
    }

    /// Absorbs the value at a place.
    @inline(__always)
    static func absorb(
        _ values: ColumnValues, _ index: Int, _ kind: Kind, into entry: inout some WordHash
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

    private static func absorb(_ number: Int64, _ kind: Kind, into entry: inout some WordHash) {
        switch kind {
        case .plain: entry.absorb(UInt64(bitPattern: number))
        // An overflow shows: the rewriter refuses what it cannot scale.
        case .scaled(let factor): entry.absorb(UInt64(bitPattern: number &* factor))
        case .decimal: absorb(Int128(number), into: &entry)
        }
    }

    static func absorb(_ number: Double, into entry: inout some WordHash) {
        // Widening may change which NaN it is.
        entry.absorb(number.isNaN ? Double.nan.bitPattern : number.bitPattern)
    }

    private static func absorb(
        _ bytes: ArraySlice<UInt8>, _ kind: Kind, into entry: inout some WordHash
    ) {
        guard case .decimal = kind else { return entry.absorb(bytes) }
        absorb(decimal: bytes, into: &entry)
    }

    /// Absorbs an unscaled decimal, the highest byte first, in as many bytes as it may take.
    static func absorb(
        decimal bytes: ArraySlice<UInt8>, into entry: inout some WordHash
    ) {
        let isNegative = (bytes.first ?? 0) >= 0x80
        var bytes = bytes
        // Bytes that only repeat the sign, which a wider column has more of.
        while bytes.count > 16, bytes.first == (isNegative ? 0xFF : 0),
            (bytes[bytes.startIndex + 1] >= 0x80) == isNegative
        {
            bytes = bytes.dropFirst()
        }
        if bytes.count <= 8 {
            var number: Int64 = isNegative ? -1 : 0
            for byte in bytes { number = number << 8 | Int64(byte) }
            return absorb(Int128(number), into: &entry)
        }
        // More digits than any decimal may have: the rewriter refuses them.
        guard bytes.count <= 16 else { return entry.absorb(bytes) }
        var number: Int128 = isNegative ? -1 : 0
        for byte in bytes { number = number << 8 | Int128(byte) }
        absorb(number, into: &entry)
    }

    @inline(__always)
    private static func absorb(_ number: Int128, into entry: inout some WordHash) {
        entry.absorb(UInt64(truncatingIfNeeded: number))
        entry.absorb(UInt64(truncatingIfNeeded: number >> 64))
    }

    /// Absorbs the value that stands in for those of a column.
    static func absorb(
        constant bytes: [UInt8], of column: ParquetColumn, into entry: inout some WordHash
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
