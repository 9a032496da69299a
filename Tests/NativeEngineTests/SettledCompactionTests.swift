// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import TestSupport
import Testing
import WireFormat

/// P-50: what was rewritten is not rewritten again, whatever row groups the files have.
@Suite struct SettledCompactionTests {
    private func table(_ properties: [String: String] = [:]) async throws -> ManifestTable {
        let quick = ManifestTable.quickRetries
        return try await ManifestTable(.v2, properties: quick.merging(properties) { $1 })
    }

    private func sizes(_ table: ManifestTable) async throws -> [Int64] {
        try await table.entries().values.map(\.entry.dataFile.fileSizeInBytes)
    }

    /// Runs until nothing changes any more, and says how many runs did something.
    private func runs(_ table: ManifestTable, _ options: JSONValue) async throws -> Int {
        let before = try await table.rows()
        var count = 0
        while try await table.compact(options).fileCounts != [0, 0] {
            count += 1
            #expect(try await table.rows() == before)
            if count == 4 { break }
        }
        return count
    }

    @Test(arguments: [0.51, 0.6, 0.74])
    func `files with a row group of most of the target's size become fewer`(
        share: Double
    ) async throws {
        let table = try await table()
        for start in stride(from: Int64(0), to: 24_000, by: 4000) {
            try await table.addRows(start..<start + 4000, region: "a")
        }
        let size = try #require(try await sizes(table).max())
        let target = Int64(Double(size) / share)
        let runs = try await runs(table, ["target-file-size-bytes": .integer(target)])
        #expect(runs == 1)
        #expect(try await sizes(table).count < 6)
        #expect(try await sizes(table).allSatisfy { $0 <= target * 18 / 10 })
    }

    @Test func `files of which no two fit into one are left`() async throws {
        let table = try await table()
        // So many rows that footers and the pages' headers do not matter.
        for start in stride(from: Int64(0), to: 240_000, by: 40_000) {
            try await table.addRows(start..<start + 40_000, region: "a")
        }
        let size = try #require(try await sizes(table).max())
        let before = Set(try await table.entries().keys)
        let report = try await table.compact([
            "target-file-size-bytes": .integer(size * 14 / 10),
            "min-file-size-bytes": .integer(size * 13 / 10),
            "max-file-size-bytes": .integer(size * 15 / 10),
        ])
        #expect(report.fileCounts == [0, 0])
        #expect(report.message.contains("6 files stay as they are: no two of their row groups"))
        #expect(Set(try await table.entries().keys) == before)
    }

    @Test(arguments: [FormatVersion.v2, .v3], [false, true])
    func `a row group that is too large for a file is divided, also where rows are deleted`(
        version: FormatVersion, deletes: Bool
    ) async throws {
        let table = try await ManifestTable(version, properties: ManifestTable.quickRetries)
        let path = try await table.addRows(0..<20_000, region: "a")
        if deletes {
            try await table.deleteRows(
                (0..<7500).map { (path, $0 * 2) }, region: "a", names: true)
        }
        let size = try #require(try await sizes(table).max())
        let options: JSONValue = ["target-file-size-bytes": .integer(size / 4)]
        let runs = try await runs(table, options)
        // Rows do not all take the same: a part may be too large still, and is divided once more.
        #expect((1...2).contains(runs))
        let parts = try await table.entries().values.filter {
            $0.entry.dataFile.content == .data
        }
        #expect(deletes ? (2...4).contains(parts.count) : (3...5).contains(parts.count))
        #expect(parts.allSatisfy { $0.entry.dataFile.fileSizeInBytes <= size / 4 * 18 / 10 })
    }

    @Test func `a row group without compression is as large as it will be`() async throws {
        let table = try await table(["write.parquet.compression-codec": "uncompressed"])
        for start in stride(from: Int64(0), to: 24_000, by: 4000) {
            try await table.addRows(start..<start + 4000, region: "a")
        }
        let size = try #require(try await sizes(table).max())
        let runs = try await runs(table, ["target-file-size-bytes": .integer(size * 12)])
        #expect(runs == 1)
        #expect(try await sizes(table).allSatisfy { $0 <= size * 12 * 18 / 10 })
    }

    /// Each makes one of the files of a table one that is not rewritten.
    enum Flaw: CaseIterable {
        case damaged, missing, orc, encrypted, deletesMissing, rowCount, page, rowBeyond
    }

