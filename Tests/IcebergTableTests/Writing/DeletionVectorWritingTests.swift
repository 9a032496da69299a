// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcebergTable
import RowSets
import TestSupport
import Testing
import WireFormat

/// Deletion vectors that are written, and the Puffin files that they are in.
@Suite struct DeletionVectorWritingTests {
    private func roundTrip(_ positions: [Int64]) throws -> [Int64] {
        let vector = try DeletionVector(positions: RowPositions(positions))
        let again = try DeletionVector(blob: vector.blob(), limit: 1 << 22)
        #expect(again == vector)
        return Array(again.positions)
    }

    @Test func `every kind of container is read back as it was written`() throws {
        var cases: [[Int64]] = [[], [0], [5, 3, 3, 1]]
        for end: Int64 in [4096, 65_536] { cases.append(Array(0..<end)) }
        cases.append(Array(100..<70_000))
        for (end, step): (Int64, Int64) in [(8192, 2), (8194, 2), (400_000, 3)] {
            cases.append(Array(stride(from: 0, to: end, by: Int(step))))
        }
        let edge = Int64(Int32.max)
        cases.append([edge - 1, edge + 1, 4_294_967_296, 1_099_511_627_776])
        var runs: [Int64] = []
        for container: Int64 in 0..<5 {
            runs += Array(container * 65_536..<container * 65_536 + 300)
        }
        cases.append(runs)
        for positions in cases {
            #expect(try roundTrip(positions) == Set(positions).sorted())
        }
    }

    @Test(arguments: 0..<50)
    func `random positions are read back as they were written`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var positions: Set<Int64> = []
        for _ in 0..<Int.random(in: 0..<40, using: &random) {
            let start = Int64.random(in: 0..<1 << 34, using: &random) >> (seed % 20)
            let count = Int64.random(in: 1..<2000, using: &random)
            let step = Int.random(in: 1..<4, using: &random)
            positions.formUnion(stride(from: start, to: start + count, by: step))
        }
        #expect(try roundTrip(Array(positions)) == positions.sorted())
    }

    @Test func `positions that no row can have are refused, at the limit itself`() throws {
        let largest = Int64(Int32.max) << 32 - 1
        #expect(try roundTrip([largest]) == [largest])
        #expect(throws: DeletionVectorError.self) {
            try DeletionVector(positions: [largest + 1])
        }
        #expect(throws: DeletionVectorError.self) { try DeletionVector(positions: [-1, 4]) }
    }

    @Test(
        .enabled(if: Fixtures.isAvailable, Comment(rawValue: Fixtures.reason)),
        arguments: [
            "empty", "small-alternating-values", "small-and-large-values", "all-container-types",
        ])
    func `Iceberg's own vectors are the same after being written again`(name: String) throws {
        let bytes = Array(
            try Data(
                contentsOf: Fixtures.url("deletion-vectors/\(name)-position-index.bin")))
        let vector = try DeletionVector(blob: bytes, limit: 1 << 20)
        #expect(try roundTrip(Array(vector.positions)) == Array(vector.positions))
        if name == "small-alternating-values" { #expect(vector.blob() == bytes) }
    }

    @Test func `a Puffin file says where each vector is and whose`() throws {
        var puffin = PuffinWriter(createdBy: "test")
        let vectors = [("/a", [1, 2, 3]), ("/b", [Int64](0..<100))]
        var places: [PuffinWriter.Place] = []
        for (path, positions) in vectors {
            places.append(
                puffin.add(
                    try DeletionVector(positions: RowPositions(positions)), of: path))
        }
        let bytes = puffin.finish()
        let magic = Array("PFA1".utf8)
        #expect(Array(bytes.prefix(4)) == magic)
        #expect(Array(bytes.suffix(4)) == magic)
        #expect(bytes.suffix(8).prefix(4) == [0, 0, 0, 0])
        let length = bytes.suffix(12).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        let start = bytes.count - 12 - length
        #expect(Array(bytes[start - 4..<start]) == magic)
        let footer = try JSONValue(parsing: Array(bytes[start..<start + length])).objectValue
        let blobs = try #require(footer?["blobs"]?.arrayValue)
        for (index, blob) in blobs.enumerated() {
            let (path, positions) = vectors[index]
            let object = try #require(blob.objectValue)
            #expect(object["type"] == "deletion-vector-v1")
            #expect(object["snapshot-id"] == -1)
            #expect(object["sequence-number"] == -1)
            #expect(object["compression-codec"] == nil)
            #expect(object["offset"]?.int64Value == places[index].offset)
            #expect(object["length"]?.int64Value == places[index].length)
            #expect(
                object["properties"] == [
                    "referenced-data-file": .string(path),
                    "cardinality": .string("\(positions.count)"),
                ])
            let range = Int(places[index].offset)..<Int(places[index].offset + places[index].length)
            let read = try DeletionVector(blob: Array(bytes[range]), limit: 1000)
            #expect(Array(read.positions) == positions)
        }
    }
}
