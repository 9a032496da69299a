// SPDX-License-Identifier: Apache-2.0

import RowSets
import Testing

@testable import ParquetFormat

/// Pages of the second version that begin within a row: the format forbids them, PyArrow writes
/// them.
@Suite struct PagesWithinRowsTests {
    private static let schema = [
        ParquetField.list(
            "l", id: 1, .required, element: .values("element", id: 2, .required, .int64))
    ]

    /// A page: how many elements each of its rows has, and how many go on with the row before.
    private struct Page {
        let rest: Int
        let rows: [Int]

        var count: Int { rest + rows.reduce(0, +) }
        var levels: [UInt8] {
            [UInt8](repeating: 1, count: rest)
                + rows.flatMap { [0] + [UInt8](repeating: 1, count: $0 - 1) }
        }
    }

    /// A file of the numbers from 0 on.
    private static func file(_ pages: [Page]) async throws -> ParquetFile<ParquetMemorySource> {
        let schema = try ParquetSchema(schema)
        let leaf = schema.columns[0]
        let order = BoundsOrder(standardFor: leaf)
        var writer = FileWriter<ParquetMemorySource, ParquetMemorySink>(ParquetMemorySink())
        var ledger = ChunkLedger()
        var first: Int64 = 0
        for page in pages {
            let numbers = (0..<page.count).map { first + Int64($0) }
            first += Int64(page.count)
            var levels: [UInt8] = []
            HybridEncoder.encode(page.levels, width: 1, appendingTo: &levels)
            var definitions: [UInt8] = []
            HybridEncoder.encode(
                [UInt8](repeating: 1, count: page.count), width: 1, appendingTo: &definitions)
            var values: [UInt8] = []
            try ValueEncoder.encode(.int64(numbers), .plain, appendingTo: &values)
            var scan = ValueScan(order)
            scan.add(.int64(numbers), 0..<numbers.count)
            let bounds = scan.result(nullCount: 0)
            let stored = levels + definitions + values
            let header = DataPageHeaderV2(
                valueCount: Int32(page.count), nullCount: 0, rowCount: Int32(page.rows.count),
                encoding: .plain, definitionLevelsSize: Int32(definitions.count),
                repetitionLevelsSize: Int32(levels.count), isCompressed: false,
                statistics: bounds.statistics)
            writer.append(
                PageHeader(
                    kind: .dataV2(header), uncompressedSize: Int32(stored.count),
                    compressedSize: Int32(stored.count), checksum: nil),
                stored, rows: Int64(page.rows.count), bounds: bounds, notingIn: &ledger)
        }
        let rows = pages.reduce(0) { $0 + $1.rows.count }
        let made = ledger.chunk(leaf, codec: .uncompressed, ValueBounds(), order)
        let chunk = NewChunk(
            column: 0, rowCount: Int64(rows), metadata: made.metadata,
            offsetIndex: made.offsetIndex, columnIndex: made.columnIndex, bloomFilter: nil)
        try await writer.add([chunk], rowCount: Int64(rows), from: 4)
        let settings = ParquetWriteSettings()
        let (_, sink) = try await writer.finish(
            FileMetadata(new: schema, settings: settings), schema, losses: [])
        return try await WriterTests.open(sink.bytes)
    }

    /// Every page is of a size that moves byte for byte where nothing is left out.
    private static let pages = [
        Page(rest: 0, rows: [Int](repeating: 1, count: 132) + [20_000]),
        Page(rest: 20_000, rows: [20_000]),
        Page(rest: 10_000, rows: []),
        Page(rest: 5, rows: [10_000, 2]),
    ]

    /// The numbers of each row.
    private static var rows: [[Int64]] {
        var rows: [[Int64]] = []
        var next: Int64 = 0
        func take(_ count: Int) -> [Int64] {
            defer { next += Int64(count) }
            return (0..<count).map { next + Int64($0) }
        }
        for page in pages {
            if page.rest > 0 { rows[rows.count - 1] += take(page.rest) }
            for count in page.rows { rows.append(take(count)) }
        }
        return rows
    }

    private static func rowsOf(_ file: ParquetFile<ParquetMemorySource>) async throws -> [[Int64]] {
        let batch = try await file.readColumn(rowGroup: 0, column: 0)
        guard case .int64(let numbers) = batch.values else { return [] }
        var rows: [[Int64]] = []
        for (level, number) in zip(batch.repetitionLevels, numbers) {
            if level == 0 { rows.append([]) }
            rows[rows.count - 1].append(number)
        }
        return rows
    }

    @Test(arguments: [[], [0], [132], [133], [0, 132], [133, 134], [135]] as [[Int64]])
    func `rows are left out with all of their elements`(_ deleted: [Int64]) async throws {
        let input = RewriterTests.Input(
            try await Self.file(Self.pages), deletedRows: RowPositions(deleted))
        let rewriter = try RewriterTests.Rewriter([input, input], way: .stitch)
        let output = try #require(try await RewriterTests.rewrite(rewriter).first)
        let file = try await WriterTests.open(output.1)

        let kept = Self.rows.enumerated().filter { !deleted.contains(Int64($0.offset)) }
            .map(\.element)
        #expect(try await Self.rowsOf(file) == kept + kept)
        // Where pages begin within a row, none is looked up by rows.
        try await expectSoundIndexes(file, "\(deleted)")
        if !deleted.contains(132) {
            #expect(try await file.offsetIndex(rowGroup: 0, column: 0) == nil)
        }
    }
}
