// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import Maintenance
import ObjectStorage
import ParquetFormat
import Testing
import WireFormat

/// Row ids and last changes of rows in tables that were upgraded to version 3.
@Suite struct CompactionLineageTests {
    /// Written before the upgrade.
    private func table() async throws -> ManifestTable {
        try await ManifestTable.inTwoPartitions(files: 2)
    }

    @Test func `P-44: rows keep the ids that the first commit after an upgrade gives them`()
        async throws
    {
        let table = try await table().upgraded()
        let report = try await table.compact([
            "min-input-files": 2, "partial-progress.enabled": true,
            "partial-progress.max-commits": 2,
        ])
        #expect(report.fileCounts == [4, 2])
        #expect(report.metrics["commits_count"] == 1, "a second one would give other ids")
        let lineage = try await table.lineage()
        #expect(Set(lineage.values.map(\.rowID)).count == 40)
        // Files that have ids are rewritten in as many commits as the options say.
        try await table.addRows(20..<30, region: "a")
        try await table.addRows(120..<130, region: "b")
        let again = try await table.compact([
            "min-input-files": 2, "partial-progress.enabled": true,
            "partial-progress.max-commits": 2,
        ])
        #expect(again.metrics["commits_count"] == 2)
        let after = try await table.lineage()
        #expect(after.count == 60)
        for (row, value) in lineage { #expect(after[row] == value) }
    }

    @Test func `P-44: rows keep the ids that another writer's first commit gave them`()
        async throws
    {
        let table = try await table().upgraded()
        await #expect {
            _ = try await table.compact { try await table.addRows(200..<210, region: "c") }
        } throws: { error in
            guard case .conflict? = error as? MaintenanceError else { return false }
            return "\(error)".contains("got row ids meanwhile")
        }
        let lineage = try await table.lineage()
        #expect(Set(lineage.values.map(\.rowID)).count == 50)
        #expect(try await table.compact().fileCounts == [4, 2])
        #expect(try await table.lineage() == lineage)
    }

    @Test func `P-44, P-50: rows of an upgraded table keep their last change, run after run`()
        async throws
    {
        let old = try await table()
        // Readers agree on the last change of rows that have no ids yet: it is their file's.
        try await old.compact(["min-input-files": 2, "max-files-to-rewrite": 2])
        var expected: [Int64: Int64] = [:]
        for (row, value) in try await old.lineage() { expected[row] = value.changed }
        #expect(expected.count == 40)
        let table = try await old.upgraded()
        for _ in 0..<3 {
            let report = try await table.compact(["rewrite-all": true])
            #expect(report.metrics["refused_groups_count"] == 0)
            #expect(try await table.lineage().mapValues(\.changed) == expected)
        }
    }

    @Test func `P-43: an upgrade during the run is a conflict`() async throws {
        let table = try await table()
        await #expect {
            _ = try await table.compact {
                try await table.upgraded().addRows(200..<210, region: "c")
            }
        } throws: { error in
            guard case .conflict? = error as? MaintenanceError else { return false }
            return "\(error)".contains("format version changed")
        }
    }
}

extension ManifestTable {
    /// What a row inherits or has.
    struct Lineage: Hashable {
        let rowID: Int64?
        let changed: Int64?
    }

    /// Every row's lineage by its `id`.
    func lineage() async throws -> [Int64: Lineage] {
        var found: [Int64: Lineage] = [:]
        for entry in try await entries().values.map(\.entry) {
            guard entry.dataFile.content == .data else { continue }
            let bytes = try await storage.read(Location(entry.dataFile.filePath), limit: 1 << 20)
            let file = try await ParquetFile(opening: ParquetMemorySource(bytes))
            let ids = try await numbers(1, in: file)
            let rowIDs = try await numbers(2_147_483_540, in: file)
            let changes = try await numbers(2_147_483_539, in: file)
            for (index, id) in ids.enumerated() {
                guard let id else { continue }
                let inherited = entry.dataFile.firstRowID.map { $0 + Int64(index) }
                found[id] = Lineage(
                    rowID: rowIDs[index] ?? inherited,
                    changed: changes[index] ?? entry.sequenceNumber)
            }
        }
        return found
    }

    private func numbers(
        _ fieldID: Int32, in file: ParquetFile<ParquetMemorySource>
    ) async throws -> [Int64?] {
        guard let column = file.schema.columns.firstIndex(where: { $0.fieldID == fieldID }) else {
            return Array(repeating: nil, count: Int(file.rowCount))
        }
        let batch = try await file.readColumn(rowGroup: 0, column: column)
        guard case .int64(let values) = batch.values else { return [] }
        var next = values.makeIterator()
        let highest = file.schema.columns[column].maximumDefinitionLevel
        return batch.definitionLevels.map { Int($0) == Int(highest) ? next.next() : nil }
    }
}
