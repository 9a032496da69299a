// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import Maintenance
import NativeEngine
import ObjectStorage
import TestSupport
import Testing
import WireFormat

/// Tables that Spark, PyIceberg and others wrote: their data files are rewritten, and every engine
/// that could read them reads the same rows.
@Suite(
    .enabled(if: Fixtures.isAvailable, Comment(rawValue: Fixtures.reason)),
    .enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct FixtureCompactionTests {
    @Test(arguments: FixtureCopy.tables)
    func `P-47: every engine reads the same rows before and after`(path: String) async throws {
        let copy = try await FixtureCopy(newestOf: path)
        let before = try await copy.look()
        let rows = try #require(before["rows"]?.objectValue)

        let report = try await copy.compact(["rewrite-all": true])

        let after = try await copy.look(engines: rows.keys)
        #expect(after["rows"] == before["rows"])
        #expect(try #require(report.metrics["rewritten_data_files_count"]?.intValue) > 0)
        #expect(report.metrics["refused_groups_count"] == 0)
        let old = Set(before.dataFiles)
        #expect(after.dataFiles.allSatisfy { !old.contains($0) })
        // P-50: what was made is as it should be.
        let again = try await copy.compact(["min-input-files": 2])
        #expect(again.metrics["rewritten_data_files_count"] == 0)
        #expect(again.metrics["commits_count"] == 0)
    }

    @Test(arguments: [
        // DataFusion reads no table by a relative path.
        ("equality_deletes/warehouse/mydb/mytable", ["duckdb"])
    ])
    func `P-42: every engine reads the same rows before and after equality deletes are applied`(
        path: String, engines: [String]
    ) async throws {
        let copy = try await FixtureCopy(newestOf: path)
        let before = try await copy.look(engines: engines)
        let report = try await copy.compact(["rewrite-all": true])
        let after = try await copy.look(engines: engines)
        #expect(after["rows"] == before["rows"])
        #expect(report.metrics["refused_groups_count"] == 0)
        #expect(try #require(report.metrics["deleted_records_count"]?.intValue) > 0)
        let again = try await copy.compact(["min-input-files": 2])
        #expect(again.metrics["rewritten_data_files_count"] == 0, "P-50")
    }
}

extension FixtureCopy {
    func compact(
        _ options: JSONValue, journal: some MaintenanceJournal = MemoryJournal()
    ) async throws -> ActionReport {
        try await NativeEngine(catalog: catalog, storage: storage).run(
            ActionRequest(
                table: Self.identifier, action: .rewriteDataFiles,
                options: try ActionOptions.validating(options, for: .rewriteDataFiles),
                now: TestTable.now), in: TestTable.context(journal))
    }
}

extension JSONObject {
    /// The paths of data files among what `live_entries.py` prints.
    var dataFiles: [String] {
        (self["entries"]?.arrayValue ?? []).compactMap { entry in
            let file = entry.objectValue?["data_file"]?.objectValue ?? entry.objectValue
            return file?["file_path"]?.stringValue
        }
    }
}
