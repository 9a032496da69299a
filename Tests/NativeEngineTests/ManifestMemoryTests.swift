// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

@testable import NativeEngine

/// Manifests are read once in a run, and what goes is listed in one.
@Suite(.timeLimit(.minutes(15))) struct ManifestMemoryTests {
    private let folder: ScratchFolder
    private let storage = FarStorage(base: LocalStorage())

    init() throws { folder = try ScratchFolder() }

    private func file(_ name: String, _ bytes: [UInt8]) async throws -> Location {
        let location = folder.appending(name)
        try await storage.write(bytes, to: location, condition: .absent)
        return location
    }

    @Test func `a file that came whole is not asked for again, whatever is wanted of it`()
        async throws
    {
        let location = try await file("m", [1, 2, 3, 4])
        let memory = ManifestMemory(storage, limit: 4)

        for _ in 1...2 { #expect(try await memory.read(location, range: 0..<5) == [1, 2, 3, 4]) }
        #expect(try await memory.read(location, range: 1..<3) == [2, 3])
        #expect(try await memory.read(location, range: 3..<9) == [4])
        #expect(try await memory.read(location, range: 7..<9) == [])
        #expect(storage.reads(of: location.rawValue) == 1)
    }

    @Test func `what is in pieces, or has no room, is read each time`() async throws {
        let pieces = try await file("pieces", [1, 2, 3, 4])
        let large = try await file("large", [1, 2, 3])
        let small = try await file("small", [1])
        let memory = ManifestMemory(storage, limit: 2)
        for _ in 1...2 {
            #expect(try await memory.read(pieces, range: 0..<4) == [1, 2, 3, 4])
            #expect(try await memory.read(pieces, range: 4..<8) == [])
            #expect(try await memory.read(large, range: 0..<4) == [1, 2, 3])
            #expect(try await memory.read(small, range: 0..<2) == [1])
        }
        #expect(storage.reads(of: pieces.rawValue) == 4)
        #expect(storage.reads(of: large.rawValue) == 2)
        #expect(storage.reads(of: small.rawValue) == 1)
    }

    @Test func `what is not there is asked for again`() async throws {
        let location = folder.appending("later")
        let memory = ManifestMemory(storage, limit: 10)
        await #expect(throws: StorageError.notFound(location)) {
            _ = try await memory.read(location, range: 0..<10)
        }
        _ = try await file("later", [7])
        #expect(try await memory.read(location, range: 0..<10) == [7])
    }

    // MARK: Runs

    /// Files of one region each, one manifest for each.
    private func table(
        _ regions: [String], version: FormatVersion = .v2
    ) async throws -> ManifestTable {
        let table = try await ManifestTable(version, properties: ManifestTable.quickRetries)
        for (index, region) in regions.enumerated() {
            let start = Int64(index * 10 + 1)
            try await table.addRows(start..<start + 10, region: region)
        }
        return table
    }

    @Test func `a run reads each manifest once, and each that it wrote`() async throws {
        let table = try await table(Array(repeating: "a", count: 6))
        let storage = FarStorage(base: table.storage)
        let old = try await table.manifests()
        let report = try await table.compact(catalog: table.catalog, storage: storage)

        #expect(report.fileCounts == [6, 1])
        for manifest in old { #expect(storage.reads(of: manifest.path) == 1) }
        let new = try await table.manifests()
        #expect(new.count == 2)
        for manifest in new { #expect(storage.reads(of: manifest.path) == 1) }
    }

    @Test func `entries that go are handed out by kind, once they are enough or asked for`()
        async throws
    {
        let table = try await table(["a", "b", "b"])
        let metadata = try await table.load().metadata
        var entries = try await table.entries().values.sorted {
            $0.entry.dataFile.filePath < $1.entry.dataFile.filePath
        }
        for index in entries.indices {
            entries[index].entry.status = .deleted
            entries[index].entry.sequenceNumber = Int64(7 - index)
        }
        var deletes = entries
        for index in deletes.indices { deletes[index].entry.dataFile.content = .positionDeletes }
        let lists: [(ManifestContent, [CompleteEntry])] = [(.data, entries), (.deletes, deletes)]
        let divided = try lists.map { (content, removed) in
            DividedManifest(
                kept: nil, removed: removed,
                kind: try metadata.manifestKind(ofSpec: metadata.defaultSpecID, content))
        }

        var few = RemovedEntries()
        for _ in 1...2 { #expect(try few.take(divided).isEmpty) }
        let found = try few.finish()
        #expect(found.map(\.finished.row.content) == [.data, .deletes])
        #expect(found.map(\.finished.row.deletedFilesCount) == [6, 6])
        #expect(found.map(\.finished.row.minSequenceNumber) == [5, 5])
        #expect(few.count == 12)
        #expect(try few.finish().isEmpty)

        var many = RemovedEntries(manifestBytes: 1)
        for _ in 1...2 {
            let full = try many.take(divided)
            #expect(full.map(\.finished.row.deletedFilesCount) == [3, 3])
            #expect(full.map(\.entries[.deleted].count) == [3, 3])
        }
        #expect(try many.finish().isEmpty)
        #expect(many.count == 12)
    }

    @Test(arguments: [FormatVersion.v1, .v2, .v3])
    func `files that go are listed in one manifest, which the next snapshot leaves out`(
        version: FormatVersion
    ) async throws {
        let table = try await table(["a", "a", "b", "a"], version: version)
        let old = try await table.manifests()
        #expect(try await table.compact(["min-input-files": 2]).fileCounts == [3, 1])

        let first = try await table.manifests()
        #expect(first.map(\.deletedFilesCount) == [3, 0, 0])
        #expect(first.map(\.addedFilesCount) == [0, 1, 1])
        #expect(first[0].deletedRowsCount == 30)
        #expect(old.map(\.path).contains(first[2].path), "nothing of it goes")

        for start in stride(from: Int64(101), to: 120, by: 10) {
            try await table.addRows(start..<start + 10, region: "b")
        }
        #expect(try await table.compact(["min-input-files": 2]).fileCounts == [3, 1])
        let second = try await table.manifests()
        #expect(!second.map(\.path).contains(first[0].path))
        #expect(second.reduce(0) { $0 + ($1.deletedFilesCount ?? 0) } == 3)
        #expect(try await table.rows().count == 60)
    }
}
