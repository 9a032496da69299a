// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcebergSpec
import Maintenance
import NativeEngine
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// Random tables among random files, against an oracle that compares plain sets.
@Suite struct OrphanOracleTests {
    /// Trees of one test case: cases run side by side, trees of a case one after the other.
    private static let treesPerCase: UInt64 = 10

    @Test(arguments: Share.of(UInt64(0)..<100, 20))
    func `what goes is exactly what nothing needs, and restoring brings all of it back`(
        block: UInt64
    ) async throws {
        for seed in block * Self.treesPerCase..<(block + 1) * Self.treesPerCase {
            var random = SeededGenerator(seed: seed)
            let tree = try await RandomTree(using: &random)
            let before = try await tree.table.everything()

            // What another engine found is judged like what we list: here it found everything.
            let report =
                seed.isMultiple(of: 3)
                ? try await tree.table.removeOrphans(among: before.keys.shuffled(using: &random))
                : try await tree.table.removeOrphans()

            let after = try await tree.table.everything()
            let gone = Set(before.keys).subtracting(after.keys)
            #expect(gone == tree.orphans, "seed \(seed)")
            #expect(after.allSatisfy { before[$0.key] == $0.value }, "seed \(seed)")
            #expect(
                report.metrics["quarantined_files_count"]?.intValue == tree.orphans.count,
                "seed \(seed)")
            guard !tree.orphans.isEmpty else { continue }
            let engine = NativeEngine(catalog: tree.table.catalog, storage: LocalStorage())
            let change = try await engine.restore(
                TestTable.identifier, job: "job", in: TestTable.orphanContext())
            #expect(change.restoredCount == tree.orphans.count, "seed \(seed)")
            #expect(try await tree.table.everything() == before, "seed \(seed)")
        }
    }
}

/// A small table whose files lie among others.
private struct RandomTree {
    let table: TestTable
    private(set) var orphans: Set<String> = []

    private static let folders = [
        "data", "data/part=1", "data/_part=2", "data/a%20b", "data/a b", ".hidden", "_x/y",
        "metadata", "metadata/deep", "",
    ]
    private static let suffixes = [".parquet", ".avro", ".puffin", ".txt", "", ".stats"]

    init(using random: inout SeededGenerator) async throws {
        table = try TestTable()
        var number = 0
        var live: [String] = []
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            var entries: [TestTable.Entry] = []
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                number += 1
                let folder = Self.folders.randomElement(using: &random) ?? "data"
                let path = try await Self.write(
                    "live\(number)", in: folder, days: 10, of: table)
                // Deleted entries of the only snapshot that has them are nobody's.
                let isDeleted = Int.random(in: 0..<5, using: &random) == 0
                if isDeleted {
                    if Self.isRemovable(path, of: table) { orphans.insert(path) }
                } else {
                    live.append(path)
                }
                entries.append(
                    .init(
                        path: Self.spelling(of: path, using: &random),
                        status: isDeleted ? .deleted : .added))
            }
            let manifest = try await table.manifest(entries)
            if Bool.random(using: &random) {
                try await table.commit(table.manifests() + [manifest])
            } else {
                // Staged: no reference has it.
                try await table.snapshot(parent: nil, manifests: [manifest])
            }
        }
        try await table.write()
        try await table.age()
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            number += 1
            let folder = Self.folders.randomElement(using: &random) ?? "data"
            let suffix = Self.suffixes.randomElement(using: &random) ?? ""
            let isYoung = Int.random(in: 0..<4, using: &random) == 0
            let path = try await Self.write(
                "stray\(number)\(suffix)", in: folder, days: isYoung ? 1 : 10, of: table)
            if !isYoung, Self.isRemovable(path, of: table) { orphans.insert(path) }
        }
    }

    private static func write(
        _ name: String, in folder: String, days: Double, of table: TestTable
    ) async throws -> String {
        try await table.stray(folder.isEmpty ? name : "\(folder)/\(name)", days: days)
    }

    /// Below `metadata` only what tables are known to keep there.
    private static func isRemovable(_ path: String, of table: TestTable) -> Bool {
        guard path.hasPrefix(table.location + "/metadata/") else { return true }
        return [".parquet", ".avro", ".puffin", ".stats"].contains { path.hasSuffix($0) }
    }

    private static func spelling(
        of path: String, using random: inout SeededGenerator
    ) -> String {
        switch Int.random(in: 0..<5, using: &random) {
        case 0: "file:" + path
        case 1: "file://" + path
        case 2: path.replacing("/data/", with: "//data/./")
        default: path
        }
    }
}
