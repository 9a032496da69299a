// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import TestSupport
import Testing

@testable import IcebergTable
@testable import Maintenance

/// Overlaps of keys beside a comparison of each file with each.
@Suite struct KeyOverlapTests {
    private static func field(_ lower: Int128, _ upper: Int128, _ isConstant: Bool) -> KeySpan.Field
    {
        KeySpan.Field(lower: .integer(lower), upper: .integer(upper), isConstant: isConstant)
    }

    private static func number(_ value: OrderedValue) -> Int128 {
        if case .integer(let number) = value { number } else { 0 }
    }

    private func overlap(_ one: KeySpan, _ two: KeySpan) -> Bool {
        for (left, right) in zip(one.fields, two.fields) {
            let isShared =
                Self.number(right.upper) > Self.number(left.lower)
                && Self.number(right.lower) < Self.number(left.upper)
            if isShared { return true }
            guard left.isConstant, right.isConstant, left.lower == right.lower else {
                return false
            }
        }
        return false
    }

    @Test(arguments: UInt64(0)..<100)
    func `each file is counted with those that it shares keys with`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let width = Int128.random(in: 1...12, using: &random)
        let spans = (0..<Int.random(in: 0...40, using: &random)).map { _ -> KeySpan? in
            guard Int.random(in: 0..<9, using: &random) > 0 else { return nil }
            var fields: [KeySpan.Field] = []
            for _ in 0..<3 {
                let lower = Int128.random(in: 0...width, using: &random)
                let upper = lower + max(0, Int128.random(in: -4...5, using: &random))
                let isConstant = lower == upper && Bool.random(using: &random)
                fields.append(Self.field(lower, upper, isConstant))
                guard isConstant else { break }
            }
            return KeySpan(fields: fields)
        }
        let expected = spans.indices.map { place in
            spans.indices.count { other in
                guard other != place, let one = spans[place], let two = spans[other] else {
                    return false
                }
                return overlap(one, two)
            }
        }
        #expect(KeyOverlaps.counts(of: spans) == expected)
        let threshold = Int.random(in: 1...6, using: &random)
        let crowded = spans.indices.map { place in
            expected[place] >= threshold
                || spans.indices.contains { other in
                    guard other != place, expected[other] >= threshold, let one = spans[place],
                        let two = spans[other]
                    else { return false }
                    return overlap(one, two)
                }
        }
        #expect(KeyOverlaps.crowded(spans, threshold: threshold) == crowded)
        let sorted = KeyOverlaps.sorted(Array(spans.enumerated()), by: \.element)
        #expect(Set(sorted.map(\.offset)) == Set(spans.indices))
        let lowers = sorted.map { $0.element.map { Self.number($0.fields[0].lower) } }
        #expect(lowers == lowers.sorted { ($0 ?? .max) < ($1 ?? .max) })
    }
}
