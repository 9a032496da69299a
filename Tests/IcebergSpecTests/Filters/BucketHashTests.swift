// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import IcebergSpec

/// Iceberg spec, Appendix B: 32-bit Hash Requirements, test values.
struct BucketHashTests {
    private func bucket(_ value: OrderedValue, _ type: PrimitiveType) -> Int? {
        // With the largest count the bucket is the hash without its sign.
        BucketHash.bucket(value, of: type, count: Int(Int32.max))
    }

    private func expected(_ hash: Int32) -> Int {
        Int(UInt32(bitPattern: hash) & UInt32(Int32.max)) % Int(Int32.max)
    }

    @Test func `the values that the specification lists have their hashes`() {
        #expect(bucket(.integer(34), .int) == expected(2_017_239_379))
        #expect(bucket(.integer(34), .long) == expected(2_017_239_379))
        let price = PrimitiveType.decimal(precision: 9, scale: 2)
        #expect(bucket(.integer(1420), price) == expected(-500_754_589))
        #expect(bucket(.integer(17_486), .date) == expected(-653_330_422))
        #expect(bucket(.integer(81_068_000_000), .time) == expected(-662_762_989))
        #expect(bucket(.integer(1_510_871_468_000_000), .timestamp) == expected(-2_047_944_441))
        #expect(
            bucket(.integer(1_510_871_468_000_001), .timestamptz) == expected(-1_207_196_810))
        #expect(
            bucket(.integer(1_510_871_468_000_001_001), .timestampNanoseconds)
                == expected(-1_207_196_810))
        #expect(bucket(.bytes(Array("iceberg".utf8)), .string) == expected(1_210_000_089))
        let uuid: [UInt8] = [
            0xF7, 0x9C, 0x3E, 0x09, 0x67, 0x7C, 0x4B, 0xBD, 0xA4, 0x79, 0x3F, 0x34, 0x9C, 0xB7,
            0x85, 0xE7,
        ]
        #expect(bucket(.bytes(uuid), .uuid) == expected(1_488_055_340))
        #expect(bucket(.bytes([0, 1, 2, 3]), .fixed(length: 4)) == expected(-188_683_207))
        #expect(bucket(.bytes([0, 1, 2, 3]), .binary) == expected(-188_683_207))
    }

    @Test func `types without buckets have none`() {
        #expect(bucket(.integer(1), .boolean) == nil)
        #expect(bucket(.number(1), .double) == nil)
    }
}
