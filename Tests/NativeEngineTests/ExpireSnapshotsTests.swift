// SPDX-License-Identifier: Apache-2.0

import FileSystemCatalog
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

@Suite struct ExpireSnapshotsTests {
    /// What must hold of the disk after an expiry: all that is left is reached, and all that is
    /// reached is left.
    private func expectExact(_ table: TestTable, before: Set<String>) async throws {
        let reached = table.reach(try await table.remaining())
        let left = try await table.filesOnDisk()
        #expect(reached.isSubset(of: left), "live files are lost")
        let unreached = table.reach(table.snapshots.map(\.id)).subtracting(reached)
        #expect(left.isDisjoint(with: unreached), "unreachable files are left")
        #expect(left == before.subtracting(unreached), "a file that no snapshot had is gone")
    }

    @Test(arguments: UInt64(0)..<60)
    func `after a random history exactly the unreachable files are gone`(seed: UInt64) async throws
    {
        var random = SeededGenerator(seed: seed)
        let table = try await TestTable.random(using: &random)
        _ = try await table.file("stray")
        let before = try await table.filesOnDisk()
        let journal = MemoryJournal()

        let report = try await table.expire(
            Bool.random(using: &random) ? .null : ["retain_last": 2], journal: journal)

        try await expectExact(table, before: before)
        #expect(journal.open.isEmpty)
        let removed = before.count - (try await table.filesOnDisk()).count
        let counted = report.metrics.members.prefix(6).compactMap(\.value.intValue).reduce(0, +)
        #expect(counted == removed)
        let expired = table.snapshots.count - (try await table.remaining()).count
        #expect(report.metrics["expired_snapshots_count"]?.intValue == expired)
    }

    @Test func `the six counts are the procedure's and the words are count-style`() async throws {
        let table = try TestTable()
        try await table.append(count: 2)
        let deletes = try await table.manifest(
            [
                .init(path: try await table.file(), content: .positionDeletes),
                .init(path: try await table.file(), content: .equalityDeletes),
            ], content: .deletes)
        try await table.commit(table.manifests() + [deletes])
        table.statistics = [(1, try await table.file(in: "metadata"))]
        table.partitionStatistics = [(2, try await table.file(in: "metadata"))]
        try await table.commit([try await table.manifest([.init(path: try await table.file())])])
        try await table.write()

        let report = try await table.expire()

        let expected: KeyValuePairs = [
            "deleted_data_files_count": 2, "deleted_position_delete_files_count": 1,
            "deleted_equality_delete_files_count": 1, "deleted_manifest_files_count": 2,
            "deleted_manifest_lists_count": 2, "deleted_statistics_files_count": 2,
            "expired_snapshots_count": 2,
        ]
        for ((key, count), member) in zip(expected, report.metrics.members) {
            #expect(member.key == key)
            #expect(member.value.intValue == count, "\(key)")
        }
        #expect(report.message == "Expired 2 snapshots and deleted 10 files")
        #expect(report.impact == "2 snapshots expired")
    }

    @Test func `without anything to do nothing is committed and the report is zeros`() async throws
    {
        let table = try TestTable()
        try await table.append()
        try await table.write()
        let before = try await table.catalog.loadTable(TestTable.identifier)

        let report = try await table.expire()

        let after = try await table.catalog.loadTable(TestTable.identifier)
        #expect(after.metadataLocation == before.metadataLocation)
        #expect(report.metrics.members.allSatisfy { $0.value.intValue == 0 })
        #expect(report.impact == "0 snapshots expired")
    }

    /// What makes a history more than a line.
    enum Turn: CaseIterable { case branch, cherryPick, rollback, byID }

    @Test(arguments: Turn.allCases)
    func `whatever made the history, exactly what is left needs stays, P-20`(
        turn: Turn
    ) async throws {
        let table = try TestTable()
        for _ in 0..<3 { try await table.append() }
        var options: JSONValue = ["retain_last": 1]
        switch turn {
        case .branch:
            table.point("b", at: 2)
            try await table.append(to: "b")
            try await table.append()
        case .cherryPick:
            // A staged snapshot's manifest comes to main by way of another snapshot.
            let added = try await table.manifest([.init(path: try await table.file())])
            try await table.snapshot(parent: 3, manifests: table.manifests() + [added])
            try await table.append()
            try await table.commit(table.manifests() + [added])
        case .rollback:
            table.point("main", at: 1)
            try await table.append()
        case .byID:
            try await table.append()
            options = ["snapshot_ids": [1, 3]]
        }
        try await table.write()
        let heads = Set(table.refs.map(\.id))

        try await table.expire(options)

        let left = try await table.remaining()
        #expect(left.isSuperset(of: heads) && left.count < table.snapshots.count)
        #expect(try await table.filesOnDisk() == table.reach(left))
    }

