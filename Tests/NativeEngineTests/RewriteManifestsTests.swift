// SPDX-License-Identifier: Apache-2.0

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

/// Rewrites of manifests, on tables of every format version.
@Suite struct RewriteManifestsTests {
    private static let regions: [PartitionValue?] = [
        .string("eu"), .string("us"), nil, .string("ap"),
    ]

    /// A table of twelve commits under three specs, with delete files where there are any.
    private func table(
        _ version: FormatVersion, properties: [String: String] = [:]
    ) async throws -> ManifestTable {
        let table = try await ManifestTable(version, properties: properties)
        for number in 0..<4 {
            let region = Self.regions[number]
            try await table.append((0..<3).map { _ in ManifestTable.entry([region]) })
            try await table.append(
                [ManifestTable.entry([.int(Int32(number))])], specID: 2)
            try await table.append([ManifestTable.entry()], specID: 0)
            if version > .v1 {
                try await table.append(
                    [ManifestTable.entry([region], content: .positionDeletes)],
                    content: .deletes)
            }
        }
        return table
    }

    @Test(arguments: FormatVersion.allCases)
    func `P-60: every entry keeps its snapshot, its sequence numbers, its row ids and all else`(
        version: FormatVersion
    ) async throws {
        let table = try await table(version)
        let before = try await table.entries()
        let journal = MemoryJournal()

        let report = try await table.rewrite(journal: journal)

        let after = try await table.entries()
        #expect(after == before)
        #expect(after.count == (version == .v1 ? 20 : 24))
        #expect(report.manifestCounts == (version == .v1 ? [12, 3] : [16, 4]))
        #expect(journal.open.isEmpty)
        let manifests = try await table.manifests()
        #expect(manifests.count == (version == .v1 ? 3 : 4))
        for manifest in manifests {
            let stored = try await table.storage.stat(Location(manifest.path))
            #expect(stored?.size == manifest.length, "P-62: the length is the store's")
            #expect(manifest.addedFilesCount == 0)
        }
    }

