// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// A literal as a value of a column's type.
enum TypedLiteral: Hashable, Sendable {
    case exactly(OrderedValue)
    /// One or the other: a column of narrow floating-point numbers may be compared either as wide
    /// ones, as Spark does, or with the literal made narrow, as Iceberg does.
    case either(OrderedValue, OrderedValue)
    /// No value of the type, but between two that follow each other.
    case between(OrderedValue, OrderedValue)
    case aboveAll
    case belowAll
    case nan
}

/// Reads literals as values of a type.
struct LiteralReader {
    let type: PrimitiveType
    /// The column's name, for messages.
    let column: String

    func value(of literal: ConditionLiteral) throws(ConditionError) -> TypedLiteral {
        let expected: String
        switch type {
        case .boolean:
            if case .boolean(let truth) = literal.value {
                return .exactly(.integer(truth ? 1 : 0))
            }
            expected = "TRUE or FALSE"
        case .int, .long, .decimal:
            if let value = number(literal) { return value }
            expected = "a number of at most \(ExactNumber.maximumDigits) digits"
        case .float, .double:
            if let value = floatingPoint(literal) { return value }
            expected = "a number"
        case .date:
            if let value = date(literal) { return value }
            expected = "a date such as DATE '2026-01-31'"
        case .time:
            if let value = time(literal) { return value }
            expected = "a time such as '23:59:59.999999'"
        case .timestamp, .timestamptz, .timestampNanoseconds, .timestamptzNanoseconds:
            if let value = try timestamp(literal) { return value }
            expected = "a time such as TIMESTAMP '2026-01-31 23:59:59'"
        case .string:
            if case .text(let text) = literal.value { return .exactly(.bytes(Array(text.utf8))) }
            expected = "text in single quotes"
        case .uuid:
            if case .text(let text) = literal.value, let bytes = Self.uuid(text) {
                return .exactly(.bytes(bytes))
            }
            expected = "a UUID such as 'f79c3e09-677c-4bbd-a479-3f349cb785e7'"
        case .fixed, .binary:
            if case .bytes(let bytes) = literal.value { return .exactly(.bytes(bytes)) }
            expected = "bytes such as X'1F2E'"
        case .unknown, .geometry, .geography:
            throw ConditionError(
                "compares the column \(column) of type \(type), of which only IS NULL can be "
                    + "asked", at: literal.position)
        }
        throw ConditionError(
            "compares the column \(column) of type \(type) with something else; write \(expected)",
            at: literal.position)
    }

    // MARK: Numbers

    private func number(_ literal: ConditionLiteral) -> TypedLiteral? {
        guard let (number, isQuoted) = exactNumber(literal) else { return nil }
        var digits = 0
        if case .decimal(_, let scale) = type { digits = scale }
        switch number.scaled(to: digits) {
        case .exactly(let value): return .exactly(.integer(value))
        // What Spark makes of a fraction in quotes depends on its settings.
        case .above(let value):
            return isQuoted ? nil : .between(.integer(value), .integer(value + 1))
        case .tooLarge: return .aboveAll
        case .tooSmall: return .belowAll
        }
    }

    private func exactNumber(_ literal: ConditionLiteral) -> (ExactNumber, isQuoted: Bool)? {
        switch literal.value {
        case .number(let text): ExactNumber(text).map { ($0, false) }
        case .text(let text): ExactNumber(text).map { ($0, true) }
        case .boolean, .date, .timestamp, .bytes: nil
        }
    }

    private func floatingPoint(_ literal: ConditionLiteral) -> TypedLiteral? {
        let value: Double
        switch literal.value {
        case .text(let text) where text.lowercased() == "nan": return .nan
        case .number(let text), .text(let text):
            // Double itself would read hexadecimal digits and words, too.
            guard text.utf8.allSatisfy({ !($0 | 0x20).isLetter || $0 | 0x20 == 0x65 }),
                let number = Double(text), number.isFinite
            else { return nil }
            value = number
        case .boolean, .date, .timestamp, .bytes: return nil
        }
        guard type == .float else { return .exactly(.number(value)) }
        let narrow = Double(Float(value))
        return narrow == value
            ? .exactly(.number(value))
            : .either(.number(min(narrow, value)), .number(max(narrow, value)))
    }

    // MARK: Dates and times

    private func date(_ literal: ConditionLiteral) -> TypedLiteral? {
        switch literal.value {
        case .date(let text), .text(let text):
            Self.midnight(text).map { .exactly(.integer($0 / 86_400_000_000)) }
        case .number, .boolean, .timestamp, .bytes: nil
        }
    }

    private func time(_ literal: ConditionLiteral) -> TypedLiteral? {
        guard case .text(let text) = literal.value, !Self.hasOffset(text),
            Self.fractionDigits(text).count <= 6,
            let time = Timestamp(iso8601: "1970-01-01T\(text)")
        else { return nil }
        return .exactly(.integer(Int128(time.microseconds)))
    }

    private func timestamp(_ literal: ConditionLiteral) throws(ConditionError) -> TypedLiteral? {
        let isFine = type == .timestampNanoseconds || type == .timestamptzNanoseconds
        let unit: Int128 = isFine ? 1000 : 1
        let text: String
        var hasNoZone = type == .timestamp || type == .timestampNanoseconds
        switch literal.value {
        case .date(let date):
            return Self.midnight(date).map { .exactly(.integer($0 * unit)) }
        case .text(let value): text = value
        case .timestamp(let value, let isWithoutZone):
            text = value
            hasNoZone = hasNoZone || isWithoutZone
        case .number, .boolean, .bytes: return nil
        }
        guard let time = Timestamp(iso8601: text) else { return nil }
        let clock = String(text.dropFirst(10))
        guard !hasNoZone || !Self.hasOffset(clock) else {
            throw ConditionError(
                "gives an offset from UTC where there is no zone, for the column \(column) of "
                    + "type \(type); leave the offset out", at: literal.position)
        }
        let digits = Self.fractionDigits(clock)
        guard digits.count > 6 else {
            return .exactly(.integer(Int128(time.microseconds) * unit))
        }
        guard isFine else {
            throw ConditionError(
                "gives a time finer than the microseconds of the column \(column); leave out "
                    + "digits behind the sixth", at: literal.position)
        }
        let rest = (digits.dropFirst(6) + "00").prefix(3)
        return .exactly(.integer(Int128(time.microseconds) * unit + (Int128(rest, radix: 10) ?? 0)))
    }

    /// Microseconds at the beginning of a day.
    private static func midnight(_ text: String) -> Int128? {
        guard text.utf8.count == 10 else { return nil }
        return Timestamp(iso8601: text).map { Int128($0.microseconds) }
    }

    private static func hasOffset(_ clock: String) -> Bool {
        clock.contains { "Zz+-".contains($0) }
    }

    private static func fractionDigits(_ clock: String) -> Substring {
        clock.drop { $0 != "." }.dropFirst().prefix { $0.isWholeNumber }
    }

    private static func uuid(_ text: String) -> [UInt8]? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [8, 4, 4, 4, 12] else { return nil }
        return ConditionParser.bytes(parts.joined())
    }
}

extension UInt8 {
    fileprivate var isLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
}
