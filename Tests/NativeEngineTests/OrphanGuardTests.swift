// SPDX-License-Identifier: Apache-2.0

import FileSystemCatalog
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

/// What stops orphan removal, or makes it keep its hands off.
@Suite struct OrphanGuardTests {
    /// Several tables as one catalog, each at a location of its choice.
    private func catalog(
        _ table: TestTable, and others: [String: (uuid: String, location: String)]
    ) async throws -> ManyTables {
        let own = try await table.catalog.loadTable(TestTable.identifier)
        var tables = [TestTable.identifier: own]
        for (name, other) in others {
            let identifier = TableIdentifier(namespace: ["ns"], name: name)
            var document = own.metadata.document
            document["table-uuid"] = .string(other.uuid)
            document["location"] = .string(other.location)
            document["snapshots"] = []
            document["current-snapshot-id"] = .null
            document["refs"] = [:]
            document["statistics"] = []
            document["partition-statistics"] = []
            tables[identifier] = LoadedTable(
                identifier: identifier,
                metadataLocation: Location(other.location).appending("metadata/v1.metadata.json"),
                metadata: try TableMetadata(parsing: JSONValue.object(document).bytes()))
        }
        return ManyTables(tables: tables)
    }

    @Test func `two tables on one location: neither is touched, P-01`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let stray = try await table.stray("data/orphan")
        let catalog = try await catalog(table, and: ["other": ("u2", table.location)])

        try await refusal("shared_location") { try await table.removeOrphans(catalog: catalog) }

