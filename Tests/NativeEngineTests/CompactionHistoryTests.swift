// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import Maintenance
import ObjectStorage
import Testing
import WireFormat

/// Rewrites of data files while `main` is moved, and delete files that more files need than those
/// that are rewritten.
@Suite struct CompactionHistoryTests {
    private func table() async throws -> ManifestTable {
        try await ManifestTable(.v2, properties: ManifestTable.quickRetries)
    }

    private func expectConflict(
        _ reason: String, _ body: () async throws -> Void
    ) async {
        await #expect {
            try await body()
        } throws: { error in
            guard case .conflict? = error as? MaintenanceError else { return false }
            return "\(error)".contains(reason)
        }
    }

    private static func equalityDelete() -> CompleteEntry {
        ManifestTable.entry(
            [.string("a")], rows: 1, content: .equalityDeletes, path: "/data/equality.parquet")
    }

    @Test func `P-41: an equality delete that a move of main brings stays in force`() async throws {
        let table = try await table()
        try await table.addRows(0..<10, region: "a")
        try await table.addRows(10..<20, region: "a")
        let plain = try #require(try await table.load().metadata.currentSnapshotID)
        let deleted = try await table.append([Self.equalityDelete()], content: .deletes)
        // The new file would be newer than the delete.
        try await table.setMain(plain)
        try await table.addRows(20..<30, region: "b")
        await expectConflict("does not follow") {
            try await table.compact { try await table.setMain(deleted) }
        }
        #expect(try await table.load().metadata.currentSnapshotID == deleted)
        #expect(try await table.entries().count == 3)
        #expect(try table.dataFolder().count == 3, "what was written is gone")
    }

    @Test func `P-41: an equality delete that is as old as the starting snapshot is a conflict`()
        async throws
    {
        let table = try await table()
        for start in stride(from: Int64(0), to: 40, by: 10) {
            try await table.addRows(start..<start + 10, region: start < 20 ? "a" : "b")
        }
        var delete = Self.equalityDelete()
        delete.entry.sequenceNumber = try await table.load().metadata.lastSequenceNumber
        let late = delete
        let report = try await table.compact {
            try await table.append([late], content: .deletes)
        }
        #expect(report.fileCounts == [2, 1])
        #expect(report.message.contains("equality deletes came for"))
        #expect(try await table.dataPaths(region: "a").count == 2)
    }

    @Test func `a snapshot that expired meanwhile is still the parent of those that follow it`()
        async throws
    {
        let table = try await table()
        try await table.addRows(0..<10, region: "a")
        try await table.addRows(10..<20, region: "a")
        let starting = try #require(try await table.load().metadata.currentSnapshotID)
        let report = try await table.compact {
            try await table.addRows(20..<30, region: "b")
            try await table.commit([.removeSnapshots([starting])])
        }
        #expect(report.fileCounts == [2, 1])
        #expect(try await table.rows().count == 30)
    }

    @Test func `P-43: after a rollback no delete file goes that a file needs again`() async throws {
        let table = try await table()
        let first = try await table.addRows(0..<10, region: "a")
        try await table.addRows(10..<20, region: "a")
        let dropped = try await table.addRows(20..<30, region: "a")
        let manifest = try await table.manifest(of: dropped)
        try await table.deleteRows([(first, 5), (dropped, 7)], region: "a")
        let before = try await table.load().metadata
        let rows = try await table.rows()
        let new = try await table.dataFile(30..<40, region: "b")
        try await table.append([new], removing: [manifest])
        await expectConflict("does not follow") {
            try await table.compact { try await table.setMain(before.currentSnapshotID) }
        }
        #expect(try await table.rows() == rows)
    }

    @Test func `P-43: a delete file stays for a file that is added anew meanwhile`() async throws {
        let table = try await table()
        let first = try await table.addRows(0..<10, region: "a")
        try await table.addRows(10..<20, region: "a")
        let gone = try await table.dataFile(20..<30, region: "a")
        let path = gone.entry.dataFile.filePath
        try await table.append([gone])
        let manifest = try await table.manifest(of: path)
        var again = gone
        again.entry.sequenceNumber = try await table.load().metadata.lastSequenceNumber
        let back = again
        try await table.deleteRows([(first, 5), (path, 7)], region: "a")
        let rows = try await table.rows()
        try await table.append(
            [try await table.dataFile(30..<40, region: "b")], removing: [manifest])
        let report = try await table.compact { try await table.append([back]) }
        #expect(report.fileCounts == [2, 1])
        #expect(report.metrics["removed_delete_files_count"] == 0)
        #expect(
            try await table.rows() == rows + ManifestTable.rows(30..<40, region: "b"))
    }

    @Test func `P-43: a delete file stays for a file of another partition that it names`()
        async throws
    {
        let table = try await table()
        let first = try await table.addRows(0..<10, region: "a")
        try await table.addRows(10..<20, region: "a")
        let other = try await table.addRows(20..<30, region: "b")
        try await table.deleteRows([(first, 5), (other, 7)], region: "a")
        let rows = try await table.rows(.byPath)
        #expect(rows.count == 28)
        let report = try await table.compact()
        #expect(report.fileCounts == [2, 1])
        #expect(report.metrics["removed_delete_files_count"] == 0)
        #expect(try await table.rows(.byPath) == rows)
    }

    @Test(arguments: [true, false])
    func `P-43: a file that a delete file of another partition names is left`(
        bounded: Bool
    ) async throws {
        let table = try await table()
        for (region, start) in [("a", Int64(0)), ("b", 100), ("c", 200)] {
            try await table.addRows(start..<start + 10, region: region)
            try await table.addRows(start + 10..<start + 20, region: region)
        }
        let first = try await table.dataPaths(region: "a")[0]
        let other = try await table.dataPaths(region: "b")[0]
        var delete = try await table.deleteFile([(first, 5), (other, 7)], region: "a")
        if bounded {
            let paths = [first, other].sorted().map {
                [ColumnFact(id: 2_147_483_546, value: Array($0.utf8))]
            }
            delete.metrics.lowerBounds = paths[0]
            delete.metrics.upperBounds = paths[1]
        }
        try await table.append([delete], content: .deletes)
        let rows = try await table.rows(.byPath)
        let report = try await table.compact()
        #expect(report.fileCounts == [4, 2])
        #expect(report.metrics["refused_groups_count"] == 1)
        #expect(report.message.contains("engines disagree whether its deletes count"))
        #expect(try await table.rows(.byPath) == rows)
    }

    @Test func `P-53: delete files whose bounds leave no doubt are not read`() async throws {
        let table = try await table()
        try await table.addRows(0..<10, region: "a")
        try await table.addRows(10..<20, region: "a")
        // It does not exist.
        var delete = ManifestTable.entry(
            [.string("b")], rows: 1, content: .positionDeletes, path: "/data/deletes.parquet")
        delete.metrics.lowerBounds = [ColumnFact(id: 2_147_483_546, value: Array("/b/1".utf8))]
        delete.metrics.upperBounds = [ColumnFact(id: 2_147_483_546, value: Array("/b/2".utf8))]
        try await table.append([delete], content: .deletes)
        #expect(try await table.compact().fileCounts == [2, 1])
    }

    @Test func `P-53: a delete file goes although it names files that are no more`() async throws {
        let table = try await table()
        let first = try await table.addRows(0..<10, region: "a")
        try await table.addRows(10..<20, region: "a")
        try await table.deleteRows([(first, 5), ("/data/no-more.parquet", 7)], region: "a")
        let report = try await table.compact()
        #expect(report.fileCounts == [2, 1])
        #expect(report.metrics["removed_delete_files_count"] == 1)
    }
}

extension ManifestTable {
    /// Commits changes without a snapshot.
    func commit(_ updates: [TableUpdate]) async throws {
        let outcome = await catalog.commit(
            updates, requirements: [], to: Self.identifier, base: try await load())
        guard case .committed = outcome else {
            throw Failure(description: "the test's change was not committed: \(outcome)")
        }
    }

    /// Moves `main`, as a rollback does.
    fileprivate func setMain(_ snapshotID: Int64?) async throws {
        guard let snapshotID else { throw Failure(description: "no snapshot to move to") }
        try await commit([
            .setSnapshotRef(
                name: "main", SnapshotReference(snapshotID: snapshotID, kind: .branch))
        ])
    }

    /// The manifest that lists a file, which is the only one in it.
    fileprivate func manifest(of path: String) async throws -> String {
        let sequence = try await entries()[path]?.entry.fileSequenceNumber
        guard let found = try await manifests().first(where: { $0.sequenceNumber == sequence })
        else { throw Failure(description: "no manifest lists \(path)") }
        return found.path
    }
}
