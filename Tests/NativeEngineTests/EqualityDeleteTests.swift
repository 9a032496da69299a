// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import StorageTestSupport
import Synchronization
import TestSupport
import Testing
import WireFormat

/// Rewrites of data files under equality deletes, beside a reader that compares each row with each
/// delete.
@Suite struct EqualityDeleteTests {
    typealias Row = KeyedTable.Row

    private static let options: JSONValue = ["rewrite-all": true]

    @Test(arguments: 0..<Schedules.count)
    func `P-42: the rows that are left are those that a reader finds`(seed: Int) async throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let version: FormatVersion = seed % 3 == 0 ? .v3 : .v2
        let keyed = try await KeyedTable.random(
            version, partitioned: seed % 5 != 0, &random)
        let before = try await keyed.rows()

        let report = try await keyed.table.compact(Self.options)

        #expect(try await keyed.rows() == before)
        #expect(report.metrics["refused_groups_count"] == 0)
        #expect(try await keyed.applyingDeletes() == 0)
        #expect(try await keyed.table.compact().fileCounts == [0, 0], "P-50")
    }

    @Test func `P-41: rows that are as new as the delete, or newer, stay`() async throws {
        var random = SeededGenerator(seed: 1)
        let keyed = try await KeyedTable(.v2)
        let rows = keyed.rows(4, &random)
        try await keyed.addRows(rows, region: "a")
        try await keyed.delete(rows, by: [.id], region: "a")
        try await keyed.addRows(rows, region: "a")
        let report = try await keyed.table.compact()
        #expect(report.fileCounts == [2, 1])
        #expect(report.metrics["deleted_records_count"] == 4)
        #expect(report.metrics["removed_delete_files_count"] == 1)
        #expect(report.message.contains("left out 4 deleted rows"))
        #expect(try await keyed.rows().count == 4)
        let snapshot = try #require(
            try await keyed.table.load().metadata.currentSnapshot)
        #expect(snapshot.summary["removed-equality-delete-files"] == "1")
        #expect(snapshot.summary["removed-equality-deletes"] == "4")
        #expect(snapshot.summary["removed-delete-files"] == "1")
    }

    @Test func `P-42: a delete stays while any older file of its scope does`() async throws {
        var random = SeededGenerator(seed: 2)
        let keyed = try await KeyedTable(.v2)
        for region in ["a", "a", "b"] {
            try await keyed.addRows(keyed.rows(5, &random), region: region)
        }
        let victims = [try await keyed.rows()[0], try await keyed.rows()[12]]
        try await keyed.delete(victims, by: [.id], region: nil)
        try await keyed.delete(victims, by: [.id], region: "a", format: .avro)
        let before = try await keyed.rows()
        #expect(before.count == 13)
        // The file of partition b is alone, and stays.
        #expect(try await keyed.table.compact().fileCounts == [2, 1])
        #expect(try await keyed.rows() == before)
        #expect(try await keyed.deleteCounts() == [.equalityDeletes: 1], "the global one")
        // Once that is rewritten too, nothing is left to delete from.
        #expect(try await keyed.table.compact(Self.options).fileCounts == [2, 2])
        #expect(try await keyed.rows() == before)
        #expect(try await keyed.deleteCounts() == [:])
    }

    @Test func `P-47: a column that was dropped since still tells what is deleted`() async throws {
        var random = SeededGenerator(seed: 3)
        let keyed = try await KeyedTable(.v2)
        let rows = keyed.rows(20, &random)
        try await keyed.addRows(rows, region: "a")
        try await keyed.addRows(keyed.rows(20, &random), region: "a")
        try await keyed.delete([rows[3]], by: [.name, .count], region: "a")
        let expected = try await keyed.rows().map(\.[.id])
        #expect(expected.count < 40)
        try await keyed.table.drop(["name", "count"])
        let report = try await keyed.table.compact()
        #expect(report.fileCounts == [2, 1])
        #expect(try await keyed.rows().map(\.[.id]) == expected)
    }

    @Test func `P-47: deletes by a column that new files lack are a conflict`() async throws {
        var random = SeededGenerator(seed: 4)
        let keyed = try await KeyedTable(.v2)
        let rows = keyed.rows(20, &random)
        try await keyed.addRows(rows, region: "a")
        try await keyed.addRows(keyed.rows(20, &random), region: "a")
        try await keyed.table.drop(["name"])
        await #expect {
            try await keyed.table.compact {
                try await keyed.delete([rows[3]], by: [.name], region: "a")
            }
        } throws: { error in
            if case .conflict? = error as? MaintenanceError { true } else { false }
        }
        let expected = try await keyed.rows().map(\.[.id])
        try await keyed.table.compact()
        #expect(try await keyed.rows().map(\.[.id]) == expected)
    }

    @Test func `P-49: 589 data files under 585 delete files are done in time, each read twice`()
        async throws
    {
        var random = SeededGenerator(seed: 5)
        let keyed = try await KeyedTable(.v2)
        let rows = keyed.rows(589 * 4, &random)
        try await keyed.table.fill(keyed, rows, dataFiles: 589, deleteFiles: 585)
        let before = try await keyed.rows()
        let storage = ReadCounter(keyed.table.storage)
        let clock = ContinuousClock()
        let start = clock.now
        let report = try await keyed.table.compact(
            Self.options, catalog: keyed.table.catalog, storage: storage)
        #expect(clock.now - start < .seconds(120))
        #expect(report.fileCounts == [589, 1])
        #expect(report.metrics["removed_delete_files_count"] == 585)
        #expect(try await keyed.rows() == before)
        let counts = storage.counts.filter { $0.key.contains("-deletes.") }
        #expect(counts.count == 585)
        // By the rewriter, and by the proof.
        #expect(counts.values.allSatisfy { $0 == 2 })
    }

    @Test func `P-49: keys past the budget are taken in parts`() async throws {
        var random = SeededGenerator(seed: 8)
        let keyed = try await KeyedTable(.v2)
        var rows = keyed.rows(4000, &random)
        for index in rows.indices {
            let text = "\(index)-" + String(repeating: "k", count: 60)
            rows[index][.blob] = .bytes(Array(text.utf8))
        }
        try await keyed.addRows(Array(rows[0..<100]), region: "a")
        try await keyed.addRows(Array(rows[3900...]), region: "a")
        try await keyed.delete(Array(rows[20...]), by: [.blob], region: "a")
        let before = try await keyed.rows()
        #expect(before.count == 20)
        let settings = NativeEngineSettings(memoryBytes: 1 << 20)
        let report = try await keyed.table.compact(
            catalog: keyed.table.catalog, storage: keyed.table.storage, settings: settings)
        #expect(report.fileCounts == [2, 1])
        #expect(try await keyed.rows() == before)
        #expect(try await keyed.deleteCounts() == [:])
    }

    @Test func `P-49: a key that no budget holds is refused with what to change`() async throws {
        var random = SeededGenerator(seed: 9)
        let keyed = try await KeyedTable(.v2)
        var rows = keyed.rows(4, &random)
        rows[0][.blob] = .bytes([UInt8](repeating: 7, count: 100_000))
        try await keyed.addRows(Array(rows[1...]), region: "a")
        try await keyed.delete([rows[0]], by: [.blob], region: "a")
        await #expect {
            try await keyed.table.compact(
                Self.options, catalog: keyed.table.catalog, storage: keyed.table.storage,
                settings: NativeEngineSettings(memoryBytes: 512 << 10))
        } throws: { error in
            "\(error)".contains("ICEPACK_NATIVE_MEMORY_BYTES")
        }
    }

    @Test func `a difference between the two ways to find deleted rows stops the commit`()
        async throws
    {
        try await KeyedTable.expectDifferenceStops(seed: 6) { keyed, storage in
            try await keyed.table.compact(
                Self.options, catalog: keyed.table.catalog, storage: storage)
        }
    }

    @Test(arguments: ["list", "none", "unknown", "missing", "count", "orc"])
    func `deletes that are not understood leave their group with the reason`(
        problem: String
    ) async throws {
        var random = SeededGenerator(seed: 7)
        let keyed = try await KeyedTable(.v2)
        let rows = keyed.rows(20, &random)
        try await keyed.addRows(rows, region: "a")
        try await keyed.addRows(rows, region: "b")
        var entry = try await keyed.deleteEntry([rows[3]], by: [.id], region: "a")
        let reason: String
        switch problem {
        case "list":
            try await keyed.table.add(
                [
                    "id": 40, "name": "tags", "required": false,
                    "type": [
                        "type": "list", "element-id": 41, "element": "int",
                        "element-required": false,
                    ],
                ])
            entry.entry.dataFile.equalityIDs = [41]
            reason = "which is in a list or map"
        case "none":
            entry.entry.dataFile.equalityIDs = nil
            reason = "equality deletes that name no column"
        case "unknown":
            entry.entry.dataFile.equalityIDs = [99]
            reason = "which no schema of the table has"
        case "missing":
            entry.entry.dataFile.equalityIDs = [KeyColumn.flag.rawValue]
            reason = "it lacks the column flag"
        case "count":
            entry.entry.dataFile.recordCount = 2
            reason = "has 1 rows, and its manifest says 2"
        default:
            entry.entry.dataFile.fileFormat = .orc
            reason = "equality deletes in ORC"
        }
        try await keyed.table.append([entry], content: .deletes)
        let report = try await keyed.table.compact(["rewrite-all": true, "min-input-files": 1])
        #expect(report.metrics["refused_groups_count"] == 1)
        #expect(report.message.contains(reason), "\(report.message)")
        #expect(report.fileCounts == [1, 1])
    }

    @Test(arguments: 0..<Schedules.count)
    func `P-40: rows stay what they are while another writer deletes by value`(
        seed: Int
    ) async throws {
        var random = SeededGenerator(seed: UInt64(seed) + 1000)
        let keyed = try await KeyedTable.random(.v2, &random)
        let neighbour = Mutex(SeededGenerator(seed: UInt64(seed)))
        let expected = Mutex<[Row]>(try await keyed.rows())
        let usesStart = seed % 3 != 0
        let catalog = InterferingCatalog(base: keyed.table.catalog) { moment, commit in
            guard moment == .beforeCommit, commit <= 3 else { return }
            var random = neighbour.withLock { $0 }
            try await keyed.interfere(&random)
            neighbour.withLock { $0 = random }
            let rows = try await keyed.rows()
            expected.withLock { $0 = rows }
        }
        var commits = 0
        for _ in 0..<2 {
            do {
                let report = try await keyed.table.compact(
                    [
                        "rewrite-all": true, "use-starting-sequence-number": .bool(usesStart),
                        "partial-progress.enabled": .bool(seed % 2 == 0),
                        "partial-progress.max-commits": 2,
                        "remove-dangling-deletes": .bool(seed % 4 > 1),
                    ], catalog: catalog, storage: keyed.table.storage)
                commits += report.metrics["commits_count"]?.intValue ?? 0
            } catch let error as MaintenanceError {
                guard case .conflict = error else { throw error }
            }
            #expect(try await keyed.rows() == expected.withLock { $0 })
        }
        #expect(commits > 0, "two conflicts show little")
        try await keyed.table.compact(Self.options)
        #expect(try await keyed.rows() == expected.withLock { $0 })
        #expect(try await keyed.applyingDeletes() == 0)
    }
}

