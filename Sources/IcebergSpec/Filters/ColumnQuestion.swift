// SPDX-License-Identifier: Apache-2.0

/// What a bound condition asks of the values of one column or partition field.
///
/// Where Spark and Iceberg answer differently, for nulls and NaN under a negation, either's yes
/// counts: more files are selected, never fewer.
enum ColumnQuestion: Hashable, Sendable {
    /// No value passes.
    case nothing
    case isNull
    case isNotNull
    case isNaN
    case isNotNaN
    /// In one of the ranges; NaN, which Spark has above every number, only if that is said.
    case within(ValueRanges, orNaN: Bool)
    /// In none of the ranges.
    case outside(ValueRanges)
    case startsWith([UInt8])
    case doesNotStartWith([UInt8])
}

/// What is known of the values that one column has in a file, or a partition field in a manifest.
///
/// Everything is said on the safe side: what is not known may be there.
package struct ValueEvidence: Hashable, Sendable {
    /// Whether there may be nulls.
    package var mayBeNull = true
    /// Whether there may be NaNs.
    package var mayBeNaN = true
    /// Whether there may be values that are neither.
    package var mayBeValue = true
    /// What no value is below; nil if that is not known.
    package private(set) var lower: OrderedValue?
    /// What no value is above; nil if that is not known.
    package private(set) var upper: OrderedValue?

    /// Nothing is known.
    package init() {}

    /// Nothing but nulls.
    package static let onlyNull: ValueEvidence = {
        var evidence = ValueEvidence()
        evidence.mayBeNaN = false
        evidence.mayBeValue = false
        return evidence
    }()

    /// Nothing but NaN.
    package static let onlyNaN: ValueEvidence = {
        var evidence = ValueEvidence()
        evidence.mayBeNull = false
        evidence.mayBeValue = false
        return evidence
    }()

    /// Nothing but one value.
    package init(only value: OrderedValue) {
        mayBeNull = false
        mayBeNaN = false
        bound(lower: value, upper: value)
    }

    /// Takes bounds in, unless they contradict each other.
    package mutating func bound(lower: OrderedValue?, upper: OrderedValue?) {
        if let lower, let upper {
            guard let place = lower.place(beside: upper), place != .after else { return }
        }
        self.lower = lower
        self.upper = upper
    }

    /// Whether any of the values may pass.
    func mayPass(_ question: ColumnQuestion) -> Bool {
        switch question {
        case .nothing: return false
        case .isNull: return mayBeNull
        case .isNotNull: return mayBeValue || mayBeNaN
        case .isNaN: return mayBeNaN
        case .isNotNaN: return mayBeValue || mayBeNull
        case .within(let ranges, let orNaN):
            return mayBeValue && ranges.mayMeet(lower, upper) || orNaN && mayBeNaN
        case .outside(let ranges):
            return mayBeNull || mayBeNaN || mayBeValue && !ranges.covers(lower, upper)
        case .startsWith(let prefix):
            return mayBeValue && ValueRanges(Self.range(of: prefix)).mayMeet(lower, upper)
        case .doesNotStartWith(let prefix):
            let range = ValueRanges(Self.range(of: prefix))
            return mayBeNull || mayBeValue && !range.covers(lower, upper)
        }
    }

    /// The bytes that start with some others.
    private static func range(of prefix: [UInt8]) -> ValueRange {
        var range = ValueRange(lower: .init(.bytes(prefix)))
        guard let last = prefix.lastIndex(where: { $0 < 0xFF }) else { return range }
        var next = Array(prefix[...last])
        next[last] += 1
        range.upper = .init(.bytes(next), isIncluded: false)
        return range
    }
}
