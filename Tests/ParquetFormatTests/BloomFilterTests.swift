// SPDX-License-Identifier: Apache-2.0

import RowSets
import TestSupport
import Testing

@testable import ParquetFormat

extension ParquetWriteSettings {
    /// Bloom filters that a seed chooses for a schema's columns.
    mutating func chooseFilters(_ schema: ParquetSchema, using random: inout SeededGenerator) {
        for column in schema.columns {
            let choices: [ParquetBloomFilterSettings.Choice?] = [nil, .written, .leftOut]
            bloomFilters.columns[column.name] = choices.randomElement(using: &random) ?? nil
            bloomFilters.falsePositiveRates[column.name] =
                [nil, 0.1, 0.0001].randomElement(using: &random) ?? nil
        }
        bloomFilters.maximumBytes = [1, 100, 1 << 14].randomElement(using: &random) ?? 1
    }
}

/// Every value is found in the bloom filter of its chunk, if that has one.
///
/// - Returns: the columns of which every row group has a filter.
@discardableResult
func expectSoundFilters<Source>(
    _ file: ParquetFile<Source>, _ comment: String
) async throws -> Set<String> {
    var having = Set(file.schema.columns.map(\.name))
    for group in file.rowGroups.indices {
        for (index, column) in file.schema.columns.enumerated() {
            let stored = try await file.storedBloomFilter(rowGroup: group, column: index)
            guard let filter = stored else {
                having.remove(column.name)
                continue
            }
            let values = try await file.readColumn(rowGroup: group, column: index).values
            for value in 0..<values.count {
                let hash = XXHash64.hash(try values.plainValue(value))
                guard filter.mayContain(hash) else {
                    Issue.record("\(comment): value \(value) of \(column.name) is not found")
                    break
                }
            }
        }
    }
    return having
}

@Suite struct BloomFilterTests {
    typealias Rewriter = ParquetRewriter<ParquetMemorySource, ParquetMemorySink>

    @Test(
        arguments: [
            ("", 0xEF46_DB37_51D8_E999), ("a", 0xD24E_C4F1_A98C_6E5B),
            ("abc", 0x44BC_2CF5_AD77_0999),
            ("Nobody inspects the spammish repetition", 0xFBCE_A83C_8A37_8BF1),
        ] as [(String, UInt64)])
    func `the hash is xxHash's`(text: String, wanted: UInt64) {
        #expect(XXHash64.hash(Array(text.utf8)) == wanted)
    }

    private static func hashes(_ range: Range<Int64>) -> [UInt64] {
        range.map { XXHash64.hash(withUnsafeBytes(of: $0.littleEndian, Array.init)) }
    }

    @Test func `a filter is as small as its values allow, and errs as rarely as it shall`() {
        var filter = SplitBlockFilter(atMost: 1 << 16)
        for hash in Self.hashes(0..<2000) { filter.insert(hash) }

        let shrunk = filter.shrunk(toRate: 0.01, atMost: 1 << 16)

        // About ten bits for each value are needed.
        #expect(shrunk.byteCount == 4096)
        #expect(Self.hashes(0..<2000).allSatisfy { shrunk.mayContain($0) })
        let errors = Self.hashes(10_000..<20_000).count { shrunk.mayContain($0) }
        #expect(errors < 150)
        #expect(abs(shrunk.falsePositiveRate - Double(errors) / 10_000) < 0.005)
    }

    @Test func `a filter keeps to its limit, and only to that if it would err too often`() {
        var filter = SplitBlockFilter(atMost: 1023)
        for hash in Self.hashes(0..<2000) { filter.insert(hash) }

        #expect(filter.byteCount == 512)
        #expect(filter.shrunk(toRate: 0.01, atMost: 512) == filter)
        #expect(filter.shrunk(toRate: 0.01, atMost: 511).byteCount == 256)
        #expect(SplitBlockFilter(atMost: 1).byteCount == 32)
        #expect(SplitBlockFilter(atMost: 1).shrunk(toRate: 0.5, atMost: 1).byteCount == 32)
    }

    @Test func `filters of any sizes join into one of all their values`() {
        var large = SplitBlockFilter(atMost: 4096)
        var small = SplitBlockFilter(atMost: 1024)
        var both = SplitBlockFilter(atMost: 1024)
        for hash in Self.hashes(0..<300) { large.insert(hash) }
        for hash in Self.hashes(300..<400) { small.insert(hash) }
        for hash in Self.hashes(0..<400) { both.insert(hash) }

        var (one, other) = (large, small)
        one.join(small)
        other.join(large)

        #expect(one == both && other == both)
    }

