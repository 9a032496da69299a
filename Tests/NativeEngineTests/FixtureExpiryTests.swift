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
@Suite(.enabled(if: Fixtures.isAvailable, Comment(rawValue: Fixtures.reason)))
struct FixtureExpiryTests {
    static let tables = [
        "add_columns_with_defaults/default.db/add_columns_with_defaults/metadata/"
            + "00003-3f1801a5-7dfb-4072-b14a-39cd12f9279b.metadata.json",
        "hive_partitioned_table/metadata/v4.metadata.json",
        "iceberg_v1_repro/repro/merch_v1/metadata/"
            + "00003-8d01e4aa-d143-49c9-898e-b5e477577b70.metadata.json",
        "iceberg_v1_repro/repro/merch_v1/metadata/"
            + "00004-v3-upgraded-v1-null-counts.metadata.json",
        "legacy_bare_deletion_vector/warehouse/default/legacy_bare_deletion_vector/metadata/"
            + "00002-legacy-bare-dv.metadata.json",
        "null_stats/default/test_nulls/metadata/"
            + "00003-9d6a621e-8a72-4190-a880-f6ca02e32b86.metadata.json",
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

    @Test(arguments: tables)
    func `exactly what the kept snapshots do not reach is removed`(path: String) async throws {
        let copy = try await FixtureCopy(path)
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
