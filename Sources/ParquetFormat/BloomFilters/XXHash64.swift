// SPDX-License-Identifier: Apache-2.0

/// The hash that bloom filters of Parquet are made of: xxHash with 64 bits and the seed 0.
///
/// 1. From 32 bytes on, four sums each take every fourth word, and are then joined.
/// 2. What is left is taken by words of eight bytes, one of four, and single bytes.
/// 3. The bits are mixed once more, so that each depends on all.
///
/// Bounds: the range is checked to lie within the bytes, and every load of so many bytes comes
/// after a comparison with what is left of the range.
enum XXHash64 {
    private static let primes: (UInt64, UInt64, UInt64, UInt64, UInt64) = (
        0x9E37_79B1_85EB_CA87, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9,
        0x85EB_CA77_C2B2_AE63, 0x27D4_EB2F_1656_67C5
    )

    /// The hash of the bytes of a range, which lies within them.
    static func hash(_ bytes: RawSpan, _ range: Range<Int>) -> UInt64 {
        precondition(range.upperBound <= bytes.byteCount, "a value lies within its bytes")
        var position = range.lowerBound
        var sum: UInt64
        if range.count >= 32 {
            (sum, position) = stripes(bytes, range)
        } else {
            sum = primes.4
        }
        sum &+= UInt64(range.count)
        while range.upperBound - position >= 8 {
            sum ^= round(0, word(bytes, position))
            sum = rotated(sum, 27) &* primes.0 &+ primes.3
            position += 8
        }
        if range.upperBound - position >= 4 {
            let half = bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt32.self)
            sum ^= UInt64(UInt32(littleEndian: half)) &* primes.0
            sum = rotated(sum, 23) &* primes.1 &+ primes.2
            position += 4
        }
        while position < range.upperBound {
            let byte = bytes.unsafeLoad(fromByteOffset: position, as: UInt8.self)
            sum ^= UInt64(byte) &* primes.4
            sum = rotated(sum, 11) &* primes.0
            position += 1
        }
        sum = (sum ^ sum >> 33) &* primes.1
        sum = (sum ^ sum >> 29) &* primes.2
        return sum ^ sum >> 32
    }

    /// The hash of all bytes.
    static func hash(_ bytes: [UInt8]) -> UInt64 { hash(bytes.span.bytes, 0..<bytes.count) }

    /// The joined sums of all stripes of 32 bytes, and where they end.
    private static func stripes(
        _ bytes: RawSpan, _ range: Range<Int>
    ) -> (sum: UInt64, end: Int) {
        var (a, b) = (primes.0 &+ primes.1, primes.1)
        var (c, d) = (UInt64(0), 0 &- primes.0)
        var position = range.lowerBound
        while range.upperBound - position >= 32 {
            a = round(a, word(bytes, position))
            b = round(b, word(bytes, position + 8))
            c = round(c, word(bytes, position + 16))
            d = round(d, word(bytes, position + 24))
            position += 32
        }
        var sum = rotated(a, 1) &+ rotated(b, 7) &+ rotated(c, 12) &+ rotated(d, 18)
        for lane in [a, b, c, d] { sum = (sum ^ round(0, lane)) &* primes.0 &+ primes.3 }
        return (sum, position)
    }

    /// Eight bytes, which the callers have counted.
    @inline(__always)
    private static func word(_ bytes: RawSpan, _ position: Int) -> UInt64 {
        UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self))
    }

    @inline(__always)
    private static func round(_ sum: UInt64, _ word: UInt64) -> UInt64 {
        rotated(sum &+ word &* primes.1, 31) &* primes.0
    }

    @inline(__always)
    private static func rotated(_ word: UInt64, _ count: UInt64) -> UInt64 {
        word << count | word >> (64 - count)
    }
}
