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

/// Rewrites of data files with position deletes, in tables whose every detail the tests decide.
@Suite struct CompactionTests {
    typealias Row = ManifestTable.Row

    private func table(_ version: FormatVersion = .v2) async throws -> ManifestTable {
        try await ManifestTable(version, properties: ManifestTable.quickRetries)
    }

    @Test(arguments: FormatVersion.allCases)
    func `files of a partition become one, and entries say what was done`(
        version: FormatVersion
    ) async throws {
        let table = try await table(version)
        for start in stride(from: Int64(0), to: 30, by: 10) {
            try await table.addRows(start..<start + 10, region: "a")
            try await table.addRows(start + 100..<start + 110, region: "b")
        }
        let before = try await table.rows()
        let starting = try await table.load().metadata

        let report = try await table.compact()

        #expect(report.fileCounts == [6, 2])
        #expect(report.message == "Compacted 6 files into 2 files")
        #expect(report.metrics["rewritten_groups_count"] == 2)
        #expect(try await table.rows() == before)
        let metadata = try await table.load().metadata
        let snapshot = try #require(metadata.currentSnapshot)
        #expect(snapshot.summary.operation == "replace")
        #expect(snapshot.parentID == starting.currentSnapshotID)
        #expect(snapshot.summary["added-data-files"] == "2")
        #expect(snapshot.summary["deleted-data-files"] == "6")
        #expect(snapshot.summary["added-records"] == "60")
        #expect(snapshot.summary["deleted-records"] == "60")
        #expect(snapshot.summary["icepack.job-id"] == "job")
        for entry in try await table.entries().values {
            // P-41: new files count as old as the snapshot that they were made from.
            let expected = version == .v1 ? 0 : starting.lastSequenceNumber
            #expect(entry.entry.sequenceNumber == expected)
            #expect(entry.entry.dataFile.recordCount == 30)
            #expect(entry.entry.dataFile.splitOffsets == [4])
            let nulls = entry.metrics.nullValueCounts?.first { $0.id == 2 }
            #expect(nulls?.value == 6)
            #expect(entry.metrics.lowerBounds?.contains { $0.id == 1 } == true)
        }
        #expect(try await table.compact().fileCounts == [0, 0], "P-50")
    }

    @Test(arguments: [true, false])
    func `P-53: deleted rows are left out, and deletes that nothing is left for go with them`(
        names: Bool
    ) async throws {
        let table = try await table()
        let first = try await table.addRows(0..<10, region: "a")
        let second = try await table.addRows(10..<20, region: "a")
        let other = try await table.addRows(20..<40, region: "b")
        try await table.deleteRows([(first, 3), (first, 0)], region: "a", names: names)
        try await table.deleteRows([(second, 9)], region: "a", names: names)
        try await table.deleteRows([(other, 1)], region: "b", names: names)
        let before = try await table.rows()
        #expect(before.count == 36)

        let report = try await table.compact()

        #expect(report.fileCounts == [2, 1])
        #expect(report.metrics["deleted_records_count"] == 3)
        #expect(report.metrics["removed_delete_files_count"] == 2)
        #expect(try await table.rows() == before)
        let contents = try await table.entries().values.map(\.entry.dataFile.content)
        #expect(contents.count { $0 == .positionDeletes } == 1, "that of the other partition")
        let snapshot = try #require(try await table.load().metadata.currentSnapshot)
        #expect(snapshot.summary["removed-position-delete-files"] == "2")
        #expect(snapshot.summary["removed-position-deletes"] == "3")
        #expect(try await table.compact().fileCounts == [0, 0], "P-50")
    }

    @Test func `P-41: a delete that is older than a file does not apply to it`() async throws {
        let table = try await table()
        // The path is deleted from before there is a file: it must not count.
        let entry = try await table.dataFile(0..<10, region: "a")
        try await table.deleteRows(
            [(entry.entry.dataFile.filePath, 4)], region: "a", names: true)
        try await table.append([entry])
        let second = try await table.addRows(10..<20, region: "a")
        // Of the same sequence number as no file, and of one file's own snapshot.
        try await table.deleteRows([(second, 2)], region: "a")
        let before = try await table.rows()
        #expect(before.count == 19)
        try await table.compact()
        #expect(try await table.rows() == before)
    }

