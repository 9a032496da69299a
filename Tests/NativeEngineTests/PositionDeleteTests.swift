// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import TestSupport
import Testing
import WireFormat

/// Rewrites of position delete files, in tables whose every detail the tests decide.
@Suite struct PositionDeleteTests {
    typealias Row = ManifestTable.Row

    private func table(
        _ version: FormatVersion = .v2, _ properties: [String: String] = [:]
    ) async throws -> ManifestTable {
        try await ManifestTable(
            version,
            properties: ManifestTable.quickRetries.merging(properties) { _, new in new })
    }

    /// Two data files in each of two partitions, and three delete files for each partition.
    private func fragmented(_ properties: [String: String] = [:]) async throws -> (
        table: ManifestTable, paths: [String]
    ) {
        let table = try await table(.v2, properties)
        var paths: [String] = []
        for (index, region) in ["a", "a", "b", "b"].enumerated() {
            let first = Int64(index * 100)
            paths.append(try await table.addRows(first..<first + 20, region: region))
        }
        for step in 0..<3 {
            for (first, region) in [(0, "a"), (2, "b")] {
                try await table.deleteRows(
                    [
                        (paths[first], Int64(step)), (paths[first + 1], Int64(10 + step)),
                        (paths[first], 19),
                    ], region: region)
            }
        }
        return (table, paths)
    }

    @Test func `delete files of a partition become one, and rows stay as they are`()
        async throws
    {
        let (table, paths) = try await fragmented()
        let before = try await table.rows()
        let starting = try await table.load().metadata

        let report = try await table.rewriteDeletes()

        #expect(report.deleteCounts == [6, 2])
        #expect(report.impact == "6 -> 2 position delete files")
        #expect(report.metrics["kept_deletes_count"] == 14)
        #expect(report.metrics["dropped_deletes_count"] == 4, "those that came more than once")
        #expect(try await table.rows() == before)
        let metadata = try await table.load().metadata
        let snapshot = try #require(metadata.currentSnapshot)
        #expect(snapshot.summary.operation == "replace")
        #expect(snapshot.parentID == starting.currentSnapshotID)
        #expect(snapshot.summary["added-delete-files"] == "2")
        #expect(snapshot.summary["added-position-delete-files"] == "2")
        #expect(snapshot.summary["removed-position-delete-files"] == "6")
        #expect(snapshot.summary["added-position-deletes"] == "14")
        #expect(snapshot.summary["removed-position-deletes"] == "18")
        for entry in try await table.deleteEntries() {
            // P-41: as new as the newest of those that it stands for.
            let newest = entry.partition == [.string("a")] ? 9 : 10
            #expect(entry.entry.sequenceNumber == Int64(newest))
            #expect(entry.entry.fileSequenceNumber == metadata.lastSequenceNumber)
            #expect(entry.entry.dataFile.recordCount == 7)
            #expect(entry.entry.dataFile.sortOrderID == nil)
            #expect(entry.entry.dataFile.referencedDataFile == nil)
            let own = (newest == 9 ? paths[0..<2] : paths[2..<4]).sorted()
            let lower = entry.metrics.lowerBounds?.first { $0.id == 2_147_483_546 }
            let upper = entry.metrics.upperBounds?.first { $0.id == 2_147_483_546 }
            #expect(lower?.value == Array(own[0].utf8))
            #expect(upper?.value == Array(own[1].utf8))
        }
        #expect(try await table.rewriteDeletes().deleteCounts == [0, 0], "P-50")
        #expect(try await table.load().metadata.currentSnapshotID == snapshot.id)
    }

