// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import SQLCatalog
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// Tables that PyIceberg wrote, whose manifests are rewritten, and that it goes on writing to.
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct PyIcebergRewriteTests {
    private func entries(_ made: PyIcebergTable, engines: String) async throws -> JSONObject {
        let location = try #require(
            try await made.snapshots()["metadata_location"]?.stringValue)
        return try #require(
            try await Oracles.run(
                "live_entries.py", ["--metadata-location", location, "--engines", engines]
            ).objectValue)
    }

    @Test(
        arguments: Share.of(
            [
                ["--commits", "12"], ["--commits", "12", "--partitioned", "--seed", "2"],
                ["--commits", "8", "--format-version", "1", "--seed", "3"],
            ], 2))
    func `P-60: DuckDB, DataFusion and PyIceberg read the same rows, fastavro the same entries`(
        arguments: [String]
    ) async throws {
        let made = try await PyIcebergTable("make_table.py", arguments)
        let before = try await entries(made, engines: "duckdb,datafusion,pyiceberg")
        let rowsBefore = try await made.snapshots()

        let report = try await made.run(.rewriteManifests)

        let after = try await entries(made, engines: "duckdb,datafusion,pyiceberg")
        #expect(after["entries"] == before["entries"])
        #expect(after["rows"] == before["rows"])
        let sizes = try #require(after["sizes"]?.arrayValue)
        let manifests = try #require(after["manifests"]?.arrayValue)
        #expect(manifests.count == report.manifestCounts[1])
        for (manifest, size) in zip(manifests, sizes) {
            #expect(manifest.objectValue?["manifest_length"] == size, "P-62")
        }
        // Every older snapshot, and every branch and tag, reads as it did.
        let rowsAfter = try await made.snapshots()
        try PyIcebergTable.expectSameRows(rowsBefore, rowsAfter)
        #expect(
            rowsAfter["snapshots"]?.objectValue?.members.count
                == (rowsBefore["snapshots"]?.objectValue?.members.count ?? 0) + 1)
        #expect(try await made.run(.rewriteManifests).manifestCounts == [0, 0])

        // PyIceberg goes on writing.
        try await made.append()
        #expect(try await made.run(.rewriteManifests).manifestCounts == [3, 1])
        let last = try await entries(made, engines: "duckdb,datafusion,pyiceberg")
        let rows = try #require(last["rows"]?.objectValue?.members.map(\.value))
        #expect(Set(rows).count == 1, "the engines agree")
    }
}
