// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import Testing
import WireFormat

/// One file that two manifests spell differently, and lists that were cut off.
@Suite struct ExpiryAliasTests {
    /// Ways to spell an absolute path that the local file system takes for one file.
    static let spellings: [@Sendable (String) -> String] = [
        { $0 }, { "file:" + $0 }, { "file://" + $0 }, { "FILE:" + $0 },
        { $0.replacing("/data/", with: "//data/") }, { $0.replacing("/data/", with: "/data/./") },
        { "file:" + $0.replacing("/data/", with: "/.//data/") },
    ]

    @Test(arguments: spellings.indices, spellings.indices)
    func `a live file stays however the expired snapshot spells it, P-04, P-10`(
        going: Int, staying: Int
    ) async throws {
        let table = try TestTable()
        let file = try await table.file()
        let path = String(file.drop { $0 != "/" }.trimmingPrefix("//"))
        let other = try await table.file()
        try await table.commit([
            try await table.manifest([
                .init(path: Self.spellings[going](path)), .init(path: other),
            ])
        ])
        try await table.commit([
            try await table.manifest([.init(path: Self.spellings[staying](path))])
        ])
        try await table.write()

        let report = try await table.expire()

        #expect(try await table.remaining() == [2])
        #expect(report.metrics["deleted_data_files_count"] == 1)
        let left = try await table.filesOnDisk()
        #expect(left.contains { $0.hasSuffix(path) })
        #expect(!left.contains { $0.hasSuffix(other) })
    }

    @Test(arguments: spellings.indices)
    func `a replay spares a live file however it was journalled, P-04, P-10`(
        spelling: Int
    ) async throws {
        let table = try TestTable()
        let file = try await table.file()
        let path = String(file.drop { $0 != "/" }.trimmingPrefix("//"))
        try await table.commit([try await table.manifest([.init(path: path)])])
        try await table.write()
        let journal = MemoryJournal()
        try await journal.plan(
            [.init(path: Self.spellings[spelling](path), kind: .dataFile)],
            tableUUID: TestTable.uuid)

        try await table.expire(journal: journal)

        #expect(try await table.filesOnDisk().contains { $0.hasSuffix(path) })
    }

    @Test func `a list without manifests is refused when its snapshot has files, P-08`()
        async throws
    {
        let table = try TestTable()
        try await table.append()
        try await table.commit([])
        table.totals[2] = "3"
        try await table.write()
        let all = try await table.filesOnDisk()

        await #expect(throws: MaintenanceError.self) { try await table.expire() }

        #expect(try await table.filesOnDisk() == all)
        #expect(try await table.remaining() == [1, 2])
    }

    @Test(arguments: [nil, "0", "-1", "many"])
    func `a list without manifests is right for a table without files`(
        total: String?
    ) async throws {
        let table = try TestTable()
        try await table.append()
        try await table.commit([])
        table.totals[2] = total
        try await table.write()

        try await table.expire()

        #expect(try await table.remaining() == [2])
    }
}
