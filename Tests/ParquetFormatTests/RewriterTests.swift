// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import ParquetFormat

/// Rewriting against the plain meaning: rows of the files in order, without the deleted ones, each
/// as the newer schema has it.
@Suite struct RewriterTests {
    typealias Rewriter = ParquetRewriter<ParquetMemorySource, ParquetMemorySink>
    typealias Input = ParquetRewriteInput<ParquetMemorySource>

    /// Positions of which about a share is chosen.
    static func deleted(
        _ count: Int, share: Double, using random: inout SeededGenerator
    ) -> [Int64] {
        (0..<Int64(count)).filter { _ in Double.random(in: 0..<1, using: &random) < share }
    }

    static func rewrite(_ rewriter: Rewriter) async throws -> [(WrittenParquetFile, [UInt8])] {
        try await rewriter.rewrite { _ in ParquetMemorySink() }.map { ($0.written, $0.sink.bytes) }
    }

    /// All rows of the outputs, which must be sound.
    static func expect(
        _ outputs: [(WrittenParquetFile, [UInt8])], holds table: RandomTable, _ comment: String
    ) async throws {
        var found = table.schema.columns.map { ColumnBatch(for: $0) }
        for (written, bytes) in outputs {
            let file = try await WriterTests.open(bytes)
            #expect(written.size == bytes.count && written.rowCount == file.rowCount)
            #expect(file.schema.isSameShape(as: table.schema), "\(comment)")
            try await expectSoundIndexes(file, comment)
            try await expectSoundStatistics(file, comment)
            try await expectSoundFilters(file, comment)
            try await expectPositionsFirst(file, comment)
            for (index, batch) in try await file.readAll().enumerated() {
                try found[index].append(batch, limits: ParquetLimits())
            }
        }
        for (index, wanted) in table.batches().enumerated() {
            #expect(
                found[index].fingerprint == wanted.fingerprint,
                "\(comment): \(table.schema.columns[index].typeText) \(index)")
        }
    }

    @Test(arguments: UInt64(0)..<60, [ParquetRewriteWay.stitch, .encode])
    func `what stays of random files is what was kept`(
        seed: UInt64, way: ParquetRewriteWay
    ) async throws {
        let rewriting = try await RandomRewriting(leavingOutRows: seed)
        let (inputs, kept) = (rewriting.inputs, rewriting.kept)
        var settings = rewriting.settings

        let rewriter = try Rewriter(inputs, way: way, settings: settings)
        let outputs = try await Self.rewrite(rewriter)

        #expect(outputs.count == rewriter.outputCount)
        settings.columnsAtOnce = 3
        settings.waitingBytes = [300, 2000, 32 << 20][Int(seed % 3)]
        let atOnce = try await Self.rewrite(Rewriter(inputs, way: way, settings: settings))
        #expect(atOnce.map(\.0) == outputs.map(\.0) && atOnce.map(\.1) == outputs.map(\.1))
        try await Self.expect(outputs, holds: kept, "seed \(seed) \(way)")
    }

    @Test func `a column that becomes too much to wait is made when its turn comes`() async throws {
        let schema = try ParquetSchema([
            .values("a", .required, .int64), .values("b", .required, .byteArray),
            .values("c", .required, .int64),
        ])
        var inputs: [Input] = []
        for file in 0..<3 {
            let numbers = ColumnBatch(.int64(Array(0..<4000)))
            let texts = (0..<4000).map { index in
                [UInt8](repeating: UInt8(index % 8 + 8 * file), count: 1000)
            }
            var settings = ParquetWriteSettings()
            settings.codec = .uncompressed
            var writer = try ParquetWriter(schema, settings: settings, to: ParquetMemorySink())
            try await writer.write([numbers, ColumnBatch(.byteArray(ByteArrays(texts))), numbers])
            inputs.append(Input(try await WriterTests.open(try await writer.finish().1.bytes)))
        }
        var settings = ParquetWriteSettings()
        settings.dictionarySizeBytes = 10_000
        let alone = try await Self.rewrite(Rewriter(inputs, way: .stitch, settings: settings))
        settings.columnsAtOnce = 2
        let atOnce = try await Self.rewrite(Rewriter(inputs, way: .stitch, settings: settings))

        #expect(alone.map(\.0) == atOnce.map(\.0) && alone.map(\.1) == atOnce.map(\.1))
        // Most values are in no dictionary, of which there is room for ten.
        #expect(alone.reduce(0) { $0 + $1.1.count } > 7_000_000)
    }

    @Test(arguments: UInt64(0)..<80)
    func `rows of older schemas become rows of the newer`(seed: UInt64) async throws {
        let rewriting = try await RandomRewriting(evolving: seed)
        let rewriter = try rewriting.rewriter([nil, .encode][Int(seed % 2)])
        try await Self.expect(
            try await Self.rewrite(rewriter), holds: rewriting.kept, "seed \(seed)")
    }
}
