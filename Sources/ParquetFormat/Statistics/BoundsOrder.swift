// SPDX-License-Identifier: Apache-2.0

/// How the bounds of a column compare.
enum BoundsOrder: Hashable {
    case signed(width: Int)
    case unsigned(width: Int)
    /// IEEE 754 numbers; bounds that are not numbers mean nothing.
    case floating(width: Int)
    /// IEEE 754's total order.
    case totalFloating(width: Int)
    /// Two's complement of any length, highest byte first.
    case signedBytes
    case unsignedBytes

    /// The order that a file's footer gives for a column; nil where bounds cannot be compared.
    init?(_ column: ParquetColumn, order: RawThriftStruct?) {
        guard let id = order?.fields.first?.id, id == 1 || id == 2 else { return nil }
        let isFloat16 = column.logicalType == .float16
        switch (column.type, id) {
        case (.float, 1), (.double, 1):
            self = .floating(width: column.type == .float ? 4 : 8)
        case (.float, _), (.double, _):
            self = .totalFloating(width: column.type == .float ? 4 : 8)
        case (.fixedLengthByteArray, 1) where isFloat16: self = .floating(width: 2)
        case (.fixedLengthByteArray, 2) where isFloat16: self = .totalFloating(width: 2)
        case (_, 2), (.int96, _): return nil
        case (.boolean, _): self = .unsigned(width: 1)
        case (.int32, _), (.int64, _):
            let width = column.type == .int32 ? 4 : 8
            if case .integer(_, isSigned: false) = column.logicalType {
                self = .unsigned(width: width)
            } else {
                self = .signed(width: width)
            }
        case (.byteArray, _), (.fixedLengthByteArray, _):
            switch column.logicalType {
            case .decimal: self = .signedBytes
            case .interval, .unknown, .geometry, .geography, .variant, .float16: return nil
            case nil, .string, .map, .list, .enumeration, .date, .time, .timestamp, .integer,
                .null, .json, .bson, .uuid:
                self = .unsignedBytes
            }
        }
    }

    /// Whether a bound is one: of the right length, and a number.
    func isValid(_ bound: [UInt8]) -> Bool {
        switch self {
        case .signed(let width), .unsigned(let width), .totalFloating(let width):
            bound.count == width
        case .floating(let width): bound.count == width && !isNaN(bound)
        case .signedBytes: !bound.isEmpty
        case .unsignedBytes: true
        }
    }

    /// Whether a value of a floating type is not a number.
    func isNaN(_ bound: [UInt8]) -> Bool { isNaN(word(bound), width: bound.count) }

    /// Whether a number of a floating type of so many bytes is not a number.
    func isNaN(_ word: UInt64, width: Int) -> Bool {
        switch width {
        case 2: word & 0x7FFF > 0x7C00
        case 4: word & 0x7FFF_FFFF > 0x7F80_0000
        default: word & 0x7FFF_FFFF_FFFF_FFFF > 0x7FF0_0000_0000_0000
        }
    }

    /// A number of up to eight bytes, lowest first.
    private func word(_ bound: [UInt8]) -> UInt64 {
        bound.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Whether the first of two valid bounds is less.
    func isLess(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        switch self {
        case .signed(let width):
            let shift = UInt64(64 - 8 * width)
            return Int64(bitPattern: word(left) << shift) < Int64(bitPattern: word(right) << shift)
        case .unsigned: return word(left) < word(right)
        case .floating(let width), .totalFloating(let width):
            // Flipping all bits of negative numbers but their sign makes integers of them that are
            // in the same order, with -0 below +0, which bounds may as well be.
            let shift = UInt64(64 - 8 * width)
            return ordered(word(left) << shift) < ordered(word(right) << shift)
        case .signedBytes: return isLessSigned(left, right)
        case .unsignedBytes: return left.lexicographicallyPrecedes(right)
        }
    }

    private func ordered(_ word: UInt64) -> Int64 {
        let bits = Int64(bitPattern: word)
        return bits >= 0 ? bits : bits ^ Int64.max
    }

    private func isLessSigned(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        let isLeftNegative = (left.first ?? 0) >= 0x80
        let isRightNegative = (right.first ?? 0) >= 0x80
        guard isLeftNegative == isRightNegative else { return isLeftNegative }
        let fill: UInt8 = isLeftNegative ? 0xFF : 0
        let length = max(left.count, right.count)
        let padded = { (bytes: [UInt8]) in
            [UInt8](repeating: fill, count: length - bytes.count) + bytes
        }
        return padded(left).lexicographicallyPrecedes(padded(right))
    }
}

/// What is known of the values of a page or chunk, and what is known when some are put together.
struct ValueBounds: Hashable {
    var valueCount: Int64 = 0
    var nullCount: Int64? = 0
    var nanCount: Int64? = 0
    /// Nil if nothing is known; both are valid in the column's order.
    var bounds: Bounds? = .none
    /// Whether all values are null.
    var isAllNull = true
    /// Whether no value counts for the bounds, so that there are none although all is known.
    var hasNothingToBound = true

