// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// Data files in Avro of another writer, which become Parquet that other engines read.
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct AvroDataFileOracleTests {
    @Test(arguments: 0..<3)
    func `what fastavro wrote is what engines read afterwards`(seed: Int) async throws {
        let folder = try ScratchFolder()
        let made = try await Oracles.run(
            "make_avro.py", ["--folder", folder.location.rawValue, "--seed", "\(seed)"])
        let columns = try #require(made.objectValue?["columns"]?.arrayValue)
        let table = try await ManifestTable(
            .v2, properties: ManifestTable.quickRetries, columns: columns, scheme: "file://")
        var entries: [CompleteEntry] = []
        for file in try #require(made.objectValue?["files"]?.arrayValue).compactMap(\.objectValue) {
            let rows = try #require(file["rows"]?.int64Value)
            let path = try #require(file["path"]?.stringValue)
            var entry = ManifestTable.entry(
                [.string("a")], rows: rows, path: "file://\(path)")
            entry.entry.dataFile.fileFormat = .avro
            entry.entry.dataFile.fileSizeInBytes = try #require(file["size"]?.int64Value)
            entry.metrics = ColumnMetrics()
            entries.append(entry)
        }
        try await table.append(entries)

        let report = try await table.compact()

        #expect(report.fileCounts == [3, 1], "\(report.message)")
        let read = try #require(made.objectValue?["read"])
        let after = try await table.look(["duckdb", "pyiceberg", "datafusion"], ifAble: true)
        #expect(after["pyiceberg"] == read)
        #expect(after["duckdb"]?.objectValue?["rows"] == read.objectValue?["rows"])
    }
}
