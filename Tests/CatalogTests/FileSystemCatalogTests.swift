// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import IcebergCatalog
import IcebergSpec
import ObjectStorage
import StorageTestSupport
import Testing

@testable import FileSystemCatalog

@Suite struct FileSystemCatalogTests {
    let bed: FileSystemBed
    let storage = FaultyStorage(LocalStorage())
    let table = TableIdentifier("db.t")

    init() throws { bed = try FileSystemBed() }

    private var folder: Location { bed.location(table).appending("metadata") }

    private func write(_ name: String, _ text: String) async throws {
        try await LocalStorage().write(
            Array(text.utf8), to: folder.appending(name), condition: .none)
    }

    private func write(version name: String, snapshots: [Int64] = [1]) async throws {
        let sample = SampleTable(location: bed.location(table), snapshots: snapshots)
        try await LocalStorage().write(
            sample.bytes, to: folder.appending(name), condition: .none)
    }

    private func current() async throws -> String {
        try await bed.catalog(storage).loadTable(table).metadataLocation.lastComponent
    }

    private func commit(_ key: String) async throws -> CommitOutcome {
        let catalog = bed.catalog(storage)
        return await catalog.commit(
            [.setProperties(TableProperties([key: "1"]))], requirements: [], to: table,
            base: try await catalog.loadTable(table))
    }

    @Test(arguments: [
        ("2", "v3.metadata.json"), ("3", "v3.metadata.json"), ("1\n", "v3.metadata.json"),
        ("9", "v3.metadata.json"), ("garbage", "v3.metadata.json"), ("", "v3.metadata.json"),
        ("-1", "v3.metadata.json"), ("99999999999", "v3.metadata.json"),
        ("../../x", "v3.metadata.json"), ("\u{0}", "v3.metadata.json"), ("2.5", "v3.metadata.json"),
        (String(repeating: "1", count: 2000), "v3.metadata.json"),
    ])
    func `a hint is only where the search begins`(hint: String, expected: String) async throws {
        for version in 1...3 { try await write(version: "v\(version).metadata.json") }
        try await write("version-hint.text", hint)

        #expect(try await current() == expected)
    }

    @Test func `without a hint the highest version counts, also behind removed ones`() async throws
    {
        for version in [7, 9, 10] { try await write(version: "v\(version).metadata.json") }
        try await write("v010.metadata.json", "not a version")
        try await write("vfinal.metadata.json", "not a version")

        #expect(try await current() == "v10.metadata.json")
    }

    @Test(arguments: ["v4.gz.metadata.json", "v4.metadata.json.gz", "v4.metadata.json"])
    func `every spelling of a version is found`(name: String) async throws {
        try await write(version: "v3.metadata.json")
        try await write(version: name)
        try await write("version-hint.text", "3")

        #expect(try await current() == name)
    }