    @Test func `P-61: all specs and contents are rewritten in one commit and never mixed`()
        async throws
    {
        let table = try await table(.v2)
        let before = try await table.load().metadata

        try await table.rewrite()

        let after = try await table.load().metadata
        #expect(after.snapshots.count == before.snapshots.count + 1)
        let groups = try await table.manifests().map {
            ManifestGroupKey(specID: Int($0.partitionSpecID), content: $0.content)
        }
        #expect(
            Set(groups)
                == [
                    .init(specID: 0, content: .data), .init(specID: 1, content: .data),
                    .init(specID: 2, content: .data), .init(specID: 1, content: .deletes),
                ])
        #expect(groups.count == 4)
    }

    @Test(arguments: FormatVersion.allCases)
    func `a second run finds nothing to do and says so`(version: FormatVersion) async throws {
        let table = try await table(version)
        try await table.rewrite()
        let before = try await table.load()

        let report = try await table.rewrite()

        #expect(report.manifestCounts == [0, 0])
        #expect(report.message.contains("nothing_to_do"))
        #expect(try await table.load().metadataLocation == before.metadataLocation)
        let plan = try await NativeEngine(catalog: table.catalog, storage: table.storage)
            .plan(table.request())
        #expect(!plan.hasWork)
        #expect(plan.summary["skip_reason"] == "nothing_to_do")
    }

    @Test func `the snapshot says what Java's says, and carries the totals`() async throws {
        let table = try await table(.v2)
        let before = try await table.load().metadata

        try await table.rewrite()

        let metadata = try await table.load().metadata
        let snapshot = try #require(metadata.currentSnapshot)
        #expect(snapshot.summary.operation == "replace")
        #expect(snapshot.summary["manifests-created"] == "4")
        #expect(snapshot.summary["manifests-kept"] == "0")
        #expect(snapshot.summary["manifests-replaced"] == "16")
        #expect(snapshot.summary["entries-processed"] == "24")
        #expect(
            snapshot.summary["total-data-files"]
                == before.currentSnapshot?.summary["total-data-files"])
        #expect(snapshot.summary["icepack.job-id"] == "job", "P-33: the job is in the summary")
        #expect(snapshot.parentID == before.currentSnapshotID)
        #expect(snapshot.sequenceNumber == before.lastSequenceNumber + 1)
        #expect(metadata.snapshotLog.last?.snapshotID == snapshot.id)
        #expect(metadata.metadataLog.count == before.metadataLog.count + 1)
    }

    @Test func `dry run and run count alike`() async throws {
        let table = try await table(.v2)
        let plan = try await NativeEngine(catalog: table.catalog, storage: table.storage)
            .plan(table.request())
        let report = try await table.rewrite()
        #expect(plan.hasWork)
        #expect(plan.summary["rewritten_manifests_count"]?.intValue == report.manifestCounts[0])
        #expect(plan.summary["added_manifests_count"]?.intValue == report.manifestCounts[1])
    }

    @Test func `a table without a snapshot has nothing to do`() async throws {
        let table = try await ManifestTable(.v2)
        #expect(try await table.rewrite().manifestCounts == [0, 0])
    }

    @Test func `row ids of version 3 are kept, and those without one get theirs from the manifest`()
        async throws
    {
        let table = try await table(.v3)
        let before = try await table.load().metadata
        try await table.rewrite()
        let after = try await table.load().metadata
        // All rows had ids, so none is given out.
        #expect(after.nextRowID == before.nextRowID)
        #expect(after.currentSnapshot?.firstRowID == before.nextRowID)
        #expect(after.currentSnapshot?.addedRows == 0)
    }

    @Test(arguments: [3_000, 40_000, 200_000])
    func `manifests are split near the target, clustered by partition, and then left alone`(
        target: Int
    ) async throws {
        let table = try await ManifestTable(
            .v2, properties: ["commit.manifest.target-size-bytes": "\(target)"])
        for _ in 0..<6 {
            try await table.append(
                (0..<500).map { index in
                    ManifestTable.entry([.string("r\(index % 50)")])
                })
        }
        let before = try await table.entries()

        // So little memory that the manifests are read several times.
        let settings = NativeEngineSettings(memoryBytes: 1 << 18)
        let report = try await table.rewrite(settings: settings)

        #expect(try await table.entries() == before)
        let manifests = try await table.manifests()
        let bounds = manifests.compactMap { $0.partitions?.first }
        for (left, right) in zip(bounds, bounds.dropFirst()) {
            let upper = String(decoding: left.upperBound ?? [], as: UTF8.self)
            let lower = String(decoding: right.lowerBound ?? [], as: UTF8.self)
            #expect(upper <= lower, "manifests follow each other in the order of partitions")
        }
        if manifests.count > 1 {
            for manifest in manifests { #expect(manifest.length < Int64(target) * 3 / 2 + 12_000) }
        }
        #expect(report.manifestCounts[1] == manifests.count)
        #expect(try await table.rewrite().manifestCounts == [0, 0])
    }

    @Test func `manifests of a good size stay as they are`() async throws {
        let table = try await ManifestTable(
            .v2, properties: ["commit.manifest.target-size-bytes": "20000"])
        try await table.append((0..<300).map { _ in ManifestTable.entry([.string("a")]) })
        let good = try await table.manifests()
        for _ in 0..<3 { try await table.append([ManifestTable.entry([.string("b")])]) }

        let report = try await table.rewrite()

        #expect(report.manifestCounts == [3, 1])
        #expect(report.metrics["kept_manifests_count"] == 1)
        #expect(try await table.manifests().contains(good[0]))
    }

    @Test func `spec_id rewrites the manifests of that spec only`() async throws {
        let table = try await table(.v2)
        let report = try await table.rewrite(["spec_id": 2])
        #expect(report.manifestCounts == [4, 1])
        await #expect(throws: MaintenanceError.self) { try await table.rewrite(["spec_id": 7]) }
    }

    @Test func `sort_by clusters by that field, once`() async throws {
        let table = try await table(.v2)
        try await table.rewrite()
        let report = try await table.rewrite(["sort_by": ["region"]])
        #expect(report.manifestCounts == [0, 0])
        await #expect(throws: MaintenanceError.self) {
            try await table.rewrite(["sort_by": ["no_such"]])
        }
    }

    @Test func `use_caching is accepted and said to have no effect`() async throws {
        let table = try await table(.v2)
        let engine = NativeEngine(catalog: table.catalog, storage: table.storage)
        let plan = try await engine.plan(table.request(["use_caching": true]))
        #expect(plan.summary["warnings"]?.arrayValue?.count == 1)
        let report = try await table.rewrite(["use_caching": true])
        #expect(report.message.contains("use_caching has no effect"))
    }

    @Test func `deleted entries are dropped, and manifests with nothing else`() async throws {
        let table = try await ManifestTable(.v2)
        var gone = ManifestTable.entry([.string("a")])
        gone.entry.status = .deleted
        gone.entry.snapshotID = 1
        gone.entry.sequenceNumber = 1
        try await table.append([ManifestTable.entry([.string("a")])])
        try await table.append([ManifestTable.entry([.string("a")]), gone])
        try await table.append([gone])
        let before = try await table.entries()

        let report = try await table.rewrite()

        #expect(report.manifestCounts == [3, 1])
        #expect(try await table.entries() == before)
        let manifests = try await table.manifests()
        #expect(manifests.map(\.deletedFilesCount) == [0])
    }

    @Test(arguments: ["encryption.key-id"])
    func `P-66: an encrypted table is refused`(property: String) async throws {
        let table = try await ManifestTable(.v2, properties: [property: "k"])
        try await table.append([ManifestTable.entry([nil])])
        await #expect(throws: MaintenanceError.self) { try await table.rewrite() }
    }

    @Test func `P-63: metadata files that fall out of the log go when the table wants that`()
        async throws
    {
        let table = try await ManifestTable(
            .v2,
            properties: [
                "write.metadata.delete-after-commit.enabled": "true",
                "write.metadata.previous-versions-max": "2",
            ])
        for _ in 0..<4 { try await table.append([ManifestTable.entry([nil])]) }
        try await table.rewrite()
        let metadata = try await table.load().metadata
        #expect(metadata.metadataLog.count == 2)
        let left = try table.metadataFiles().filter { $0.hasSuffix(".metadata.json") }
        #expect(left == ["v4.metadata.json", "v5.metadata.json", "v6.metadata.json"])
    }
}
