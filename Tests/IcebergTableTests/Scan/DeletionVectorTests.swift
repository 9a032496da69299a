// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcebergTable
import RowSets
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
        Array(try DeletionVector(blob: try blob(name), limit: 1 << 20).positions)
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

    @Test(arguments: ["small-alternating-values", "all-container-types"])
    func `more positions than memory has room for are refused`(name: String) throws {
        let bytes = try blob(name)
        let positions = try DeletionVector(blob: bytes, limit: 1 << 20).positions
        let limit = positions.byteCount
        #expect(try DeletionVector(blob: bytes, limit: limit).positions == positions)
        #expect(throws: DeletionVectorError.tooLarge(limit: limit - 1)) {
            try DeletionVector(blob: bytes, limit: limit - 1)
        }
    }

    @Test func `a few bytes of runs that stand for many rows are refused`() throws {
        // Every container is one run of all of its rows.
        var all = RowPositions()
        for key in 0..<Int64(100) {
            let container = RowContainer(key: key, words: [UInt64](repeating: .max, count: 1024))
            let isTaken = all.append(try #require(container))
            #expect(isTaken)
        }
        let bytes = try DeletionVector(positions: all).blob()
        #expect(bytes.count < 2000)
        #expect(try DeletionVector(blob: bytes, limit: all.byteCount).positions == all)
        #expect(throws: DeletionVectorError.tooLarge(limit: 1 << 16)) {
            try DeletionVector(blob: bytes, limit: 1 << 16)
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
