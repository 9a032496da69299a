// SPDX-License-Identifier: Apache-2.0

/// Values from one to another.
struct ValueRange: Hashable, Sendable {
    /// Where a range ends.
    struct End: Hashable, Sendable {
        let value: OrderedValue
        let isIncluded: Bool

        init(_ value: OrderedValue, isIncluded: Bool = true) {
            self.value = value
            self.isIncluded = isIncluded
        }
    }

    /// Nil where nothing is too small.
    var lower: End?
    /// Nil where nothing is too large.
    var upper: End?

    init(lower: End? = nil, upper: End? = nil) {
        self.lower = lower
        self.upper = upper
    }

    init(point: OrderedValue) {
        lower = End(point)
        upper = End(point)
    }

    /// The one value in it; nil if there may be others.
    var point: OrderedValue? {
        guard let lower, let upper, lower.isIncluded, upper.isIncluded,
            lower.value.place(beside: upper.value) == .same
        else { return nil }
        return lower.value
    }

    /// Whether a value is certainly above all of it.
    func isBelow(_ value: OrderedValue?) -> Bool {
        guard let upper, let value else { return false }
        return switch upper.value.place(beside: value) {
        case .before: true
        case .same: !upper.isIncluded
        case .after, nil: false
        }
    }

    /// Whether a value is certainly below all of it.
    func isAbove(_ value: OrderedValue?) -> Bool {
        guard let lower, let value else { return false }
        return switch lower.value.place(beside: value) {
        case .after: true
        case .same: !lower.isIncluded
        case .before, nil: false
        }
    }

    /// Whether all from one value to another is certainly in it.
    func covers(_ low: OrderedValue, _ high: OrderedValue) -> Bool {
        func isInside(_ end: End?, _ value: OrderedValue, _ outside: OrderedValue.Place) -> Bool {
            guard let end else { return true }
            guard let place = value.place(beside: end.value) else { return false }
            return place == .same ? end.isIncluded : place != outside
        }
        return isInside(lower, low, .before) && isInside(upper, high, .after)
    }
}

/// Ranges of values whose lower and upper ends both ascend.
struct ValueRanges: Hashable, Sendable {
    let ranges: [ValueRange]

    init(_ range: ValueRange) { ranges = [range] }

    /// Ranges in any order, of which none holds another.
    init(_ ranges: [ValueRange]) {
        self.ranges = ranges.sorted { left, right in
            guard let low = left.lower, let otherLow = right.lower else {
                return left.lower == nil && right.lower != nil
            }
            let place = low.value.place(beside: otherLow.value)
            guard place == .same, let high = left.upper, let otherHigh = right.upper else {
                return place == .before
            }
            return high.value.place(beside: otherHigh.value) == .before
        }
    }

    /// Whether any value between bounds may be in one; a bound that is not known is nil.
    ///
    /// Logarithmic in the number of ranges.
    func mayMeet(_ lower: OrderedValue?, _ upper: OrderedValue?) -> Bool {
        guard let range = first(notBelow: lower) else { return false }
        return !range.isAbove(upper)
    }

    /// Whether one certainly holds every value between bounds.
    func covers(_ lower: OrderedValue?, _ upper: OrderedValue?) -> Bool {
        guard let lower, let upper, let range = first(notBelow: lower) else { return false }
        return range.covers(lower, upper)
    }

    private func first(notBelow value: OrderedValue?) -> ValueRange? {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].isBelow(value) { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count ? ranges[low] : nil
    }
}
