// SPDX-License-Identifier: Apache-2.0

import Foundation
import RowSets
import TestSupport
import Testing
import WireFormat

@testable import ParquetFormat

extension ParquetWriteSettings {
    /// Settings that a seed chooses, small enough for several pages and row groups.
    init(using random: inout SeededGenerator) {
        self.init()
        rowGroupRowLimit = [30, 250, 1 << 20].randomElement(using: &random) ?? 0
        rowGroupSizeBytes = [1000, 128 << 20].randomElement(using: &random) ?? 0
        pageRowLimit = [1, 7, 100, 20_000].randomElement(using: &random) ?? 0
        pageSizeBytes = [100, 5000, 1 << 20].randomElement(using: &random) ?? 0
        dictionarySizeBytes = [0, 50, 2000, 2 << 20].randomElement(using: &random) ?? 0
        let codecs: [ParquetCodec?] = [
            nil, .uncompressed, .snappy, .gzip, .brotli, .lz4Raw, .zstandard,
        ]
        let known = codecs.filter { !(RandomTable.isForSpark && $0 == .brotli) }
        codec = known.randomElement(using: &random) ?? nil
    }

    /// Encodings that a seed chooses for a schema's columns.
    mutating func chooseEncodings(_ schema: ParquetSchema, using random: inout SeededGenerator) {
        for column in schema.columns where Bool.random(using: &random) {
            let all = ParquetEncoding.allCases.filter {
                ValueEncoder.encodes($0, column.type)
                    && !(RandomTable.isForSpark && $0 == .byteStreamSplit)
            }
            encodings[column.path.joined(separator: ".")] = all.randomElement(using: &random)
        }
    }
}

extension RandomTable {
    /// A file of the rows, written in batches of random sizes.
    func written(
        _ settings: ParquetWriteSettings, using random: inout SeededGenerator
    ) async throws -> (WrittenParquetFile, [UInt8]) {
        var writer = try ParquetWriter(schema, settings: settings, to: ParquetMemorySink())
        var start = 0
        while start < rows.count {
            let end = min(rows.count, start + Int.random(in: 1...300, using: &random))
            try await writer.write(batches(start..<end))
            start = end
        }
        let (written, sink) = try await writer.finish()
        return (written, sink.bytes)
    }
}

@Suite struct WriterTests {
    static func open(_ bytes: [UInt8]) async throws -> ParquetFile<ParquetMemorySource> {
        try await ParquetFile(opening: ParquetMemorySource(bytes))
    }

    @Test(arguments: UInt64(0)..<80)
    func `random values of random schemas come back`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let table = try RandomTable(seed: seed)
        var settings = ParquetWriteSettings(using: &random)
        settings.chooseEncodings(table.schema, using: &random)
        settings.chooseFilters(table.schema, using: &random)

        let (written, bytes) = try await table.written(settings, using: &random)
        let file = try await Self.open(bytes)

