// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

@testable import NativeEngine

/// Files that are not at hand are brought to the local disk before they are rewritten.
@Suite(.timeLimit(.minutes(15))) struct FileStageTests {
    private func table() async throws -> ManifestTable {
        let table = try await ManifestTable(.v2, properties: ManifestTable.quickRetries)
        for start in stride(from: Int64(1), to: 60, by: 10) {
            try await table.addRows(start..<start + 10, region: "a")
        }
        return table
    }

    private func paths(_ table: ManifestTable) async throws -> Set<String> {
        Set(try await table.entries().values.map(\.entry.dataFile.filePath))
    }

    @Test(arguments: ["full", "sample", "off"])
    func `a file that is not at hand is asked for once`(verify: String) async throws {
        let table = try await table()
        let old = try await paths(table)
        let storage = FarStorage(base: table.storage)
        let report = try await table.compact(
            ["min-input-files": 2, "verify": .string(verify)], catalog: table.catalog,
            storage: storage)

        #expect(report.fileCounts == [6, 1])
        for path in old { #expect(storage.reads(of: path) == 1, "\(path)") }
        let new = try #require(try await paths(table).first)
        if verify == "full" { #expect(storage.reads(of: new) == 1) }
        #expect(try await table.rows().count == 60)
    }

    @Test func `without a place for copies files are read where they are`() async throws {
        let table = try await table()
        let storage = FarStorage(base: table.storage)
        let report = try await table.compact(
            catalog: table.catalog, storage: storage,
            settings: NativeEngineSettings(temporaryFolder: "/nowhere/at/all"))

        #expect(report.fileCounts == [6, 1])
        #expect(try await table.rows().count == 60)
    }

    @Test func `a file of which less arrives than it should have is read where it is`() async throws
    {
        let table = try await table()
        let storage = FarStorage(base: table.storage, cut: 3)
        let report = try await table.compact(catalog: table.catalog, storage: storage)

        #expect(report.fileCounts == [6, 1])
        #expect(try await table.rows().count == 60)
    }

    private func bring(
        _ sizes: [Int], from storage: FarStorage<LocalStorage>, _ folder: ScratchFolder,
        limits: RewriteLimits = RewriteLimits(NativeEngineSettings())
    ) async throws -> [SpooledFile?] {
        var items: [FileStage<FarStorage<LocalStorage>>.Item] = []
        for (index, size) in sizes.enumerated() {
            let location = folder.appending("\(index)")
            try await storage.write(
                [UInt8](repeating: UInt8(index), count: size), to: location, condition: .absent)
            items.append(.init(location: location, size: Int64(size)))
        }
        return try await FileStage(storage, limits: limits).bring(items)
    }

    @Test func `copies are what was stored, in whatever pieces it came`() async throws {
        let folder = try ScratchFolder()
        let storage = FarStorage(base: LocalStorage())
        let sizes = [10, 5 << 20, 0, 20 << 20, 1000]
        let copies = try await bring(sizes, from: storage, folder)

        for (index, size) in sizes.enumerated() {
            guard size > 0 else {
                #expect(copies[index] == nil)
                continue
            }
            let copy = try #require(copies[index])
            let bytes = try copy.read(0..<copy.size)
            #expect(bytes.count == size && bytes.allSatisfy { $0 == UInt8(index) })
        }
        let large = storage.reads(of: folder.appending("3").rawValue)
        #expect(large > 1 && large <= 10, "20 MiB in pieces of 2 to 8 MiB")
    }

    @Test func `what is at hand, or more than there may be, is not copied`() async throws {
        let near = try await bring(
            [10], from: FarStorage(base: LocalStorage(), isFar: false), ScratchFolder())
        #expect(near.count == 1 && near[0] == nil)
        #expect(LocalStorage().isLocal(Location("/data/file")))

        var limits = RewriteLimits(NativeEngineSettings())
        limits.stagedBytes = 2500
        let copies = try await bring(
            [1000, 2000, 1000, 1000], from: FarStorage(base: LocalStorage()), ScratchFolder(),
            limits: limits)
        #expect(copies.map { $0?.size } == [1000, nil, 1000, nil])
    }
}
