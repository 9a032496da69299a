// SPDX-License-Identifier: Apache-2.0

extension ColumnQuestion {
    /// Whether a column compares so with a literal.
    init(_ comparison: Comparison, _ literal: TypedLiteral) {
        switch literal {
        case .exactly(let value): self = Self.comparing(comparison, value, value)
        case .either(let low, let high): self = Self.comparing(comparison, low, high)
        case .between(let below, let above): self = Self.comparing(comparison, gap: below, above)
        case .aboveAll: self = Self.comparing(comparison, holds: comparison.isUpper)
        case .belowAll: self = Self.comparing(comparison, holds: comparison.isLower)
        case .nan: self = Self.comparingNaN(comparison)
        }
    }

    /// Whether a column has the value of one of several literals.
    init(oneOf literals: [TypedLiteral]) {
        var ranges: [ValueRange] = []
        var hasNaN = false
        for literal in literals {
            switch literal {
            case .exactly(let value): ranges.append(ValueRange(point: value))
            case .either(let low, let high):
                ranges.append(ValueRange(lower: .init(low), upper: .init(high)))
            case .nan: hasNaN = true
            case .between, .aboveAll, .belowAll: break
            }
        }
        self = .within(ValueRanges(ranges), orNaN: hasNaN)
    }

    /// Whether a column has the value of none of several literals.
    init(noneOf literals: [TypedLiteral]) {
        let points = literals.compactMap { literal in
            // Of a value that is read in two ways, neither is left out.
            if case .exactly(let value) = literal { ValueRange(point: value) } else { nil }
        }
        self = .outside(ValueRanges(points))
    }

    /// Whether a value passes that compares so with each literal of a kind.
    private static func comparing(_ comparison: Comparison, holds: Bool) -> ColumnQuestion {
        guard holds else { return .nothing }
        return comparison == .unequal ? .unlikeAny : .isNotNull
    }

    /// What no value equals: nulls pass as well, as they do where values are left out.
    private static var unlikeAny: ColumnQuestion { .outside(ValueRanges([])) }

    private static func comparing(
        _ comparison: Comparison, _ low: OrderedValue, _ high: OrderedValue
    ) -> ColumnQuestion {
        var isNumber = false
        if case .number = low { isNumber = true }
        let range: ValueRange
        switch comparison {
        case .equal: range = ValueRange(lower: .init(low), upper: .init(high))
        case .unequal:
            let point = ValueRange(lower: .init(low), upper: .init(high))
            return point.point == nil ? .unlikeAny : .outside(ValueRanges(point))
        case .less: range = ValueRange(upper: .init(high, isIncluded: false))
        case .lessOrEqual: range = ValueRange(upper: .init(high))
        case .greater: range = ValueRange(lower: .init(low, isIncluded: false))
        case .greaterOrEqual: range = ValueRange(lower: .init(low))
        }
        return .within(ValueRanges(range), orNaN: isNumber && comparison.isLower)
    }

    private static func comparing(
        _ comparison: Comparison, gap below: OrderedValue, _ above: OrderedValue
    ) -> ColumnQuestion {
        switch comparison {
        case .equal: .nothing
        case .unequal: .unlikeAny
        case .less, .lessOrEqual:
            .within(ValueRanges(ValueRange(upper: .init(below))), orNaN: false)
        case .greater, .greaterOrEqual:
            .within(ValueRanges(ValueRange(lower: .init(above))), orNaN: false)
        }
    }

    private static func comparingNaN(_ comparison: Comparison) -> ColumnQuestion {
        switch comparison {
        case .equal, .greaterOrEqual: .isNaN
        case .unequal: .isNotNaN
        case .less, .lessOrEqual: .isNotNull
        case .greater: .nothing
        }
    }
}

extension Comparison {
    /// Whether every value passes with a literal that is above all.
    fileprivate var isUpper: Bool {
        switch self {
        case .less, .lessOrEqual, .unequal: true
        case .equal, .greater, .greaterOrEqual: false
        }
    }

    /// Whether every value passes with a literal that is below all.
    fileprivate var isLower: Bool {
        switch self {
        case .greater, .greaterOrEqual, .unequal: true
        case .equal, .less, .lessOrEqual: false
        }
    }
}