    @Test func `P-43: deletion vectors are applied and go with their files`() async throws {
        let table = try await table(.v3)
        let first = try await table.addRows(0..<10, region: "a")
        try await table.addRows(10..<20, region: "a")
        let other = try await table.addRows(20..<40, region: "b")
        try await table.append(
            [
                try await table.vectorFile(first, [0, 3, 9], region: "a"),
                try await table.vectorFile(other, [7], region: "b"),
            ], content: .deletes)
        let before = try await table.rows()
        #expect(before.count == 36)

        let report = try await table.compact()

        #expect(report.fileCounts == [2, 1])
        #expect(report.metrics["deleted_records_count"] == 3)
        #expect(report.metrics["removed_delete_files_count"] == 1)
        #expect(try await table.rows() == before)
        let vectors = try await table.entries().values.filter {
            $0.entry.dataFile.fileFormat == .puffin
        }
        #expect(vectors.map(\.entry.dataFile.referencedDataFile) == [other])
        let snapshot = try #require(try await table.load().metadata.currentSnapshot)
        #expect(snapshot.summary["removed-dvs"] == "1")
        #expect(try await table.compact().fileCounts == [0, 0], "P-50")
    }

    @Test func `P-43: a damaged deletion vector leaves its group as it is`() async throws {
        let table = try await table(.v3)
        let path = try await table.addRows(0..<10, region: "a")
        try await table.addRows(10..<20, region: "a")
        var vector = try await table.vectorFile(path, [0, 3, 9], region: "a")
        vector.entry.dataFile.recordCount = 2
        try await table.append([vector], content: .deletes)
        await #expect {
            try await table.compact()
        } throws: { error in
            "\(error)".contains("it has 3 positions, and its manifest says 2")
        }
    }

    @Test func `P-49: deletes of all files of a group count together`() async throws {
        let table = try await table(.v2)
        for first in [Int64(0), 3000] {
            let path = try await table.addRows(first..<first + 3000, region: "a")
            try await table.deleteRows((0..<2400).map { (path, $0) }, region: "a")
        }
        await ManifestTable.expectFilesRefused("take more than the 8192 bytes that memory") {
            try await table.compact(
                catalog: table.catalog, storage: table.storage,
                settings: NativeEngineSettings(memoryBytes: 64 << 10))
        }
        #expect(try await table.compact().fileCounts == [2, 1])
    }

    @Test func `a file of which every row is deleted leaves none behind`() async throws {
        let table = try await table()
        let path = try await table.addRows(0..<4, region: "a")
        try await table.deleteRows((0..<4).map { (path, $0) }, region: "a", names: true)
        let report = try await table.compact()
        #expect(report.fileCounts == [1, 0])
        #expect(try await table.rows() == [])
        #expect(try await table.entries().isEmpty)
    }

    @Test func `P-46: files of older specs go into the partitions of the current one`()
        async throws
    {
        let table = try await table()
        try await table.addRows(0..<10, region: "a")
        try await table.addRows(10..<20, region: "b")
        let report = try await table.compact()
        #expect(report.fileCounts == [0, 0], "one file each")
        try await table.setDefaultSpec(0)
        try await table.addRows(20..<30, region: "c", specID: 0)
        let before = try await table.rows()
        #expect(try await table.compact().fileCounts == [3, 1])
        #expect(try await table.rows() == before)
        try await table.setDefaultSpec(2)
        try await table.addRows(30..<40, region: "d", specID: 0)
        let older = try await table.rows()
        // A file for each of four buckets.
        #expect(try await table.compact().fileCounts == [2, 4])
        #expect(try await table.rows() == older)
        #expect(try await table.compact().fileCounts == [0, 0], "P-50")
    }

    @Test func `a group that is left is named, and the others are rewritten`() async throws {
        let table = try await table()
        for start in stride(from: Int64(0), to: 40, by: 10) {
            try await table.addRows(start..<start + 10, region: start < 20 ? "a" : "b")
        }
        // By a column that no schema has.
        var delete = ManifestTable.entry(
            [.string("a")], rows: 1, content: .equalityDeletes, path: "/data/equality.parquet")
        delete.entry.dataFile.equalityIDs = [77]
        try await table.append([delete], content: .deletes)
        let report = try await table.compact()
        #expect(report.fileCounts == [2, 1])
        #expect(report.metrics["refused_groups_count"] == 1)
        #expect(report.metrics["failed_data_files_count"] == 2)
        #expect(
            report.message.contains(
                "2 files of partition region=a were left as they are, because equality deletes "
                    + "by the column 77, which no schema of the table has, apply to "))
        #expect(report.message.contains("engine spark"))
        let plan = try await NativeEngine(catalog: table.catalog, storage: table.storage).plan(
            ActionRequest(
                table: ManifestTable.identifier, action: .rewriteDataFiles,
                options: try ActionOptions.validating(
                    ["min-input-files": 2], for: .rewriteDataFiles), now: TestTable.now))
        #expect(!plan.hasWork)
        #expect(plan.summary["refused_groups"]?.arrayValue?.count == 1)
    }

    @Test(arguments: [
        ("write.format.default", "orc"), ("write.location-provider.impl", "com.example.Mine"),
        ("write.parquet.bloom-filter-fpp.column.id", "1"),
        ("write.parquet.bloom-filter-max-bytes", "0"),
        ("write.metadata.metrics.default", "most"), ("write.parquet.compression-codec", "lzo"),
    ])
    func `P-48: a table whose properties cannot be honoured is refused with the property`(
        key: String, value: String
    ) async throws {
        let table = try await ManifestTable(.v2, properties: [key: value])
        for start in stride(from: Int64(0), to: 20, by: 10) {
            try await table.addRows(start..<start + 10, region: "a")
        }
        do {
            try await table.compact()
            Issue.record("it was not refused")
        } catch let error as MaintenanceError {
            guard case .refused("unsupported_table", let reason) = error else { throw error }
            #expect(reason.contains(key))
            #expect(reason.contains("engine spark"))
        }
    }

    @Test func `P-47: partitions of a date that became a timestamp are not taken for times`()
        async throws
    {
        let day: JSONValue = ["id": 3, "name": "day", "required": false, "type": "date"]
        let table = try await ManifestTable(.v2, columns: [day])
        for start in stride(from: Int64(0), to: 20, by: 10) {
            try await table.addRows(start..<start + 10, region: "a")
        }
        #expect(try await table.compact().fileCounts == [2, 1])
        try await table.addRows(20..<30, region: "a")
        try await table.changeMetadata { document in
            var fields = document["schemas"]?.arrayValue?.first?.objectValue?["fields"]?.arrayValue
            fields?[2] = ["id": 3, "name": "day", "required": false, "type": "timestamp"]
            let schema: JSONValue = [
                "type": "struct", "schema-id": 1, "fields": .array(fields ?? []),
            ]
            document["schemas"] = .array((document["schemas"]?.arrayValue ?? []) + [schema])
            document["current-schema-id"] = 1
            let spec: JSONValue = [
                "spec-id": 3,
                "fields": [
                    ["source-id": 3, "field-id": 1002, "name": "day", "transform": "identity"]
                ],
            ]
            document["partition-specs"] = .array(
                (document["partition-specs"]?.arrayValue ?? []) + [spec])
            document["last-partition-id"] = 1002
        }
        await #expect {
            try await table.compact()
        } throws: { error in
            guard case .refused("unsupported_table", let reason)? = error as? MaintenanceError
            else { return false }
            return reason.contains("the partition column day was a date")
        }
    }

    @Test func `partial progress commits a few groups at a time`() async throws {
        let table = try await table()
        for (index, region) in ["a", "b", "c", "d", "e"].enumerated() {
            let first = Int64(index) * 20
            try await table.addRows(first..<first + 10, region: region)
            try await table.addRows(first + 10..<first + 20, region: region)
        }
        let before = try await table.rows()
        let journal = MemoryJournal()
        let report = try await table.compact(
            [
                "min-input-files": 2, "partial-progress.enabled": true,
                "partial-progress.max-commits": 2,
            ], journal: journal)
        #expect(report.fileCounts == [10, 5])
        #expect(report.metrics["commits_count"] == 2)
        #expect(try await table.rows() == before)
        #expect(journal.open.isEmpty)
    }

    @Test func `progress ends with every file`() async throws {
        let table = try await table()
        for start in stride(from: Int64(0), to: 40, by: 10) {
            try await table.addRows(start..<start + 10, region: start < 20 ? "a" : "b")
        }
        let seen = Mutex<[ActionProgress]>([])
        let context = RunContext(
            confirmLease: { _ in }, report: { progress in seen.withLock { $0.append(progress) } },
            journal: MemoryJournal(), attempt: AttemptLabel(jobID: "job", attemptID: "attempt"))
        try await table.compact(
            catalog: table.catalog, storage: table.storage, context: context)
        let rewriting = seen.withLock { $0.filter { $0.phase == "rewriting data files" } }
        #expect(rewriting.map(\.done) == rewriting.map(\.done).sorted())
        #expect(rewriting.last?.done == 4)
        #expect(rewriting.last?.total == 4)
    }

    @Test(arguments: 190...195)
    func `a long value of a partition is cut between its escapes`(length: Int) async throws {
        let region = String(repeating: "r", count: length - "region=".count) + "üüü"
        let table = try await table()
        try await table.addRows(0..<10, region: region)
        try await table.addRows(10..<20, region: region)
        let before = try await table.rows()

        try await table.compact(["min-input-files": 2])

        let path = try #require(try await table.entries().keys.first)
        let folder = try #require(path.split(separator: "/").dropLast().last)
        #expect(folder.utf8.count <= 200 && folder.utf8.count > 197)
        let escapes = folder.split(separator: "%", omittingEmptySubsequences: false).dropFirst()
        #expect(!escapes.isEmpty && escapes.allSatisfy { $0.utf8.count == 2 })
        #expect(try await table.rows() == before)
    }
}
