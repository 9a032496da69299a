// SPDX-License-Identifier: Apache-2.0

import Compression
import TestSupport
import Testing

@testable import ParquetFormat

@Suite struct ZstandardEffortTests {
    private static let size = 100_000

    /// Levels of pages that the first level makes as large as told; nil where both are tried.
    private func levels(
        _ effort: inout ZstandardEffort, pages: Int, quick: Int, wanted: Int = 50_000
    ) -> [Int32?] {
        (0..<pages).map { _ in
            switch effort.next(Self.size) {
            case .level(let level):
                effort.note(Self.size, stored: level == 1 ? quick : wanted)
                return level
            case .both(let level, quick: 1):
                effort.note(wanted: wanted, quick: quick)
                effort.note(Self.size, stored: min(quick, wanted))
                #expect(level == 3)
                return nil
            case .both:
                Issue.record("another level than the first is tried")
                return nil
            }
        }
    }

    @Test func `the first level serves where it makes pages no larger`() {
        var effort = ZstandardEffort(level: 3)
        let found = levels(&effort, pages: 40, quick: 50_000)
        #expect(found.prefix(3) == [3, nil, 1])
        #expect(found.count { $0 == 3 } == 1 && found.count { $0 == nil } == 2)
    }

    @Test func `the level that is asked for serves where it makes pages smaller`() {
        var effort = ZstandardEffort(level: 3)
        let found = levels(&effort, pages: 200, quick: 50_001)
        #expect(!found.contains(1) && (3...6).contains(found.count { $0 == nil }))
    }

    @Test func `what serves is found again when pages change`() {
        var effort = ZstandardEffort(level: 3)
        _ = levels(&effort, pages: 10, quick: 40_000)
        let found = levels(&effort, pages: 70, quick: 60_000)
        #expect(found.first == 1 && found.last == 3)
    }

    @Test func `pages that hardly take room are not tried`() {
        var effort = ZstandardEffort(level: 3)
        let found = levels(&effort, pages: 100, quick: 10, wanted: 20_000)
        #expect(Set(found) == [3])
    }

    @Test(arguments: [-5, 0, 1] as [Int32])
    func `a lower level than the second is kept to`(level: Int32) {
        var effort = ZstandardEffort(level: level)
        for _ in 0..<40 { #expect(effort.next(Self.size) == .level(level)) }
    }

    @Test func `small and very large pages are not tried`() {
        var effort = ZstandardEffort(level: 3)
        for size in [0, 1000, 9 << 20] {
            for _ in 0..<40 { #expect(effort.next(size) == .level(3)) }
        }
    }

    @Test func `pages hold the same whichever level served them`() throws {
        let schema = try ParquetSchema([.values("v", .optional, .byteArray)])
        let column = try #require(schema.columns.first)
        var random = SeededGenerator(seed: 1)
        let digits = Array("0123456789abcdef".utf8)
        var emitter = PageEmitter(column, codec: .zstandard, level: 3, codecs: PageCodec())
        let levels: [UInt8] = [3, 0, 1]
        let first = DataPageHeader(
            valueCount: 1, encoding: .plain, definitionLevelEncoding: .rle,
            repetitionLevelEncoding: .rle)
        var sizes: [Int] = []
        for page in 0..<6 {
            // Random digits, which the first level serves, and then what repeats from afar.
            var content = (0..<50_000).map { _ in digits[Int.random(in: 0..<16, using: &random)] }
            if page > 4 { content += content }
            let made = try emitter.page(.data(first), content)
            #expect(Int(made.header.uncompressedSize) == content.count)
            let found = try Codec.zstandard.decompress(made.stored, limit: content.count)
            #expect(found == content)
            sizes.append(made.stored.count)

            let second = DataPageHeaderV2(
                valueCount: 1, nullCount: 0, rowCount: 1, encoding: .plain,
                definitionLevelsSize: 3, repetitionLevelsSize: 0, isCompressed: true)
            let other = try emitter.pageV2(second, levels: levels[...], values: content)
            #expect(Array(other.stored.prefix(3)) == levels)
            let values = try Codec.zstandard.decompress(
                Array(other.stored.dropFirst(3)), limit: content.count)
            #expect(values == content)
            #expect(Int(other.header.uncompressedSize) == content.count + 3)
            #expect(Int(other.header.compressedSize) == other.stored.count)
        }
        // What follows the first pages is no larger than they are at the level that is asked for.
        #expect(sizes[2...4].allSatisfy { $0 <= sizes[0] + 100 })
    }
}
