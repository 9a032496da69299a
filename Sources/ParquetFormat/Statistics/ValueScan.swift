// SPDX-License-Identifier: Apache-2.0

/// Looks at values and tells their bounds and how many are not numbers.
///
/// Bounds leave out what is not a number; zeros have both signs, as the format asks for.
struct ValueScan {
    private let order: BoundsOrder?
    /// How many values were seen.
    private(set) var count: Int64 = 0
    private(set) var nanCount: Int64 = 0
    private var bounds: ValueBounds.Bounds?
    /// Whether there can be an upper bound: none of a few kilobytes follows a longer row of 0xFF.
    private var isBounded = true

    init(_ order: BoundsOrder?) { self.order = order }

    /// Looks at some of the values; all calls are for values of one column.
    mutating func add(_ values: ColumnValues, _ range: Range<Int>) {
        count += Int64(range.count)
        guard !range.isEmpty, let order else { return }
        switch values {
        case .boolean(let array):
            let slice = array[range]
            join(slice.contains(false) ? 0 : UInt8(1), slice.contains(true) ? UInt8(1) : 0)
        case .int32(let array):
            if case .unsigned = order {
                integers(array[range]) { UInt32(bitPattern: $0) }
            } else {
                integers(array[range]) { $0 }
            }
        case .int64(let array):
            if case .unsigned = order {
                integers(array[range]) { UInt64(bitPattern: $0) }
            } else {
                integers(array[range]) { $0 }
            }
        case .float(let array): numbers(array[range])
        case .double(let array): numbers(array[range])
        case .int96: return
        case .fixedLengthByteArray(let array):
            let width = array.width
            strings(array.bytes.span.bytes, range) { $0 * width..<($0 + 1) * width }
        case .byteArray(let array):
            strings(array.bytes.span.bytes, range) { array.range(at: $0) }
        }
    }

    private mutating func integers<Value, Key: FixedWidthInteger & BitwiseCopyable>(
        _ values: ArraySlice<Value>, _ key: (Value) -> Key
    ) {
        var (low, high) = (Key.max, Key.min)
        for value in values {
            let key = key(value)
            low = min(low, key)
            high = max(high, key)
        }
        join(low, high)
    }

    private mutating func numbers<Value: BinaryFloatingPoint & BitwiseCopyable>(
        _ values: ArraySlice<Value>
    ) {
        var (low, high) = (Value.infinity, -Value.infinity)
        var unordered = 0
        for value in values {
            if value < low { low = value }
            if value > high { high = value }
            if value != value { unordered += 1 }
        }
        nanCount += Int64(unordered)
        guard unordered < values.count else { return }
        join(low == 0 ? -Value.zero : low, high == 0 ? Value.zero : high)
    }

    private mutating func join<Value: BitwiseCopyable>(_ low: Value, _ high: Value) {
        join(withUnsafeBytes(of: low, Array.init), withUnsafeBytes(of: high, Array.init))
    }

    private mutating func join(_ low: [UInt8], _ high: [UInt8]) {
        guard let order else { return }
        guard var bounds else {
            bounds = ValueBounds.Bounds(
                minimum: low, maximum: high, isMinimumExact: true, isMaximumExact: true)
            return
        }
        if order.isLess(low, bounds.minimum) {
            (bounds.minimum, bounds.isMinimumExact) = (low, true)
        }
        if order.isLess(bounds.maximum, high) {
            (bounds.maximum, bounds.isMaximumExact) = (high, true)
        }
        self.bounds = bounds
    }

    /// Byte strings: those that are not decimals or half numbers are compared eight bytes at once.
    private mutating func strings(
        _ bytes: RawSpan, _ range: Range<Int>, _ place: (Int) -> Range<Int>
    ) {
        guard let order else { return }
        guard order == .unsignedBytes else {
            if !decimals(bytes, range, place, order) { special(bytes, range, place, order) }
            return
        }
        var (low, high) = (place(range.lowerBound), place(range.lowerBound))
        var (lowHead, highHead) = (bytes.head(low), bytes.head(high))
        for index in range.dropFirst() {
            let value = place(index)
            let head = bytes.head(value)
            if head <= lowHead, head < lowHead || precedes(bytes, value, low) {
                (low, lowHead) = (value, head)
            }
            if head >= highHead, head > highHead || precedes(bytes, high, value) {
                (high, highHead) = (value, head)
            }
        }
        join(bytes, low, high)
    }

