// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import Foundation
import IcebergSpec
import IcebergTable
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing

/// What the readers refuse, what they forgive, and what they ask of storage.
@Suite struct ManifestReaderTests {
    private let storage = FaultyStorage(LocalStorage())
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    private var lists: ManifestListReader<FaultyStorage<LocalStorage>> { .init(storage: storage) }
    private var manifests: ManifestReader<FaultyStorage<LocalStorage>> { .init(storage: storage) }

    /// A golden as its manifest list would name it.
    private func listed(_ name: String, content: ManifestContent = .data) throws -> ManifestFile {
        let length = Int64(try ManifestGoldens.bytes(name).count)
        var manifest = ManifestFile(
            path: ManifestGoldens.path(name), length: length, partitionSpecID: 0)
        manifest.content = content
        manifest.sequenceNumber = 5
        manifest.addedSnapshotID = 55
        return manifest
    }

    /// A file of our own in the scratch folder, as a manifest list would name it.
    private func listed(_ bytes: [UInt8], length: Int? = nil) async throws -> ManifestFile {
        let location = folder.appending("m0.avro")
        try await storage.write(bytes, to: location, condition: .none)
        return ManifestFile(
            path: location.rawValue, length: Int64(length ?? bytes.count), partitionSpecID: 0)
    }

    private func live(_ manifest: ManifestFile) async throws -> [String] {
        var paths: [String] = []
        try await manifests.forEachLiveFile(in: manifest) { _, bytes in
            paths.append(String(decoding: bytes, as: UTF8.self))
        }
        return paths
    }

