// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcebergTable
import TestSupport
import Testing

/// Deletion vectors that Iceberg's own tests have, and damaged ones.
@Suite(.enabled(if: Fixtures.isAvailable, Comment(rawValue: Fixtures.reason)))
struct DeletionVectorTests {
    private func blob(_ name: String) throws -> [UInt8] {
        Array(
            try Data(
                contentsOf: Fixtures.url("deletion-vectors/\(name)-position-index.bin")))
    }

    private func positions(_ name: String) throws -> [Int64] {
        try DeletionVector(blob: try blob(name), limit: 1 << 20).positions
    }

    @Test func `values of every kind of container are read`() throws {
        #expect(try positions("empty") == [])
        #expect(try positions("small-alternating-values") == [1, 3, 5, 7, 9])
        let mixed = try positions("small-and-large-values")
        #expect(mixed == [100, 101, Int64(Int32.max) + 100, Int64(Int32.max) + 101])
        let all = try positions("all-container-types")
        #expect(all == all.sorted())
        #expect(Set(all).count == all.count)
        #expect(all.count > 100)
    }

    @Test func `more positions than are held are refused`() throws {
        let bytes = try blob("small-alternating-values")
        #expect(try DeletionVector(blob: bytes, limit: 5).positions.count == 5)
        #expect(throws: DeletionVectorError.tooLarge(limit: 4)) {
            try DeletionVector(blob: bytes, limit: 4)
        }
    }

    @Test(arguments: ["all-container-types", "small-and-large-values", "empty"])
    func `every damage of one byte, and every cut, is found`(name: String) throws {
        let bytes = try blob(name)
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0x41
            #expect(throws: DeletionVectorError.self) {
                try DeletionVector(blob: damaged, limit: 1 << 20)
            }
            #expect(throws: DeletionVectorError.self) {
                try DeletionVector(blob: Array(bytes[..<index]), limit: 1 << 20)
            }
        }
    }
}
