// SPDX-License-Identifier: Apache-2.0

import RowSets
import TestSupport
import Testing

/// Sets of rows beside plain sets.
@Suite struct RowPositionsTests {
    /// Positions of every density, also around the borders of containers.
    private func random(_ random: inout SeededGenerator) -> Set<Int64> {
        var positions: Set<Int64> = []
        for _ in 0..<Int.random(in: 0..<6, using: &random) {
            let start = Int64.random(in: -70_000..<300_000, using: &random)
            let count = Int64.random(in: 1..<70_000, using: &random)
            let step = Int.random(in: 1..<40, using: &random)
            positions.formUnion(stride(from: start, to: start + count, by: step))
        }
        if Bool.random(using: &random) {
            for _ in 0..<20 {
                positions.insert(Int64.random(in: .min ... .max, using: &random))
            }
        }
        return positions
    }

    @Test(arguments: 0..<40)
    func `a set is what a plain set is`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let (one, two) = (self.random(&random), self.random(&random))
        let ascending = RowPositions(one.sorted())
        var set = RowPositions()
        for position in one.shuffled(using: &random) {
            let isNew = set.insert(position)
            #expect(isNew)
        }
        for position in one {
            let isNew = set.insert(position)
            #expect(!isNew)
        }
        #expect(set == ascending)
        #expect(set.count == one.count)
        #expect(Array(set) == one.sorted())
        #expect(set.first == one.min())
        #expect(set.last == one.max())
        #expect(set.isEmpty == one.isEmpty)
        #expect(set.stray(inFileOf: .max) == one.min().flatMap { $0 < 0 ? $0 : nil })
        // Budgets count on it: the same positions take the same, and more of them no less.
        #expect(set.byteCount == RowPositions(one.sorted()).byteCount)
        #expect(
            set.byteCount <= 4 * set.count
                + (RowPositions.bytesOfContainer + 32) * set.containers.count)
        #expect(one.prefix(1000).allSatisfy { set.contains($0) })
        #expect(two.prefix(1000).allSatisfy { set.contains($0) == one.contains($0) })

        let other = RowPositions(two)
        var union = set
        union.formUnion(other)
        #expect(union == RowPositions(one.union(two)))
        #expect(union.count == one.union(two).count)
        #expect(union.byteCount == RowPositions(one.union(two)).byteCount)
        #expect(union.byteCount >= max(set.byteCount, other.byteCount))
        #expect(union.isSuperset(of: set))
        #expect(union.isSuperset(of: other))
        #expect(set.isSuperset(of: other) == one.isSuperset(of: two))
        #expect(set.isSuperset(of: RowPositions(one.dropFirst())))

        for _ in 0..<30 {
            let from = Int64.random(in: -80_000..<400_000, using: &random)
            let to = from + Int64.random(in: 0..<200_000, using: &random)
            let expected = one.filter { (from..<to).contains($0) }.sorted()
            #expect(set.elements(in: from..<to) == expected)
            #expect(set.count(in: from..<to) == expected.count)
        }
    }

    @Test(arguments: [4095, 4096, 4097, 65_536])
    func `positions on both sides of the limit of arrays are the same set in any order`(
        count: Int64
    ) throws {
        let lows = (0..<count).map { UInt16(truncatingIfNeeded: $0) }
        var words = [UInt64](repeating: 0, count: 1024)
        for low in lows { words[Int(low / 64)] |= 1 << UInt64(low % 64) }
        let set = RowPositions(0..<count)
        var other = RowPositions()
        try other.expect(true, of: RowContainer(key: 0, ascending: lows))
        #expect(other == set)
        other = []
        try other.expect(true, of: RowContainer(key: 0, words: words))
        #expect(other == set)
        #expect((set.containers.first?.denseWords != nil) == (count > 4096))
        // Two bytes each, or a bit for each row.
        #expect(set.byteCount <= RowPositions.bytesOfContainer + 16 << 10)
        #expect(set.stray(inFileOf: count) == nil)
        #expect(set.stray(inFileOf: count - 1) == count - 1)
        // The lowest and the highest of the bits.
        #expect(set.last == count - 1)
        #expect(set.count(in: count - 1..<count) == 1)
        #expect(set.elements(in: .min ..< .max).count == Int(count))
    }

    @Test func `containers that are not what they should be are refused`() throws {
        #expect(RowContainer(key: 0, ascending: [1, 1]) == nil)
        #expect(RowContainer(key: 0, ascending: [2, 1]) == nil)
        #expect(RowContainer(key: 0, words: [1, 2]) == nil)
        var set: RowPositions = [1 << 20]
        try set.expect(false, of: RowContainer(key: 16, ascending: [3]))
        try set.expect(false, of: RowContainer(key: 3, ascending: [3]))
        try set.expect(true, of: RowContainer(key: 1))
        #expect(set == [1 << 20])
    }
}

extension RowPositions {
    /// Expects a container to be taken or not.
    fileprivate mutating func expect(_ isTaken: Bool, of container: RowContainer?) throws {
        let done = append(try #require(container))
        #expect(done == isTaken)
    }
}
