// SPDX-License-Identifier: Apache-2.0

/// A bloom filter as Parquet has it: blocks of 256 bits, in which a value sets one bit of each of
/// eight words.
///
/// A value's block is its hash scaled to their number, so that a filter with a power of two blocks
/// becomes the one with half of them by joining neighbours: sizes may be chosen after the values
/// are in. Filters of one size join into that of all their values.
struct SplitBlockFilter: Hashable, Sendable {
    /// Eight words for each block.
    private var words: [UInt32]

    static let blockBytes = 32
    private static let salts: [UInt32] = [
        0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d,
        0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31,
    ]

    /// An empty filter of the largest size that is a power of two and not over the limit, at least
    /// of one block.
    init(atMost byteLimit: Int) {
        var size = Self.blockBytes
        while size * 2 <= byteLimit { size *= 2 }
        words = [UInt32](repeating: 0, count: size / 4)
    }

    /// A filter that was stored; nil unless its size is a power of two blocks.
    init?(stored bytes: [UInt8]) {
        let size = bytes.count
        guard size >= Self.blockBytes, size & (size - 1) == 0 else { return nil }
        let span = bytes.span.bytes
        words = (0..<size / 4).map {
            UInt32(
                littleEndian: span.unsafeLoadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self))
        }
    }

    var byteCount: Int { words.count * 4 }

    private var blockCount: Int { words.count / 8 }

    /// The bits as they are stored.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        for word in words { withUnsafeBytes(of: word.littleEndian) { bytes += $0 } }
        return bytes
    }

    mutating func insert(_ hash: UInt64) {
        let block = block(of: hash)
        let key = UInt32(truncatingIfNeeded: hash)
        for index in 0..<8 { words[block + index] |= 1 << ((key &* Self.salts[index]) >> 27) }
    }

    /// Whether a value with that hash may be there; false if it certainly is not.
    func mayContain(_ hash: UInt64) -> Bool {
        let block = block(of: hash)
        let key = UInt32(truncatingIfNeeded: hash)
        return (0..<8).allSatisfy {
            words[block + $0] & 1 << ((key &* Self.salts[$0]) >> 27) != 0
        }
    }

    /// The first word of a value's block.
    private func block(of hash: UInt64) -> Int {
        Int(((hash >> 32) &* UInt64(blockCount)) >> 32) * 8
    }

    /// How often it would not exclude a value that is not there, by the bits that are set.
    var falsePositiveRate: Double {
        var sum = 0.0
        for block in stride(from: 0, to: words.count, by: 8) {
            var hit = 1.0
            for index in block..<block + 8 { hit *= Double(words[index].nonzeroBitCount) / 32 }
            sum += hit
        }
        return sum / Double(blockCount)
    }

    /// Adds the values of another filter; the larger is made as small as the other.
    mutating func join(_ other: SplitBlockFilter) {
        var other = other
        while other.byteCount > byteCount { other = other.halved }
        while byteCount > other.byteCount { self = halved }
        for index in words.indices { words[index] |= other.words[index] }
    }

    private var halved: SplitBlockFilter {
        var half = self
        half.words.removeLast(words.count / 2)
        for index in half.words.indices {
            let left = index / 8 * 16 + index % 8
            half.words[index] = words[left] | words[left + 8]
        }
        return half
    }

    /// The smallest filter of the same values that does not err more often than allowed, or this
    /// one if it does so itself; at most of so many bytes.
    func shrunk(toRate rate: Double, atMost byteLimit: Int) -> SplitBlockFilter {
        var filter = self
        while filter.blockCount > 1 {
            let half = filter.halved
            guard filter.byteCount > byteLimit || half.falsePositiveRate <= rate else { break }
            filter = half
        }
        return filter
    }
}
