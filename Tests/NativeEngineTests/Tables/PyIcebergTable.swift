// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import Maintenance
import NativeEngine
import ObjectStorage
import SQLCatalog
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// A table that PyIceberg made in a SQL catalog, in a folder of its own.
struct PyIcebergTable {
    static let identifier = TableIdentifier(namespace: ["demo"], name: "events")

    let folder: ScratchFolder
    let uri: String

    /// Runs a program of the oracles that makes a table.
    init(_ program: String, _ arguments: [String]) async throws {
        folder = try ScratchFolder()
        let made = try await Oracles.run(program, ["--warehouse", folder.path] + arguments)
        uri = try #require(made.objectValue?["catalog_uri"]?.stringValue)
    }

    /// Runs an action on the native engine.
    func run(
        _ action: MaintenanceAction, _ options: JSONValue = .null
    ) async throws -> ActionReport {
        let storage = LocalStorage()
        let engine = NativeEngine(
            catalog: try SQLCatalog(name: "default", uri: uri, storage: storage), storage: storage)
        return try await engine.run(
            ActionRequest(
                table: Self.identifier, action: action,
                options: try ActionOptions.validating(options, for: action), now: TestTable.now),
            in: TestTable.context(MemoryJournal()))
    }

    /// What other engines read of every snapshot and reference.
    func snapshots(engines: String = "duckdb,pyiceberg") async throws -> JSONObject {
        try #require(
            try await Oracles.run("read_rows.py", ["--catalog-uri", uri, "--engines", engines])
                .objectValue)
    }

    /// How many rows engines read of the current snapshot.
    func currentRows(engines: String) async throws -> [Int] {
        let known = try await Oracles.run(
            "read_rows.py", ["--catalog-uri", uri, "--refs-only", "--engines", "pyiceberg"])
        let location = try #require(known.objectValue?["metadata_location"]?.stringValue)
        let found = try await Oracles.run(
            "live_entries.py", ["--metadata-location", location, "--engines", engines])
        let rows = try #require(found.objectValue?["rows"]?.objectValue)
        return engines.split(separator: ",").compactMap {
            rows[String($0)]?.objectValue?["rows"]?.intValue
        }
    }

    /// What PyIceberg says of the partitions of its data files beside the rows in them.
    func partitions() async throws -> JSONValue {
        try await Oracles.run("check_partitions.py", ["--catalog-uri", uri])
    }

    /// PyIceberg appends to it twice.
    func append() async throws {
        let appended = try await Oracles.run(
            "append_loop.py", ["--catalog-uri", uri, "--commits", "2", "--interval", "0"])
        #expect(appended == ["committed": 2, "failed": 0, "refused": 0])
    }

    /// The rows of the current snapshot are those of its parent, and all others are as they were.
    static func expectSameRows(_ before: JSONObject, _ after: JSONObject) throws {
        let old = try #require(before["snapshots"]?.objectValue)
        let new = try #require(after["snapshots"]?.objectValue)
        for member in old.members { #expect(new[member.key] == member.value) }
        let current = try #require(after["current_snapshot_id"]?.int64Value)
        let parent = try #require(before["current_snapshot_id"]?.int64Value)
        #expect(current != parent)
        #expect(new["\(current)"] == old["\(parent)"])
    }
}
