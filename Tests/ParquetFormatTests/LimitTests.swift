// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import ParquetFormat

@Suite(.enabled(if: Fixtures.isAvailable, "\(Fixtures.reason)"))
struct LimitTests {
    private typealias Failure = ParquetReadError<Never>

    /// Reads the first column of a file under limits.
    private func read(_ path: String, _ limits: ParquetLimits) async throws -> ColumnBatch {
        let source = ParquetMemorySource(try Fixtures.bytes(path))
        let file = try await ParquetFile(opening: source, limits: limits)
        return try await file.readColumn(rowGroup: 0, column: 0)
    }

    /// Reads at the limit, and expects the refusal one below it.
    private func expectEdge(
        _ limit: WritableKeyPath<ParquetLimits, Int>, _ value: Int, part: String, _ path: String
    ) async throws {
        var limits = ParquetLimits()
        limits[keyPath: limit] = value
        _ = try await read(path, limits)
        limits[keyPath: limit] = value - 1
        let refusal = ParquetError.tooLarge(
            part: part, size: Int64(value), limit: Int64(value - 1))
        await #expect(throws: Failure.format(refusal)) { _ = try await read(path, limits) }
    }

    @Test func `pages and batches may be as large as their limits and no larger`() async throws {
        // One page of 1,000 plain strings.
        let strings = "parquet-encodings/PLAIN/string.parquet"
        let batch = try await read(strings, ParquetLimits())
        guard case .byteArray(let values) = batch.values else {
            Issue.record("no strings")
            return
        }
        try await expectEdge(\.pageValues, batch.count, part: "a page's value count", strings)
        try await expectEdge(\.batchValues, batch.count, part: "a batch's value count", strings)
        try await expectEdge(
            \.batchBytes, values.bytes.count, part: "a batch of byte strings", strings)
        // Values, a length before each, and the levels, whose size only the page tells.
        var limits = ParquetLimits()
        limits.pageBytes = values.bytes.count + 4 * batch.count
        var size = 0
        do {
            _ = try await read(strings, limits)
        } catch Failure.format(.tooLarge(_, let told, _)) {
            size = Int(told)
        }
        #expect(size > limits.pageBytes)
        try await expectEdge(\.pageBytes, size, part: "a page", strings)
    }

    @Test func `an index may be as long as its limit and no longer`() async throws {
        let path = "parquet/data/alltypes_tiny_pages.parquet"
        let source = ParquetMemorySource(try Fixtures.bytes(path))
        var limits = ParquetLimits()
        let length = try await ParquetFile(opening: source).rowGroups[0].columns[0]
            .offsetIndexLength.map(Int.init)
        limits.pageIndexBytes = try #require(length)
        let file = try await ParquetFile(opening: source, limits: limits)
        #expect(try await file.offsetIndex(rowGroup: 0, column: 0) != nil)

        limits.pageIndexBytes -= 1
        let short = try await ParquetFile(opening: source, limits: limits)
        await #expect(throws: Failure.self) {
            _ = try await short.offsetIndex(rowGroup: 0, column: 0)
        }
    }

    @Test func `a bloom filter may be as large as its limit and no larger`() async throws {
        let source = ParquetMemorySource(
            try Fixtures.bytes("parquet/data/data_index_bloom_encoding_stats.parquet"))
        let whole = try await ParquetFile(opening: source)
        let found = try await whole.bloomFilter(rowGroup: 0, column: 0)
        var limits = ParquetLimits()
        limits.bloomFilterBytes = try #require(found).bits.count
        let file = try await ParquetFile(opening: source, limits: limits)
        #expect(try await file.bloomFilter(rowGroup: 0, column: 0) != nil)

        limits.bloomFilterBytes -= 1
        let short = try await ParquetFile(opening: source, limits: limits)
        await #expect(throws: Failure.self) {
            _ = try await short.bloomFilter(rowGroup: 0, column: 0)
        }
    }

    /// A file of one page whose header has so many bytes.
    private func file(headerBytes: Int) async throws -> ParquetFile<ParquetMemorySource> {
        let field = ParquetField.values("n", .required, .int32)
        let made = try await ProjectionTests.file([field], [ColumnBatch(.int32([7]))])
        var stream = try PageStream(made, rowGroup: 0, column: 0)
        let page = try #require(try await stream.next())
        guard case .data(var header) = page.header.kind else {
            throw ParquetError.malformed(reason: "no data page", at: page.place)
        }
        func written(_ boundBytes: Int) -> [UInt8] {
            var statistics = ParquetStatistics()
            statistics.maximum = [UInt8](repeating: 1, count: boundBytes)
            header.statistics = statistics
            var whole = page.header
            whole.kind = .data(header)
            return whole.thriftBytes
        }
        // What is beside the bound; its length takes four bytes from two megabytes on.
        let rest = written(3 << 20).count - 3 << 20
        let head = written(headerBytes - rest)
        try #require(head.count == headerBytes)
        var footer = made.metadata
        var chunk = try #require(footer.rowGroups[0].columns[0].metadata)
        let payload = stream.window[page.payloadRange]
        chunk.compressedSize = Int64(head.count + payload.count)
        chunk.dataPageOffset = 4
        footer.rowGroups[0].columns[0] = ColumnChunk(metadata: chunk)
        let bytes = RawFile.bytes(footer, behind: FooterBytes.magic + head + payload)
        return try await ParquetFile(opening: ParquetMemorySource(bytes))
    }

    @Test func `a page's header may be as long as the limit and no longer`() async throws {
        let limit = ParquetLimits.pageHeaderBytes
        let longest = try await file(headerBytes: limit)
        #expect(try await longest.readColumn(rowGroup: 0, column: 0).values == .int32([7]))
        let tooLong = try await file(headerBytes: limit + 1)
        await #expect(throws: Failure.self) {
            _ = try await tooLong.readColumn(rowGroup: 0, column: 0)
        }
    }

    @Test func `groups may nest as deeply as the limit and no deeper`() throws {
        let place = ParquetPlace(.footer, 0)
        for depth in [ParquetLimits.schemaDepth, ParquetLimits.schemaDepth + 1] {
            var elements = (0..<depth).map { level in
                var group = SchemaElement(name: "g\(level)")
                group.repetition = .optional
                group.childCount = 1
                return group
            }
            var leaf = SchemaElement(name: "leaf")
            leaf.repetition = .required
            leaf.type = .int32
            elements.append(leaf)
            let schema = try? ParquetSchema(elements, place: place)
            #expect((schema != nil) == (depth <= ParquetLimits.schemaDepth))
        }
    }

    @Test func `schemas that are no tree are refused`() {
        let place = ParquetPlace(.footer, 0)
        var root = SchemaElement(name: "root")
        root.childCount = 2
        var leaf = SchemaElement(name: "leaf")
        leaf.repetition = .required
        leaf.type = .int32
        var parent = leaf
        parent.childCount = 1
        var shy = leaf
        shy.repetition = nil
        var shapeless = leaf
        shapeless.type = .fixedLengthByteArray
        for elements in [
            [], [leaf], [root], [root, leaf], [root, leaf, leaf, leaf], [root, parent, leaf, leaf],
            [root, leaf, shy], [root, leaf, shapeless],
        ] {
            #expect(throws: ParquetError.self) { try ParquetSchema(elements, place: place) }
        }
        #expect(throws: Never.self) { try ParquetSchema([root, leaf, leaf], place: place) }
    }
}
