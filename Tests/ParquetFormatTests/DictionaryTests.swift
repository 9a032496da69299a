// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import ParquetFormat

/// What stitching does with dictionaries: finding values, their bounds, and when to give them up.
@Suite struct DictionaryTests {
    static let kinds: [ParquetField] = [
        .values("v", .required, .int32), .values("v", .required, .int64),
        .values("v", .required, .int64, logicalType: .integer(bitWidth: 64, isSigned: false)),
        .values("v", .required, .float), .values("v", .required, .double),
        .values("v", .required, .byteArray),
        .values("v", .required, .byteArray, logicalType: .decimal(precision: 30, scale: 2)),
        .values(
            "v", .required, .fixedLengthByteArray, length: 5,
            logicalType: .decimal(precision: 10, scale: 2)),
        .values(
            "v", .required, .fixedLengthByteArray, length: 11,
            logicalType: .decimal(precision: 20, scale: 2)),
        .values("v", .required, .fixedLengthByteArray, length: 3),
    ]

    private static func column(_ field: ParquetField) throws -> ParquetColumn {
        try #require(try ParquetSchema([field]).columns.first)
    }

    /// A value's bytes without a length, of which some are like others.
    private static func bytes(
        _ column: ParquetColumn, using random: inout SeededGenerator
    ) -> [UInt8] {
        var length = column.plainWidth ?? Int.random(in: 1...12, using: &random)
        var front: [UInt8] = []
        switch Int.random(in: 0...3, using: &random) {
        case 0: front = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        case 1: front = [0, 0, 0, 0, 0, 0]
        default: break
        }
        front = Array(front.prefix(length))
        length -= front.count
        return front + (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    @Test(arguments: kinds, UInt64(0)..<20)
    func `bounds of positions are those of the values`(field: ParquetField, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let column = try Self.column(field)
        let order = try #require(BoundsOrder(standardFor: column))
        var plain: [UInt8] = []
        let count = Int.random(in: 1...40, using: &random)
        for _ in 0..<count {
            let value = Self.bytes(column, using: &random)
            if column.plainWidth == nil {
                withUnsafeBytes(of: UInt32(value.count).littleEndian) { plain += $0 }
            }
            plain += value
        }
        let entries = try DictionaryEntries(plain.span.bytes, column, count: count)
        var values = ColumnValues(for: column)
        try ValueDecoder(column: column, byteLimit: 1 << 20).plain(
            plain.span.bytes, count: count, into: &values)
        let keys = DictionaryKeys(plain, entries, order)

        for length in [1, count, 3 * count] {
            let positions = (0..<length).map { _ in
                UInt32.random(in: 0..<UInt32(count), using: &random)
            }
            var gathered = values
            gathered.removeAll()
            for position in positions { gathered.append(values, Int(position)..<Int(position) + 1) }
            var scan = ValueScan(order)
            scan.add(gathered, 0..<length)

            let found = keys.bounds(positions[...], nullCount: 2)

            #expect(found == scan.result(nullCount: 2), "seed \(seed)")
        }
    }

    @Test(arguments: kinds)
    func `a dictionary that ends too early is refused`(field: ParquetField) throws {
        let column = try Self.column(field)
        var random = SeededGenerator(seed: 1)
        var plain: [UInt8] = []
        for _ in 0..<3 {
            let value = Self.bytes(column, using: &random)
            if column.plainWidth == nil {
                withUnsafeBytes(of: UInt32(value.count).littleEndian) { plain += $0 }
            }
            plain += value
        }
        let entries = try DictionaryEntries(plain.span.bytes, column, count: 3)
        #expect(entries.count == 3 && entries.range(2).upperBound == plain.count)

        for bytes in [Array(plain.dropLast()), []] {
            #expect(throws: DecodeFault.self) {
                try DictionaryEntries(bytes.span.bytes, column, count: 3)
            }
        }
        #expect(throws: DecodeFault.self) {
            try DictionaryEntries(plain.span.bytes, column, count: -1)
        }
    }

