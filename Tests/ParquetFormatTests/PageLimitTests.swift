// SPDX-License-Identifier: Apache-2.0

import RowSets
import TestSupport
import Testing

@testable import ParquetFormat

/// What a new page holds at most, and what is known of its parts.
@Suite struct PageLimitTests {
    private static func pages(
        _ file: ParquetFile<ParquetMemorySource>
    ) async throws -> [PageHeader] {
        var headers: [PageHeader] = []
        for group in file.rowGroups.indices {
            var stream = try PageStream(file, rowGroup: group, column: 0, loaded: file.memory)
            while let page = try await stream.next() { headers.append(page.header) }
        }
        return headers
    }

    private static func rewritten(
        _ inputs: [RewriterTests.Input], _ way: ParquetRewriteWay,
        _ settings: ParquetWriteSettings = .init()
    ) async throws -> ParquetFile<ParquetMemorySource> {
        let rewriter = try RewriterTests.Rewriter(inputs, way: way, settings: settings)
        return try await WriterTests.open(
            try #require(try await RewriterTests.rewrite(rewriter).first).1)
    }

    @Test func `parts of a page have bounds of their own, which the next rewrite may trust`()
        async throws
    {
        let rows = 100_000
        var random = SeededGenerator(seed: 3)
        var numbers = (0..<Int64(rows)).map { $0 + 1000 }.shuffled(using: &random)
        numbers[50] = 0
        var asOnePage = ParquetWriteSettings()
        asOnePage.dictionarySizeBytes = 64 << 20
        (asOnePage.pageRowLimit, asOnePage.pageSizeBytes) = (rows, 64 << 20)
        let field = ParquetField.values("n", id: 1, .required, .int64)
        let twice = numbers + numbers
        let file = try await ProjectionTests.file([field], [ColumnBatch(.int64(twice))], asOnePage)
        var settings = ParquetWriteSettings()
        settings.dictionarySizeBytes = 1000

        let first = try await Self.rewritten([.init(file)], .stitch, settings)
        let second = try await Self.rewritten(
            [.init(first, deletedRows: [50, Int64(rows) + 50])], .stitch, settings)

        let bounds = second.rowGroups[0].columns[0].metadata?.statistics?.minimum
        let least = try #require(numbers.filter { $0 > 0 }.min())
        #expect(bounds == withUnsafeBytes(of: least.littleEndian) { Array($0) })
        try await expectSoundStatistics(second, "after two rewrites")
        try await expectSoundIndexes(second, "after two rewrites")
    }

    @Test(arguments: [ParquetRewriteWay.stitch, .encode])
    func `lists of very many nulls come in pages of a million at most`(
        way: ParquetRewriteWay
    ) async throws {
        let (rows, elements) = (9, 100_000)
        let field = ParquetField.list("l", id: 1, element: .values("e", id: 2, .optional, .int32))
        let count = rows * elements
        let batch = ColumnBatch(
            .int32([]), definitionLevels: [UInt8](repeating: 2, count: count),
            repetitionLevels: (0..<count).map { $0 % elements == 0 ? 0 : 1 })
        var inputs: [RewriterTests.Input] = []
        for _ in 0..<4 { inputs.append(.init(try await ProjectionTests.file([field], [batch]))) }

        let file = try await Self.rewritten(inputs, way)

        let counts = try await Self.pages(file).map { $0.dataCounts.count }
        #expect(counts.reduce(0, +) == 4 * count)
        #expect(counts.allSatisfy { $0 <= PageAssembler.valueLimit })
        let found = try await file.readAll()[0]
        #expect(found.definitionLevels == [UInt8](repeating: 2, count: 4 * count))
        #expect(found.rowCount == 4 * rows)
        try await expectSoundIndexes(file, "\(way)")
    }

    @Test func `a row of many large texts goes on from page to page`() async throws {
        let field = ParquetField.list(
            "l", id: 1, element: .values("e", id: 2, .required, .byteArray))
        let texts = (0..<40).map { [UInt8](repeating: UInt8($0), count: 1 << 20) }
        let small = ColumnBatch(
            .byteArray(ByteArrays([[1], [2], [3]])), definitionLevels: [2, 2, 1, 2],
            repetitionLevels: [0, 1, 0, 0])
        let large = ColumnBatch(
            .byteArray(ByteArrays(texts + [[9]])),
            definitionLevels: [UInt8](repeating: 2, count: 41),
            repetitionLevels: (0..<41).map { $0 % 40 == 0 ? 0 : 1 })
        let inputs = [
            RewriterTests.Input(try await ProjectionTests.file([field], [small])),
            RewriterTests.Input(try await ProjectionTests.file([field], [large])),
        ]

        let file = try await Self.rewritten(inputs, .encode)

        let sizes = try await Self.pages(file).map(\.uncompressedSize)
        #expect(sizes.count > 4 && sizes.allSatisfy { $0 < PageBody.largeSize + (2 << 20) })
        #expect(try await file.offsetIndex(rowGroup: 0, column: 0) == nil)
        let found = try await file.readAll()[0]
        #expect(found.values == .byteArray(ByteArrays([[1], [2], [3]] + texts + [[9]])))
        #expect(found.definitionLevels == small.definitionLevels + large.definitionLevels)
        #expect(found.repetitionLevels == small.repetitionLevels + large.repetitionLevels)
    }

    @Test(arguments: [Set<Int64>(), [1]])
    func `texts that take little as differences join no page that stands for too much`(
        deleted: Set<Int64>
    ) async throws {
        let (count, length) = (20, 300_000)
        let texts = (0..<count).map { [UInt8](repeating: 7, count: length) + [UInt8($0)] }
        var settings = ParquetWriteSettings()
        settings.dictionarySizeBytes = 0
        settings.pageSizeBytes = 7 << 20
        settings.encodings = ["t": .deltaByteArray]
        let field = ParquetField.values("t", id: 1, .required, .byteArray)
        let file = try await ProjectionTests.file(
            [field], [ColumnBatch(.byteArray(ByteArrays(texts)))], settings)
        #expect(try await Self.pages(file).map { $0.dataCounts.count } == [count])
        let inputs = (0..<3).map { _ in
            RewriterTests.Input(file, deletedRows: RowPositions(deleted))
        }

        let made = try await Self.rewritten(inputs, .stitch, settings)

        let counts = try await Self.pages(made).map { $0.dataCounts.count }
        #expect(counts.allSatisfy { $0 * length <= PageBody.largeSize })
        let kept = texts.enumerated().filter { !deleted.contains(Int64($0.offset)) }.map(\.element)
        #expect(try await made.readAll()[0].values == .byteArray(ByteArrays(kept + kept + kept)))
    }

    @Test(arguments: UInt64(0)..<30)
    func `parts of a page are all of it, and no more than they may be`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let isFlat = seed % 3 == 0
        let element = ParquetField.values("e", id: 2, .optional, .byteArray)
        let schema = try ParquetSchema([isFlat ? element : .list("l", id: 1, element: element)])
        let column = schema.columns[0]
        let maximum = UInt8(column.maximumDefinitionLevel)
        let count = Int.random(in: 1...400, using: &random)
        let definitions = (0..<count).map { _ in UInt8.random(in: 0...maximum, using: &random) }
        let repetitions = (0..<count).map {
            isFlat || $0 == 0 ? 0 : UInt8.random(in: 0...1, using: &random)
        }
        let piece = PageAssembler.Piece(
            valueCount: count, rowCount: Int64(repetitions.count { $0 == 0 }),
            repetitionLevels: isFlat ? [] : repetitions[...],
            definitionLevels: definitions[...], bounds: nil)
        let sizes = definitions.filter { $0 == maximum }.map { _ in
            [10, 100, 3 << 20].randomElement(using: &random) ?? 0
        }
        let (limit, bytes) = (Int.random(in: 1...60, using: &random), 500)
        let splitter = PageSplitter(piece, column)
        for (parts, hasBytes) in [
            (splitter.parts(ofValues: limit), false),
            (splitter.parts(ofValues: limit, bytes: bytes) { sizes[$0] }, true),
        ] {
            #expect(parts.flatMap { $0.piece.definitionLevels } == definitions)
            #expect(parts.flatMap { $0.values } == Array(sizes.indices))
            #expect(parts.reduce(0) { $0 + $1.piece.rowCount } == piece.rowCount)
            #expect(parts.allSatisfy { $0.isCut == (parts.count > 1) })
            for part in parts {
                let sum = part.values.reduce(0) { $0 + sizes[$1] }
                let levels = part.piece.repetitionLevels
                let lastRow = levels.lastIndex(of: 0) ?? levels.startIndex
                let before = isFlat ? part.piece.valueCount - 1 : lastRow - levels.startIndex
                #expect(before < limit)
                guard hasBytes else { continue }
                #expect(sum <= bytes || part.piece.rowCount <= 1)
                #expect(sum <= PageBody.largeSize || part.values.count == 1)
            }
        }
    }
}
