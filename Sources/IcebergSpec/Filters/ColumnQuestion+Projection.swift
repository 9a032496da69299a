// SPDX-License-Identifier: Apache-2.0

extension ColumnQuestion {
    /// What can be asked of partition values instead, so that the value of every row that passes
    /// passes; nil if nothing can.
    ///
    /// Iceberg spec, Scan Planning.
    ///
    /// - Parameter type: The type of the column.
    func projected(through transform: Transform, _ type: PrimitiveType) -> ColumnQuestion? {
        switch transform {
        case .identity: return self
        case .void, .unknown: return nil
        case .bucket, .truncate, .year, .month, .day, .hour: break
        }
        switch self {
        case .nothing, .isNull, .isNotNull: return self
        // What is left out may share a partition value with what is not.
        case .isNaN, .isNotNaN, .outside, .doesNotStartWith: return nil
        case .startsWith(let prefix):
            guard case .truncate(let width) = transform, type == .string else { return nil }
            guard CodePoints.count(prefix) >= width else { return self }
            let value = OrderedValue.bytes(CodePoints.first(width, of: prefix))
            return .within(ValueRanges(ValueRange(point: value)), orNaN: false)
        case .within(let ranges, _):
            return PartitionRanges(type: type, ranges: ranges.ranges).projected(through: transform)
                .map { .within(ValueRanges($0), orNaN: false) }
        }
    }
}

/// Carries ranges of a column over to its partition values.
private struct PartitionRanges {
    let type: PrimitiveType
    let ranges: [ValueRange]

    func projected(through transform: Transform) -> [ValueRange]? {
        switch transform {
        case .bucket(let count): buckets(count)
        case .truncate(let width): truncated(Int128(width))
        case .year, .month, .day, .hour: periods(transform)
        case .identity, .void, .unknown: nil
        }
    }

    private func buckets(_ count: Int) -> [ValueRange]? {
        var buckets: Set<Int> = []
        for range in ranges {
            guard let point = range.point,
                let bucket = BucketHash.bucket(point, of: type, count: count)
            else { return nil }
            buckets.insert(bucket)
        }
        return buckets.map { ValueRange(point: .integer(Int128($0))) }
    }

    /// The ranges of what a function that never descends makes of the values.
    private func mapped(_ function: (OrderedValue) -> OrderedValue?) -> [ValueRange]? {
        var mapped: [ValueRange] = []
        for range in ranges {
            var result = ValueRange()
            if let end = range.lower {
                guard let value = function(end.reached(by: 1)) else { return nil }
                result.lower = .init(value)
            }
            if let end = range.upper {
                guard let value = function(end.reached(by: -1)) else { return nil }
                result.upper = .init(value)
            }
            mapped.append(result)
        }
        return mapped
    }

    // MARK: Truncation

    private func truncated(_ width: Int128) -> [ValueRange]? {
        let transform = Transform.truncate(width: Int(width))
        guard transform.isDefined(for: type) else { return nil }
        let truncated = mapped { transform.value(of: $0, type) }
        switch type {
        case .int: return wrapping(truncated, [Int32.self], width)
        // A long may have been an int once, and its partitions be written then.
        case .long: return wrapping(truncated, [Int32.self, Int64.self], width)
        default: return truncated
        }
    }

    /// Adds the values at the other end to which the least ones of a type are truncated by writers
    /// whose integers wrap around.
    private func wrapping(
        _ ranges: [ValueRange]?, _ types: [any FixedWidthInteger.Type], _ width: Int128
    ) -> [ValueRange]? {
        guard let ranges else { return nil }
        var result = ranges
        for (least, last) in types.map({ (Int128($0.min), Int128($0.max)) })
        where least.flooringDivision(by: width) * width < least {
            let first = OrderedValue.integer(last - width + 1)
            let reaches = ranges.contains {
                !ValueRange(lower: $0.lower).isAbove(.integer(least))
                    && !ValueRange(upper: $0.upper).isBelow(.integer(least - width))
            }
            guard reaches else { continue }
            // They are in order where the only range ends before, and else nothing is left out.
            guard ranges.count == 1 else { return [ValueRange()] }
            let end = ValueRange.End(.integer(last))
            if ranges[0].isBelow(first) {
                result.append(ValueRange(lower: .init(first), upper: end))
            } else if ranges[0].isBelow(end.value) {
                result[0].upper = end
            }
        }
        return result
    }

    // MARK: Periods

    private func periods(_ transform: Transform) -> [ValueRange]? {
        guard transform.isDefined(for: type) else { return nil }
        return mapped { transform.value(of: $0, type) }.map { $0.map(Self.roundedTowardsZero) }
    }

    /// Old writers rounded times before 1970 towards zero, to the next period.
    private static func roundedTowardsZero(_ range: ValueRange) -> ValueRange {
        guard case .integer(let number)? = range.upper?.value, number < 0 else { return range }
        return ValueRange(lower: range.lower, upper: .init(.integer(number + 1)))
    }
}

extension ValueRange.End {
    /// The last value that is in the range, where there is such a value.
    fileprivate func reached(by step: Int128) -> OrderedValue {
        guard !isIncluded, case .integer(let number) = value else { return value }
        return .integer(number + step)
    }
}

extension Transform {
    /// The type of what it makes of values of a type.
    package func resultType(of type: PrimitiveType) -> PrimitiveType {
        switch self {
        case .bucket, .year, .month, .hour: .int
        case .day: .date
        case .identity, .truncate, .void, .unknown: type
        }
    }
}
