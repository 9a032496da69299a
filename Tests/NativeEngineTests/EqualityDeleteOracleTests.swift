// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import ObjectStorage
import TestSupport
import Testing
import WireFormat

/// Rewrites of data files under equality deletes, with an engine that shares no code with us as the
/// reader.
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct EqualityDeleteOracleTests {
    // PyIceberg reads no equality deletes, and DuckDB applies them to files that are newer, too.
    @Test(arguments: [("a", ["datafusion"]), (nil, ["datafusion"])], 0..<4)
    func `P-42: engines read the same rows before and after`(
        place: (region: String?, engines: [String]), seed: Int
    ) async throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let keyed = try await KeyedTable(.v2, scheme: "file://")
        if place.region == nil { try await keyed.table.setDefaultSpec(0) }
        var written: [KeyedTable.Row] = []
        for step in 0..<6 {
            var rows = keyed.rows(20, &random)
            for index in rows.indices {
                if let region = place.region { rows[index][.region] = .bytes(Array(region.utf8)) }
            }
            written += rows
            try await keyed.addRows(rows, region: place.region, hasBounds: step % 2 == 0)
            let keys = (0..<3).compactMap { _ in written.randomElement(using: &random) }
            let columns: [KeyColumn] = [[.id], [.name, .count], [.day]][step % 3]
            try await keyed.delete(
                // Engines disagree on whether a null is deleted by a null.
                keys.filter { key in columns.allSatisfy { key[$0] != .null } }, by: columns,
                region: place.region)
        }
        let before = try await look(keyed, place.engines)
        let expected = try await keyed.rows().count
        #expect(expected < 120)
        #expect(try await keyed.table.compact().fileCounts == [6, 1])
        let after = try await look(keyed, place.engines)
        for engine in place.engines {
            #expect(before[engine]?.objectValue?["rows"] == .integer(expected))
            #expect(after[engine] == before[engine])
        }
    }

    private func look(_ keyed: KeyedTable, _ engines: [String]) async throws -> JSONObject {
        let location = try await keyed.table.load().metadataLocation
        let output = try await Oracles.run(
            "live_entries.py",
            [
                "--metadata-location", location.rawValue, "--engines",
                engines.joined(separator: ","),
            ])
        return try #require(output.objectValue?["rows"]?.objectValue)
    }
}
