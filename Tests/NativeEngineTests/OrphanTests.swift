// SPDX-License-Identifier: Apache-2.0

import FileSystemCatalog
import Foundation
import IcebergCatalog
import IcebergSpec
import Maintenance
import NativeEngine
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// What counts as an orphan, and what never does.
@Suite struct OrphanTests {
    @Test func `orphans move to quarantine and everything else stays`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let live = try await table.everything()
        let strays = [
            try await table.stray("data/part=1/orphan.parquet"),
            try await table.stray("metadata/snap-99.avro"),
        ]

        let report = try await table.removeOrphans()

        #expect(report.metrics["orphan_files_count"] == 2)
        #expect(report.metrics["quarantined_files_count"] == 2)
        #expect(report.impact == "2 orphan files quarantined")
        #expect(try await table.everything() == live)
        let all = try await table.everything(withQuarantine: true)
        for stray in strays {
            let relative = stray.dropFirst(table.location.count + 1)
            let place = "\(table.location)/.icepack-quarantine/job/files/\(relative)"
            #expect(all[place] == Array("stray".utf8))
        }
    }

    @Test func `delete mode removes for good`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let live = try await table.everything()
        try await table.stray("data/orphan")

        let report = try await table.removeOrphans(["mode": "delete"])

        #expect(report.metrics["deleted_files_count"] == 1)
        #expect(report.message == "Deleted 1 orphan file")
        #expect(try await table.everything(withQuarantine: true) == live)
    }

    @Test func `a dry run changes nothing, and a plan says the same`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let stray = try await table.stray("data/orphan")
        let before = try await table.everything(withQuarantine: true)

        let report = try await table.removeOrphans(["dry_run": true])
        let plan = try await NativeEngine(catalog: table.catalog, storage: LocalStorage())
            .plan(table.orphanRequest())

        #expect(report.metrics["orphan_files_count"] == 1)
        #expect(report.metrics["quarantined_files_count"] == 0)
        #expect(plan.summary["orphan_files_count"] == 1)
        #expect(plan.summary["orphan_bytes"] == 5)
        #expect(plan.summary["orphan_file_location"] == [.string(stray)])
        #expect(plan.hasWork)
        #expect(try await table.everything(withQuarantine: true) == before)
    }

    @Test func `a second run finds nothing, and skips the quarantine`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        try await table.stray("data/orphan")
        try await table.removeOrphans(job: "first")
        for path in try await table.everything(withQuarantine: true).keys {
            try TestTable.age(path, days: 30)
        }

        let report = try await table.removeOrphans(job: "second")

        #expect(report.message == "No orphan file was found")
    }

    @Test(arguments: [
        "metadata/version-hint.text", "metadata/notes.txt", "metadata/.v1.metadata.json.crc",
    ])
    func `what a metadata folder may hold stays, P-07`(name: String) async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        if !name.contains("version-hint") { try await table.stray(name) }
        let before = try await table.everything()

        try await table.removeOrphans()

        #expect(try await table.everything() == before)
    }

    @Test func `every kind of file that the table needs stays, P-07`() async throws {
        let table = try await TestTable.withHistory()
        // A staged snapshot that no reference has.
        let staged = try await table.file("staged")
        try await table.snapshot(
            parent: nil, manifests: [try await table.manifest([.init(path: staged)])])
        try await table.write()
        try await table.age()
        let old = "\(table.location)/metadata/v1.metadata.json"
        let before = try await table.everything()

        try await table.removeOrphans()

        // The first version is in no log, so nothing needs it (P-63).
        #expect(Set(before.keys).subtracting(try await table.everything().keys) == [old])
    }

    @Test func `metadata in the log stays, P-63`() async throws {
        let table = try await TestTable.withHistory()
        let first = try await table.file()
        let tables = table.catalog
        let base = try await tables.loadTable(TestTable.identifier)
        let outcome = await tables.commit(
            [.setProperties(["a": "b"])], requirements: [], to: TestTable.identifier, base: base)
        guard case .committed(let after) = outcome else {
            Issue.record("the commit failed: \(outcome)")
            return
        }
        #expect(after.metadata.metadataLog.count == 1)
        try await table.age()

        try await table.removeOrphans()

        let left = try await table.everything()
        #expect(left[base.metadataLocation.rawValue] != nil)
        #expect(left[first] == nil)
    }

    @Test(arguments: ["_hidden", ".hidden", "_part=1/x", "a%20b", "a b", "é", "e\u{301}", "a+b"])
    func `keys are opaque: an odd name is an orphan like any other, P-09, P-10`(
        name: String
    ) async throws {
        let table = try TestTable()
        let live = try await table.file(name + "-live")
        try await table.commit([try await table.manifest([.init(path: live)])])
        try await table.write()
        try await table.age()
        let stray = try await table.stray("data/\(name)")

        let report = try await table.removeOrphans()

        #expect(report.metrics["orphan_files_count"] == 1)
        let left = try await table.everything()
        #expect(left[live] != nil && left[stray] == nil)
    }

    @Test func `hidden files stay where the request says so, but not partitions, P-09`()
        async throws
    {
        let table = try await TestTable.withHistory()
        try await table.age()
        let hidden = try await table.stray("data/_temporary/file")
        let partition = try await table.stray("data/_part=1/file")

        try await table.removeOrphans(["skip_hidden": true])

        let left = try await table.everything()
        #expect(left[hidden] != nil && left[partition] == nil)
    }

    @Test func `an in-flight writer loses nothing: its files stay, and then are the table's, P-05`()
        async throws
    {
        let table = try await TestTable.withHistory()
        try await table.age()
        let orphan = try await table.stray("data/orphan")
        let written = try await table.stray("data/p=1/in-flight.parquet", days: 0)
        let prepared = try await table.manifest([.init(path: written)])

        try await table.removeOrphans(job: "one")
        let meanwhile = try await table.everything()
        #expect(meanwhile[orphan] == nil)
        #expect(meanwhile[written] != nil && meanwhile[prepared.path] != nil)

        try await table.commit(table.manifests() + [prepared])
        try await table.write()
        try await table.age()
        try await table.removeOrphans(job: "two")
        let left = try await table.everything()
        #expect(left[written] == Array("stray".utf8) && left[prepared.path] != nil)
    }

    @Test func `a young file stays, and so does one without a time, P-05, P-17`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let young = try await table.stray("data/young", days: 2.9)
        let old = try await table.stray("data/old", days: 3.1)

        try await table.removeOrphans(storage: AlteredStorage(base: LocalStorage()))
        let left = try await table.everything()
        #expect(left[young] != nil && left[old] == nil)

        let timeless = try await table.stray("data/timeless", days: 9)
        let storage = AlteredStorage(base: LocalStorage()) { info in
            ObjectInfo(location: info.location, size: info.size, modifiedMilliseconds: nil)
        }
        try await table.removeOrphans(job: "two", storage: storage)
        #expect(try await table.everything()[timeless] != nil)
    }

    @Test func `a time within 24 hours is refused, P-05`() async throws {
        let table = try await TestTable.withHistory()
        let now = TestTable.presentTime
        let day = OrphanAge.floor

        let late = now.advanced(by: .zero - day + .seconds(60)).description
        await #expect(throws: MaintenanceError.self) {
            try await table.removeOrphans(["older_than": .string(late)])
        }
        let early = now.advanced(by: .zero - day - .seconds(60)).description
        try await table.removeOrphans(["older_than": .string(early)])
    }

    @Test func `a store whose clock is behind makes files look older, and they stay`()
        async throws
    {
        let table = try await TestTable.withHistory()
        try await table.age()
        // Written 2 days and 23.7 hours ago, by a clock that is half an hour late.
        let lag: Int64 = 1_800_000
        let young = try await table.stray("data/young", days: 3 - 0.3 / 24)
        let storage = AlteredStorage(base: LocalStorage()) { info in
            ObjectInfo(
                location: info.location, size: info.size,
                modifiedMilliseconds: info.modifiedMilliseconds.map { $0 - lag })
        }

        let report = try await table.removeOrphans(storage: storage)

        #expect(report.metrics["orphan_files_count"] == 1)
        #expect(report.metrics["quarantined_files_count"] == 0)
        #expect(try await table.everything()[young] != nil)
    }

    @Test func `clocks that are hours apart stop the action`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let stray = try await table.stray("data/orphan")
        let storage = AlteredStorage(base: LocalStorage()) { info in
            ObjectInfo(
                location: info.location, size: info.size,
                modifiedMilliseconds: info.modifiedMilliseconds.map { $0 - 2 * 3_600_000 })
        }

        try await refusal("clock_skew") { try await table.removeOrphans(storage: storage) }

        #expect(try await table.everything()[stray] != nil)
    }
}

/// Expects a refusal with this code.
func refusal(
    _ code: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> ActionReport
) async throws {
    do {
        let report = try await body()
        Issue.record("not refused: \(report.message)", sourceLocation: sourceLocation)
    } catch let error as MaintenanceError {
        guard case .refused(let found, _) = error else {
            Issue.record("refused otherwise: \(error)", sourceLocation: sourceLocation)
            return
        }
        #expect(found == code, "\(error)", sourceLocation: sourceLocation)
    }
}