        #expect(file.schema == table.schema)
        #expect(written.rowCount == Int64(table.rows.count) && written.size == bytes.count)
        let found = try await file.readAll()
        for (mine, wanted) in zip(found, table.batches()) {
            #expect(mine.fingerprint == wanted.fingerprint, "seed \(seed)")
        }
        #expect(file.rowGroups.allSatisfy { $0.rowCount <= settings.rowGroupRowLimit })
        try await expectSoundIndexes(file, "seed \(seed)")
        try await expectPositionsFirst(file, "seed \(seed)")
        try await expectSoundStatistics(file, "seed \(seed)")
        let having = try await expectSoundFilters(file, "seed \(seed)")
        for column in file.schema.columns where BloomFilterBuilder.fits(column) {
            let isWanted = settings.bloomFilters.columns[column.name] == .written
            #expect(having.contains(column.name) == isWanted || file.rowGroups.isEmpty)
        }
    }

    @Test func `a dictionary gives way to plain values once it is too large`() async throws {
        let schema = try ParquetSchema([.values("n", .required, .int64)])
        var settings = ParquetWriteSettings()
        settings.pageRowLimit = 100
        // The first two pages repeat few values, then all differ.
        settings.dictionarySizeBytes = 80
        let values = (0..<400).map { $0 < 200 ? Int64($0 % 10) : Int64($0) }
        var writer = try ParquetWriter(schema, settings: settings, to: ParquetMemorySink())
        try await writer.write([ColumnBatch(.int64(values))])
        let (written, sink) = try await writer.finish()

        let pages = written.rowGroups[0].columns[0].metadata?.encodingStatistics ?? []
        let counts = pages.map { [$0.pageType, $0.encoding, $0.count] }
        #expect(counts == [[0, 0, 2], [0, 8, 2], [2, 0, 1]])
        let found = try await Self.open(sink.bytes).readAll()
        #expect(found[0].values == .int64(values))
    }

    @Test func `values that hardly repeat get no dictionary`() async throws {
        let schema = try ParquetSchema([.values("n", .optional, .int64)])
        var writer = try ParquetWriter(schema, to: ParquetMemorySink())
        let values = (0..<30_000).map { Int64($0) }
        let levels = [UInt8](repeating: 1, count: values.count)
        try await writer.write([ColumnBatch(.int64(values), definitionLevels: levels)])
        let (written, _) = try await writer.finish()

        let metadata = try #require(written.rowGroups[0].columns[0].metadata)
        #expect(metadata.dictionaryPageOffset == nil && metadata.encodings == [0, 3])
        #expect(metadata.encodingStatistics?.first?.count == 2)
    }

    @Test(
        .enabled(if: Fixtures.isAvailable, "\(Fixtures.reason)"),
        arguments: [ParquetRewriteWay.stitch, .encode])
    func `every page that is written has its checksum`(way: ParquetRewriteWay) async throws {
        let source = try await RewritingFixtureTests.opened(
            Fixtures.bytes("parquet/data/alltypes_tiny_pages_plain.parquet"))
        let inputs = [ParquetRewriteInput(source, deletedRows: [3, 700]), .init(source)]
        let rewriter = try RewriterTests.Rewriter(inputs, way: way)
        for (_, bytes) in try await RewriterTests.rewrite(rewriter) {
            let file = try await Self.open(bytes)
            for column in file.schema.columns.indices {
                var stream = try PageStream(file, rowGroup: 0, column: column)
                while let page = try await stream.next() {
                    #expect(page.header.checksum != nil, "\(file.schema.columns[column].path)")
                }
            }
        }
    }

    @Test func `a row group ends with its row limit, and not a row later`() async throws {
        let schema = try ParquetSchema([.values("n", .required, .int32)])
        var settings = ParquetWriteSettings()
        settings.rowGroupRowLimit = 5000
        for (count, groups) in [(4999, [4999]), (5000, [5000]), (5001, [5000, 1])] {
            var writer = try ParquetWriter(schema, settings: settings, to: ParquetMemorySink())
            try await writer.write([ColumnBatch(.int32((0..<Int32(count)).map { $0 }))])
            let (written, _) = try await writer.finish()
            #expect(written.rowGroups.map { Int($0.rowCount) } == groups)
            #expect(written.splitOffsets.first == 4)
        }
    }

    @Test func `long bounds are shortened in indexes and kept in the footer`() async throws {
        let schema = try ParquetSchema([.values("s", .required, .byteArray, logicalType: .string)])
        let text = [UInt8](repeating: 0x7A, count: 100)
        let long = [UInt8](repeating: 0x7A, count: 5000)
        for (value, isExact) in [(text, true), (long, false)] {
            var writer = try ParquetWriter(schema, to: ParquetMemorySink())
            try await writer.write([ColumnBatch(.byteArray(ByteArrays([value])))])
            let (written, sink) = try await writer.finish()
            let statistics = try #require(written.rowGroups[0].columns[0].metadata?.statistics)
            #expect(statistics.isMaximumExact == isExact && statistics.isMinimumExact == isExact)
            #expect(isExact == (statistics.maximum == value))
            let file = try await Self.open(sink.bytes)
            let index = try #require(try await file.columnIndex(rowGroup: 0, column: 0))
            #expect(index.minimums[0] == Array(value.prefix(64)))
            #expect(index.maximums[0] == Array(value.prefix(63)) + [0x7B])
        }
    }

    @Test func `batches that do not fit are refused with a reason`() async throws {
        let schema = try ParquetSchema([
            .values("a", .optional, .int32),
            .list("l", .required, element: .values("e", .required, .int64)),
        ])
        let fine = ColumnBatch(.int32([1]), definitionLevels: [1])
        let list = ColumnBatch(.int64([1]), definitionLevels: [1], repetitionLevels: [0])
        let cases: [([ColumnBatch], String)] = [
            ([fine], "1 batches for 2 columns"),
            ([ColumnBatch(.int64([1]), definitionLevels: [1]), list], "another type"),
            ([ColumnBatch(.int32([1])), list], "definition levels"),
            ([ColumnBatch(.int32([1]), definitionLevels: [2]), list], "definition levels"),
            ([ColumnBatch(.int32([]), definitionLevels: [1]), list], "0 values and levels for 1"),
            (
                [fine, ColumnBatch(.int64([1]), definitionLevels: [1], repetitionLevels: [1])],
                "repetition levels"
            ),
            (
                [
                    fine,
                    ColumnBatch(
                        .int64([1, 2]), definitionLevels: [1, 1], repetitionLevels: [0, 0]),
                ], "2 rows, not 1"
            ),
        ]
        for (batches, reason) in cases {
            var writer = try ParquetWriter(schema, to: ParquetMemorySink())
            do {
                try await writer.write(batches)
                Issue.record("it takes what should fail with \(reason)")
            } catch {
                #expect("\(error)".contains(reason), "\(error)")
            }
        }
        var settings = ParquetWriteSettings()
        settings.encodings = ["a": .deltaByteArray]
        #expect(throws: ParquetError.self) {
            _ = try ParquetWriter(schema, settings: settings, to: ParquetMemorySink())
        }
        #expect(throws: ParquetError.self) { _ = try ParquetSchema([]) }
        #expect(throws: ParquetError.self) {
            _ = try ParquetSchema([.values("t", .optional, .int96)])
        }
    }
}

