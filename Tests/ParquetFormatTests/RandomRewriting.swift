// SPDX-License-Identifier: Apache-2.0

import RowSets
import TestSupport

@testable import ParquetFormat

/// Files of random rows that become others, and what the rows become by the plain meaning: in the
/// order of the files, without the deleted ones, each as the newer schema has it.
struct RandomRewriting {
    typealias Input = ParquetRewriteInput<ParquetMemorySource>
    typealias Rewriter = ParquetRewriter<ParquetMemorySource, ParquetMemorySink>

    private(set) var inputs: [Input] = []
    /// The rows that stay.
    private(set) var kept: RandomTable
    /// How the new files are written.
    private(set) var settings = ParquetWriteSettings()
    private var random: SeededGenerator

    /// One to four files of the same schema, of which rows may be left out.
    init(leavingOutRows seed: UInt64) async throws {
        random = SeededGenerator(seed: seed)
        kept = try RandomTable(seed: seed, rowCount: 0)
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let count = [0, 1, 40, 300].randomElement(using: &random) ?? 0
            try await add(
                kept, rowCount: count, shares: [0.0, 0.01, 0.3, 1], choosesEncodings: true)
        }
        settings = ParquetWriteSettings(using: &random)
        settings.fileSizeBytes = [nil, 2000].randomElement(using: &random) ?? nil
        // Most row groups have more than that, and are divided.
        settings.largestFileBytes = [nil, 2500].randomElement(using: &random) ?? nil
        settings.smallestFileBytes = [0, 1500].randomElement(using: &random) ?? 0
        settings.loadedBytes = [0, 96 << 20].randomElement(using: &random) ?? 0
        settings.chooseFilters(kept.schema, using: &random)
    }

    /// One to three files, some of which were written before the schema changed.
    init(evolving seed: UInt64) async throws {
        random = SeededGenerator(seed: seed)
        let old = try RandomTable(seed: seed, rowCount: 0)
        let evolution = try SchemaEvolution(of: old.fields, using: &random)
        kept = try RandomTable(fields: evolution.fields, rows: [])
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let count = [1, 30, 250].randomElement(using: &random) ?? 0
            let isOld = Int.random(in: 0..<3, using: &random) > 0
            try await add(
                isOld ? old : kept, rowCount: count, shares: [0.0, 0, 0.2],
                fills: evolution.fills, row: isOld ? evolution.row : { $0 })
        }
        settings = ParquetWriteSettings(using: &random)
        settings.chooseFilters(kept.schema, using: &random)
    }

    private mutating func add(
        _ like: RandomTable, rowCount: Int, shares: [Double], choosesEncodings: Bool = false,
        fills: [Int32: ColumnFill] = [:], row: ([Cell]) -> [Cell] = { $0 }
    ) async throws {
        var table = like
        table.rows = RandomTable.rows(table.schema, rowCount, &random)
        var settings = ParquetWriteSettings(using: &random)
        if choosesEncodings { settings.chooseEncodings(table.schema, using: &random) }
        settings.chooseFilters(table.schema, using: &random)
        let (_, bytes) = try await table.written(settings, using: &random)
        let share = shares.randomElement(using: &random) ?? 0
        let deleted = RewriterTests.deleted(rowCount, share: share, using: &random)
        inputs.append(
            Input(
                try await WriterTests.open(bytes), deletedRows: RowPositions(deleted),
                fills: fills))
        let gone = Set(deleted)
        kept.rows += table.rows.enumerated().filter { !gone.contains(Int64($0.offset)) }
            .map { row($0.element) }
    }

    /// Rewrites the files in a way, or the one that the decision takes.
    func rewriter(_ way: ParquetRewriteWay?) throws -> Rewriter {
        try Rewriter(inputs, target: kept.schema, way: way, settings: settings)
    }
}
