// SPDX-License-Identifier: Apache-2.0

/// The order of a dictionary's values, which tells the bounds of positions in it.
struct DictionaryRanks {
    private let order: BoundsOrder
    /// For each position its value's rank; -1 for what is no number.
    private var ranks: [Int32] = []
    /// The values that count for bounds, in order.
    private var sorted: [[UInt8]] = []

    init(_ plain: RawSpan, _ entries: DictionaryEntries, _ order: BoundsOrder) {
        self.order = order
        var values: [(value: [UInt8], position: Int)] = []
        for position in 0..<entries.count {
            var value: [UInt8] = []
            PlainBytes.append(plain, entries.range(position), to: &value)
            if order.isValid(value) { values.append((value, position)) }
        }
        values.sort { order.isLess($0.value, $1.value) }
        ranks = [Int32](repeating: -1, count: entries.count)
        for (rank, entry) in values.enumerated() { ranks[entry.position] = Int32(rank) }
        sorted = values.map(\.value)
    }

    /// What is known of the values at positions, all of them in the dictionary, with nulls beside.
    func bounds(_ positions: ArraySlice<UInt32>, nullCount: Int64) -> ValueBounds {
        var (low, high) = (Int32.max, Int32(-1))
        var unordered: Int64 = 0
        for position in positions {
            let rank = ranks[Int(position)]
            if rank < 0 {
                unordered += 1
            } else {
                low = min(low, rank)
                high = max(high, rank)
            }
        }
        var known = ValueBounds()
        known.valueCount = Int64(positions.count) + nullCount
        known.nullCount = nullCount
        known.nanCount = order.isFloating ? unordered : 0
        known.isAllNull = positions.isEmpty
        known.hasNothingToBound = high < 0
        guard high >= 0 else { return known }
        let (minimum, maximum) = order.widened(sorted[Int(low)], sorted[Int(high)])
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

    private func isZero(_ bound: [UInt8]) -> Bool {
        bound.dropLast().allSatisfy { $0 == 0 } && bound.last.map { $0 & 0x7F == 0 } ?? false
    }
}
