// SPDX-License-Identifier: Apache-2.0

/// A second in UTC as signatures spell it: `20150830T123600Z`.
public struct SigningTime: Hashable, Sendable, CustomStringConvertible {
    /// The text form, for `x-amz-date`.
    public let description: String

    /// The day alone: `20150830`.
    public var day: String { String(description.prefix(8)) }

    /// Takes milliseconds since the epoch, before the year 10000.
    public init(millisecondsSinceEpoch milliseconds: Int64) {
        let seconds = Self.floorDivide(milliseconds, 1000)
        let day = Self.floorDivide(seconds, 86_400)
        let rest = seconds - day * 86_400
        let date = Self.civil(fromDays: day)
        description =
            Self.pad(date.year, 4) + Self.pad(date.month, 2) + Self.pad(date.day, 2) + "T"
            + Self.pad(rest / 3600, 2) + Self.pad(rest / 60 % 60, 2) + Self.pad(rest % 60, 2) + "Z"
    }

    /// The proleptic Gregorian date of a day counted from the epoch.
    private static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        // Counted from 0000-03-01, so that the leap day is the last of its year.
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month,
            dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        )
    }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }

    private static func pad(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