    @Test func `a stored filter reads as it was written, and others are not taken`() {
        var filter = SplitBlockFilter(atMost: 64)
        for hash in Self.hashes(0..<9) { filter.insert(hash) }

        #expect(SplitBlockFilter(stored: filter.bytes) == filter)
        for count in [0, 16, 31, 33, 96] {
            #expect(SplitBlockFilter(stored: [UInt8](repeating: 0, count: count)) == nil)
        }
    }

    // MARK: Columns

    private static func file(
        _ values: ColumnValues, _ field: ParquetField, asking: Bool = true,
        dictionary: Int = 2 << 20
    ) async throws -> ParquetFile<ParquetMemorySource> {
        var settings = ParquetWriteSettings()
        if asking { settings.bloomFilters.columns = ["v": .written] }
        settings.dictionarySizeBytes = dictionary
        settings.pageRowLimit = 100
        var writer = try ParquetWriter(
            ParquetSchema([field]), settings: settings, to: ParquetMemorySink())
        try await writer.write([ColumnBatch(values)])
        let (_, sink) = try await writer.finish()
        return try await WriterTests.open(sink.bytes)
    }

    private static func numbers(
        _ range: Range<Int64>, asking: Bool = true, dictionary: Int = 0
    ) async throws -> ParquetFile<ParquetMemorySource> {
        try await file(
            .int64(Array(range)), .values("v", id: 1, .required, .int64), asking: asking,
            dictionary: dictionary)
    }

