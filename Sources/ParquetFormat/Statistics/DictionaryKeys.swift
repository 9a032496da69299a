// SPDX-License-Identifier: Apache-2.0

/// Tells the bounds of positions in a dictionary, without sorting it.
///
/// Each value has a number of 64 bits that compares as the value does: all of it for numbers, the
/// eight bytes after what all values begin with for byte strings, which are compared as a whole
/// where those are equal.
struct DictionaryKeys {
    private let order: BoundsOrder
    private let plain: [UInt8]
    private let entries: DictionaryEntries
    private var keys: [UInt64] = []
    /// For each position whether it counts for bounds; empty where all do.
    private var isValid: [Bool] = []
    /// Whether different values may have the same key.
    private var hasTies = false

    init(_ plain: [UInt8], _ entries: DictionaryEntries, _ order: BoundsOrder) {
        self.order = order
        self.plain = plain
        self.entries = entries
        keys.reserveCapacity(entries.count)
        switch order {
        case .signed, .unsigned, .floating, .totalFloating: numbers()
        case .signedBytes: decimals()
        case .unsignedBytes: strings()
        }
    }

    private func value(_ position: Int) -> [UInt8] {
        let range = entries.range(position)
        return Array(plain[range])
    }

    private mutating func numbers() {
        let plain = plain
        let bytes = plain.span.bytes
        var validity: [Bool] = []
        for position in 0..<entries.count {
            let range = entries.range(position)
            let word = bytes.word(range)
            keys.append(order.key(word))
            if order.isFloating { validity.append(!order.isNaN(word, width: range.count)) }
        }
        if validity.contains(false) { isValid = validity }
    }

    private mutating func decimals() {
        let plain = plain
        let bytes = plain.span.bytes
        let sign = UInt64(1) << 63
        var validity: [Bool] = []
        for position in 0..<entries.count {
            let range = entries.range(position)
            validity.append(!range.isEmpty)
            if let number = bytes.twosComplement(range) {
                keys.append(UInt64(bitPattern: number) ^ sign)
            } else {
                // Longer than a word: compared as a whole.
                hasTies = true
            }
        }
        if hasTies { keys = [UInt64](repeating: 0, count: entries.count) }
        if validity.contains(false) { isValid = validity }
    }

    private mutating func strings() {
        hasTies = true
        guard entries.count > 0 else { return }
        let plain = plain
        let bytes = plain.span.bytes
        let first = entries.range(0)
        var shared = first.count
        for position in 1..<max(entries.count, 1) where shared > 0 {
            let range = entries.range(position)
            var length = 0
            let most = min(shared, range.count)
            while length < most,
                plain[first.lowerBound + length] == plain[range.lowerBound + length]
            { length += 1 }
            shared = length
        }
        for position in 0..<entries.count {
            let range = entries.range(position)
            keys.append(bytes.head(range.lowerBound + shared..<range.upperBound))
        }
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        left != right && hasTies && order.isLess(value(left), value(right))
    }

    /// What is known of the values at positions, all of them in the dictionary, with nulls beside.
    func bounds(_ positions: ArraySlice<UInt32>, nullCount: Int64) -> ValueBounds {
        var (low, high): (Int?, Int?) = (nil, nil)
        var (lowKey, highKey) = (UInt64.max, UInt64.min)
        func note(_ index: Int) {
            if !isValid.isEmpty, !isValid[index] { return }
            let key = keys[index]
            if key < lowKey || low == nil {
                (low, lowKey) = (index, key)
            } else if key == lowKey, let known = low, precedes(index, known) {
                low = index
            }
            if key > highKey || high == nil {
                (high, highKey) = (index, key)
            } else if key == highKey, let known = high, precedes(known, index) {
                high = index
            }
        }
        if keys.count <= positions.count {
            // Values repeat: each is compared once.
            var isUsed = [Bool](repeating: false, count: keys.count)
            for position in positions { isUsed[Int(position)] = true }
            for index in isUsed.indices where isUsed[index] { note(index) }
        } else {
            for position in positions { note(Int(position)) }
        }
        let unordered = isValid.isEmpty ? 0 : positions.count { !isValid[Int($0)] }
        var known = ValueBounds()
        known.valueCount = Int64(positions.count) + nullCount
        known.nullCount = nullCount
        known.nanCount = order.isFloating ? Int64(unordered) : 0
        known.isAllNull = positions.isEmpty
        known.hasNothingToBound = low == nil
        guard let low, let high else { return known }
        let (minimum, maximum) = order.widened(value(low), value(high))
        known.bounds = ValueBounds.Bounds(
            minimum: minimum, maximum: maximum, isMinimumExact: true, isMaximumExact: true)
        return known
    }
}