    @Test(arguments: kinds)
    func `values gathered at positions are those of the dictionary`(field: ParquetField) throws {
        let column = try Self.column(field)
        var random = SeededGenerator(seed: 2)
        let prefix = column.plainWidth == nil ? 4 : 0
        var plain: [UInt8] = []
        var each: [[UInt8]] = []
        for _ in 0..<9 {
            let value = Self.bytes(column, using: &random)
            let length = withUnsafeBytes(of: UInt32(value.count).littleEndian) { Array($0) }
            each.append(length.prefix(prefix) + value)
            plain += each.last ?? []
        }
        let entries = try DictionaryEntries(plain.span.bytes, column, count: each.count)
        let positions = (0..<50).map { _ in UInt32.random(in: 0..<9, using: &random) }
        let wanted = positions.flatMap { each[Int($0)] }
        var output: [UInt8] = [7]

        let isTooLarge = PlainBytes.gather(
            plain.span.bytes, entries, prefix: prefix, positions[...], to: &output,
            limit: wanted.count)
        #expect(!isTooLarge && output == [7])
        let fits = PlainBytes.gather(
            plain.span.bytes, entries, prefix: prefix, positions[...], to: &output,
            limit: wanted.count + 1)
        #expect(fits && output == [7] + wanted)
    }

    /// Long texts of numbers, which are in a dictionary though few of them are there twice.
    private static func file(
        _ numbers: [Int]
    ) async throws -> (values: ByteArrays, file: ParquetFile<ParquetMemorySource>) {
        let texts = (numbers + numbers.prefix(300)).map { number in
            Array(String(number).utf8) + [UInt8](repeating: UInt8(ascii: "."), count: 40)
        }
        let fields: [ParquetField] = [.values("v", .required, .byteArray)]
        let values = ByteArrays(texts)
        let file = try await ProjectionTests.file(fields, [ColumnBatch(.byteArray(values))])
        #expect(file.rowGroups[0].columns[0].metadata?.dictionaryPageOffset != nil)
        return (values, file)
    }

    /// Stitches files of such texts and tells the encodings of the pages.
    private static func stitched(_ numbers: [[Int]]) async throws -> [ParquetEncoding] {
        var wanted = ByteArrays()
        var inputs: [ParquetRewriteInput<ParquetMemorySource>] = []
        for each in numbers {
            let made = try await file(each)
            wanted.append(made.values, 0..<made.values.count)
            inputs.append(ParquetRewriteInput(made.file))
        }
        var settings = ParquetWriteSettings()
        settings.dictionarySizeBytes = 200_000
        let rewriter = try RewriterTests.Rewriter(inputs, way: .stitch, settings: settings)
        let outputs = try await RewriterTests.rewrite(rewriter)
        let found = try await WriterTests.open(outputs[0].1)
        #expect(try await found.readAll()[0].values == .byteArray(wanted))
        let pages = found.rowGroups[0].columns[0].metadata?.encodingStatistics ?? []
        return pages.filter { $0.pageType != PageType.dictionary.rawValue }
            .compactMap { ParquetEncoding(rawValue: $0.encoding) }
    }

    @Test func `values that all files have are in one dictionary`() async throws {
        let found = try await Self.stitched(
            (0..<5).map { first in
                (0..<1700).map { ($0 + first * 100) % 1700 }
            })
        #expect(found == [.rleDictionary])
    }

    @Test func `files without values in common get no dictionary`() async throws {
        let found = try await Self.stitched((0..<5).map { Array($0 * 2000..<$0 * 2000 + 1700) })
        #expect(found == [.plain])
    }

    @Test func `a dictionary that repeats is merged beside those that do not`() async throws {
        let alone = (0..<3).map { Array($0 * 2000..<$0 * 2000 + 1700) }
        let often = (0..<8).map { _ in (0..<2000).map { 90_000 + $0 % 300 } }
        #expect(try await Self.stitched(often + alone) == [.plain, .rleDictionary])
        // No positions may follow values.
        #expect(try await Self.stitched(alone + often) == [.plain])
    }
}