    /// Joins bounds of byte strings, shortened as they would be in the footer: nobody needs all of
    /// a value of many megabytes to tell what lies beyond it.
    private mutating func join(_ bytes: RawSpan, _ low: Range<Int>, _ high: Range<Int>) {
        let limit = ChunkLedger.chunkBoundBytes
        guard max(low.count, high.count) > limit else {
            join(array(bytes, low), array(bytes, high))
            return
        }
        // A few bytes more show that there is more, and where the last character ends.
        let minimum = BoundTruncation.minimum(
            array(bytes, front(low, limit + 4)), bytes: limit, isText: true)
        let maximum = BoundTruncation.maximum(
            array(bytes, front(high, limit + 4)), bytes: limit, isText: true)
        guard let maximum else {
            isBounded = false
            return
        }
        join(minimum, maximum)
        if bounds?.minimum == minimum, low.count > limit { bounds?.isMinimumExact = false }
        if bounds?.maximum == maximum, high.count > limit { bounds?.isMaximumExact = false }
    }

    private func front(_ range: Range<Int>, _ count: Int) -> Range<Int> {
        range.lowerBound..<min(range.upperBound, range.lowerBound + count)
    }

    /// Decimals that take a word each; false if these are others.
    private mutating func decimals(
        _ bytes: RawSpan, _ range: Range<Int>, _ place: (Int) -> Range<Int>, _ order: BoundsOrder
    ) -> Bool {
        guard order == .signedBytes else { return false }
        var (low, high) = (place(range.lowerBound), place(range.lowerBound))
        var (least, most) = (Int64.max, Int64.min)
        for index in range {
            let value = place(index)
            guard !value.isEmpty, let number = bytes.twosComplement(value) else { return false }
            if number < least { (low, least) = (value, number) }
            if number > most { (high, most) = (value, number) }
        }
        join(array(bytes, low), array(bytes, high))
        return true
    }

    private mutating func special(
        _ bytes: RawSpan, _ range: Range<Int>, _ place: (Int) -> Range<Int>, _ order: BoundsOrder
    ) {
        for index in range {
            let value = array(bytes, place(index))
            if order.isFloating, order.isNaN(value) {
                nanCount += 1
            } else if order.isValid(value) {
                // An empty decimal is none.
                let (low, high) = order.widened(value, value)
                join(low, high)
            }
        }
    }

    private func array(_ bytes: RawSpan, _ range: Range<Int>) -> [UInt8] {
        var array: [UInt8] = []
        PlainBytes.append(bytes, range, to: &array)
        return array
    }

    private func precedes(_ bytes: RawSpan, _ left: Range<Int>, _ right: Range<Int>) -> Bool {
        var (mine, theirs) = (left.lowerBound, right.lowerBound)
        while mine + 8 <= left.upperBound, theirs + 8 <= right.upperBound {
            let a = bytes.unsafeLoadUnaligned(fromByteOffset: mine, as: UInt64.self)
            let b = bytes.unsafeLoadUnaligned(fromByteOffset: theirs, as: UInt64.self)
            if a != b { return a.bigEndian < b.bigEndian }
            (mine, theirs) = (mine + 8, theirs + 8)
        }
        while mine < left.upperBound, theirs < right.upperBound {
            let (a, b) = (
                bytes.unsafeLoad(fromByteOffset: mine, as: UInt8.self),
                bytes.unsafeLoad(fromByteOffset: theirs, as: UInt8.self)
            )
            if a != b { return a < b }
            (mine, theirs) = (mine + 1, theirs + 1)
        }
        return left.count < right.count
    }

    /// What is known of these values and of nulls beside them.
    func result(nullCount: Int64) -> ValueBounds {
        var known = ValueBounds()
        known.valueCount = count + nullCount
        known.nullCount = nullCount
        known.nanCount = nanCount
        known.isAllNull = count == 0
        known.hasNothingToBound = count == nanCount
        known.bounds = isBounded ? bounds : nil
        return known
    }
}
