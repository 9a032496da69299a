// SPDX-License-Identifier: Apache-2.0

import RowSets
import TestSupport
import Testing

@testable import ParquetFormat

@Suite struct MetricsTests {
    /// The metrics of one column with these values, one null among them.
    private func metrics(
        _ field: ParquetField, _ values: ColumnValues,
        _ mode: ParquetMetricsMode = .standard
    ) async throws -> ParquetColumnMetrics {
        let schema = try ParquetSchema([field])
        var writer = try ParquetWriter(schema, to: ParquetMemorySink())
        let levels = [UInt8](repeating: 1, count: values.count) + [0]
        try await writer.write([ColumnBatch(values, definitionLevels: levels)])
        let (written, _) = try await writer.finish()
        return written.metrics { _ in mode }[0]
    }

    private func bytes<Value: BitwiseCopyable>(_ value: Value) -> [UInt8] {
        withUnsafeBytes(of: value) { Array($0) }
    }

    @Test func `counts leave nothing out, and bounds leave out what is no number`() async throws {
        let found = try await metrics(
            .values("f", id: 3, .optional, .double), .double([.nan, 0, -1, .nan]))

        #expect(found.fieldID == 3 && found.valueCount == 5 && found.nullCount == 1)
        #expect(found.nanCount == 2 && found.size > 0)
        #expect(found.lowerBound == bytes(-1.0) && found.upperBound == bytes(0.0))
    }

    @Test func `zeros of either sign bound those of the other`() async throws {
        let found = try await metrics(.values("f", .optional, .float), .float([0]))

        #expect(found.lowerBound == bytes(-Float.zero) && found.upperBound == bytes(Float.zero))
    }

    @Test func `nothing but what is no number has no bounds`() async throws {
        let found = try await metrics(.values("f", .optional, .float), .float([.nan]))

        #expect(found.lowerBound == nil && found.upperBound == nil && found.nanCount == 1)
    }

    @Test func `modes tell as much as they say`() async throws {
        let field = ParquetField.values("s", .optional, .byteArray, logicalType: .string)
        let text = ColumnValues.byteArray(ByteArrays([Array("abcdefghijklmnopqrst".utf8)]))

        let none = try await metrics(field, text, .none)
        #expect(none.valueCount == nil && none.nullCount == nil && none.size > 0)
        let counts = try await metrics(field, text, .counts)
        #expect(counts.valueCount == 2 && counts.lowerBound == nil)
        let full = try await metrics(field, text, .full)
        #expect(full.upperBound == Array("abcdefghijklmnopqrst".utf8))
        let standard = try await metrics(field, text)
        #expect(standard.lowerBound == Array("abcdefghijklmnop".utf8))
        #expect(standard.upperBound == Array("abcdefghijklmnoq".utf8))
    }

