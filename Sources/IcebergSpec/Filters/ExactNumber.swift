// SPDX-License-Identifier: Apache-2.0

/// A decimal number as a condition writes it.
struct ExactNumber: Hashable, Sendable {
    private let unscaled: Int128
    /// How many of its digits are behind the point; below zero for zeros before it.
    private let scale: Int

    /// A number has at most this many digits that count.
    static let maximumDigits = PrimitiveType.maximumPrecision
    /// The exponent has at most this many digits.
    private static let maximumExponentDigits = 4

    /// Reads `-12.50` or `1e6`; nil for anything else, and for more digits than count.
    init?(_ text: String) {
        var rest = text.utf8[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        let mantissa = rest.prefix { $0 | 0x20 != UInt8(ascii: "e") }
        guard let exponent = Self.exponent(rest.dropFirst(mantissa.count)) else { return nil }
        var value: Int128 = 0
        var (digits, counted, behindPoint) = (0, 0, 0)
        var hasPoint = false
        for byte in mantissa {
            if byte == UInt8(ascii: "."), !hasPoint {
                hasPoint = true
                continue
            }
            guard (0x30...0x39).contains(byte) else { return nil }
            digits += 1
            counted += counted > 0 || byte != 0x30 ? 1 : 0
            behindPoint += hasPoint ? 1 : 0
            guard counted <= Self.maximumDigits else { return nil }
            value = value * 10 + Int128(byte - 0x30)
        }
        guard digits > 0 else { return nil }
        unscaled = isNegative ? -value : value
        scale = behindPoint - exponent
    }

    private static func exponent(_ text: Substring.UTF8View) -> Int? {
        guard !text.isEmpty else { return 0 }
        let digits = text.dropFirst()
        guard digits.count <= maximumExponentDigits + 1 else { return nil }
        return Int(Substring(digits))
    }

    /// A number beside those with some digits behind the point.
    enum Scaled: Hashable, Sendable {
        case exactly(Int128)
        /// Between this one and the next.
        case above(Int128)
        case tooLarge
        case tooSmall
    }

    /// The number in units of so many digits behind the point.
    func scaled(to digits: Int) -> Scaled {
        guard unscaled != 0 else { return .exactly(0) }
        let steps = digits - scale
        guard abs(steps) <= Self.maximumDigits else {
            if steps > 0 { return unscaled < 0 ? .tooSmall : .tooLarge }
            return .above(unscaled < 0 ? -1 : 0)
        }
        let power = (0..<abs(steps)).reduce(Int128(1)) { value, _ in value * 10 }
        guard steps < 0 else {
            let (product, overflow) = unscaled.multipliedReportingOverflow(by: power)
            guard overflow else { return .exactly(product) }
            return unscaled < 0 ? .tooSmall : .tooLarge
        }
        let quotient = unscaled.flooringDivision(by: power)
        return quotient * power == unscaled ? .exactly(quotient) : .above(quotient)
    }
}

extension Int128 {
    /// The quotient, rounded down.
    func flooringDivision(by divisor: Int128) -> Int128 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder != 0 && (remainder < 0) != (divisor < 0) ? quotient - 1 : quotient
    }
}