    @Test(arguments: Flaw.allCases)
    func `a file that cannot be rewritten is left, and the others of its partition are not`(
        flaw: Flaw
    ) async throws {
        let table = try await table()
        for start in stride(from: Int64(0), to: 50, by: 10) {
            try await table.addRows(start..<start + 10, region: "a")
        }
        var bad = try await table.dataFile(100..<110, region: "a")
        let path = bad.entry.dataFile.filePath
        let location = Location(path)
        switch flaw {
        case .damaged:
            var bytes = try await table.storage.read(location, limit: 1 << 20)
            bytes[bytes.count - 9] ^= 0xFF
            try await table.storage.write(bytes, to: location, condition: .none)
        case .missing: _ = await table.storage.remove([location])
        case .orc: bad.entry.dataFile.fileFormat = .orc
        case .encrypted: bad.entry.dataFile.keyMetadata = [1]
        case .rowCount: bad.entry.dataFile.recordCount = 11
        case .page:
            var bytes = try await table.storage.read(location, limit: 1 << 20)
            for index in 4..<12 { bytes[index] ^= 0xFF }
            try await table.storage.write(bytes, to: location, condition: .none)
        case .deletesMissing, .rowBeyond: break
        }
        try await table.append([bad])
        if flaw == .deletesMissing {
            let deletes = try await table.deleteFile([(path, 1)], region: "a", names: true)
            _ = await table.storage.remove([Location(deletes.entry.dataFile.filePath)])
            try await table.append([deletes], content: .deletes)
        } else if flaw == .rowBeyond {
            try await table.deleteRows([(path, 10)], region: "a", names: true)
        }

        let report = try await table.compact()

        #expect(report.fileCounts == [5, 1])
        #expect(report.message.contains("1 file of partition region=a was left as it is"))
        #expect(report.message.contains(path))
        let left = try await table.entries().values.map(\.entry.dataFile)
        #expect(left.contains { $0.filePath == path })
        #expect(left.filter { $0.content == .data }.map(\.recordCount).contains(50))
        // Where it is all that is in the way, that is said again.
        await #expect {
            try await table.compact()
        } throws: { error in
            "\(error)".contains("1 file of partition region=a was left as it is")
        }
        #expect(Set(try await table.entries().keys) == Set(left.map(\.filePath)))
    }

    @Test func `a damaged page that was copied as it is leaves its file alone`() async throws {
        // So that row groups are as they should be, and nobody decodes them but the proof.
        let table = try await table(["write.parquet.row-group-size-bytes": "4000"])
        for start in stride(from: Int64(0), to: 25_000, by: 5000) {
            try await table.addRows(start..<start + 5000, region: "a")
        }
        let bad = try await table.dataFile(30_000..<35_000, region: "a")
        let location = Location(bad.entry.dataFile.filePath)
        var bytes = try await table.storage.read(location, limit: 1 << 20)
        for index in bytes.count / 2..<bytes.count / 2 + 20 { bytes[index] ^= 0xFF }
        try await table.storage.write(bytes, to: location, condition: .none)
        try await table.append([bad])

        let report = try await table.compact()

        #expect(report.fileCounts.first == 5)
        #expect(report.message.contains("1 file of partition region=a was left as it is"))
        #expect(report.message.contains(location.rawValue))
        let files = try await table.entries().values.map(\.entry.dataFile)
        #expect(files.contains { $0.filePath == location.rawValue })
        #expect(files.reduce(0) { $0 + $1.recordCount } == 30_000)
        // What the first try wrote may be on its way out still: no name is used twice.
        let made = files.map(\.filePath).filter { $0 != location.rawValue }
        #expect(made.allSatisfy { $0.contains("/00000-1-") }, "\(made)")
    }

    @Test func `files that a delete file names against its entry are left`() async throws {
        let table = try await table()
        var paths: [String] = []
        for start in stride(from: Int64(0), to: 50, by: 10) {
            paths.append(try await table.addRows(start..<start + 10, region: "a"))
        }
        var deletes = try await table.deleteFile([(paths[0], 1), (paths[1], 2)], region: "a")
        deletes.entry.dataFile.referencedDataFile = paths[0]
        try await table.append([deletes], content: .deletes)

        let report = try await table.compact()

        #expect(report.fileCounts == [3, 1])
        #expect(report.message.contains("2 files of partition region=a were left"))
        #expect(report.message.contains("is said to be about \(paths[0]) alone"))
        let left = try await table.entries().keys
        #expect(left.contains(paths[0]) && left.contains(paths[1]))
        #expect(left.contains(deletes.entry.dataFile.filePath))
    }

    @Test func `files that cannot be rewritten leave others that are too few`() async throws {
        let table = try await table()
        try await table.addRows(0..<10, region: "a")
        for start in stride(from: Int64(10), to: 50, by: 10) {
            let path = try await table.addRows(start..<start + 10, region: "a")
            _ = await table.storage.remove([Location(path)])
        }
        let before = try await table.entries().keys.sorted()
        await #expect {
            try await table.compact(["min-input-files": 3])
        } throws: { error in
            "\(error)".contains("4 files of partition region=a were left as they are")
                && "\(error)".contains("there is no object at")
                && "\(error)".contains(", and 3 more files")
        }
        #expect(try await table.entries().keys.sorted() == before)
    }

    @Test func `equality deletes of a partition that are missing leave the others`()
        async throws
    {
        var random = SeededGenerator(seed: 4)
        let keyed = try await KeyedTable(.v2)
        for region in ["a", "b", "a", "b"] {
            try await keyed.addRows(keyed.rows(5, &random), region: region)
        }
        let table = keyed.table
        let path = try await keyed.delete(keyed.rows(1, &random), by: [.id], region: "a")
        _ = await table.storage.remove([Location(path)])
        let report = try await table.compact()
        #expect(report.fileCounts == [2, 1])
        #expect(report.message.contains("2 files of partition region=a were left as they are"))
    }

    @Test func `a row that is larger than a file may be is left`() async throws {
        let table = try await table()
        try await table.addRows(0..<1, region: "a")
        let size = try #require(try await sizes(table).max())
        let report = try await table.compact([
            "min-input-files": 1, "target-file-size-bytes": .integer(size / 8),
        ])
        #expect(report.fileCounts == [0, 0])
    }
}
