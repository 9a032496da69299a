// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import Maintenance
import NativeEngine
import ObjectStorage
import Testing
import WireFormat

/// Rewrites of the files of a branch other than `main`.
@Suite struct CompactionBranchTests {
    private static let options: JSONValue = ["branch": "audit", "min-input-files": 2]

    /// A table whose branch `audit` has two files and a delete more than `main`, which has gone on
    /// by itself.
    private func table(_ version: FormatVersion = .v2) async throws -> ManifestTable {
        let table = try await ManifestTable(version, properties: ManifestTable.quickRetries)
        let shared = try await table.addRows(0..<10, region: "a")
        try await table.addRows(10..<20, region: "a")
        let fork = try #require(try await table.load().metadata.currentSnapshotID)
        try await table.addRows(20..<30, region: "a")
        try await table.addRows(30..<40, region: "a")
        if version == .v2 { try await table.deleteRows([(shared, 1)], region: "a") }
        let head = try #require(try await table.load().metadata.currentSnapshotID)
        try await table.set("audit", to: head, keeping: 7)
        try await table.set("main", to: fork)
        try await table.addRows(100..<110, region: "a")
        return table
    }

    private func rows(
        _ table: ManifestTable, of branch: String
    ) async throws -> [ManifestTable.Row] {
        let main = try #require(try await table.load().metadata.currentSnapshotID)
        let head = try #require(try await table.load().metadata.head(ofBranch: branch)).id
        try await table.set("main", to: head)
        let rows = try await table.rows()
        try await table.set("main", to: main)
        return rows
    }

    @Test(arguments: FormatVersion.allCases)
    func `the branch gets the snapshot, and main stays where it is`(
        version: FormatVersion
    ) async throws {
        let table = try await table(version)
        let before = try await table.load().metadata
        let head = try #require(before.head(ofBranch: "audit"))
        let (main, audit) = (try await rows(table, of: "main"), try await rows(table, of: "audit"))

        let report = try await table.compact(Self.options)

        let after = try await table.load().metadata
        let new = try #require(after.head(ofBranch: "audit"))
        #expect(report.fileCounts == [4, 1])
        #expect(after.currentSnapshotID == before.currentSnapshotID)
        #expect(new.parentID == head.id)
        #expect(new.summary.operation == "replace")
        #expect(new.summary["added-data-files"] == "1")
        #expect(after.refs["audit"]?.minSnapshotsToKeep == 7)
        #expect(try await rows(table, of: "audit") == audit)
        #expect(try await rows(table, of: "main") == main)
        #expect(try await table.compact(Self.options).fileCounts == [0, 0], "P-50")
        #expect(try await table.compact().fileCounts == [3, 1], "main has its own files")
        #expect(try await rows(table, of: "audit") == audit)
    }

    @Test func `a dry run plans what a run on the branch does`() async throws {
        let table = try await table()
        let head = try #require(try await table.load().metadata.head(ofBranch: "audit"))
        let engine = NativeEngine(catalog: table.catalog, storage: table.storage)

        let plan = try await engine.plan(
            ActionRequest(
                table: ManifestTable.identifier, action: .rewriteDataFiles,
                options: try ActionOptions.validating(Self.options, for: .rewriteDataFiles),
                now: TestTable.now))

        #expect(plan.snapshotID == head.id)
        #expect(plan.summary["rewritten_data_files_count"] == 4)
    }

    @Test func `what happens on main meanwhile is no conflict`() async throws {
        let table = try await table()
        let audit = try await rows(table, of: "audit")
        let catalog = InterferingCatalog(base: table.catalog) { moment, commit in
            guard moment == .beforeCommit, commit == 1 else { return }
            try await table.addRows(110..<120, region: "a")
        }

        let report = try await table.compact(
            Self.options, catalog: catalog, storage: table.storage)

        #expect(report.fileCounts == [4, 1])
        #expect(try await rows(table, of: "audit") == audit)
        #expect(try await rows(table, of: "main").count == 40)
    }

    @Test(arguments: [true, false])
    func `a branch that is moved or removed meanwhile is a conflict`(isMoved: Bool) async throws {
        let table = try await table()
        let fork = try #require(try await table.load().metadata.snapshots.first?.id)
        let catalog = InterferingCatalog(base: table.catalog) { moment, commit in
            guard moment == .beforeCommit, commit == 1 else { return }
            if isMoved {
                try await table.set("audit", to: fork)
            } else {
                try await table.commit([.removeSnapshotRef(name: "audit")])
            }
        }

        await #expect {
            try await table.compact(Self.options, catalog: catalog, storage: table.storage)
        } throws: { error in
            guard case .conflict? = error as? MaintenanceError else { return false }
            return "\(error)".contains(
                isMoved ? "the branch audit was set meanwhile" : "has no branch audit any more")
        }
        #expect(try table.dataFolder().count == 6, "what was written is gone")
    }

    @Test func `a branch that is not there, and a tag, are refused`() async throws {
        let table = try await table()
        let head = try #require(try await table.load().metadata.currentSnapshotID)
        try await table.commit([
            .setSnapshotRef(name: "release", SnapshotReference(snapshotID: head, kind: .tag))
        ])
        for name in ["nowhere", "release"] {
            await #expect {
                try await table.compact(["branch": .string(name)])
            } throws: { error in
                guard case .refused("invalid_option", let reason)? = error as? MaintenanceError
                else { return false }
                return reason.contains("the table has no branch \(name)")
            }
        }
    }
}

extension ManifestTable {
    func set(
        _ branch: String, to snapshotID: Int64, keeping count: Int? = nil
    ) async throws {
        try await commit([
            .setSnapshotRef(
                name: branch,
                SnapshotReference(
                    snapshotID: snapshotID, kind: .branch, minSnapshotsToKeep: count))
        ])
    }
}