    @Test func `text is shortened by characters, and its last one that can be becomes the next`() {
        let cases: [(String, Int, String, String?)] = [
            ("abc", 3, "abc", "abc"),
            ("abc", 2, "ab", "ac"),
            ("äöü", 2, "äö", "ä÷"),
            ("a\u{10FFFF}c", 2, "a\u{10FFFF}", "b"),
            ("\u{10FFFF}\u{10FFFF}", 1, "\u{10FFFF}", nil),
            ("\u{D7FF}x", 1, "\u{D7FF}", "\u{E000}"),
        ]
        for (text, length, low, high) in cases {
            let bytes = Array(text.utf8)
            #expect(
                BoundTruncation.minimum(text: bytes, characters: length) == Array(low.utf8))
            #expect(
                BoundTruncation.maximum(text: bytes, characters: length)
                    == high.map { Array($0.utf8) })
        }
    }

    @Test func `bytes are shortened, and the last that can be grows`() {
        #expect(BoundTruncation.maximum([1, 2, 3], bytes: 2, isText: false) == [1, 3])
        #expect(BoundTruncation.maximum([1, 0xFF, 3], bytes: 2, isText: false) == [2])
        #expect(BoundTruncation.maximum([0xFF, 0xFF, 3], bytes: 2, isText: false) == nil)
        #expect(BoundTruncation.minimum([1, 2, 3], bytes: 2, isText: false) == [1, 2])
    }

    @Test(arguments: UInt64(0)..<200)
    func `shortened bounds stay bounds`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let alphabet: [[UInt8]] = ["a", "ÿ", "\u{D7FF}", "\u{10FFFF}", "𝄞"].map { Array($0.utf8) }
        let text = (0..<Int.random(in: 0...9, using: &random)).flatMap { _ in
            alphabet.randomElement(using: &random) ?? []
        }
        let length = Int.random(in: 1...4, using: &random)
        let order = BoundsOrder.unsignedBytes
        let lows = [
            BoundTruncation.minimum(text: text, characters: length),
            BoundTruncation.minimum(text, bytes: length, isText: true),
            BoundTruncation.minimum(text, bytes: length, isText: false),
        ]
        let highs = [
            BoundTruncation.maximum(text: text, characters: length),
            BoundTruncation.maximum(text, bytes: length, isText: true),
            BoundTruncation.maximum(text, bytes: length, isText: false),
        ]
        for low in lows { #expect(!order.isLess(text, low)) }
        for high in highs.compactMap({ $0 }) { #expect(!order.isLess(high, text)) }
    }

    @Test func `decimals are the shortest two's complement, whatever they are stored as`()
        async throws
    {
        let meaning = LogicalType.decimal(precision: 9, scale: 2)
        var fixed = FixedByteArrays(width: 6)
        fixed.append([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F])
        fixed.append([0, 0, 0, 0, 0, 0x80])
        let columns: [(ParquetField, ColumnValues)] = [
            (.values("d", .optional, .int32, logicalType: meaning), .int32([-129, 128])),
            (.values("d", .optional, .int64, logicalType: meaning), .int64([-129, 128])),
            (
                .values("d", .optional, .fixedLengthByteArray, length: 6, logicalType: meaning),
                .fixedLengthByteArray(fixed)
            ),
        ]
        for (field, values) in columns {
            let found = try await metrics(field, values)
            #expect(found.lowerBound == [0xFF, 0x7F] && found.upperBound == [0, 0x80])
        }
    }

    @Test func `times in milliseconds are told in microseconds`() async throws {
        let meaning = LogicalType.timestamp(.milliseconds, isAdjustedToUTC: true)
        let found = try await metrics(
            .values("t", .optional, .int64, logicalType: meaning), .int64([-1, 5]))

        #expect(found.lowerBound == bytes(Int64(-1000)) && found.upperBound == bytes(Int64(5000)))
    }

    @Test func `columns in lists are counted and not bounded`() async throws {
        let schema = try ParquetSchema([
            .list("l", id: 1, element: .values("e", id: 2, .optional, .int32))
        ])
        var writer = try ParquetWriter(schema, to: ParquetMemorySink())
        try await writer.write([
            ColumnBatch(
                .int32([7]), definitionLevels: [3, 2, 1], repetitionLevels: [0, 1, 0])
        ])
        let (written, _) = try await writer.finish()

        let found = written.metrics()[0]
        #expect(found.valueCount == 3 && found.nullCount == 2)
        #expect(found.lowerBound == nil && found.fieldID == 2)
    }

    @Test(arguments: [ParquetRewriteWay.stitch, .encode])
    func `bounds follow the rows that stay, and are not told where they are not known`(
        way: ParquetRewriteWay
    ) async throws {
        let schema = try ParquetSchema([
            .values("n", id: 1, .required, .int64), .values("f", id: 2, .required, .double),
            .values("s", id: 3, .required, .byteArray, logicalType: .string),
        ])
        var writer = try ParquetWriter(schema, to: ParquetMemorySink())
        let strings = ByteArrays((0..<100).map { Array("text \(100 + $0 % 7)".utf8) })
        try await writer.write([
            ColumnBatch(.int64((0..<100).map { $0 })),
            ColumnBatch(.double((0..<100).map { $0 == 50 ? .nan : Double($0) })),
            ColumnBatch(.byteArray(strings)),
        ])
        let (_, sink) = try await writer.finish()
        let file = try await WriterTests.open(sink.bytes)
        // The first and the last row go, all rows of the last text, and what is no number.
        let gone = [0, 50, 99].map { Int64($0) } + (0..<100).filter { $0 % 7 == 6 }
        let input = ParquetRewriteInput(file, deletedRows: RowPositions(gone))

        let rewriter = try RewriterTests.Rewriter([input], way: way)
        let (written, _) = try #require(try await RewriterTests.rewrite(rewriter).first)

        let found = written.metrics()
        #expect(found[0].lowerBound == bytes(Int64(1)) && found[0].upperBound == bytes(Int64(98)))
        #expect(found[1].nanCount == 0 && found[1].upperBound == bytes(98.0))
        #expect(found[2].upperBound == Array("text 105".utf8))
        #expect(written.splitOffsets == [4])
    }
}
