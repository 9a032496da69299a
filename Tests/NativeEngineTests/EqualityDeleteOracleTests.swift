// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import Maintenance
import ObjectStorage
import TestSupport
import Testing
import WireFormat

/// Rewrites of data files under equality deletes, with an engine that shares no code with us as the
/// reader.
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct EqualityDeleteOracleTests {
    // PyIceberg reads no equality deletes, and DuckDB applies them to files that are newer, too.
    @Test(arguments: [("a", ["datafusion"]), (nil, ["datafusion"])], Share.of(0..<4, 1))
    func `P-42: engines read the same rows before and after`(
        place: (region: String?, engines: [String]), seed: Int
    ) async throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let keyed = try await KeyedTable(.v2, scheme: "file://")
        if place.region == nil { try await keyed.table.setDefaultSpec(0) }
        try await keyed.writeForEngines(region: place.region, &random)
        let before = try await keyed.table.look(place.engines)
        let expected = try await keyed.rows().count
        #expect(expected < 120)
        #expect(try await keyed.table.compact().fileCounts == [6, 1])
        let after = try await keyed.table.look(place.engines)
        for engine in place.engines {
            #expect(before[engine]?.objectValue?["rows"] == .integer(expected))
            #expect(after[engine] == before[engine])
        }
    }

    /// Engines that read no equality deletes at all do so afterwards.
    @Test(arguments: [FormatVersion.v2, .v3], Share.of(0..<4, 2))
    func `P-42: engines read the same rows once equality deletes are positions`(
        version: FormatVersion, seed: Int
    ) async throws {
        var random = SeededGenerator(seed: UInt64(seed) + 10)
        // With columns of version 2: not every engine knows the types of version 3.
        let old = try await KeyedTable(.v2, scheme: "file://")
        let keyed =
            version == .v2
            ? old : KeyedTable(upgrading: old, to: try await old.table.upgrade(to: version))
        let region: String? = seed % 2 == 0 ? "a" : nil
        if region == nil { try await keyed.table.setDefaultSpec(0) }
        try await keyed.writeForEngines(region: region, &random)
        let before = try await keyed.table.look(["datafusion", "pyiceberg"], ifAble: true)
        #expect(before["pyiceberg"] == nil, "it reads no equality deletes")
        let expected = try await keyed.rows().count
        #expect(expected < 120)

        let report = try await keyed.convert()

        #expect(report.metrics["converted_equality_delete_files_count"] == 6)
        #expect(try await keyed.rows().count == expected)
        let after = try await keyed.table.look(
            ["datafusion", "duckdb", "pyiceberg"], ifAble: true)
        for engine in ["duckdb", "pyiceberg"] {
            #expect(after[engine]?.objectValue?["rows"] == .integer(expected), "\(engine)")
        }
        if version == .v2 { #expect(before["datafusion"] != nil) }
        if let rows = before["datafusion"] { #expect(after["datafusion"] == rows) }
    }
}

extension KeyedTable {
    /// Rows, and deletes of some of them, that engines agree on.
    fileprivate func writeForEngines(
        region: String?, _ random: inout SeededGenerator
    ) async throws {
        var written: [Row] = []
        for step in 0..<6 {
            var rows = self.rows(20, &random)
            for index in rows.indices {
                if let region { rows[index][.region] = .bytes(Array(region.utf8)) }
            }
            written += rows
            try await addRows(rows, region: region, hasBounds: step % 2 == 0)
            let keys = (0..<3).compactMap { _ in written.randomElement(using: &random) }
            let columns: [KeyColumn] = [[.id], [.name, .count], [.day]][step % 3]
            try await delete(
                // Engines disagree on whether a null is deleted by a null.
                keys.filter { key in columns.allSatisfy { key[$0] != .null } }, by: columns,
                region: region)
        }
    }
}
