// SPDX-License-Identifier: Apache-2.0

/// A 128-bit digest of a sequence of values, the same on every machine.
///
/// It tells different contents apart where nobody tries to make them collide; it is no protection
/// against somebody who does. What is absorbed is framed, so that `"a", "bc"` and `"ab", "c"`
/// differ.
public struct Digest128: Hashable, Sendable {
    private var state: UInt128 = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D
    private static let multiplier: UInt128 = 0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645

    /// Before anything was absorbed.
    public init() {}

    /// Absorbs a number.
    @inline(__always)
    public mutating func absorb(_ word: UInt64) {
        state = (state ^ UInt128(word)) &* Self.multiplier
        state ^= state >> 67
    }

    /// Absorbs bytes and how many they are.
    public mutating func absorb(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { absorb($0) }
    }

    /// Absorbs a text's UTF-8 and its length.
    public mutating func absorb(_ text: String) {
        var text = text
        text.withUTF8 { absorb(UnsafeRawBufferPointer($0)) }
    }

    private mutating func absorb(_ bytes: UnsafeRawBufferPointer) {
        absorb(UInt64(bytes.count))
        var index = 0
        while index + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            absorb(UInt64(littleEndian: word))
            index += 8
        }
        guard index < bytes.count else { return }
        var rest: UInt64 = 0
        for (shift, byte) in bytes[index...].enumerated() { rest |= UInt64(byte) << (8 * shift) }
        absorb(rest)
    }

    /// The digest of what was absorbed so far.
    ///
    /// Values that differ in one bit differ in about half of theirs, so that sums of digests are
    /// as good as digests.
    public var value: UInt128 {
        var value = state
        for shift in [61, 73, 59] {
            value = (value ^ (value >> shift)) &* Self.multiplier
        }
        return value ^ (value >> 64)
    }

    /// The digest as 16 bytes, the highest first.
    public var bytes: [UInt8] {
        let value = value
        return (0..<16).map { UInt8(truncatingIfNeeded: value >> (120 - 8 * $0)) }
    }
}

/// A 128-bit digest of a multiset of values, whatever their order, and how many they are.
public struct MultisetDigest: Hashable, Sendable {
    /// How many values there are, equal ones counted each.
    public private(set) var count: Int64 = 0
    private var sum: UInt128 = 0

    /// The digest as 32 hexadecimal digits.
    public var hexadecimal: String {
        let digits = String(sum, radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }

    /// The empty multiset.
    public init() {}

    /// Adds a value by its digest.
    public mutating func insert(_ digest: Digest128) {
        count += 1
        sum &+= digest.value
    }

    /// Adds every value of another multiset.
    public mutating func formUnion(_ other: MultisetDigest) {
        count += other.count
        sum &+= other.sum
    }
}