extension BoundsOrder {
    /// Whether there may be values that are not numbers.
    var isFloating: Bool {
        switch self {
        case .floating, .totalFloating: true
        case .signed, .unsigned, .signedBytes, .unsignedBytes: false
        }
    }

    /// Bounds of numbers: a zero has the sign that comes first or last.
    func widened(_ minimum: [UInt8], _ maximum: [UInt8]) -> ([UInt8], [UInt8]) {
        guard case .floating = self else { return (minimum, maximum) }
        var (low, high) = (minimum, maximum)
        if isZero(low) { low[low.count - 1] = 0x80 }
        if isZero(high) { high[high.count - 1] = 0 }
        return (low, high)
    }

    /// A number that compares as one of this order's numbers, lowest byte first, does.
    func key(_ word: UInt64) -> UInt64 {
        let sign = UInt64(1) << 63
        switch self {
        case .signed(let width):
            return word << UInt64(64 - 8 * width) ^ sign
        case .unsigned: return word
        case .floating(let width), .totalFloating(let width):
            let bits = word << UInt64(64 - 8 * width)
            return bits & sign == 0 ? bits ^ sign : ~bits
        case .signedBytes, .unsignedBytes: return 0
        }
    }

    private func isZero(_ bound: [UInt8]) -> Bool {
        bound.dropLast().allSatisfy { $0 == 0 } && bound.last.map { $0 & 0x7F == 0 } ?? false
    }
}

extension RawSpan {
    /// A number of up to eight bytes, lowest first.
    func word(_ range: Range<Int>) -> UInt64 {
        switch range.count {
        case 8:
            return UInt64(
                littleEndian: unsafeLoadUnaligned(
                    fromByteOffset: range.lowerBound, as: UInt64.self))
        case 4:
            let word = unsafeLoadUnaligned(fromByteOffset: range.lowerBound, as: UInt32.self)
            return UInt64(UInt32(littleEndian: word))
        default:
            var word: UInt64 = 0
            for index in range.reversed() {
                word = word << 8 | UInt64(unsafeLoad(fromByteOffset: index, as: UInt8.self))
            }
            return word
        }
    }

    /// The first eight bytes as a number that compares as they do, with zeros for what is missing.
    @inline(__always)
    func head(_ range: Range<Int>) -> UInt64 {
        if range.count >= 8 {
            return UInt64(
                bigEndian: unsafeLoadUnaligned(fromByteOffset: range.lowerBound, as: UInt64.self))
        }
        var word: UInt64 = 0
        for index in range {
            word = word << 8 | UInt64(unsafeLoad(fromByteOffset: index, as: UInt8.self))
        }
        return range.isEmpty ? 0 : word << UInt64(8 * (8 - range.count))
    }

    /// A number in two's complement, highest byte first; nil if it takes more than eight bytes.
    func twosComplement(_ range: Range<Int>) -> Int64? {
        guard range.count > 8 else {
            return range.isEmpty
                ? 0 : Int64(bitPattern: head(range)) >> Int64(8 * (8 - range.count))
        }
        let end = range.upperBound - 8
        let number = Int64(bitPattern: head(end..<range.upperBound))
        let fill: UInt8 = number < 0 ? 0xFF : 0
        for index in range.lowerBound..<end
        where unsafeLoad(fromByteOffset: index, as: UInt8.self) != fill { return nil }
        return number
    }
}
