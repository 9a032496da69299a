// SPDX-License-Identifier: Apache-2.0

import Foundation
import ParquetFormat
import RowSets
import TestSupport
import Testing
import WireFormat

/// Bloom filters as other readers use them.
@Suite(.enabled(if: Oracles.isAvailable, "\(Oracles.reason)"))
struct BloomFilterOracleTests {
    /// How the files become one, and which rows are left out.
    private static let ways: [(way: ParquetRewriteWay, deleted: [Int64])] = [
        (.copy, []), (.stitch, []), (.stitch, [0, 5, 1234, 2999]), (.encode, []),
    ]

    @Test func `DuckDB and DataFusion find what is there and exclude what is not`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "icepack-bloom-\(UInt32.random(in: 0...(.max)))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let made = try await Oracles.run("probe_bloom.py", ["make", folder.path])
        var files: [ParquetFile<ParquetMemorySource>] = []
        for path in (made.arrayValue ?? []).compactMap(\.stringValue) {
            let bytes = Array(try Data(contentsOf: URL(filePath: path)))
            files.append(try await RewritingFixtureTests.opened(bytes))
        }
        for (number, way) in Self.ways.enumerated() {
            // PyArrow made filters for two columns; in one way all are built by request.
            var settings = ParquetWriteSettings()
            if way.way == .encode {
                settings.bloomFilters.columns = ["id": .written, "name": .written, "day": .written]
            }
            let inputs = files.map {
                ParquetRewriteInput($0, deletedRows: RowPositions(way.deleted))
            }
            let rewriter = try RewriterTests.Rewriter(inputs, way: way.way, settings: settings)
            let outputs = try await RewriterTests.rewrite(rewriter)
            #expect(outputs.count == 1 && outputs[0].0.losses == [])
            let place = folder.appending(path: "output-\(number).parquet")
            try Data(outputs[0].1).write(to: place)

            let probed = try await Oracles.run("probe_bloom.py", ["probe", place.path])

            for column in ["id", "name"] {
                let found = try #require(probed.objectValue?[column]?.objectValue)
                let comment: Comment = "\(way) \(column): \(found)"
                #expect(found["missed"]?.int64Value == 0, comment)
                let excluded = try #require(found["excluded"]?.int64Value)
                let probes = try #require(found["probes"]?.int64Value)
                #expect(probes > 0 && excluded * 10 >= probes * 9, comment)
                #expect(found["pruned"]?.int64Value ?? 0 >= 3, comment)
            }
        }
    }
}
