// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// A schedule in the five fields of cron: minute, hour, day of month, month, day of week; in UTC.
///
/// Fields take `*`, numbers, ranges (`1-5`), steps (`*/15`, `8-18/2`), lists of these, and for
/// months and weekdays three-letter names; Sunday is 0 or 7. As in cron, a time fits when its day
/// of month *or* its weekday does, if neither field begins with `*`. `@hourly`, `@daily`,
/// `@midnight`, `@weekly`, `@monthly`, `@yearly` and `@annually` are short for what they say.
public struct CronSchedule: Hashable, Sendable, CustomStringConvertible {
    private let minutes: Set<Int>
    private let hours: Set<Int>
    private let daysOfMonth: Set<Int>
    private let months: Set<Int>
    private let weekdays: Set<Int>
    private let isEitherDay: Bool
    /// The text it was read from.
    public let description: String

    private static let shorthands = [
        "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
        "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *",
        "@annually": "0 0 1 1 *",
    ]
    private static let monthNames = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
    private static let weekdayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
    /// Eight years hold every date that comes again, the 29th of February around 2100 too.
    private static let horizonDays = 366 * 8

    /// Reads a schedule.
    ///
    /// - Throws: ``InvalidCronSchedule`` for anything else, and for a schedule that never comes,
    ///   such as the 30th of February.
    public init(_ text: String) throws(InvalidCronSchedule) {
        let trimmed = text.split(whereSeparator: \.isWhitespace).map { $0.lowercased() }
        let expanded =
            trimmed.count == 1
            ? Self.shorthands[trimmed[0]]?.split(separator: " ").map(String.init) : trimmed
        guard let fields = expanded, fields.count == 5 else {
            throw InvalidCronSchedule(
                reason: "a schedule has five fields (minute, hour, day of month, month, weekday), "
                    + "such as \"0 2 * * *\", or is one of @hourly, @daily, @weekly, @monthly")
        }
        minutes = try Self.values(fields[0], "minute", 0...59, [])
        hours = try Self.values(fields[1], "hour", 0...23, [])
        daysOfMonth = try Self.values(fields[2], "day of month", 1...31, [])
        months = try Self.values(fields[3], "month", 1...12, Self.monthNames)
        weekdays = Set(
            try Self.values(fields[4], "weekday", 0...7, Self.weekdayNames).map { $0 % 7 })
        isEitherDay = !fields[2].hasPrefix("*") && !fields[4].hasPrefix("*")
        description = text
        guard next(after: Timestamp(microseconds: 0)) != nil else {
            throw InvalidCronSchedule(reason: "\"\(text)\" never comes")
        }
    }

    /// The first minute that fits and begins after this time.
    ///
    /// Nil past the year 9999 only.
    public func next(after time: Timestamp) -> Timestamp? {
        let start = time.microseconds.floorDivided(by: 60_000_000) + 1
        let firstDay = start.floorDivided(by: 1440)
        for day in firstDay...firstDay + Int64(Self.horizonDays) where fits(day: day) {
            let earliest = day == firstDay ? Int(start - day * 1440) : 0
            for minute in earliest..<1440
            where hours.contains(minute / 60) && minutes.contains(minute % 60) {
                return Timestamp(microseconds: (day * 1440 + Int64(minute)) * 60_000_000)
            }
        }
        return nil
    }

    private func fits(day: Int64) -> Bool {
        let text = Timestamp(microseconds: day * 86_400_000_000).description
        let parts = text.prefix(10).split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3, months.contains(parts[1]) else { return false }
        // 1970-01-01 was a Thursday.
        let weekday = Int(((day + 4) % 7 + 7) % 7)
        let isDayOfMonth = daysOfMonth.contains(parts[2])
        let isWeekday = weekdays.contains(weekday)
        return isEitherDay ? isDayOfMonth || isWeekday : isDayOfMonth && isWeekday
    }

    private static func values(
        _ field: String, _ what: String, _ range: ClosedRange<Int>, _ names: [String]
    ) throws(InvalidCronSchedule) -> Set<Int> {
        var values: Set<Int> = []
        for part in field.split(separator: ",", omittingEmptySubsequences: false) {
            values.formUnion(try self.part(part, what, range, names))
        }
        return values
    }

    private static func part(
        _ text: Substring, _ what: String, _ range: ClosedRange<Int>, _ names: [String]
    ) throws(InvalidCronSchedule) -> [Int] {
        let invalid = InvalidCronSchedule(
            reason: "\"\(text)\" is no \(what): it takes *, \(range.lowerBound) to "
                + "\(range.upperBound), ranges such as 1-5, steps such as */5, and lists")
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count <= 2 else { throw invalid }
        var step = 1
        if halves.count == 2 {
            guard let number = number(halves[1], []), number > 0 else { throw invalid }
            step = number
        }
        let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        let bounds: ClosedRange<Int>
        if halves[0] == "*" {
            // Sunday is 0 here, not 7 as well: a step must not count it twice.
            bounds = names == weekdayNames ? 0...6 : range
        } else if ends.count == 2, let from = number(ends[0], names),
            let to = number(ends[1], names), from <= to
        {
            bounds = from...to
        } else if ends.count == 1, let only = number(ends[0], names) {
            bounds = halves.count == 2 ? only...max(only, range.upperBound) : only...only
        } else {
            throw invalid
        }
        guard range.contains(bounds.lowerBound), range.contains(bounds.upperBound) else {
            throw invalid
        }
        return Array(stride(from: bounds.lowerBound, through: bounds.upperBound, by: step))
    }

    /// A number of at most two digits, or a name's.
    private static func number(_ text: Substring, _ names: [String]) -> Int? {
        if let index = names.firstIndex(of: String(text)) {
            return names.count == 12 ? index + 1 : index
        }
        guard (1...2).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) })
        else { return nil }
        return Int(text)
    }
}

/// A text that is no schedule.
public struct InvalidCronSchedule: Error, Hashable, Sendable, CustomStringConvertible {
    /// What it must be.
    public let reason: String

    /// The same.
    public var description: String { reason }
}

extension Int64 {
    fileprivate func floorDivided(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
