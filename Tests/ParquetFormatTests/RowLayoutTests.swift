// SPDX-License-Identifier: Apache-2.0

import RowSets
import TestSupport
import Testing

@testable import ParquetFormat

@Suite struct RowLayoutTests {
    typealias Input = ParquetRewriteInput<ParquetMemorySource>

    /// Every row of a file as bytes, column after column.
    private func rows(
        _ input: Input, _ target: ParquetSchema
    ) async throws -> [[[UInt8]]] {
        let projection = try ParquetProjection(input, target: target)
        var columns: [[[UInt8]]] = target.columns.map { _ in [] }
        for group in input.file.rowGroups.indices {
            for (index, column) in target.columns.enumerated() {
                let layout = RowLayout(column)
                var reader = projection.column(index, rowGroup: group)
                var bytes: [UInt8] = []
                while let rows = try await reader.next() { try layout.append(rows, to: &bytes) }
                var rest = bytes[...]
                while !rest.isEmpty {
                    // A part that is too short to tell says so, or as much as the whole says.
                    let size = try #require(rest.withUnsafeBytes { layout.size($0) })
                    let early = rest.prefix(3).withUnsafeBytes { layout.size($0) }
                    if let early, early != size { Issue.record("\(early) instead of \(size)") }
                    columns[index].append(Array(rest.prefix(size)))
                    rest = rest.dropFirst(size)
                }
            }
        }
        return columns
    }

    @Test(arguments: UInt64(0)..<30)
    func `rows come out of bytes as they went in, in any order`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let table = try RandomTable(seed: seed, rowCount: Int.random(in: 1...300, using: &random))
        var settings = ParquetWriteSettings()
        settings.pageRowLimit = 17
        settings.rowGroupRowLimit = 110
        let file = try await ProjectionTests.file(table.fields, table.batches(), settings)
        let deleted = (0..<Int64(table.rows.count)).filter { _ in
            Int.random(in: 0..<4, using: &random) == 0
        }

        let input = Input(file, deletedRows: RowPositions(deleted))
        let columns = try await rows(input, table.schema)

        let gone = Set(deleted)
        var kept = table
        kept.rows = table.rows.enumerated().filter { !gone.contains(Int64($0.offset)) }
            .map(\.element)
        let order = kept.rows.indices.shuffled(using: &random)
        kept.rows = order.map { kept.rows[$0] }
        var places: [Int] = []
        var bytes: [UInt8] = []
        for row in order {
            places.append(bytes.count)
            for column in columns { bytes += column[row] }
        }
        let found = bytes.withUnsafeBytes { bytes in
            table.schema.columns.map { RowLayout($0).batch(bytes, &places) }
        }
        #expect(found.map(\.fingerprint) == kept.batches().map(\.fingerprint))
    }

    @Test func `a value is told from its row, and null from that`() throws {
        let schema = try ParquetSchema([
            .values("a", id: 1, .optional, .byteArray), .values("b", id: 2, .required, .int32),
        ])
        let text = RowLayout(schema.columns[0])
        var bytes: [UInt8] = []
        let batch = ColumnBatch(.byteArray(ByteArrays([[7, 8]])), definitionLevels: [1, 0])
        try text.append(WholeRows(batch: batch, rowCount: 2), to: &bytes)
        #expect(bytes == [1, 2, 0, 0, 0, 7, 8, 0])
        bytes.withUnsafeBytes { bytes in
            let first = UnsafeRawBufferPointer(rebasing: bytes[..<7])
            #expect(text.value(first).map { Array($0) } == [7, 8])
            #expect(text.value(UnsafeRawBufferPointer(rebasing: bytes[7...])) == nil)
        }
        let number = RowLayout(schema.columns[1])
        #expect(throws: ParquetError.self) {
            try number.append(WholeRows(batch: batch, rowCount: 2), to: &bytes)
        }
    }
}
