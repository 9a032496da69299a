// SPDX-License-Identifier: Apache-2.0

/// The name by which a server knows one commit, however often it is sent (P-31).
///
/// A UUID of version 7 (RFC 9562), as the protocol wants it.
struct IdempotencyKey: Hashable, Sendable, CustomStringConvertible {
    /// The header that carries it.
    static let header = "Idempotency-Key"

    /// As the header's value.
    let description: String

    init(millisecondsSinceEpoch: Int64, using random: inout some RandomNumberGenerator) {
        let time = UInt64(bitPattern: millisecondsSinceEpoch) & 0xFFFF_FFFF_FFFF
        let high = time << 16 | 0x7000 | random.next() & 0x0FFF
        let low = 0x8000_0000_0000_0000 | random.next() & 0x3FFF_FFFF_FFFF_FFFF
        let digits = Self.hexadecimal(high) + Self.hexadecimal(low)
        var parts: [Substring] = []
        var rest = digits[...]
        for length in [8, 4, 4, 4, 12] {
            parts.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        description = parts.joined(separator: "-")
    }

    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