        #expect(try await table.everything()[stray] != nil)
    }

    @Test func `metadata of another table below the root stops, unless adopted, P-01, P-02`()
        async throws
    {
        let table = try await TestTable.withHistory()
        try await table.age()
        let foreign: JSONValue = ["table-uuid": "DEAD", "location": "x"]
        try await table.stray("metadata/00001-x.metadata.json", bytes: foreign.bytes())

        try await refusal("foreign_table_metadata") { try await table.removeOrphans() }

        let alive = try await catalog(table, and: ["b": ("dead", "/elsewhere/b")])
        try await refusal("foreign_table_metadata") {
            try await table.removeOrphans(["adopt_table_uuids": ["dead"]], catalog: alive)
        }
        let report = try await table.removeOrphans(["adopt_table_uuids": ["dead"]])
        #expect(report.metrics["quarantined_files_count"] == 1)
    }

    @Test(arguments: ["not json", "{}", ""])
    func `metadata that does not say whose it is stops, P-01, P-16`(text: String) async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        try await table.stray("deep/down/v9.metadata.json", bytes: Array(text.utf8))

        try await refusal("foreign_table_metadata") { try await table.removeOrphans() }
    }

    @Test func `a table inside is left out, and a sibling prefix is none of ours, P-03`()
        async throws
    {
        let table = try await TestTable.withHistory()
        try await table.age()
        let inner = try await table.stray("inner/data/file")
        let alike = try await table.stray("inner2/data/file")
        let sibling = "\(table.location)2/data/file"
        try await LocalStorage().write([1], to: Location(sibling), condition: .none)
        try TestTable.age(sibling, days: 10)
        let catalog = try await catalog(
            table,
            and: [
                "inner": ("u2", table.location + "/inner"),
                "sibling": ("u3", table.location + "2"),
            ])

        try await table.removeOrphans(catalog: catalog)

        let left = try await table.everything()
        #expect(left[inner] != nil && left[alike] == nil)
        #expect(try await LocalStorage().stat(Location(sibling)) != nil)
    }

    @Test func `a table around is asked what it needs, P-03`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let mine = try await table.stray("data/mine")
        let needed = try await table.stray("data/needed")
        let outer = try TestTable()
        let manifest = try await outer.manifest([.init(path: needed)])
        try await outer.commit([manifest])
        try await outer.write()
        let loaded = try await outer.catalog.loadTable(TestTable.identifier)
        var document = loaded.metadata.document
        document["location"] = .string(table.folder.path)
        document["table-uuid"] = "u2"
        let identifier = TableIdentifier(namespace: ["ns"], name: "outer")
        let catalog = ManyTables(tables: [
            TestTable.identifier: try await table.catalog.loadTable(TestTable.identifier),
            identifier: LoadedTable(
                identifier: identifier, metadataLocation: loaded.metadataLocation,
                metadata: try TableMetadata(parsing: JSONValue.object(document).bytes())),
        ])

        try await table.removeOrphans(catalog: catalog)

        let left = try await table.everything()
        #expect(left[needed] != nil && left[mine] == nil)
    }

    @Test func `a table of the catalog that cannot be read stops, unless it is ignored`()
        async throws
    {
        let table = try await TestTable.withHistory()
        try await table.age()
        try await table.stray("data/orphan")
        let broken = TableIdentifier(namespace: ["ns"], name: "broken")
        var catalog = try await catalog(table, and: [:])
        catalog.unreadable = [broken]

        try await refusal("unreadable_table") { try await table.removeOrphans(catalog: catalog) }

        let report = try await table.removeOrphans(
            ["ignore_tables": ["ns.broken"]], catalog: catalog)
        #expect(report.metrics["quarantined_files_count"] == 1)
    }

    @Test(arguments: ["_delta_log/0.json", ".hoodie/hoodie.properties"])
    func `another format in the folder stops`(name: String) async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        try await table.stray(name)

        try await refusal("foreign_format") { try await table.removeOrphans() }
    }

    @Test func `a missing manifest stops, and nothing goes, P-08`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let stray = try await table.stray("data/orphan")
        let manifest = try #require(table.snapshots.first?.manifests.first?.path)
        _ = await LocalStorage().remove([Location(manifest)])

        await #expect(throws: MaintenanceError.self) { try await table.removeOrphans() }

        #expect(try await table.everything()[stray] != nil)
    }

    @Test func `a switched-off or encrypted table is refused, P-15, P-16`() async throws {
        for (key, value, code) in [
            ("gc.enabled", "false", "gc_disabled"),
            ("encryption.key-id", "k", "encrypted_table"),
        ] {
            let table = try await TestTable.withHistory()
            table.properties[key] = value
            try await table.write()

            try await refusal(code) { try await table.removeOrphans() }
        }
    }

    @Test func `a root that is a whole file system is refused, P-14`() {
        for (location, refused) in [("/", true), ("s3://bucket", true), ("s3://b/k", false)] {
            let root = TableRoots.Root(location, PathMatching())
            let check = Result { () throws in
                try TableRoots.check(root, allowed: .everywhere)
            }
            #expect(((try? check.get()) == nil) == refused, "\(location)")
        }
    }

    @Test func `a hostile location is refused where an allow-list says so, P-19`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        try await table.stray("data/orphan")

        try await refusal("root_not_allowed") {
            try await table.removeOrphans(
                settings: NativeEngineSettings(
                    allowedPrefixes: AllowedPrefixes([table.folder.path + "/n"])))
        }
        try await table.removeOrphans(
            settings: NativeEngineSettings(
                allowedPrefixes: AllowedPrefixes([table.folder.path])))
    }

    @Test func `a location outside the table is refused, one inside is looked through alone`()
        async throws
    {
        let table = try await TestTable.withHistory()
        try await table.age()
        let inside = try await table.stray("data/part=1/orphan")
        let beside = try await table.stray("data/orphan")

        try await refusal("location_not_of_table") {
            try await table.removeOrphans(["location": .string(table.folder.path)])
        }
        try await table.removeOrphans(["location": .string(table.location + "/data/part=1/")])

        let left = try await table.everything()
        #expect(left[inside] == nil && left[beside] != nil)
    }

    @Test func `half a listing is noticed, P-13`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let stray = try await table.stray("data/orphan")
        var blind = AlteredStorage(base: LocalStorage())
        blind.hides = { _ in true }
        var half = AlteredStorage(base: LocalStorage())
        half.hides = { $0.rawValue.hasSuffix("vectors.puffin") }

        try await refusal("incomplete_listing") { try await table.removeOrphans(storage: blind) }
        try await refusal("incomplete_listing") { try await table.removeOrphans(storage: half) }

        #expect(try await table.everything()[stray] != nil)
    }

    @Test func `a commit during the scan keeps its files, P-05, P-06`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let slow = try await table.stray("data/slow-writer.parquet")
        let orphan = try await table.stray("data/orphan")
        let once = Counter()
        var storage = AlteredStorage(base: LocalStorage())
        let writer = UncheckedTable(table: table)
        storage.afterListing = {
            guard once.next() == 1 else { return }
            try await writer.append(slow)
        }

        try await table.removeOrphans(storage: storage)

        let left = try await table.everything()
        #expect(left[slow] != nil && left[orphan] == nil)
    }

    @Test func `a commit between scan and move keeps its files, P-05`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let slow = try await table.stray("data/slow-writer.parquet")
        let writer = UncheckedTable(table: table)
        let calls = Counter()
        let catalog = InterruptingCatalog(base: table.catalog) {
            // The fourth load is the look before the first batch.
            if calls.next() == 4 { try await writer.append(slow) }
        }

        let report = try await table.removeOrphans(catalog: catalog)

        #expect(report.metrics["kept_for_commits_count"] == 1)
        #expect(try await table.everything()[slow] != nil)
    }

    @Test func `a commit during the move brings its files back at once`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        let slow = try await table.stray("data/slow-writer.parquet")
        let writer = UncheckedTable(table: table)
        let once = Counter()
        var storage = AlteredStorage(base: LocalStorage())
        storage.beforeCopying = { _ in
            guard once.next() == 1 else { return }
            do { try await writer.append(slow) } catch { Issue.record(error) }
        }

        let report = try await table.removeOrphans(storage: storage)

        #expect(report.metrics["restored_files_count"] == 1)
        #expect(report.metrics["quarantined_files_count"] == 0)
        #expect(try await table.everything()[slow] == Array("stray".utf8))
    }

    @Test(arguments: ["quarantine", "delete"])
    func `a store that fails on the third of five says so by key, P-12`(mode: String)
        async throws
    {
        let table = try await TestTable.withHistory()
        try await table.age()
        var strays: [String] = []
        for index in 1...5 { strays.append(try await table.stray("data/orphan-\(index)")) }
        let third = strays[2]
        var storage = AlteredStorage(base: LocalStorage())
        storage.refusesRemoval = { location in
            location.rawValue == third ? .denied(location, reason: "no") : nil
        }

        let report = try await table.removeOrphans(["mode": .string(mode)], storage: storage)

        #expect(report.metrics["failed_files_count"] == 1)
        let gone = mode == "delete" ? "deleted_files_count" : "quarantined_files_count"
        #expect(report.metrics[gone] == 4)
        let left = try await table.everything(withQuarantine: true)
        #expect(strays.map { left[$0] != nil } == [false, false, true, false, false])
        #expect(left.keys.count { $0.hasSuffix("orphan-3") } == 1)
    }

    @Test func `a store that only says it removed is found out, P-12`() async throws {
        let table = try await TestTable.withHistory()
        try await table.age()
        try await table.stray("data/orphan")

        let report = try await table.removeOrphans(
            ["mode": "delete"], storage: PretendingStorage(base: LocalStorage()))

        #expect(report.metrics["failed_files_count"] == 1)
        #expect(report.metrics["deleted_files_count"] == 0)
    }
}