    struct Bounds: Hashable {
        var minimum: [UInt8]
        var maximum: [UInt8]
        var isMinimumExact: Bool?
        var isMaximumExact: Bool?
    }

    /// Nothing, to which others are added.
    init() {}

    /// What a page's or a chunk's statistics say.
    init(_ statistics: ParquetStatistics?, valueCount: Int64, order: BoundsOrder?) {
        self.valueCount = valueCount
        // A count that cannot be is none.
        nullCount = statistics?.nullCount.flatMap { (0...valueCount).contains($0) ? $0 : nil }
        nanCount = statistics?.nanCount.flatMap { (0...valueCount).contains($0) ? $0 : nil }
        isAllNull = nullCount == valueCount
        hasNothingToBound = isAllNull
        guard let order, let statistics, let minimum = statistics.minimum,
            let maximum = statistics.maximum, order.isValid(minimum), order.isValid(maximum)
        else { return }
        // Not all writers give zeros the sign that comes first or last, as the format asks for.
        let (low, high) = order.widened(minimum, maximum)
        bounds = Bounds(
            minimum: low, maximum: high, isMinimumExact: statistics.isMinimumExact,
            isMaximumExact: statistics.isMaximumExact)
    }

    /// What a column index says of a page.
    init(_ index: ColumnIndex, page: Int, valueCount: Int64, order: BoundsOrder?) {
        var statistics = ParquetStatistics()
        statistics.nullCount = index.nullCounts?[page]
        statistics.nanCount = index.nanCounts?[page]
        if !index.nullPages[page] {
            statistics.minimum = index.minimums[page]
            statistics.maximum = index.maximums[page]
        }
        self.init(statistics, valueCount: valueCount, order: order)
        // Some early writers call every page one of nulls; their counts give them away.
        isAllNull = index.nullPages[page] && (index.nullCounts == nil || nullCount == valueCount)
        hasNothingToBound = isAllNull
    }

    /// Adds what is known of more values; what is unknown of some is unknown of all.
    mutating func add(_ other: ValueBounds, order: BoundsOrder?) {
        valueCount += other.valueCount
        nullCount = nullCount.flatMap { mine in other.nullCount.map { mine + $0 } }
        nanCount = nanCount.flatMap { mine in other.nanCount.map { mine + $0 } }
        if hasNothingToBound {
            bounds = other.bounds
        } else if !other.hasNothingToBound {
            bounds = joined(bounds, other.bounds, order)
        }
        hasNothingToBound = hasNothingToBound && other.hasNothingToBound
        isAllNull = isAllNull && other.isAllNull
    }

    private func joined(_ left: Bounds?, _ right: Bounds?, _ order: BoundsOrder?) -> Bounds? {
        guard var left, let right, let order else { return nil }
        if order.isLess(right.minimum, left.minimum) {
            (left.minimum, left.isMinimumExact) = (right.minimum, right.isMinimumExact)
        }
        if order.isLess(left.maximum, right.maximum) {
            (left.maximum, left.isMaximumExact) = (right.maximum, right.isMaximumExact)
        }
        return left
    }

    /// The statistics to write; nil when nothing is known.
    var statistics: ParquetStatistics? {
        guard nullCount != nil || bounds != nil else { return nil }
        var statistics = ParquetStatistics()
        statistics.nullCount = nullCount
        statistics.nanCount = nanCount
        statistics.minimum = bounds?.minimum
        statistics.maximum = bounds?.maximum
        statistics.isMinimumExact = bounds?.isMinimumExact
        statistics.isMaximumExact = bounds?.isMaximumExact
        return statistics
    }
}