    /// Expects an error from the full read and from the fast one.
    private func expect(
        _ error: ManifestError, from manifest: ManifestFile,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async {
        await #expect(throws: error, sourceLocation: sourceLocation) {
            try await manifests.entries(in: manifest)
        }
        await #expect(throws: error, sourceLocation: sourceLocation) {
            try await live(manifest)
        }
    }

    // MARK: What is read

    @Test func `entries come with what they inherit`() async throws {
        var manifest = try listed("v3-manifest.avro")
        manifest.firstRowID = 1000

        let entries = try await manifests.entries(in: manifest)

        #expect(entries.map(\.status) == [.added, .existing, .deleted, .added, .existing])
        #expect(entries.map(\.snapshotID) == [55, 33, 33, 44, 33])
        #expect(entries.map(\.sequenceNumber) == [5, 3, 3, 2, 3])
        #expect(entries.map(\.fileSequenceNumber) == [5, 3, 3, 5, 3])
        #expect(entries.map(\.dataFile.firstRowID) == [1000, 1101, nil, 1203, 7000])
    }

    @Test func `files that are deleted are not live`() async throws {
        let paths = try await live(listed("v2-manifest.avro"))

        #expect(
            paths == [1, 2, 4].map { "s3://bucket/table/data/0000\($0).parquet" })
    }

    @Test func `deletion vectors in one Puffin file are told apart by what they refer to`()
        async throws
    {
        let files = try await manifests.entries(in: listed("v3-deletes.avro", content: .deletes))
            .map(\.dataFile)

        #expect(files.map(\.content.rawValue) == [1, 1, 2, 1])
        #expect(files[0].filePath == files[1].filePath)
        #expect(files[0].referencedDataFile != files[1].referencedDataFile)
        #expect(files.map(\.contentOffset) == [4, 48, nil, nil])
        #expect(files[2].equalityIDs == [1, 2])
    }

    @Test func `a manifest without a manifest list describes itself`() async throws {
        let name = "v1-manifest.avro"
        let found = try await manifests.describe(Location(ManifestGoldens.path(name)))

        var expected = try listed(name)
        expected.sequenceNumber = 0
        expected.addedSnapshotID = nil
        expected.addedFilesCount = 2
        expected.existingFilesCount = 1
        expected.deletedFilesCount = 1
        expected.addedRowsCount = 205
        expected.existingRowsCount = 102
        expected.deletedRowsCount = 103
        #expect(found == expected)
        #expect(try await manifests.entries(in: found).map(\.snapshotID) == [44, 33, 33, 44])
        let deletes = Location(ManifestGoldens.path("v3-deletes.avro"))
        #expect(try await manifests.describe(deletes).content == .deletes)
    }

    // MARK: What is refused

    @Test(.enabled(if: Fixtures.isAvailable, "\(Fixtures.reason)"))
    func `an encrypted manifest list is refused and not taken for an empty one`() async throws {
        let path = try Fixtures.url("manifest-lists/manifest-list-v3-encrypted.avro").path
        let location = Location(path)

        await #expect(throws: ManifestError.encrypted(location)) {
            try await lists.manifests(in: location)
        }
        await expect(
            .encrypted(location), from: ManifestFile(path: path, length: 1, partitionSpecID: 0))
    }

    @Test func `a manifest with key metadata is refused without a look at it`() async throws {
        var manifest = try listed("v2-manifest.avro")
        manifest.keyMetadata = [1]

        await expect(.encrypted(Location(manifest.path)), from: manifest)
        #expect(storage.count(of: .read) == 0)
        manifest.keyMetadata = []
        #expect(try await live(manifest).count == 3)
    }

    @Test func `a missing file is no empty one`() async throws {
        let location = folder.appending("none.avro")
        let manifest = ManifestFile(path: location.rawValue, length: 1, partitionSpecID: 0)

        await expect(.storage(.notFound(location)), from: manifest)
        await #expect(throws: ManifestError.storage(.notFound(location))) {
            try await lists.manifests(in: location)
        }
        await #expect(throws: ManifestError.storage(.notFound(location))) {
            try await manifests.describe(location)
        }
    }

    @Test func `an empty file is no empty manifest`() async throws {
        let manifest = try await listed([], length: 0)

        await expect(
            .malformed(Location(manifest.path), .notAvro(firstBytes: [])), from: manifest)
    }

    @Test func `an unknown format version is refused, P-65`() async throws {
        let manifest = try listed("v4-manifest.avro")

        await expect(.unknownFormatVersion(Location(manifest.path), "4"), from: manifest)
    }

    @Test func `field ids on some fields alone are refused`() async throws {
        let manifest = try listed("mixed-ids-manifest.avro")

        let reason = "manifest_entry.snapshot_id has no field id but others do"
        await expect(
            .malformed(Location(manifest.path), .schemaMismatch(reason: reason)), from: manifest)
    }

    @Test func `a list of manifests is no manifest`() async throws {
        let manifest = try listed("v2-list.avro")

        let reason = "status (field id 0) is missing"
        await expect(
            .malformed(Location(manifest.path), .schemaMismatch(reason: reason)), from: manifest)
        await #expect(throws: ManifestError.self) {
            try await lists.manifests(in: Location(ManifestGoldens.path("v2-manifest.avro")))
        }
    }

    @Test func `a manifest of other content than its list says is refused`() async throws {
        let data = try listed("v2-manifest.avro", content: .deletes)
        await expect(
            .inconsistent(
                Location(data.path), .content(listed: "deletes", found: "data")), from: data)
        // The bare one does not say in its header what it holds; its entries do.
        let bare = try listed("bare-manifest.avro", content: .deletes)
        await #expect(throws: ManifestError.self) { try await live(bare) }
    }

    @Test func `row ids that run out are refused`() async throws {
        var manifest = try listed("v3-manifest.avro")
        manifest.firstRowID = .max - 5

        await #expect(throws: ManifestError.self) { try await manifests.entries(in: manifest) }
    }

    @Test(arguments: [
        [UInt8]([0x4F, 0x62, 0x6A, 0x02]), Array("AGS0 and more".utf8), Array("{}".utf8),
    ])
    func `what is not Avro is refused`(bytes: [UInt8]) async throws {
        let manifest = try await listed(bytes)

        let error = AvroError.notAvro(firstBytes: Array(bytes.prefix(4)))
        await expect(.malformed(Location(manifest.path), error), from: manifest)
    }

    // MARK: Cut-off files and stale lengths

    /// A manifest that is cut off after its header, where no block is broken.
    private func cutOff() throws -> [UInt8] {
        let whole = try ManifestGoldens.bytes("v2-manifest.avro")
        let sync = (0..<16).map { UInt8($0) }
        let end = try #require(
            whole.indices.first { whole[$0...].starts(with: sync) })
        return Array(whole[..<(end + 16)])
    }

    @Test func `a file cut off between blocks is noticed by its length`() async throws {
        let bytes = try cutOff()
        let whole = try ManifestGoldens.bytes("v2-manifest.avro").count
        let manifest = try await listed(bytes, length: whole)

        let truncated = ManifestInconsistency.truncated(
            listedBytes: Int64(whole), foundBytes: Int64(bytes.count))
        await expect(.inconsistent(Location(manifest.path), truncated), from: manifest)
        var counted = manifest
        counted.addedFilesCount = 2
        counted.existingFilesCount = 1
        counted.deletedFilesCount = 1
        await expect(.inconsistent(Location(manifest.path), truncated), from: counted)
    }

    @Test(arguments: [-1000, -1, 1, 1000, 5 << 20])
    func `a stale length does no harm if the entries are all there`(difference: Int) async throws {
        let bytes = try ManifestGoldens.bytes("v2-manifest.avro")
        var manifest = try await listed(bytes, length: bytes.count + difference)
        manifest.addedFilesCount = 2
        manifest.existingFilesCount = 1
        manifest.deletedFilesCount = 1

        #expect(try await live(manifest).count == 3)
        #expect(try await manifests.entries(in: manifest).count == 4)
    }

    // MARK: What is asked of storage

    @Test func `a small manifest is one request`() async throws {
        _ = try await live(listed("v2-manifest.avro"))

        #expect(storage.count(of: .read) == 1)
    }

    @Test func `a large manifest is read in pieces`() async throws {
        let original = try ManifestGoldens.bytes("v1-list.avro")
        let sync = (0..<16).map { UInt8($0) }
        let head = try #require(original.indices.first { original[$0...].starts(with: sync) }) + 16
        var bytes = original
        for _ in 0..<30_000 { bytes += original[head...] }
        let location = folder.appending("list.avro")
        try await storage.write(bytes, to: location, condition: .none)
        var count = 0
        try await lists.forEachManifest(in: location) { _ in count += 1 }

        #expect(count == 60_002)
        #expect(storage.count(of: .read) == bytes.count / (1 << 20) + 1)
    }

    @Test func `a read that fails fails the whole`() async throws {
        let location = Location(ManifestGoldens.path("v2-list.avro"))
        storage.inject(StorageFault(.read, .after))

        let reason = "injected after the effect"
        await #expect(throws: ManifestError.storage(.unavailable(location, reason: reason))) {
            try await lists.manifests(in: location)
        }
    }
}
