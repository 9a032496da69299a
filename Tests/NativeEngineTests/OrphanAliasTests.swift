// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcebergCatalog
import IcebergSpec
import Maintenance
import NativeEngine
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// Live files that the listing spells otherwise than the metadata (P-04, P-10), and inventories.
@Suite struct OrphanAliasTests {
    /// A table of one live file, as a manifest spells it, and the file's path on disk.
    private func table(
        _ spelling: (String) -> String, named name: String = "live.parquet"
    ) async throws -> (TestTable, String) {
        let table = try TestTable()
        let path = try await table.file(name)
        try await table.commit([try await table.manifest([.init(path: spelling(path))])])
        try await table.write()
        try await table.age()
        return (table, path)
    }

    @Test(arguments: [
        ("hdfs://nn:8020", "prefix_mismatch"), ("hdfs://nn:8020/elsewhere", "near_miss"),
        ("/linked", "near_miss"),
    ])
    func `a live file under another prefix stops everything, P-04`(
        prefix: String, code: String
    ) async throws {
        let (table, path) = try await table { prefix + $0 }
        let orphan = try await table.stray("data/orphan")

        try await refusal(code) { try await table.removeOrphans() }
        let report = try await table.removeOrphans(["prefix_mismatch_mode": "IGNORE"])

        #expect(report.metrics["quarantined_files_count"] == 1)
        let left = try await table.everything()
        #expect(left[path] != nil && left[orphan] == nil)
    }

    @Test func `DELETE takes a mismatch for an orphan once it was confirmed, P-04`() async throws {
        let (table, path) = try await table { "hdfs://nn" + $0 }

        try await refusal("prefix_mismatch") {
            try await table.removeOrphans(["prefix_mismatch_mode": "DELETE"])
        }
        let report = try await table.removeOrphans([
            "prefix_mismatch_mode": "DELETE", "confirm_prefix_mismatch_delete": true,
        ])

        #expect(report.metrics["quarantined_files_count"] == 1)
        #expect(try await table.everything()[path] == nil)
    }

    @Test func `what the request declares equal is live, P-04`() async throws {
        let (table, path) = try await table { "viewfs://nn" + $0 }

        let report = try await table.removeOrphans([
            "equal_schemes": ["viewfs": "file"], "equal_authorities": ["nn": ""],
        ])

        #expect(report.metrics["orphan_files_count"] == 0)
        #expect(try await table.everything()[path] != nil)
    }

    @Test(arguments: [("a%20b", "a b"), ("é", "e\u{301}"), ("e\u{301}", "é")])
    func `a name that only differs in its encoding stops everything, P-10`(
        onDisk: String, inMetadata: String
    ) async throws {
        let (table, path) = try await table(
            { $0.replacingOccurrences(of: onDisk, with: inMetadata, options: .literal) },
            named: onDisk)

        try await refusal("near_miss") { try await table.removeOrphans() }

        #expect(try await table.everything()[path] != nil)
    }

    @Test func `a name twice is no alias where the live one was listed`() async throws {
        let (table, path) = try await table { $0 }
        let orphan = try await table.stray("data/part=1/live.parquet")

        try await table.removeOrphans()

        let left = try await table.everything()
        #expect(left[path] != nil && left[orphan] == nil)
    }

    @Test func `an inventory stands in for the listing, and the store is asked before a move`()
        async throws
    {
        let (table, path) = try await table { $0 }
        let old = try await table.stray("data/old")
        let rewritten = try await table.stray("data/rewritten", days: 0)
        let unlisted = try await table.stray("data/unlisted")
        let lines = [
            "path,last_modified", "\(path),0", "file://\(old),0", "\(rewritten),0",
            "\(table.location)/data/gone,0", "\(table.location)2/data/sibling,0",
            "\(table.location)/data/timeless,",
        ]
        let inventory = table.folder.appending("inventory.csv")
        try await LocalStorage().write(
            Array(lines.joined(separator: "\n").utf8), to: inventory, condition: .none)

        let report = try await table.removeOrphans(["inventory": .string(inventory.rawValue)])

        #expect(report.metrics["orphan_files_count"] == 3)
        #expect(report.metrics["quarantined_files_count"] == 1)
        #expect(report.metrics["already_gone_files_count"] == 1)
        let left = try await table.everything()
        #expect(left[path] != nil && left[rewritten] != nil && left[unlisted] != nil)
        #expect(left[old] == nil)
    }
}
