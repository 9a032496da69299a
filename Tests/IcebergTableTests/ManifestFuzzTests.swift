// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcebergSpec
import IcebergTable
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing

/// Damaged files of real writers: whatever is damaged, reading ends, with rows or with an error.
@Suite struct ManifestFuzzTests {
    private let storage = LocalStorage()
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    private func read(_ bytes: [UInt8]) async throws -> Bool {
        let location = folder.appending("damaged.avro")
        try await storage.write(bytes, to: location, condition: .none)
        let manifest = ManifestFile(
            path: location.rawValue, length: Int64(bytes.count), partitionSpecID: 0)
        var isWhole = true
        do throws(ManifestError) {
            _ = try await ManifestListReader(storage: storage).manifests(in: location)
        } catch {
            isWhole = false
            #expect(error.description.contains(location.rawValue))
        }
        do throws(ManifestError) {
            _ = try await ManifestReader(storage: storage).entries(in: manifest)
            isWhole = true
        } catch {
            #expect(error.description.contains(location.rawValue))
        }
        return isWhole
    }

    @Test(arguments: UInt64(0)..<20)
    func `goldens with damage give rows or an error`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let names = try FileManager.default.contentsOfDirectory(atPath: ManifestGoldens.folder.path)
            .filter { $0.hasSuffix(".avro") }.sorted()
        var refused = 0
        for name in names {
            let original = try ManifestGoldens.bytes(name)
            for _ in 0..<5 where try await !read(original.mutated(using: &random)) {
                refused += 1
            }
        }
        #expect(names.count == 11)
        #expect(refused > 11, "most damage must be noticed")
    }

    @Test(.enabled(if: Fixtures.isAvailable, "\(Fixtures.reason)"), arguments: UInt64(0)..<20)
    func `files of other writers with damage give rows or an error`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let paths = try Fixtures.files(below: "iceberg-tables").filter { $0.hasSuffix(".avro") }
        var refused = 0
        for path in paths where try await !read(Fixtures.bytes(path).mutated(using: &random)) {
            refused += 1
        }
        #expect(refused > 10, "most damage must be noticed")
    }
}
