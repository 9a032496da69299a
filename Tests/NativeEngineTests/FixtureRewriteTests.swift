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

/// Tables that Spark, PyIceberg and others wrote, in format versions 1 to 3 and with partitions of
/// many types: their manifests are taken apart and put together again, and nothing may differ.
@Suite(
    .enabled(if: Fixtures.isAvailable, Comment(rawValue: Fixtures.reason)),
    .enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct FixtureRewriteTests {
    // The newest snapshot of the last is whole, although an older one lacks its manifest list.
    @Test(arguments: FixtureCopy.tables + ["equality_deletes/warehouse/mydb/mytable"])
    func `P-60: entries and rows are the same before and after`(path: String) async throws {
        let copy = try await FixtureCopy(newestOf: path)
        let before = try await copy.look()
        let engines = try #require(before["rows"]?.objectValue).keys

        let groups = try await copy.takeApart()
        let apart = try await copy.look(engines: engines)
        let report = try await copy.rewrite()
        let after = try await copy.look(engines: engines)

        // A group of one manifest has nothing to gain.
        let merged = groups.values.filter { $0 > 1 }
        #expect(report.manifestCounts == [merged.reduce(0, +), merged.count])
        #expect(Self.withoutRowIDs(apart["entries"]) == Self.withoutRowIDs(before["entries"]))
        #expect(after["entries"] == apart["entries"])
        #expect(apart["rows"] == before["rows"])
        #expect(after["rows"] == before["rows"])
        #expect(try await copy.rewrite().manifestCounts == [0, 0])
    }

    /// The first commit to a table that was upgraded to version 3 gives row ids to its files.
    private static func withoutRowIDs(_ entries: JSONValue?) -> [JSONValue] {
        (entries?.arrayValue ?? []).map { entry in
            var object = entry.objectValue ?? JSONObject()
            object["first_row_id"] = nil
            return .object(object)
        }
    }
}

extension FixtureCopy {
    /// Commits one manifest for every entry; returns how many each group has.
    fileprivate func takeApart() async throws -> [ManifestGroupKey: Int] {
        let table = try await load()
        let metadata = table.metadata
        let parent = try #require(metadata.currentSnapshot)
        let current = try await manifests(of: parent)
        var created: [StoredManifest] = []
        var groups: [ManifestGroupKey: Int] = [:]
        for manifest in current {
            let spec = try #require(metadata.partitionSpec(Int(manifest.partitionSpecID)))
            let kind = try ManifestKind(of: metadata, spec: spec, content: manifest.content)
            let reader = CompleteManifestReader(
                storage: storage, partition: kind.partition)
            for var entry in try await reader.entries(in: manifest) where entry.entry.isLive {
                let key = ManifestGroupKey(specID: spec.id, content: manifest.content)
                groups[key, default: 0] += 1
                entry.entry.status = .existing
                if metadata.formatVersion == .v1 {
                    entry.entry.sequenceNumber = nil
                    entry.entry.fileSequenceNumber = nil
                }
                var writer = try ManifestWriter(kind)
                try writer.append(entry)
                created.append(
                    try await store(try writer.finish(), "part-\(created.count).avro"))
            }
        }
        let draft = try ReplaceSnapshot(
            of: metadata, parent: parent, id: 4711, current: current,
            replacing: Set(current.map(\.path)), by: created, nowMilliseconds: 1)
        let list = Location("\(metadataFolder)/snap-4711.avro")
        try await storage.write(try draft.manifestList(), to: list, condition: .none)
        let snapshot = draft.snapshot(manifestList: list.rawValue, summary: [])
        let outcome = await catalog.commit(
            draft.updates(adding: snapshot), requirements: draft.requirements,
            to: Self.identifier, base: table)
        guard case .committed = outcome else {
            throw ManifestTable.Failure(description: "not committed: \(outcome)")
        }
        return groups
    }

    private func store(
        _ manifest: FinishedManifest, _ name: String
    ) async throws -> StoredManifest {
        let location = Location("\(metadataFolder)/\(name)")
        var row = manifest.row
        row.path = location.rawValue
        row.length = try await storage.write(
            manifest.bytes, to: location, condition: .none
        ).size
        return StoredManifest(row: row, unassignedRowCount: manifest.unassignedRowCount)
    }

    fileprivate func rewrite() async throws -> ActionReport {
        try await NativeEngine(catalog: catalog, storage: storage).run(
            ActionRequest(
                table: Self.identifier, action: .rewriteManifests, options: .none,
                now: TestTable.now), in: TestTable.context(MemoryJournal()))
    }
}
