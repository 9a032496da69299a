// SPDX-License-Identifier: Apache-2.0

import RowSets
import TestSupport
import Testing

@testable import ParquetFormat

@Suite struct ProjectionTests {
    typealias Input = RewriterTests.Input

    /// A file of one batch for each column.
    static func file(
        _ fields: [ParquetField], _ batches: [ColumnBatch],
        _ settings: ParquetWriteSettings = .init()
    ) async throws -> ParquetFile<ParquetMemorySource> {
        let schema = try ParquetSchema(fields)
        var writer = try ParquetWriter(schema, settings: settings, to: ParquetMemorySink())
        try await writer.write(batches)
        return try await WriterTests.open(try await writer.finish().1.bytes)
    }

    /// What the columns of the first output hold.
    private func rewritten(
        _ inputs: [Input], _ target: [ParquetField], _ way: ParquetRewriteWay? = nil
    ) async throws -> [ColumnBatch] {
        let rewriter = try RewriterTests.Rewriter(
            inputs, target: try ParquetSchema(target), way: way)
        let outputs = try await RewriterTests.rewrite(rewriter)
        return try await WriterTests.open(try #require(outputs.first).1).readAll()
    }

    @Test func `the parts of a row group have no more than their part of its dictionary`()
        async throws
    {
        var random = SeededGenerator(seed: 3)
        let texts = (0..<4000).map { _ in
            (0..<40).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        let text = ParquetField.values("s", id: 1, .required, .byteArray)
        let all = ByteArrays(texts.flatMap { [$0, $0, $0] })
        let file = try await Self.file([text], [ColumnBatch(.byteArray(all))])
        let size = try #require(file.rowGroups.first?.storedSize)
        #expect(file.rowGroups.count == 1)
        #expect(file.rowGroups[0].columns[0].metadata?.dictionaryPageOffset != nil)
        var settings = ParquetWriteSettings()
        settings.fileSizeBytes = size / 4
        settings.largestFileBytes = size / 2

        let rewriter = try RewriterTests.Rewriter([Input(file)], settings: settings)
        var parts: [ParquetFile<ParquetMemorySource>] = []
        for output in try await RewriterTests.rewrite(rewriter) {
            parts.append(try await WriterTests.open(output.1))
        }

        #expect((4...5).contains(parts.count))
        let sizes = parts.compactMap { $0.rowGroups.first?.storedSize }
        #expect(sizes.allSatisfy { $0 <= size / 3 }, "\(sizes) of \(size)")
        var count = 0
        for part in parts {
            guard case .byteArray(let values) = try await part.readAll()[0].values else { continue }
            for index in 0..<values.count {
                #expect(values[index].elementsEqual(all[count + index]))
            }
            count += values.count
        }
        #expect(count == all.count)
    }

    private static let number = ParquetField.values("n", id: 1, .required, .int32)
    private static let rowID = ParquetField.values("_row_id", id: 90, .optional, .int64)

    @Test(arguments: [ParquetRewriteWay.stitch, .encode])
    func `row ids are counted where a file has none, and kept where it has some`(
        way: ParquetRewriteWay
    ) async throws {
        let bare = try await Self.file([Self.number], [ColumnBatch(.int32([10, 11, 12, 13]))])
        let partly = try await Self.file(
            [Self.number, Self.rowID],
            [
                ColumnBatch(.int32([20, 21, 22])),
                ColumnBatch(.int64([7]), definitionLevels: [0, 1, 0]),
            ])
        let inputs = [
            Input(bare, deletedRows: [1], fills: [90: .rowOrdinals(from: 100)], filledNulls: [90]),
            Input(partly, fills: [90: .rowOrdinals(from: 200)], filledNulls: [90]),
        ]

        let found = try await rewritten(inputs, [Self.number, Self.rowID], way)

        #expect(found[0].values == .int32([10, 12, 13, 20, 21, 22]))
        #expect(found[1].values == .int64([100, 102, 103, 200, 7, 202]))
    }

    @Test func `row ids take hardly any room`() async throws {
        let rows = 100_000
        let bare = try await Self.file(
            [Self.number], [ColumnBatch(.int32((0..<Int32(rows)).map { $0 }))])
        let input = Input(bare, fills: [90: .rowOrdinals(from: 1 << 40)])
        let target = try ParquetSchema([Self.number, Self.rowID])
        let rewriter = try RewriterTests.Rewriter([input], target: target)
        let written = try #require(try await RewriterTests.rewrite(rewriter).first).0

        #expect(written.metrics()[1].size < Int64(rows / 50))
        #expect(rewriter.decision.way == .stitch)
    }

    @Test(arguments: [ParquetRewriteWay.stitch, .encode])
    func `dates become timestamps, and those that do not fit are refused`(
        way: ParquetRewriteWay
    ) async throws {
        let date = ParquetField.values("d", id: 1, .required, .int32, logicalType: .date)
        let time = ParquetField.values(
            "d", id: 1, .required, .int64,
            logicalType: .timestamp(.microseconds, isAdjustedToUTC: false))
        let days = try await Self.file([date], [ColumnBatch(.int32([-1, 0, 19_000]))])
        let found = try await rewritten([Input(days)], [time], way)
        #expect(found[0].values == .int64([-86_400_000_000, 0, 19_000 * 86_400_000_000]))

        let far = try await Self.file([date], [ColumnBatch(.int32([.max]))])
        await expectRefusal("does not fit the finer unit") {
            _ = try await rewritten([Input(far)], [time], way)
        }
    }

    private func expectRefusal(
        _ reason: String, _ body: () async throws -> Void
    ) async {
        do {
            try await body()
            Issue.record("what should be refused with \(reason) is not")
        } catch {
            #expect("\(error)".contains(reason), "\(error)")
        }
    }

    @Test func `what would lose something is refused with its reason`() async throws {
        let wide = ParquetField.values("n", id: 1, .optional, .int64)
        let text = ParquetField.values("n", id: 1, .optional, .byteArray, logicalType: .string)
        let nullable = try await Self.file(
            [wide], [ColumnBatch(.int64([1]), definitionLevels: [1, 0])])
        let input = Input(nullable)
        await expectRefusal("cannot become INT32") {
            _ = try await rewritten([input], [.values("n", id: 1, .optional, .int32)])
        }
        await expectRefusal("n is INT64 and cannot become BYTE_ARRAY (STRING)") {
            _ = try await rewritten([input], [text])
        }
        await expectRefusal("required, and a file has a null") {
            _ = try await rewritten([input], [.values("n", id: 1, .required, .int64)])
        }
        await expectRefusal("neither it nor a default") {
            _ = try await rewritten([input], [wide, .values("m", id: 2, .required, .int64)])
        }
        await expectRefusal("a constant of 3 bytes") {
            _ = try await rewritten(
                [Input(nullable, fills: [2: .constant([1, 2, 3])])],
                [wide, .values("m", id: 2, .optional, .int64)])
        }
        await expectRefusal("cannot count rows") {
            _ = try await rewritten(
                [Input(nullable, fills: [2: .rowOrdinals(from: 0)])],
                [wide, .values("m", id: 2, .optional, .int32)])
        }
        await expectRefusal("nested in other fields") {
            _ = try await rewritten([input], [.list("l", id: 8, element: wide)])
        }
        await expectRefusal("two columns with the field id 1") {
            let twice = try await Self.file(
                [wide, text],
                [
                    ColumnBatch(.int64([1]), definitionLevels: [1]),
                    ColumnBatch(.byteArray(ByteArrays([[1]])), definitionLevels: [1]),
                ])
            _ = try await rewritten([Input(twice)], [wide])
        }
    }

    @Test func `fields that a struct lacks do not count as what it has`() async throws {
        func group(_ names: [String]) -> ParquetField {
            .group(
                "s", id: 1, .optional,
                names.enumerated().map { index, name in
                    .values(name, id: Int32(index) + 2, .optional, .byteArray)
                })
        }
        let texts = ByteArrays((0..<1000).map { Array("a text of some length \($0 * 7919)".utf8) })
        let file = try await Self.file(
            [group(["a"])],
            [ColumnBatch(.byteArray(texts), definitionLevels: [UInt8](repeating: 2, count: 1000))])
        let stored = file.rowGroups[0].columns[0].metadata?.compressedSize ?? 0
        var settings = ParquetWriteSettings()
        settings.fileSizeBytes = stored * 2
        settings.largestFileBytes = stored * 3
        let rewriter = try ParquetRewriter<ParquetMemorySource, ParquetMemorySink>(
            [Input(file)], target: ParquetSchema([group(["a", "b", "c", "d", "e"])]),
            settings: settings)
        #expect(rewriter.outputCount == 1)
        let outputs = try await rewriter.rewrite { _ in ParquetMemorySink() }
        #expect(outputs[0].written.rowCount == 1000)
    }

    @Test func `deleted rows must be rows of the file`() async throws {
        let file = try await Self.file([Self.number], [ColumnBatch(.int32([1, 2, 3]))])
        for (rows, reason) in [
            (RowPositions([-1]), "row -1 is to be deleted, and the file has 3 rows"),
            ([0, 3], "row 3 is to be deleted, and the file has 3 rows"),
        ] {
            await expectRefusal(reason) {
                _ = try await rewritten([Input(file, deletedRows: rows)], [Self.number])
            }
        }
        let none = try RewriterTests.Rewriter([Input(file, deletedRows: [0, 1, 2])])
        #expect(none.outputCount == 0)
        let last = try await rewritten([Input(file, deletedRows: [2])], [Self.number])
        #expect(last[0].values == .int32([1, 2]))
    }

    @Test func `files without ids are read by the names that a mapping gives`() async throws {
        let file = try await Self.file(
            [
                .values("alt", .required, .int32),
                .group("g", .optional, [.values("x", .optional, .int32)]),
            ],
            [
                ColumnBatch(.int32([1, 2])),
                ColumnBatch(.int32([5]), definitionLevels: [2, 0]),
            ])
        let input = Input(file, fieldIDs: [["alt"]: 1, ["g"]: 2, ["g", "x"]: 3])

        let found = try await rewritten(
            [input],
            [.group("h", id: 2, .optional, [.values("y", id: 3, .optional, .int64)]), Self.number])

        #expect(found[0].values == .int64([5]) && found[0].definitionLevels == [2, 0])
        #expect(found[1].values == .int32([1, 2]))
    }

    @Test func `lists of two levels become lists of three`() async throws {
        let old = ParquetField.group(
            "l", id: 1, .optional, [.values("array", id: 2, .repeated, .int32)], logicalType: .list)
        let new = ParquetField.list("l", id: 1, element: .values("e", id: 2, .optional, .int32))
        let batch = ColumnBatch(
            .int32([1, 2]), definitionLevels: [2, 2, 1, 0], repetitionLevels: [0, 1, 0, 0])
        let file = try await Self.file([old], [batch])

        let found = try await rewritten([Input(file)], [new])

        #expect(found[0].values == .int32([1, 2]) && found[0].definitionLevels == [3, 3, 1, 0])
    }

    @Test func `pages without a deleted row move byte for byte`() async throws {
        var settings = ParquetWriteSettings()
        settings.dictionarySizeBytes = 0
        var random = SeededGenerator(seed: 7)
        let values = (0..<200_000).map { _ in Int64.random(in: 0...(.max), using: &random) }
        let field = ParquetField.values("n", id: 1, .required, .int64)
        let file = try await Self.file([field], [ColumnBatch(.int64(values))], settings)
        let before = try #require(try await file.offsetIndex(rowGroup: 0, column: 0)).pages
        #expect(before.count == 10)

        let rewriter = try RewriterTests.Rewriter([Input(file, deletedRows: [65_000, 199_999])])
        let (_, bytes) = try #require(try await RewriterTests.rewrite(rewriter).first)

        let output = try await WriterTests.open(bytes)
        let after = try #require(try await output.offsetIndex(rowGroup: 0, column: 0)).pages
        #expect(after.count == 10 && after.last?.firstRow == 179_999)
        var same = 0
        for (old, new) in zip(before, after) {
            let mine = await file.source.read(
                old.offset..<old.offset + Int64(old.compressedSize))
            let end = Int(new.offset) + Int(new.compressedSize)
            same += mine.elementsEqual(bytes[Int(new.offset)..<end]) ? 1 : 0
        }
        #expect(same == 8)
    }
}

@Suite struct DecisionTests {
    private func decide(
        _ files: [ParquetRewriteFacts], _ settings: ParquetWriteSettings = .init()
    ) -> ParquetRewriteDecision {
        ParquetRewriteDecision(files, settings: settings)
    }

    private func facts(_ bytes: [Int64], rows: Int64 = 1000) -> ParquetRewriteFacts {
        ParquetRewriteFacts(
            rowGroupBytes: bytes, keptRows: bytes.map { _ in rows },
            allRows: bytes.map { _ in rows })
    }

    @Test func `small row groups are stitched and large ones copied`() {
        let small = decide([facts([1000]), facts([1000, 2000])])
        #expect(small.way == .stitch && small.reason == "3 row groups become 1")
        let large = decide([facts([100 << 20]), facts([90 << 20])])
        #expect(large.way == .copy)
        #expect(large.reason.contains("2 row groups are about as large as they shall be"))
    }

    @Test func `copying is left at a third more row groups, and not later`() {
        var settings = ParquetWriteSettings()
        settings.rowGroupSizeBytes = 100
        // Four of which stitching leaves three.
        let four = [facts([100, 100, 50, 50])]
        #expect(decide(four, settings).way == .copy)
        // Five of which it leaves three.
        let five = [facts([100, 100, 50, 25, 25])]
        #expect(decide(five, settings).way == .stitch)
    }

    @Test func `row groups of 32 MiB are copied as long as they are not too many`() {
        let large: Int64 = 32 << 20
        let copied = decide([facts([large, large, large, large])])
        #expect(copied.way == .copy)
        #expect(
            copied.reason.contains("4 row groups are large enough: to make 1 of them would spare"))
        #expect(decide([facts([large, large, large, large - 1])]).way == .stitch)
        // A tenth of the bytes may be in small ones, and not a byte more.
        let nine = [Int64](repeating: 36 << 20, count: 9)
        #expect(decide([facts(nine + [36 << 20])]).way == .copy)
        #expect(decide([facts(nine + [18 << 20, 18 << 20])]).way == .copy)
        #expect(decide([facts(nine + [18 << 20, (18 << 20) + 1])]).way == .stitch)
        // Five are too many for one.
        var settings = ParquetWriteSettings()
        settings.rowGroupSizeBytes = 160 << 20
        #expect(decide([facts([large, large, large, large, large])], settings).way == .stitch)
    }

    @Test func `row groups that are larger than a file may be are not copied`() {
        var settings = ParquetWriteSettings()
        settings.fileSizeBytes = 100 << 20
        let large = [facts([200 << 20])]
        #expect(decide(large, settings).way == .copy)
        settings.largestFileBytes = 199 << 20
        #expect(decide(large, settings).reason == "row groups are larger than a file may be")
        #expect(decide(large, settings).way == .stitch)
        settings.largestFileBytes = 200 << 20
        #expect(decide(large, settings).way == .copy)
    }

    @Test func `what a row group needs decides before its size`() {
        var deleted = facts([100 << 20])
        deleted.keptRows = [999]
        #expect(decide([deleted]).reason == "1 rows are left out of the pages they are in")
        var other = facts([100 << 20])
        other.hasTargetSchema = false
        #expect(decide([other]).way == .stitch)
        var codec = facts([100 << 20])
        codec.hasWantedCodec = false
        #expect(decide([codec]).reason == "pages are compressed anew")
        var filters = facts([100 << 20])
        filters.hasWantedFilters = false
        #expect(decide([filters]).reason == "columns get bloom filters that they lack")
        var flawed = facts([1])
        flawed.flaw = "a file is flawed"
        #expect(decide([flawed, deleted]).way == .encode)
    }
}
