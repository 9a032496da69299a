// SPDX-License-Identifier: Apache-2.0

/// Collects the values of one column chunk in a bloom filter.
///
/// The filter begins as large as it may be, and is folded to the size that its values need when
/// they are all there: nobody needs to know beforehand how many different ones come.
///
/// Values are hashed as they are stored. Readers look for a zero or for what is not a number under
/// one of the bit patterns it may have: where one is there, the filter has the usual ones as well.
///
/// Bounds: hashing a value checks that it lies within the bytes, and values of floating types,
/// which are loaded after that, are as wide as their type says.
struct BloomFilterBuilder {
    private var filter: SplitBlockFilter
    private let rate: Double
    private let byteLimit: Int
    private let type: PhysicalType

    /// Whether there are filters for columns of a kind.
    ///
    /// The format has none for booleans. Half numbers are bytes to it, which have two zeros.
    static func fits(_ column: ParquetColumn) -> Bool {
        column.type != .boolean && column.logicalType != .float16
    }

    /// - Parameter rate: How often it may fail to exclude a value that is not there.
    init(_ column: ParquetColumn, rate: Double, byteLimit: Int) {
        filter = SplitBlockFilter(atMost: byteLimit)
        self.rate = rate
        self.byteLimit = byteLimit
        type = column.type
    }

    /// Adds some values of the column.
    mutating func insert(_ values: ColumnValues, _ range: Range<Int>) {
        switch values {
        case .boolean: return
        case .int32(let array): insert(array.span.bytes, range, width: 4)
        case .int64(let array): insert(array.span.bytes, range, width: 8)
        case .float(let array): insert(array.span.bytes, range, width: 4)
        case .double(let array): insert(array.span.bytes, range, width: 8)
        case .int96(let array), .fixedLengthByteArray(let array):
            insert(array.bytes.span.bytes, range, width: array.width)
        case .byteArray(let array):
            let bytes = array.bytes.span.bytes
            for index in range { filter.insert(XXHash64.hash(bytes, array.range(at: index))) }
        }
    }

    /// Adds the values of a dictionary of the column.
    mutating func insert(_ plain: [UInt8], _ entries: DictionaryEntries) {
        for index in 0..<entries.count { insert(plain.span.bytes, entries.range(index)) }
    }

    private mutating func insert(_ bytes: RawSpan, _ range: Range<Int>, width: Int) {
        for index in range { insert(bytes, index * width..<(index + 1) * width) }
    }

    private mutating func insert(_ bytes: RawSpan, _ value: Range<Int>) {
        filter.insert(XXHash64.hash(bytes, value))
        switch type {
        case .float:
            let bits = bytes.unsafeLoadUnaligned(
                fromByteOffset: value.lowerBound, as: UInt32.self)
            insertTwins(Float(bitPattern: UInt32(littleEndian: bits)))
        case .double:
            let bits = bytes.unsafeLoadUnaligned(
                fromByteOffset: value.lowerBound, as: UInt64.self)
            insertTwins(Double(bitPattern: UInt64(littleEndian: bits)))
        case .boolean, .int32, .int64, .int96, .byteArray, .fixedLengthByteArray: return
        }
    }

    /// Adds the values under which readers may look for this one.
    private mutating func insertTwins<Value: BinaryFloatingPoint & BitwiseCopyable>(
        _ value: Value
    ) {
        guard value == 0 || value.isNaN else { return }
        for twin in value.isNaN ? [Value.nan] : [Value.zero, -Value.zero] {
            filter.insert(XXHash64.hash(withUnsafeBytes(of: twin, Array.init)))
        }
    }

    /// Another filter of the column's values, as large as they need, if it does not err too often.
    func accepted(_ other: SplitBlockFilter) -> SplitBlockFilter? {
        let shrunk = other.shrunk(toRate: rate, atMost: byteLimit)
        return shrunk.falsePositiveRate <= rate ? shrunk : nil
    }

    /// The filter of the values that were added, as large as they need.
    var finished: SplitBlockFilter { filter.shrunk(toRate: rate, atMost: byteLimit) }
}
