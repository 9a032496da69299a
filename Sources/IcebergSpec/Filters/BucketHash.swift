// SPDX-License-Identifier: Apache-2.0

/// The hash of the transform bucket: Murmur3 of 32 bits with the seed 0.
///
/// Iceberg spec, Appendix B: 32-bit Hash Requirements.
enum BucketHash {
    /// The bucket of a value among so many; nil for types that have none.
    static func bucket(_ value: OrderedValue, of type: PrimitiveType, count: Int) -> Int? {
        guard count > 0, let bytes = hashed(value, type) else { return nil }
        return Int(hash(bytes) & UInt32(Int32.max)) % count
    }

    private static func hashed(_ value: OrderedValue, _ type: PrimitiveType) -> [UInt8]? {
        switch value {
        case .number: return nil
        case .bytes(let bytes): return bytes
        case .integer(let number):
            switch type {
            case .int, .long, .date, .time, .timestamp, .timestamptz: return littleEndian(number)
            case .timestampNanoseconds, .timestamptzNanoseconds:
                return littleEndian(number.flooringDivision(by: 1000))
            case .decimal: return shortest(number)
            case .boolean, .float, .double, .string, .uuid, .fixed, .binary, .unknown, .geometry,
                .geography:
                return nil
            }
        }
    }

    private static func littleEndian(_ number: Int128) -> [UInt8]? {
        Int64(exactly: number).map { number in
            withUnsafeBytes(of: number.littleEndian) { Array($0) }
        }
    }

    /// Two's complement in as few bytes as there can be, the highest first.
    private static func shortest(_ number: Int128) -> [UInt8] {
        let bytes = withUnsafeBytes(of: number.bigEndian) { Array($0) }
        guard case .decimal(let shortest) = PartitionValue.decimal(unscaled: bytes) else {
            return bytes
        }
        return shortest
    }

    static func hash(_ bytes: [UInt8]) -> UInt32 {
        var hash: UInt32 = 0
        let whole = bytes.count / 4 * 4
        for start in stride(from: 0, to: whole, by: 4) {
            hash ^= mixed(word(bytes[start..<start + 4]))
            hash = rotated(hash, by: 13) &* 5 &+ 0xE654_6B64
        }
        if whole < bytes.count { hash ^= mixed(word(bytes[whole...])) }
        hash ^= UInt32(truncatingIfNeeded: bytes.count)
        hash = (hash ^ (hash >> 16)) &* 0x85EB_CA6B
        hash = (hash ^ (hash >> 13)) &* 0xC2B2_AE35
        return hash ^ (hash >> 16)
    }

    private static func word(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func mixed(_ word: UInt32) -> UInt32 {
        rotated(word &* 0xCC9E_2D51, by: 15) &* 0x1B87_3593
    }

    private static func rotated(_ value: UInt32, by bits: UInt32) -> UInt32 {
        value << bits | value >> (32 - bits)
    }
}