    @Test func `a file that a later snapshot took up again stays, P-20`() async throws {
        let table = try TestTable()
        let path = try await table.file("again")
        try await table.commit([try await table.manifest([.init(path: path)])])
        try await table.commit([
            try await table.manifest([.init(path: path, status: .deleted)])
        ])
        try await table.commit([try await table.manifest([.init(path: path)])])
        try await table.write()

        let report = try await table.expire()

        #expect(try await table.filesOnDisk().contains(path))
        #expect(report.metrics["deleted_data_files_count"]?.intValue == 0)
        #expect(report.metrics["expired_snapshots_count"]?.intValue == 2)
    }

    @Test func `with gc-enabled off snapshots expire and every file stays, P-15`() async throws {
        let table = try TestTable()
        for _ in 0..<3 { try await table.append() }
        table.properties["gc.enabled"] = "false"
        try await table.write()
        let before = try await table.filesOnDisk()
        let journal = MemoryJournal()

        let report = try await table.expire(journal: journal)

        #expect(try await table.remaining() == [3])
        #expect(try await table.filesOnDisk() == before)
        #expect(journal.all.isEmpty)
        #expect(report.message.contains("gc.enabled"))
        #expect(report.impact == "2 snapshots expired")
    }

    @Test func `unused schemas and specs go only when asked, and used ones never, P-26`()
        async throws
    {
        let table = try TestTable()
        table.schemaIDs = [0, 1, 2, 3]
        table.specIDs = [0, 1, 2, 3]
        try await table.commit([try await table.manifest([], specID: 0)], schemaID: 0)
        try await table.commit([try await table.manifest([], specID: 1)], schemaID: 1)
        try await table.commit([try await table.manifest([], specID: 2)], schemaID: 2)
        table.point("t", at: 2, kind: "tag")
        try await table.write()

        let report = try await table.expire(["clean_expired_metadata": true])

        let metadata = try await table.catalog.loadTable(TestTable.identifier).metadata
        #expect(metadata.schemas.map(\.id) == [1, 2, 3])
        #expect(metadata.partitionSpecs.map(\.id) == [1, 2, 3])
        #expect(report.metrics["removed_schemas_count"]?.intValue == 1)
        #expect(report.metrics["removed_partition_specs_count"]?.intValue == 1)
    }

    @Test func `a plan says what a run then does, and changes nothing`() async throws {
        var random = SeededGenerator(seed: 7)
        let table = try await TestTable.random(using: &random)
        let before = try await table.filesOnDisk()
        let engine = NativeEngine(catalog: table.catalog, storage: LocalStorage())

        let plan = try await engine.plan(table.request())
        #expect(try await table.filesOnDisk() == before)
        let report = try await table.expire()

        #expect(plan.hasWork)
        let files = try #require(plan.summary["files"]?.objectValue)
        #expect(files.members == Array(report.metrics.members.prefix(6)))
        #expect(
            plan.summary["expired_snapshots_count"] == report.metrics["expired_snapshots_count"])
        #expect(
            plan.summary["policy"]?.objectValue?["retain_last"]?.objectValue?["origin"]?.stringValue
                == "table property history.expire.min-snapshots-to-keep")
    }

    @Test func `a snapshot that is referenced is refused by id, with the reference's name`()
        async throws
    {
        let table = try TestTable()
        for _ in 0..<2 { try await table.append() }
        table.point("keep", at: 1, kind: "tag")
        try await table.write()

        do {
            try await table.expire(["snapshot_ids": [1]])
            Issue.record("it was expired")
        } catch let error as MaintenanceError {
            #expect(error.description.contains("keep"))
        }
        #expect(try await table.remaining() == [1, 2])
    }

    @Test func `removals run in order: what names files goes after them`() async throws {
        let table = try TestTable()
        for _ in 0..<3 { try await table.append() }
        try await table.commit([try await table.manifest([])])
        try await table.write()
        let storage = RecordingStorage(base: LocalStorage())

        try await table.expire(["max_concurrent_deletes": 1], storage: storage)

        let kinds = storage.removed.map { path in
            path.contains("/data/") ? 0 : path.contains("/m") && !path.contains("/snap-") ? 1 : 2
        }
        #expect(kinds == kinds.sorted())
        #expect(kinds.count == 9)
    }
}
