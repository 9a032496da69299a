// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcebergCatalog
import IcebergSpec
import Maintenance
import NativeEngine
import ObjectStorage
import SQLCatalog
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// A table with branches and a tag that PyIceberg wrote: fastavro walks what is referenced, and
/// DuckDB and PyIceberg read the same rows afterwards.
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct PyIcebergOrphanTests {
    @Test(arguments: [["--commits", "8"], ["--commits", "6", "--partitioned", "--seed", "2"]])
    func `strays go, every referenced file stays, and other engines read the same rows`(
        arguments: [String]
    ) async throws {
        let folder = try ScratchFolder()
        let made = try await Oracles.run(
            "make_table.py", ["--warehouse", folder.path] + arguments)
        let uri = try #require(made.objectValue?["catalog_uri"]?.stringValue)
        let rows = try await Oracles.run("read_rows.py", ["--catalog-uri", uri])
        let storage = LocalStorage()
        let catalog = try SQLCatalog(name: "default", uri: uri, storage: storage)
        let identifier = TableIdentifier(namespace: ["demo"], name: "events")
        let location = try await catalog.loadTable(identifier).metadata.location
        let root = String(location.trimmingPrefix("file://"))
        var before: Set<String> = []
        for try await info in storage.list(Location(root)) {
            before.insert(info.location.rawValue)
            try TestTable.age(info.location.rawValue, days: 10)
        }
        let strays = ["data/stray.parquet", "data/_x=1/a%20b.parquet", "metadata/snap-0.avro"]
        for stray in strays {
            try await storage.write([1], to: Location("\(root)/\(stray)"), condition: .absent)
            try TestTable.age("\(root)/\(stray)", days: 10)
        }
        let engine = NativeEngine(catalog: catalog, storage: storage)

        let report = try await engine.run(
            ActionRequest(
                table: identifier, action: .removeOrphanFiles, options: .none,
                now: TestTable.presentTime), in: TestTable.orphanContext())

        var after: Set<String> = []
        for try await info in storage.list(Location(root)) {
            let path = info.location.rawValue
            if !path.contains("/.icepack-quarantine/") { after.insert(path) }
        }
        #expect(report.metrics["quarantined_files_count"] == 3)
        // Such a table has no version hint, and lacks none.
        #expect(report.metrics["missing_files_count"] == 0)
        #expect(report.metrics["live_files_count"] == .integer(before.count))
        #expect(after == before)
        #expect(try await Oracles.run("read_rows.py", ["--catalog-uri", uri]) == rows)
        let references = try await Oracles.run(
            "references.py", ["--catalog-file", folder.path + "/catalog.db", "--strict"])
        #expect(references.objectValue != nil)
        let change = try await engine.purge(identifier, .all, in: TestTable.orphanContext())
        #expect(change.purgedCount == 3)
    }
}
