// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
package import IcebergTable

/// With how many others each of some files shares a range of keys.
///
/// Files whose ranges have a border in common and nothing else do not overlap: that is how sorted
/// files lie side by side, however many of them one value fills. Of files with one value throughout
/// the next field of the order decides among those that have the same.
package enum KeyOverlaps {
    /// The counts in the order of the spans; files of which nothing is known overlap with none.
    ///
    /// - Parameter places: Overlaps with these alone are counted; nil for all.
    package static func counts(of spans: [KeySpan?], with places: Set<Int>? = nil) -> [Int] {
        var counts = [Int](repeating: 0, count: spans.count)
        add(spans.indices.map { $0 }, of: spans, with: places, field: 0, to: &counts)
        return counts
    }

    /// Which files overlap with at least so many others, and which overlap with one of those.
    static func crowded(_ spans: [KeySpan?], threshold: Int) -> [Bool] {
        let counts = counts(of: spans)
        let places = Set(counts.indices.filter { counts[$0] >= threshold })
        guard !places.isEmpty else { return counts.map { _ in false } }
        let neighbours = Self.counts(of: spans, with: places)
        return counts.indices.map { places.contains($0) || neighbours[$0] > 0 }
    }

    /// Items in the order of their lowest keys; those without come last, as they came.
    static func sorted<Item>(_ items: [Item], by span: (Item) -> KeySpan?) -> [Item] {
        items.enumerated().map { (place: $0, lower: span($1)?.fields.first?.lower, item: $1) }
            .sorted { left, right in
                guard let one = left.lower, let two = right.lower else {
                    return left.lower != nil && right.lower == nil
                        || (left.lower == nil) == (right.lower == nil) && left.place < right.place
                }
                return one.precedes(two) || !two.precedes(one) && left.place < right.place
            }.map(\.item)
    }

    private static func add(
        _ places: [Int], of spans: [KeySpan?], with wanted: Set<Int>?, field: Int,
        to counts: inout [Int]
    ) {
        let known = places.compactMap { place -> (place: Int, field: KeySpan.Field)? in
            guard let fields = spans[place]?.fields, field < fields.count else { return nil }
            return (place, fields[field])
        }
        guard known.count > 1 else { return }
        let others = wanted.map { wanted in known.filter { wanted.contains($0.place) } } ?? known
        let lowers = others.map(\.field.lower).sorted { $0.precedes($1) }
        let uppers = others.map(\.field.upper).sorted { $0.precedes($1) }
        var constants: [OrderedValue: [Int]] = [:]
        for (place, span) in known where span.isConstant {
            constants[span.lower, default: []].append(place)
        }
        let single = Dictionary(
            grouping: others.lazy.filter { $0.field.lower == $0.field.upper }, by: \.field.lower
        ).mapValues(\.count)
        for (place, span) in known {
            let before = uppers.prefixCount { !span.lower.precedes($0) }
            let behind = lowers.count - lowers.prefixCount { $0.precedes(span.upper) }
            // Files of a single value are both before and behind those of the same, and of itself;
            // any other has itself in between.
            let isOther = wanted?.contains(place) != false
            let twice = span.lower == span.upper ? single[span.lower] ?? 0 : isOther ? -1 : 0
            counts[place] += others.count - before - behind + twice
        }
        for places in constants.values {
            add(places, of: spans, with: wanted, field: field + 1, to: &counts)
        }
    }
}

extension Array {
    /// How many elements come before the first that is not so; all that are so come first.
    fileprivate func prefixCount(_ isSo: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = low + (high - low) / 2
            if isSo(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension OrderedValue {
    fileprivate func precedes(_ other: OrderedValue) -> Bool { place(beside: other) == .before }
}