extension ManifestTable {
    /// Adds many small files in two commits: data first, then deletes.
    fileprivate func fill(
        _ keyed: KeyedTable, _ rows: [KeyedTable.Row], dataFiles: Int, deleteFiles: Int
    ) async throws {
        var entries: [CompleteEntry] = []
        for index in 0..<dataFiles {
            entries.append(
                try await keyed.dataEntry(Array(rows[index * 4..<index * 4 + 4]), region: "a"))
        }
        try await append(entries)
        entries = []
        for index in 0..<deleteFiles {
            let keys = [rows[index * 3 % rows.count], rows[index * 5 % rows.count]]
            entries.append(
                try await keyed.deleteEntry(
                    keys, by: index % 2 == 0 ? [.id] : [.id, .name], region: "a",
                    format: index % 3 == 0 ? .avro : .parquet))
        }
        try await append(entries, content: .deletes)
    }

    /// Makes another schema the current one.
    private func setSchema(
        _ change: (inout [JSONValue]) -> Void
    ) async throws {
        let table = try await load()
        var document = table.metadata.document
        var schema = try #require(document["schemas"]?.arrayValue?.last?.objectValue)
        var fields = try #require(schema["fields"]?.arrayValue)
        change(&fields)
        schema["fields"] = .array(fields)
        schema["schema-id"] = 1
        document["schemas"] = .array((document["schemas"]?.arrayValue ?? []) + [.object(schema)])
        document["current-schema-id"] = 1
        document["last-column-id"] = 99
        try await storage.write(
            JSONValue.object(document).bytes(), to: table.metadataLocation, condition: .none)
    }

    fileprivate func drop(_ names: [String]) async throws {
        try await setSchema { fields in
            fields.removeAll { names.contains($0.objectValue?["name"]?.stringValue ?? "") }
        }
    }

    fileprivate func add(_ field: JSONValue) async throws {
        try await setSchema { $0.append(field) }
    }
}
