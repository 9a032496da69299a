// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import IcebergSpec

/// Iceberg spec, Partition Transforms.
struct TransformValueTests {
    @Test(
        arguments: [
            (Transform.truncate(width: 10), PrimitiveType.int, 1, 0),
            (.truncate(width: 10), .int, -1, -10), (.truncate(width: 10), .long, 19, 10),
            (.truncate(width: 50), .decimal(precision: 9, scale: 2), 1065, 1050),
            (.year, .date, -1, -1), (.year, .date, 365, 1), (.month, .date, 31, 1),
            (.month, .date, -1, -1), (.day, .timestamp, -1, -1),
            (.day, .timestamp, 86_400_000_000, 1),
            (.hour, .timestamptz, 3_600_000_000, 1), (.hour, .timestamp, -1, -1),
            (.day, .timestampNanoseconds, 86_399_999_999_999, 0), (.identity, .long, 7, 7),
        ] as [(Transform, PrimitiveType, Int128, Int128)])
    func `numbers and times are what the specification says`(
        transform: Transform, type: PrimitiveType, value: Int128, expected: Int128
    ) {
        #expect(transform.isDefined(for: type))
        #expect(transform.value(of: .integer(value), type) == .integer(expected))
    }

    @Test func `text is cut by code points, and bytes by bytes`() {
        let cut = Transform.truncate(width: 2)
        let text = Array("äöü".utf8)
        #expect(cut.value(of: .bytes(text), .string) == .bytes(Array("äö".utf8)))
        #expect(cut.value(of: .bytes(text), .binary) == .bytes(Array(text.prefix(2))))
        #expect(cut.value(of: .bytes([1]), .binary) == .bytes([1]))
        #expect(Transform.void.value(of: .integer(1), .int) == nil)
    }

    @Test func `partition values wrap around, and have the type of their field`() {
        // What no bound of a decimal should be, and any file may say.
        let lowest = Transform.truncate(width: 10).value(
            of: .integer(.min), .decimal(precision: 38, scale: 0))
        #expect(lowest == .integer(.min))
        let least = Transform.truncate(width: 10).value(of: .integer(Int128(Int32.min)), .int)
        #expect(least.flatMap { PartitionValue($0, as: .int) } == .int(2_147_483_646))
        #expect(PartitionValue(.integer(3), as: .date) == .int(3))
        #expect(PartitionValue(.integer(3), as: .timestamp) == .long(3))
        #expect(
            PartitionValue(.integer(-129), as: .decimal(precision: 9, scale: 2))
                == .decimal([0xFF, 0x7F]))
        #expect(PartitionValue(.bytes([0xFF]), as: .string) == nil)
        #expect(PartitionValue(.bytes([0xFF]), as: .uuid) == .bytes([0xFF]))
        #expect(PartitionValue(.bytes([0xFF]), as: .long) == nil)
    }

    @Test func `transforms of other types are not defined`() {
        #expect(!Transform.bucket(count: 4).isDefined(for: .double))
        #expect(!Transform.truncate(width: 4).isDefined(for: .date))
        #expect(!Transform.hour.isDefined(for: .date))
        #expect(!Transform.identity.isDefined(for: .unknown))
        #expect(!Transform.unknown("later").isDefined(for: .int))
        #expect(Transform.void.isDefined(for: .geometry(crs: nil)))
    }
}
