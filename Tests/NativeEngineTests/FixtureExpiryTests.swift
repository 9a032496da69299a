// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// Tables that Spark, PyIceberg and others wrote, in format versions 1 to 3.
@Suite(
    .enabled(if: Fixtures.isAvailable, Comment(rawValue: Fixtures.reason)),
    .enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct FixtureExpiryTests {
    /// The metadata files of one table that are not its newest, and have a history of their own.
    static let older = [
        "iceberg_v1_repro/repro/merch_v1/metadata/"
            + "00003-8d01e4aa-d143-49c9-898e-b5e477577b70.metadata.json"
    ]

    @Test func `a table that lacks a manifest list is left as it is`() async throws {
        let copy = try await FixtureCopy(
            "equality_deletes/warehouse/mydb/mytable/metadata/v7.metadata.json")

        await #expect(throws: MaintenanceError.self) {
            try await copy.expire(journal: MemoryJournal())
        }

        let after = try await copy.catalog.loadTable(FixtureCopy.identifier)
        #expect(after.metadata == copy.table.metadata)
    }

    @Test(arguments: FixtureCopy.tables + older)
    func `exactly what the kept snapshots do not reach is removed, and every engine reads on`(
        path: String
    ) async throws {
        let copy =
            try await path.hasSuffix(".json") ? FixtureCopy(path) : FixtureCopy(newestOf: path)
        let seen = try await copy.look()
        let engines = try #require(seen["rows"]?.objectValue).keys
        let storage = copy.storage
        let metadata = copy.table.metadata
        let before = try await copy.reach(metadata)
        let journal = MemoryJournal()

        let report = try await copy.expire(journal: journal)

        let kept = try await copy.catalog.loadTable(FixtureCopy.identifier).metadata
        #expect(kept.snapshots.count == 1)
        #expect(
            report.metrics["expired_snapshots_count"]?.intValue == metadata.snapshots.count - 1)
        let after = try await copy.reach(kept)
        #expect(Set(journal.all.map(\.path)) == before.subtracting(after))
        for file in before {
            let isThere = try await storage.stat(Location(file)) != nil
            #expect(isThere == after.contains(file), "\(file)")
        }
        #expect(try await storage.stat(copy.table.metadataLocation) != nil)
        #expect(journal.open.isEmpty)
        #expect(try await copy.look(engines: engines)["rows"] == seen["rows"])
    }
}

extension FixtureCopy {
    fileprivate func expire(journal: MemoryJournal) async throws -> ActionReport {
        let options = try ActionOptions.validating(
            ["older_than": "2100-01-01T00:00:00Z", "retain_last": 1], for: .expireSnapshots)
        return try await NativeEngine(catalog: catalog, storage: storage).run(
            ActionRequest(
                table: Self.identifier, action: .expireSnapshots, options: options,
                now: TestTable.now), in: TestTable.context(journal))
    }
}