    @Test func `zeros of both signs and what is no number are found under the usual bits`()
        async throws
    {
        let odd = Double(nan: 5, signaling: false)
        for dictionary in [0, 1 << 20] {
            for (values, wanted) in [
                ([-0.0], [0.0, -0.0]), ([0.0], [0.0, -0.0]), ([odd], [.nan]),
            ] {
                let file = try await Self.file(
                    .double(values + values), .values("v", .required, .double),
                    dictionary: dictionary)
                let filter = try #require(
                    try await file.storedBloomFilter(rowGroup: 0, column: 0))
                for value in wanted + values {
                    let hash = XXHash64.hash(withUnsafeBytes(of: value, Array.init))
                    #expect(filter.mayContain(hash))
                }
                #expect(!filter.mayContain(Self.hashes(7..<8)[0]))
            }
        }
    }

    @Test func `booleans have no filters, whoever asks for them`() async throws {
        let file = try await Self.file(.boolean([true]), .values("v", .required, .boolean))
        #expect(try await file.bloomFilter(rowGroup: 0, column: 0) == nil)
    }

    @Test func `settings that make no sense are refused`() throws {
        let schema = try ParquetSchema([.values("v", .required, .int32)])
        for (rate, size) in [(0.0, 1), (1.0, 1), (.nan, 1), (0.1, 0), (0.1, (128 << 20) + 1)] {
            var settings = ParquetWriteSettings()
            settings.bloomFilters.falsePositiveRates["v"] = rate
            settings.bloomFilters.maximumBytes = size
            #expect(throws: ParquetError.self) { try settings.check(schema) }
        }
        var settings = ParquetWriteSettings()
        settings.bloomFilters.columns["no such column"] = .written
        settings.bloomFilters.maximumBytes = 128 << 20
        #expect(throws: Never.self) { try settings.check(schema) }
    }

    // MARK: Rewriting

    @Test(arguments: [ParquetRewriteWay.stitch, .encode], [[Int64]([]), [3, 700]])
    func `a filter that all row groups have is there in the one that they become`(
        way: ParquetRewriteWay, deleted: [Int64]
    ) async throws {
        let files = [try await Self.numbers(0..<900), try await Self.numbers(5000..<5900)]
        let inputs = files.map { ParquetRewriteInput($0, deletedRows: RowPositions(deleted)) }

        let outputs = try await RewriterTests.rewrite(try Rewriter(inputs, way: way))

        #expect(outputs[0].0.losses == [])
        let file = try await WriterTests.open(outputs[0].1)
        #expect(file.rowGroups.count == 1)
        #expect(try await expectSoundFilters(file, "\(way)") == ["v"])
        let filter = try #require(try await file.storedBloomFilter(rowGroup: 0, column: 0))
        let errors = Self.hashes(20_000..<30_000).count { filter.mayContain($0) }
        #expect(errors < 200)
    }

    @Test func `filters too small for all values are built anew`() async throws {
        var inputs: [ParquetRewriteInput<ParquetMemorySource>] = []
        for start in 0..<10 {
            let file = try await Self.numbers(Int64(start) * 200..<Int64(start + 1) * 200)
            inputs.append(ParquetRewriteInput(file))
        }
        let before = try #require(
            try await inputs[0].file.storedBloomFilter(rowGroup: 0, column: 0))

        let outputs = try await RewriterTests.rewrite(try Rewriter(inputs, way: .stitch))

        let file = try await WriterTests.open(outputs[0].1)
        #expect(try await expectSoundFilters(file, "stitched") == ["v"])
        let after = try #require(try await file.storedBloomFilter(rowGroup: 0, column: 0))
        #expect(before.byteCount < after.byteCount && after.falsePositiveRate <= 0.01)
    }

    @Test func `a filter that one row group lacks is lost, and that is told`() async throws {
        let files = [
            try await Self.numbers(0..<9), try await Self.numbers(9..<18, asking: false),
        ]
        let inputs = files.map { ParquetRewriteInput($0) }

        let outputs = try await RewriterTests.rewrite(try Rewriter(inputs, way: .stitch))

        #expect(outputs[0].0.losses == ["bloom filters of v, which not all row groups have"])
        let file = try await WriterTests.open(outputs[0].1)
        #expect(try await file.bloomFilter(rowGroup: 0, column: 0) == nil)
    }

    @Test func `row groups whose values are all in a dictionary need no filter to be joined`()
        async throws
    {
        let listed = try await Self.file(
            .int64([1, 2, 1, 2, 1, 2]), .values("v", id: 1, .required, .int64), asking: false)
        let inputs = [try await Self.numbers(0..<9), listed].map { ParquetRewriteInput($0) }

        let outputs = try await RewriterTests.rewrite(try Rewriter(inputs, way: .stitch))

        #expect(outputs[0].0.losses == [])
        let file = try await WriterTests.open(outputs[0].1)
        #expect(try await expectSoundFilters(file, "stitched") == ["v"])
    }

    @Test func `row groups that lack a wanted filter are not copied`() async throws {
        let input = ParquetRewriteInput(try await Self.numbers(0..<500, asking: false))
        var settings = ParquetWriteSettings()
        #expect(try Rewriter([input], settings: settings).decision.way == .copy)

        settings.bloomFilters.columns = ["v": .written]
        // So that pages of a hundred rows are large enough to stay alone.
        settings.pageRowLimit = 200
        let rewriter = try Rewriter([input], settings: settings)

        #expect(rewriter.decision.way == .stitch)
        #expect(rewriter.decision.reason.contains("bloom filters"))
        let outputs = try await RewriterTests.rewrite(rewriter)
        let file = try await WriterTests.open(outputs[0].1)
        #expect(try await expectSoundFilters(file, "stitched") == ["v"])
        // The pages themselves move.
        let mine = try #require(input.file.rowGroups[0].columns[0].metadata)
        #expect(file.rowGroups[0].columns[0].metadata?.compressedSize == mine.compressedSize)
    }

    @Test(arguments: ParquetRewriteWay.allCases)
    func `filters that nobody wants any more are left out`(way: ParquetRewriteWay) async throws {
        let input = ParquetRewriteInput(try await Self.numbers(0..<500))
        var settings = ParquetWriteSettings()
        settings.bloomFilters.columns = ["v": .leftOut]

        let rewriter = try Rewriter([input], way: way, settings: settings)
        let outputs = try await RewriterTests.rewrite(rewriter)

        #expect(outputs[0].0.losses == [])
        let file = try await WriterTests.open(outputs[0].1)
        #expect(try await file.bloomFilter(rowGroup: 0, column: 0) == nil)
    }

    @Test func `converted values are found as they are now`() async throws {
        let file = try await Self.file(
            .int32([1, 2, 3]), .values("v", id: 1, .required, .int32), dictionary: 0)
        let target = try ParquetSchema([.values("v", id: 1, .required, .int64)])
        let rewriter = try Rewriter([ParquetRewriteInput(file)], target: target)

        let outputs = try await RewriterTests.rewrite(rewriter)

        let found = try await WriterTests.open(outputs[0].1)
        #expect(try await expectSoundFilters(found, "converted") == ["v"])
    }
}
