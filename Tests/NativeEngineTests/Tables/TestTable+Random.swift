// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import TestSupport

extension TestTable {
    /// A table after random changes: appends, deletes, files taken up again, merged manifests,
    /// delete files, branches, tags, rollbacks, cherry-picks and staged snapshots.
    static func random(using random: inout SeededGenerator) async throws -> TestTable {
        let table = try TestTable()
        for _ in 0..<Int.random(in: 1...14, using: &random) {
            try await table.change(using: &random)
        }
        for snapshot in table.snapshots {
            if Int.random(in: 0..<4, using: &random) == 0 {
                table.statistics.append((snapshot.id, try await table.file(in: "metadata")))
            }
            // Two snapshots may share a file of statistics.
            if let shared = table.statistics.first, Int.random(in: 0..<6, using: &random) == 0 {
                table.partitionStatistics.append((snapshot.id, shared.path))
            }
        }
        try await table.write()
        return table
    }

    private func change(using random: inout SeededGenerator) async throws {
        let branches = refs.filter { $0.kind == "branch" }.map(\.name)
        let branch = branches.randomElement(using: &random) ?? "main"
        switch Int.random(in: 0..<12, using: &random) {
        case 0, 1, 2: try await append(to: branch, count: Int.random(in: 0...3, using: &random))
        case 3: try await deleteFile(of: branch, using: &random)
        case 4: try await takeUpAgain(in: branch, using: &random)
        case 5: try await mergeManifests(of: branch)
        case 6: try await addDeletes(to: branch)
        case 7:
            guard let id = snapshots.randomElement(using: &random)?.id else { return }
            point("b\(refs.count)", at: id)
        case 8:
            guard let id = snapshots.randomElement(using: &random)?.id else { return }
            point("t\(refs.count)", at: id, kind: "tag")
        case 9:
            guard let id = snapshots.randomElement(using: &random)?.id else { return }
            point("main", at: id)
        case 10:
            guard
                let picked = snapshots.randomElement(using: &random)?.manifests.randomElement(
                    using: &random)
            else { return }
            try await commit(to: branch, manifests(of: branch) + [picked])
        default:
            let manifest = try await self.manifest([Entry(path: try await file())])
            try await snapshot(parent: nil, manifests: manifests(of: branch) + [manifest])
        }
    }

    func append(to branch: String = "main", count: Int = 1) async throws {
        var entries: [Entry] = []
        for _ in 0..<count { entries.append(Entry(path: try await file())) }
        try await commit(to: branch, manifests(of: branch) + [try await manifest(entries)])
    }

    private func deleteFile(
        of branch: String, using random: inout SeededGenerator
    ) async throws {
        var manifests = manifests(of: branch)
        guard let index = manifests.indices.randomElement(using: &random),
            let gone = manifests[index].live.sorted().randomElement(using: &random)
        else { return }
        let old = manifests[index]
        let entries = old.live.sorted().map {
            Entry(
                path: $0, status: $0 == gone ? .deleted : .existing,
                content: old.content == .data ? .data : .positionDeletes)
        }
        manifests[index] = try await manifest(entries, content: old.content)
        try await commit(to: branch, manifests)
    }

    private func takeUpAgain(
        in branch: String, using random: inout SeededGenerator
    ) async throws {
        let known = snapshots.flatMap(\.manifests).filter { $0.content == .data }
            .flatMap { $0.live.sorted() }
        guard let path = known.randomElement(using: &random) else { return }
        try await commit(
            to: branch, manifests(of: branch) + [try await manifest([Entry(path: path)])])
    }

    private func mergeManifests(of branch: String) async throws {
        let old = manifests(of: branch)
        let data = old.filter { $0.content == .data }
        let paths = Set(data.flatMap(\.live)).sorted()
        let merged = try await manifest(paths.map { Entry(path: $0, status: .existing) })
        try await commit(to: branch, old.filter { $0.content == .deletes } + [merged])
    }

    private func addDeletes(to branch: String) async throws {
        let vectors = try await file()
        let entries = [
            Entry(path: try await file(), content: .positionDeletes),
            Entry(path: try await file(), content: .equalityDeletes),
            // Deletion vectors of several data files share a Puffin file.
            Entry(path: vectors, content: .positionDeletes),
            Entry(path: vectors, content: .positionDeletes),
        ]
        let deletes = try await manifest(entries, content: .deletes)
        try await commit(to: branch, manifests(of: branch) + [deletes])
    }
}
