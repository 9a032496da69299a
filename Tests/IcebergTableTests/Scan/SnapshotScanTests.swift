// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// Keeps everything.
struct KeepAll: LiveFileCollector {
    var manifests: [ManifestFile] = []
    var deletes: [LiveFile] = []
    var files: [(file: LiveFile, deletes: AppliedDeletes)] = []

    mutating func add(manifests: [ManifestFile]) { self.manifests = manifests }
    mutating func add(deleteFiles index: DeleteFileIndex) { deletes = index.files }
    mutating func add(_ file: LiveFile, _ deletes: AppliedDeletes) {
        files.append((file, deletes))
    }
}

/// The scan held against a matching of every file with every delete, in another language.
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct SnapshotScanTests {
    private func table(
        _ arguments: [String]
    ) async throws -> (folder: ScratchFolder, metadata: TableMetadata, oracle: JSONObject) {
        let folder = try ScratchFolder()
        let result = try await Oracles.run(
            "scan_table.py", ["\(folder.path)/table"] + arguments)
        let oracle = try #require(result.objectValue)
        let path = try #require(oracle["metadata"]?.stringValue)
        let bytes = try await LocalStorage().read(Location(path), limit: 1 << 20)
        return (folder, try TableMetadata(parsing: bytes), oracle)
    }

    private func text(_ value: PartitionKeyValue?) -> JSONValue {
        switch value {
        case nil: .null
        case .boolean(let truth): .bool(truth)
        case .integer(let number): .integer(number)
        case .floatingPoint(let bits): .double(Double(bitPattern: bits))
        case .bytes(let bytes): .string(String(decoding: bytes, as: UTF8.self))
        }
    }

    private func row(_ file: LiveFile, _ deletes: AppliedDeletes) -> JSONValue {
        [
            "path": .string(file.path), "records": .integer(file.recordCount),
            "bytes": .integer(file.sizeInBytes), "spec": .integer(file.partition.specID),
            "partition": .array(file.partition.tuple.values.map(text)),
            "sequence_number": .integer(file.dataSequenceNumber),
            "vectors": .integer(deletes.hasDeletionVector ? 1 : 0),
            "positions": .integer(deletes.positionDeleteFiles),
            "equalities": .integer(deletes.equalityDeleteFiles),
            "known_deleted": .integer(deletes.knownDeletedRecords),
        ]
    }

    @Test(arguments: 1...12)
    func `every live file comes with the deletes that apply to it`(seed: Int) async throws {
        let version = seed % 3 == 0 ? 2 : 3
        let (folder, metadata, oracle) = try await table([
            "--seed", "\(seed)", "--format-version", "\(version)",
        ])
        let snapshot = try #require(metadata.currentSnapshot)
        let scan = SnapshotScan(storage: LocalStorage(), metadata: metadata)

        let found = try await scan.collect(snapshot, into: KeepAll())

        let inOrder = found.files.sorted { $0.file.ordinal < $1.file.ordinal }
        #expect(JSONValue.array(inOrder.map { row($0.file, $0.deletes) }) == oracle["files"])
        #expect(found.deletes.count == oracle["deletes"]?.intValue)
        #expect(!found.manifests.isEmpty)
        withExtendedLifetime(folder) {}
    }

    @Test(arguments: 1...4)
    func `the delete files that apply are as many as were counted`(seed: Int) async throws {
        let (folder, metadata, _) = try await table(["--seed", "\(seed)"])
        let snapshot = try #require(metadata.currentSnapshot)
        let scan = SnapshotScan(storage: LocalStorage(), metadata: metadata)
        let found = try await scan.collect(snapshot, into: KeepAll())
        let index = try DeleteFileIndex(found.deletes, specs: metadata.partitionSpecs)

        for (file, deletes) in found.files {
            let files = try index.deleteFiles(for: file)
            #expect(files.count == deletes.count)
            #expect(
                files.count { $0.content == .equalityDeletes } == deletes.equalityDeleteFiles)
        }
        withExtendedLifetime(folder) {}
    }

    @Test func `more delete files than may be held are refused`() async throws {
        let (folder, metadata, oracle) = try await table(["--seed", "5"])
        let snapshot = try #require(metadata.currentSnapshot)
        let count = try #require(oracle["deletes"]?.intValue)
        let storage = LocalStorage()
        let enough = SnapshotScan(
            storage: storage, metadata: metadata, limits: ScanLimits(deleteFiles: count))
        let short = SnapshotScan(
            storage: storage, metadata: metadata, limits: ScanLimits(deleteFiles: count - 1))

        #expect(try await enough.collect(snapshot, into: KeepAll()).deletes.count == count)
        await #expect(throws: ScanError.self) {
            try await short.collect(snapshot, into: KeepAll())
        }
        withExtendedLifetime(folder) {}
    }

    @Test func `a manifest that is not there ends the scan`() async throws {
        let (folder, metadata, _) = try await table(["--seed", "6"])
        let snapshot = try #require(metadata.currentSnapshot)
        let storage = LocalStorage()
        let scan = SnapshotScan(storage: storage, metadata: metadata)
        let manifest = try #require(try await scan.manifests(of: snapshot).last)
        _ = await storage.remove([Location(manifest.path)])

        await #expect(throws: ScanError.self) {
            try await scan.collect(snapshot, into: KeepAll())
        }
        withExtendedLifetime(folder) {}
    }

    @Test func `a cancelled scan says so`() async throws {
        let (folder, metadata, _) = try await table(["--seed", "7"])
        let snapshot = try #require(metadata.currentSnapshot)
        let scan = SnapshotScan(storage: LocalStorage(), metadata: metadata)

        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await scan.collect(snapshot, into: KeepAll())
        }

        await #expect(throws: ScanError.cancelled) { try await task.value }
        withExtendedLifetime(folder) {}
    }
}
