// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ParquetFormat

@Suite struct NumberBoundsTests {
    private static func plain(_ numbers: [Double]) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try ValueEncoder.encode(.double(numbers), .plain, appendingTo: &bytes)
        return bytes
    }

    @Test(arguments: [BoundsOrder.floating(width: 8), .totalFloating(width: 8)])
    func `what is not a number counts, and bounds nothing, also through a dictionary`(
        _ order: BoundsOrder
    ) throws {
        let numbers = [1, .nan, -0.0, 2.5]
        let plain = try Self.plain(numbers)
        let leaf = try ParquetSchema([.values("x", .required, .double)]).columns[0]
        let entries = try DictionaryEntries(plain.span.bytes, leaf, count: 4)
        var scan = ValueScan(order)
        scan.add(.double([1, .nan, -0.0, 2.5, .nan, 1]), 0..<6)

        for known in [
            DictionaryKeys(plain, entries, order).bounds([0, 1, 2, 3, 1, 0], nullCount: 2),
            scan.result(nullCount: 2),
        ] {
            #expect(known.nanCount == 2 && known.nullCount == 2)
            #expect(known.bounds?.minimum == (try Self.plain([-0.0])))
            #expect(known.bounds?.maximum == (try Self.plain([2.5])))
        }
    }

    /// -0, and +0, as half numbers.
    @Test(arguments: [[0, 0x80], [0, 0]] as [[UInt8]])
    func `bounds of half zeros have both signs`(_ zero: [UInt8]) throws {
        var values = FixedByteArrays(width: 2)
        for _ in 0..<3 { values.append(zero) }
        var scan = ValueScan(.floating(width: 2))
        scan.add(.fixedLengthByteArray(values), 0..<3)

        let bounds = scan.result(nullCount: 0).bounds
        #expect(bounds?.minimum == [0, 0x80])
        #expect(bounds?.maximum == [0, 0])
    }

    @Test func `the order of bounds is told of what is written of them`() async throws {
        // Cut to 64 bytes, the second text loses a character of two, and so precedes the first.
        let front = String(repeating: "p", count: 63)
        let texts = [front + "azzzzz", front + "\u{E9}q"].flatMap {
            [String](repeating: $0, count: 200)
        }
        var settings = ParquetWriteSettings()
        settings.dictionarySizeBytes = 0
        settings.pageRowLimit = 200
        let file = try await ProjectionTests.file(
            [.values("t", .required, .byteArray, logicalType: .string)],
            [ColumnBatch(.byteArray(ByteArrays(texts.map { Array($0.utf8) })))], settings)

        let index = try #require(try await file.columnIndex(rowGroup: 0, column: 0))
        #expect(index.minimums.map(\.count) == [64, 63])
        #expect(index.boundaryOrder == .unordered)
    }
}