    @Test func `deletes are sorted by path and position`() async throws {
        let (table, paths) = try await fragmented()
        try await table.rewriteDeletes()
        let entry = try #require(
            try await table.deleteEntries().first { $0.partition == [.string("b")] })
        let deletes = try await table.deletes(in: entry)
        let expected = [(paths[2], [0, 1, 2, 19]), (paths[3], [10, 11, 12])]
            .sorted { $0.0 < $1.0 }.flatMap { path, positions in
                positions.map { "\(path) \($0)" }
            }
        #expect(deletes.map { "\($0.path) \($0.position)" } == expected)
    }

    @Test func `each file is about one data file where write.delete.granularity says so`()
        async throws
    {
        let (table, paths) = try await fragmented(["write.delete.granularity": "file"])
        let before = try await table.rows()
        let report = try await table.rewriteDeletes()
        #expect(report.deleteCounts == [6, 4])
        #expect(try await table.rows() == before)
        let entries = try await table.deleteEntries()
        #expect(
            Set(entries.map(\.entry.dataFile.referencedDataFile)) == Set(paths.map { $0 }))
        for entry in entries {
            let path = try #require(entry.entry.dataFile.referencedDataFile)
            #expect(entry.metrics.lowerBounds?.contains { $0.value == Array(path.utf8) } == true)
            #expect(entry.metrics.upperBounds?.contains { $0.value == Array(path.utf8) } == true)
        }
        #expect(try await table.rewriteDeletes().deleteCounts == [0, 0], "P-50")
    }

    @Test func `P-53: deletes whose data file is gone or newer are dropped`() async throws {
        let table = try await table()
        let first = try await table.addRows(0..<10, region: "a")
        let entry = try await table.dataFile(10..<20, region: "a")
        let newer = entry.entry.dataFile.filePath
        try await table.deleteRows([(newer, 4), (first, 1)], region: "a")
        try await table.deleteRows([("/gone.parquet", 7), (newer, 5)], region: "a")
        try await table.append([entry])
        try await table.deleteRows([(newer, 6)], region: "a")
        try await table.deleteRows([("/gone.parquet", 8)], region: "a")
        let before = try await table.rows()
        #expect(before.count == 18)

        let report = try await table.rewriteDeletes()

        // Of one sequence number now, at which the dropped deletes would apply.
        #expect(report.deleteCounts == [4, 1])
        #expect(report.metrics["kept_deletes_count"] == 2)
        #expect(report.metrics["dropped_deletes_count"] == 4)
        #expect(report.message.contains("dropped 4 deletes"))
        #expect(try await table.rows() == before)
    }

    @Test func `P-53: where nothing is left to delete, files go and none comes`() async throws {
        let table = try await table()
        try await table.addRows(0..<10, region: "a")
        for step in 0..<3 {
            try await table.deleteRows([("/gone.parquet", Int64(step))], region: "a")
        }
        let report = try await table.rewriteDeletes()
        #expect(report.deleteCounts == [3, 0])
        #expect(try await table.deleteEntries().isEmpty)
        #expect(try await table.rows().count == 10)
    }

    @Test func `P-41: a delete file does not apply to data that comes after it`() async throws {
        let (table, _) = try await fragmented()
        let before = try await table.rows()
        // It is older than the commit, and newer than what is deleted.
        let catalog = InterferingCatalog(base: table.catalog) { moment, commit in
            guard moment == .beforeCommit, commit == 1 else { return }
            try await table.addRows(1000..<1020, region: "a")
        }
        let report = try await table.rewriteDeletes(catalog: catalog, storage: table.storage)
        #expect(report.deleteCounts == [6, 2])
        #expect(try await table.rows().count == before.count + 20)
        let late = try await table.entries().values.filter {
            $0.entry.dataFile.content == .data && $0.entry.sequenceNumber ?? 0 > 10
        }
        #expect(late.map(\.entry.sequenceNumber) == [11])
        #expect(try await table.deleteEntries().map(\.entry.sequenceNumber) == [9, 10])
    }

    @Test func `position deletes in Avro are read, also where data files are rewritten`()
        async throws
    {
        for isData in [false, true] {
            let table = try await table()
            let first = try await table.addRows(0..<10, region: "a")
            let second = try await table.addRows(10..<20, region: "a")
            try await table.append(
                [try await table.avroDeleteFile([(first, 3), (second, 0)], region: "a")],
                content: .deletes)
            try await table.deleteRows([(first, 4)], region: "a")
            let before = try await table.rows()
            #expect(before.count == 17)
            if isData {
                let report = try await table.compact()
                #expect(report.fileCounts == [2, 1])
                #expect(report.metrics["removed_delete_files_count"] == 2)
            } else {
                #expect(try await table.rewriteDeletes().deleteCounts == [2, 1])
                let formats = try await table.deleteEntries().map(\.entry.dataFile.fileFormat)
                #expect(formats == [.parquet])
            }
            #expect(try await table.rows() == before)
        }
    }

    @Test func `P-43: from version 3 on older deletes become one vector for each data file`()
        async throws
    {
        let (old, paths) = try await fragmented()
        let table = try await old.upgrade(to: .v3)
        let vectored = try await table.addRows(300..<320, region: "b")
        try await table.append(
            [try await table.vectorFile(vectored, [5, 6], region: "b")], content: .deletes)
        let before = try await table.rows()

        let report = try await table.rewriteDeletes(.null)

        #expect(report.deleteCounts == [6, 4])
        #expect(report.metrics["added_deletion_vectors_count"] == 4)
        #expect(try await table.rows() == before)
        let entries = try await table.deleteEntries()
        #expect(entries.allSatisfy { $0.entry.dataFile.fileFormat == .puffin })
        #expect(
            entries.compactMap(\.entry.dataFile.referencedDataFile).sorted()
                == (paths + [vectored]).sorted())
        let snapshot = try #require(try await table.load().metadata.currentSnapshot)
        #expect(snapshot.summary["added-dvs"] == "4")
        #expect(snapshot.summary["removed-position-delete-files"] == "6")
        #expect(try await table.rewriteDeletes(.null).deleteCounts == [0, 0], "P-50")
        #expect(try await table.rewriteDeletes(["rewrite-all": true]).deleteCounts == [0, 0])
    }

    @Test func `P-43: a vector that has the older deletes stays the only one of its data file`()
        async throws
    {
        let old = try await table()
        let first = try await old.addRows(0..<20, region: "a")
        let second = try await old.addRows(20..<40, region: "a")
        try await old.deleteRows([(first, 3), (second, 4)], region: "a")
        let table = try await old.upgrade(to: .v3)
        try await table.append(
            [try await table.vectorFile(first, [3, 9], region: "a")], content: .deletes)
        let before = try await table.rows()
        #expect(before.count == 37)
        let report = try await table.rewriteDeletes(.null)
        #expect(report.deleteCounts == [1, 1])
        #expect(try await table.rows() == before)
        #expect(
            try await table.deleteEntries().compactMap(\.entry.dataFile.referencedDataFile)
                .sorted() == [first, second].sorted())
    }

    @Test func `P-43: a vector that lacks an older delete leaves its group as it is`()
        async throws
    {
        let old = try await table()
        let path = try await old.addRows(0..<20, region: "a")
        try await old.deleteRows([(path, 3)], region: "a")
        let table = try await old.upgrade(to: .v3)
        try await table.append(
            [try await table.vectorFile(path, [9], region: "a")], content: .deletes)
        let location = try await table.load().metadataLocation
        await ManifestTable.expectFilesRefused("lacks what older position deletes") {
            try await table.rewriteDeletes(.null)
        }
        #expect(try await table.load().metadataLocation == location)
    }

    @Test func `what cannot be understood is left, with the reason`() async throws {
        let table = try await table()
        let path = try await table.addRows(0..<10, region: "a")
        let orc = try await table.deleteFile([(path, 1)], region: "a")
        var entry = orc
        entry.entry.dataFile.fileFormat = .orc
        try await table.append([entry], content: .deletes)
        try await table.deleteRows([(path, 2)], region: "a")
        await ManifestTable.expectFilesRefused("is a file of ORC") {
            try await table.rewriteDeletes()
        }
        // Another partition is rewritten all the same.
        let other = try await table.addRows(50..<60, region: "b")
        for step in 0..<2 { try await table.deleteRows([(other, Int64(step))], region: "b") }
        let report = try await table.rewriteDeletes()
        #expect(report.deleteCounts == [2, 1])
        #expect(report.metrics["refused_groups_count"] == 1)
        #expect(report.message.contains("ORC"))
    }

    @Test func `a delete of a row that a data file does not have is left alone`() async throws {
        let table = try await table()
        let path = try await table.addRows(0..<10, region: "a")
        try await table.deleteRows([(path, 10)], region: "a")
        try await table.deleteRows([(path, 9)], region: "a")
        await ManifestTable.expectFilesRefused("has 10 rows") { try await table.rewriteDeletes() }
    }

    @Test func `a file that is about another data file than it says is left`() async throws {
        let table = try await table()
        let first = try await table.addRows(0..<10, region: "a")
        let second = try await table.addRows(10..<20, region: "a")
        var entry = try await table.deleteFile([(first, 1), (second, 2)], region: "a")
        entry.entry.dataFile.referencedDataFile = first
        try await table.append([entry], content: .deletes)
        try await table.deleteRows([(first, 3)], region: "a")
        await ManifestTable.expectFilesRefused("alone, and names") {
            try await table.rewriteDeletes()
        }
    }

    @Test func `P-49: deletes beyond what memory is allowed are left, at the number itself`()
        async throws
    {
        let (table, _) = try await fragmented()
        // At least a bit for each of the nine deletes of a partition's files.
        let enough = NativeEngineSettings(memoryBytes: 8)
        let few = NativeEngineSettings(memoryBytes: 7)
        await ManifestTable.expectFilesRefused("have 9 deletes, and memory is allowed 0 bytes") {
            try await table.rewriteDeletes(["min-input-files": 2], settings: few)
        }
        await #expect(throws: Never.self) {
            let plan = try await NativeEngine(
                catalog: table.catalog, storage: table.storage, settings: enough
            ).plan(try table.deleteRequest(["min-input-files": 2]))
            #expect(plan.summary["refused_groups"] == [])
        }
    }

    @Test func `tables that want other formats or places are refused as a whole`() async throws {
        for (key, value) in [
            ("write.delete.format.default", "avro"), ("write.location-provider.impl", "x.Y"),
            ("write.delete.granularity", "row"), ("write.delete.parquet.compression-codec", "x"),
        ] {
            let (table, _) = try await fragmented([key: value])
            await #expect {
                try await table.rewriteDeletes()
            } throws: { error in
                "\(error)".contains(value)
            }
        }
    }

    @Test func `the dry run says what the run does`() async throws {
        let (table, _) = try await fragmented()
        let engine = NativeEngine(catalog: table.catalog, storage: table.storage)
        let plan = try await engine.plan(try table.deleteRequest(["min-input-files": 2]))
        #expect(plan.hasWork)
        #expect(plan.summary["rewritten_delete_files_count"] == 6)
        #expect(plan.summary["added_delete_files_count"] == 2)
        let report = try await table.rewriteDeletes()
        #expect(report.deleteCounts == [6, 2])
        let after = try await engine.plan(try table.deleteRequest(["min-input-files": 2]))
        #expect(!after.hasWork)
    }

    @Test func `where chooses delete files by their partitions`() async throws {
        let (table, _) = try await fragmented()
        let before = try await table.rows()
        let options: JSONValue = ["where": "region = 'a' OR region IS NULL", "min-input-files": 2]
        let engine = NativeEngine(catalog: table.catalog, storage: table.storage)
        let plan = try await engine.plan(try table.deleteRequest(options))
        #expect(plan.summary["position_delete_files_count"] == 3)
        #expect(plan.summary["left_alone"]?.objectValue?["outside_where"] == ["files": 3])
        #expect(try await table.rewriteDeletes(options).deleteCounts == [3, 1])
        #expect(try await table.rows() == before)
        #expect(try await table.rewriteDeletes(options).deleteCounts == [0, 0], "P-50")
        #expect(try await table.rewriteDeletes().deleteCounts == [3, 1])
    }

    @Test func `files of several sizes are written where the target is small`() async throws {
        let table = try await table()
        let path = try await table.addRows(0..<40_000, region: "a")
        for step in 0..<4 {
            try await table.deleteRows(
                (0..<9000).map { (path, Int64($0 * 4 + step)) }, region: "a")
        }
        let before = try await table.rows()
        let report = try await table.rewriteDeletes([
            "rewrite-all": true, "target-file-size-bytes": 2000, "min-file-size-bytes": 1000,
            "max-file-size-bytes": 4000,
        ])
        #expect(report.metrics["rewritten_delete_files_count"] == 4)
        #expect(try #require(report.metrics["added_delete_files_count"]?.intValue) > 1)
        #expect(report.metrics["kept_deletes_count"] == 36_000)
        #expect(try await table.rows() == before)
    }
}