/// Counts are right and bounds hold, and say that they are exact only when they are.
func expectSoundStatistics<Source>(
    _ file: ParquetFile<Source>, _ comment: String, expectingExact: Bool = true
) async throws {
    for group in file.rowGroups.indices {
        for (index, column) in file.schema.columns.enumerated() {
            guard let chunk = file.rowGroups[group].columns[index].metadata,
                let statistics = chunk.statistics
            else { continue }
            let batch = try await file.readColumn(rowGroup: group, column: index)
            let order = BoundsOrder(column, order: file.metadata.columnOrders?[index])
            var scan = ValueScan(order)
            for value in 0..<batch.values.count { scan.add(batch.values, value..<value + 1) }
            let nulls = Int64(batch.count - batch.values.count)
            let wanted = scan.result(nullCount: nulls)
            #expect(chunk.valueCount == Int64(batch.count), "\(comment)")
            expectSoundSizes(chunk, batch, column, comment)
            if let count = statistics.nullCount { #expect(count == nulls, "\(comment)") }
            if let count = statistics.nanCount { #expect(count == wanted.nanCount, "\(comment)") }
            let known = ValueBounds(statistics, valueCount: chunk.valueCount, order: order)
            guard let order, let low = known.bounds?.minimum, let high = known.bounds?.maximum,
                let bounds = wanted.bounds
            else { continue }
            #expect(!order.isLess(bounds.minimum, low), "\(comment) \(column.name)")
            #expect(!order.isLess(high, bounds.maximum), "\(comment) \(column.name)")
            guard expectingExact else { continue }
            if statistics.isMinimumExact == true { #expect(bounds.minimum == low, "\(comment)") }
            if statistics.isMaximumExact == true { #expect(bounds.maximum == high, "\(comment)") }
        }
    }
}
