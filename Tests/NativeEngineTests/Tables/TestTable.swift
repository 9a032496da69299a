// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import ObjectStorage
import StorageTestSupport
import WireFormat

/// A table on the local disk that a test writes itself, file by file, and remembers all of.
///
/// What it remembers is the oracle: which files every snapshot reaches is known from how they were
/// put together, not from reading them back.
final class TestTable {
    /// An entry of a manifest.
    struct Entry {
        var path: String
        var status: ManifestEntryStatus = .added
        var content: DataFileContent = .data
    }

    /// A manifest that was written.
    struct Manifest: Hashable {
        let path: String
        let length: Int64
        let count: Int32
        let content: ManifestContent
        let specID: Int32
        let live: Set<String>
    }

    struct SnapshotRow {
        let id: Int64
        let parent: Int64?
        let time: Int64
        let list: String
        let manifests: [Manifest]
        let schemaID: Int
    }

    static let uuid = "9c12d441-03fe-4693-9a96-a0705ddf69c1"
    /// The time that ages are counted from: far enough ahead for every snapshot to be old.
    static let now = Timestamp(milliseconds: 2_000_000_000_000)

    let folder: ScratchFolder
    let location: String
    var snapshots: [SnapshotRow] = []
    var refs: [(name: String, id: Int64, kind: String)] = []
    var properties: [String: String] = [
        "commit.retry.min-wait-ms": "1", "commit.retry.max-wait-ms": "2",
        "commit.status-check.min-wait-ms": "1", "commit.status-check.max-wait-ms": "2",
        "history.expire.min-snapshots-to-keep": "1", "history.expire.max-snapshot-age-ms": "1",
    ]
    var statistics: [(snapshot: Int64, path: String)] = []
    var partitionStatistics: [(snapshot: Int64, path: String)] = []
    /// What snapshots say of their data files, by id.
    var totals: [Int64: String] = [:]
    var schemaIDs = [0]
    var specIDs = [0]
    private(set) var version = 0
    private var counter = 0
    private let storage = LocalStorage()

    init() throws {
        folder = try ScratchFolder()
        location = folder.appending("ns/t").rawValue
    }

    /// A data, delete or statistics file with some bytes.
    func file(_ name: String? = nil, in part: String = "data") async throws -> String {
        counter += 1
        let path = "\(location)/\(part)/\(name ?? "f\(counter)")"
        try await storage.write([1], to: Location(path), condition: .none)
        return path
    }

    func manifest(
        _ entries: [Entry], content: ManifestContent = .data, specID: Int32 = 0
    ) async throws -> Manifest {
        var rows = AvroWriting()
        for entry in entries {
            rows.long(Int64(entry.status.rawValue))
            rows.optional(1)
            rows.optional(1)
            rows.optional(1)
            rows.long(Int64(entry.content.rawValue))
            rows.string(entry.path)
            rows.string("PARQUET")
            rows.long(1)
            rows.long(1)
        }
        let bytes = AvroWriting.file(
            schema: Self.manifestSchema,
            metadata: [
                "format-version": "2", "content": "\(content)", "partition-spec-id": "\(specID)",
            ], rowCount: entries.count, rows: rows)
        counter += 1
        let path = "\(location)/metadata/m\(counter).avro"
        try await storage.write(bytes, to: Location(path), condition: .absent)
        return Manifest(
            path: path, length: Int64(bytes.count), count: Int32(entries.count), content: content,
            specID: specID, live: Set(entries.filter(\.status.isLive).map(\.path)))
    }

    /// Adds a snapshot that no reference has yet.
    @discardableResult
    func snapshot(
        parent: Int64?, manifests: [Manifest], schemaID: Int = 0
    ) async throws -> Int64 {
        let id = Int64(snapshots.count + 1)
        var rows = AvroWriting()
        for manifest in manifests {
            rows.string(manifest.path)
            rows.long(manifest.length)
            rows.long(Int64(manifest.specID))
            rows.long(Int64(manifest.content.rawValue))
            for _ in 0..<2 { rows.long(1) }
            rows.long(id)
            rows.long(Int64(manifest.count))
            for _ in 0..<2 { rows.long(0) }
            for _ in 0..<3 { rows.long(1) }
        }
        let bytes = AvroWriting.file(
            schema: Self.listSchema, metadata: ["format-version": "2"],
            rowCount: manifests.count, rows: rows)
        let list = "\(location)/metadata/snap-\(id).avro"
        try await storage.write(bytes, to: Location(list), condition: .absent)
        snapshots.append(
            SnapshotRow(
                id: id, parent: parent, time: 1_000_000_000_000 + id, list: list,
                manifests: manifests, schemaID: schemaID))
        return id
    }

    /// Adds a snapshot and moves a branch to it.
    @discardableResult
    func commit(
        to branch: String = "main", _ manifests: [Manifest], schemaID: Int = 0
    ) async throws -> Int64 {
        let parent = refs.first { $0.name == branch }?.id
        let id = try await snapshot(parent: parent, manifests: manifests, schemaID: schemaID)
        point(branch, at: id)
        return id
    }

    /// Makes or moves a reference.
    func point(_ name: String, at id: Int64, kind: String = "branch") {
        refs.removeAll { $0.name == name }
        refs.append((name, id, kind))
    }

    /// The manifests of a branch's snapshot.
    func manifests(of branch: String = "main") -> [Manifest] {
        let id = refs.first { $0.name == branch }?.id
        return snapshots.first { $0.id == id }?.manifests ?? []
    }

    /// Writes the metadata as the table's next version.
    func write() async throws {
        version += 1
        let text = document.text()
        let metadata = Location("\(location)/metadata/v\(version).metadata.json")
        try await storage.write(Array(text.utf8), to: metadata, condition: .absent)
        try await storage.write(
            Array("\(version)".utf8), to: Location("\(location)/metadata/version-hint.text"),
            condition: .none)
    }

    /// Every file that these snapshots reach, statistics included.
    func reach(_ ids: some Sequence<Int64>) -> Set<String> {
        var files: Set<String> = []
        for snapshot in snapshots where Set(ids).contains(snapshot.id) {
            files.insert(snapshot.list)
            for manifest in snapshot.manifests {
                files.insert(manifest.path)
                files.formUnion(manifest.live)
            }
            for file in statistics + partitionStatistics where file.snapshot == snapshot.id {
                files.insert(file.path)
            }
        }
        return files
    }

    /// Every file on disk but for the table's own metadata.
    func filesOnDisk() async throws -> Set<String> {
        var files: Set<String> = []
        for try await info in storage.list(Location(location)) {
            let path = info.location.rawValue
            if !path.hasSuffix(".metadata.json"), !path.hasSuffix("version-hint.text") {
                files.insert(path)
            }
        }
        return files
    }
}
