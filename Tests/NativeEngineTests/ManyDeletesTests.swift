// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import Maintenance
import NativeEngine
import Testing
import WireFormat

/// More deleted rows than memory has room for, were they held one by one.
@Suite struct ManyDeletesTests {
    /// An eighth of it is for deletes: 16,384 of them at eight bytes each.
    private static let settings = NativeEngineSettings(memoryBytes: 1 << 20)
    private static let rowsOfFile: Int64 = 20_000
    private static let options: JSONValue = ["rewrite-all": true]

    /// Four files, of each of which three quarters are deleted: by two files each, half of whose
    /// deletes both have, or by a vector.
    private func table(_ version: FormatVersion) async throws -> ManifestTable {
        let table = try await ManifestTable(version, properties: ManifestTable.quickRetries)
        for file in 0..<Int64(4) {
            let first = file * Self.rowsOfFile
            let path = try await table.addRows(first..<first + Self.rowsOfFile, region: "a")
            let gone = (0..<Self.rowsOfFile).filter { $0 % 4 != 0 }
            if version >= .v3 {
                let vector = try await table.vectorFile(
                    path, gone.map { UInt16(truncatingIfNeeded: $0) }, region: "a")
                try await table.append([vector], content: .deletes)
            } else {
                for some in [gone.prefix(10_000), gone.suffix(10_000)] {
                    try await table.deleteRows(some.map { (path, $0) }, region: "a", names: true)
                }
            }
        }
        return table
    }

    @Test(arguments: [FormatVersion.v2, .v3])
    func `are left out all the same`(version: FormatVersion) async throws {
        let table = try await table(version)
        let before = try await table.rows()
        #expect(before.count == 20_000)
        let report = try await table.compact(
            Self.options, catalog: table.catalog, storage: table.storage, settings: Self.settings)
        #expect(report.fileCounts.first == 4)
        #expect(try await table.rows() == before)
        #expect(try await table.entries().values.allSatisfy { $0.entry.dataFile.content == .data })
    }

    @Test func `are merged all the same`() async throws {
        let table = try await table(.v2)
        let before = try await table.rows()
        let report = try await table.rewriteDeletes(
            Self.options, catalog: table.catalog, storage: table.storage, settings: Self.settings)
        #expect(report.message.hasPrefix("Compacted 8"), "\(report.message)")
        #expect(try await table.rows() == before)
        let deletes = try await table.entries().values.filter {
            $0.entry.dataFile.content == .positionDeletes
        }
        #expect(deletes.count < 8)
        #expect(deletes.reduce(0) { $0 + $1.entry.dataFile.recordCount } == 60_000)
    }

    @Test func `of one row group are refused with what to change, and the others are rewritten`()
        async throws
    {
        let table = try await table(.v2)
        let path = try await table.addRows(100_000..<120_000, region: "a")
        try await table.deleteRows(
            (0..<16_385).map { (path, $0) }, region: "a", names: true)
        let before = try await table.rows()
        let report = try await table.compact(
            Self.options, catalog: table.catalog, storage: table.storage, settings: Self.settings)
        #expect(report.fileCounts.first == 4)
        #expect(
            report.message.contains(
                "16385 rows of one row group of \(path) are deleted, and memory is allowed 16384 "
                    + "(ICEPACK_NATIVE_MEMORY_BYTES)"))
        #expect(try await table.rows() == before)
    }

    /// Of two sets of columns one deletes every sixteenth row, and the other more of the first
    /// 65,536, so that what was cut short for the sake of memory could hide among the others.
    @Test(
        arguments: [KeyColumn.count, .day],
        [(9000, "take more than the 9000 bytes"), (14_000, "9096 rows of one row group")])
    func `that equality deletes delete are never taken for all when some were not looked at`(
        sparse: KeyColumn, limit: (Int, String)
    ) async throws {
        let keyed = try await KeyedTable(.v2)
        let dense: KeyColumn = sparse == .count ? .day : .count
        let rows = (0..<Int64(80_000)).map { row in
            [
                KeyColumn.id: KeyCell.integer(row), sparse: .integer(row % 16 == 0 ? 1 : 0),
                dense: .integer(row % 16 < 2 && row < 65_536 ? 1 : 0),
            ]
        }
        let entry = try await keyed.dataEntry(
            rows, region: nil,
            lacking: Set(keyed.columns).subtracting([.id, .count, .day]))
        try await keyed.table.append([entry], specID: 0)
        try await keyed.delete([[sparse: .integer(1)]], by: [sparse], region: nil)
        try await keyed.delete([[dense: .integer(1)]], by: [dense], region: nil)
        let settings = NativeEngineSettings(memoryBytes: limit.0 * 8)
        let failure = await #expect(throws: MaintenanceError.self) {
            try await keyed.table.compact(
                ["rewrite-all": true, "verify": "off"], catalog: keyed.table.catalog,
                storage: keyed.table.storage, settings: settings)
        }
        let reason = failure.map { "\($0)" } ?? ""
        #expect(reason.contains(limit.1))
        let files = try await keyed.table.entries().values.map(\.entry.dataFile)
        #expect(files.count == 3)
    }

    @Test(arguments: [FormatVersion.v2, .v3])
    func `that take more than memory has as bitmaps are refused with what to change`(
        version: FormatVersion
    ) async throws {
        let table = try await table(version)
        let before = try await table.rows()
        await #expect {
            try await table.compact(
                Self.options, catalog: table.catalog, storage: table.storage,
                settings: NativeEngineSettings(memoryBytes: 200 << 10))
        } throws: { error in
            "\(error)".contains(
                "the deletes of its files take more than the 25600 bytes that memory is allowed "
                    + "for them (ICEPACK_NATIVE_MEMORY_BYTES)")
        }
        #expect(try await table.rows() == before)
    }
}