    @Test func `a crash between the commit and the hint loses nothing`() async throws {
        try await bed.add(table, SampleTable(location: bed.location(table)))
        storage.inject(StorageFault(.write, .before, of: "version-hint"))

        let first = try await commit("a")
        let hint = try await LocalStorage().read(
            folder.appending("version-hint.text"), limit: 10)
        let second = try await commit("b")

        guard case .committed = first, case .committed(let after) = second else {
            Issue.record("the commits were \(first) and \(second)")
            return
        }
        #expect(hint == Array("1".utf8))
        #expect(after.metadata.properties["a"] == "1" && after.metadata.properties["b"] == "1")
        #expect(after.metadataLocation.lastComponent == "v3.metadata.json")
        #expect(
            try await LocalStorage().read(folder.appending("version-hint.text"), limit: 10)
                == Array("3".utf8))
    }

    @Test func `the old check sum of the hint goes, or Hadoop would not read the new one`()
        async throws
    {
        try await bed.add(table, SampleTable(location: bed.location(table)))
        try await write(".version-hint.text.crc", "crc")
        try await write(".v2.metadata.json.crc", "of a writer that crashed")

        _ = try await commit("a")

        let names = try FileManager.default.contentsOfDirectory(atPath: folder.rawValue)
        #expect(names.sorted() == ["v1.metadata.json", "v2.metadata.json", "version-hint.text"])
    }

    @Test func `a lost reply is settled by reading back, P-30`() async throws {
        try await bed.add(table, SampleTable(location: bed.location(table)))
        storage.inject(StorageFault(.write, .after, of: "v2.metadata.json"))

        let outcome = try await commit("a")

        guard case .committed(let after) = outcome else {
            Issue.record("the commit was \(outcome)")
            return
        }
        #expect(after.metadataLocation.lastComponent == "v2.metadata.json")
    }

    @Test func `a lost reply that cannot be read back stays unknown, P-30`() async throws {
        try await bed.add(table, SampleTable(location: bed.location(table)))
        storage.inject(StorageFault(.write, .after, of: "v2.metadata.json"))
        storage.inject(StorageFault(.read, .before, of: "v2.metadata.json"))

        let outcome = try await commit("a")

        guard case .unknown(_, nil) = outcome else {
            Issue.record("the commit was \(outcome)")
            return
        }
        #expect(try await current() == "v2.metadata.json", "what may be the table was kept")
    }

    @Test func `nothing is built upon a gap between versions`() async throws {
        for version in [1, 3] { try await write(version: "v\(version).metadata.json") }
        try await write("version-hint.text", "1")

        let outcome = try await commit("a")

        guard case .refused(.rejected(let reason)) = outcome else {
            Issue.record("the commit was \(outcome)")
            return
        }
        #expect(reason.contains("version 3 but not 2"))
    }

    @Test func `a storage that cannot exclude a second writer is only read, P-52`() async throws {
        try await bed.add(table, SampleTable(location: bed.location(table)))
        let catalog = FileSystemCatalog(
            name: "test", warehouse: bed.scratch.appending("wh"), storage: SharedStorage())
        let base = try await catalog.loadTable(table)

        let outcome = await catalog.commit(
            [.setProperties(TableProperties(["a": "1"]))], requirements: [], to: table, base: base)

        guard case .refused(.rejected(let reason)) = outcome else {
            Issue.record("the commit was \(outcome)")
            return
        }
        #expect(reason.contains("can only be read"))
        #expect(try bed.metadataFiles(table) == ["v1.metadata.json"])
    }

    @Test func `a table that another catalog keeps is read through its hint and not written`()
        async throws
    {
        try await write(version: "00001-abc.metadata.json")
        try await write("version-hint.text", "00001-abc")

        let outcome = try await commit("a")

        #expect(try await current() == "00001-abc.metadata.json")
        guard case .refused(.rejected(let reason)) = outcome else {
            Issue.record("the commit was \(outcome)")
            return
        }
        #expect(reason.contains("another catalog"))
    }

    @Test func `relocated metadata is refused, as Hadoop tables cannot have it`() async throws {
        try await bed.add(
            table,
            SampleTable(
                location: bed.location(table),
                properties: ["write.metadata.path": bed.scratch.path + "/other"]))

        guard case .refused(.rejected) = try await commit("a") else {
            Issue.record("the commit was not rejected")
            return
        }
    }

    @Test func `hidden and other folders are no tables, nested tables are, P-03`() async throws {
        for name in ["db.t", "db.t.nested", "db.other"] {
            let identifier = TableIdentifier(name)
            try await bed.add(identifier, SampleTable(location: bed.location(identifier)))
        }
        let warehouse = bed.scratch.appending("wh")
        for name in [
            ".hidden/t/metadata/v1.metadata.json", "lost+found/t/metadata/v1.metadata.json",
            "db/t/data/x/metadata/v1.metadata.json", "db/empty/metadata/00000-x.metadata.json",
            "db/stray", "metadata/v1.metadata.json",
        ] {
            try await LocalStorage().write([], to: warehouse.appending(name), condition: .none)
        }

        let tables = try await bed.catalog(storage).listTables()

        #expect(tables.map(\.description) == ["db.other", "db.t", "db.t.nested"])
    }

    @Test func `a folder that cannot be listed fails the listing`() async throws {
        try await bed.add(table, SampleTable(location: bed.location(table)))
        storage.inject(StorageFault(.list, .before, of: "/wh/db"))

        await #expect(throws: CatalogError.self) { try await bed.catalog(storage).listTables() }
    }

    @Test func `a file name that is not UTF-8 hides no other table`() async throws {
        try await bed.add(table, SampleTable(location: bed.location(table)))
        let broken = bed.location(TableIdentifier("db.broken")).rawValue
        try FileManager.default.createDirectory(
            atPath: broken + "/metadata", withIntermediateDirectories: true)
        let name = Array((broken + "/metadata/odd-").utf8CString.dropLast())
        let descriptor = open(name + [CChar(bitPattern: 0xFF), 0], O_CREAT | O_WRONLY, 0o600)
        try #require(descriptor >= 0)
        close(descriptor)
        let catalog = bed.catalog(storage)

        #expect(try await catalog.listTables() == [TableIdentifier("db.broken"), table])

        await #expect(throws: CatalogError.self) {
            try await catalog.loadTable(TableIdentifier("db.broken"))
        }
    }

    @Test func `the metadata log keeps the table's own spelling of its folder`() async throws {
        let location = Location("file:" + bed.location(table).rawValue)
        try await bed.add(table, SampleTable(location: location))

        let outcome = try await commit("a")

        guard case .committed(let after) = outcome else {
            Issue.record("the commit was \(outcome)")
            return
        }
        #expect(after.metadataLocation == location.appending("metadata/v2.metadata.json"))
        #expect(
            after.metadata.metadataLog.map(\.metadataFile)
                == [location.appending("metadata/v1.metadata.json").rawValue])
    }

    @Test(
        arguments: [
            ("v1.metadata.json", 1), ("v2147483647.metadata.json", 2_147_483_647),
            ("v2147483648.metadata.json", nil), ("v01.metadata.json", nil),
            ("v.metadata.json", nil),
            ("v-1.metadata.json", nil), ("V1.metadata.json", nil), ("v1.metadata.jsonx", nil),
            ("v1.metadata.json.crc", nil), ("v0.metadata.json", 0), (".v1.metadata.json", nil),
        ] as [(String, Int?)])
    func `version file names are read strictly`(name: String, version: Int?) {
        #expect(VersionFileName(name)?.version == version)
        if let parsed = VersionFileName(name) { #expect(parsed.text == name) }
    }
}

/// Local files that do not vouch for exclusive creation, as an object store without it.
private struct SharedStorage: ForwardingStorage {
    let base = LocalStorage()

    func exclusiveCreation(
        at location: Location
    ) async throws(StorageError) -> ExclusiveCreation {
        .unproven(reason: "this one lets two writers in")
    }
}
