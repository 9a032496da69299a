// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// What is left out.
private struct Selected: LiveFileCollector {
    var paths: Set<String> = []
    var leftOut: Int64 = 0

    mutating func add(manifests: [ManifestFile]) {}
    mutating func add(deleteFiles index: DeleteFileIndex) {}
    mutating func add(_ file: LiveFile, _ deletes: AppliedDeletes) {
        paths.insert(String(file.path.trimmingPrefix("file://")))
    }
    mutating func leaveOut(files: Int64) { leftOut += files }
}

/// Tables of PyIceberg, whose rows DuckDB reads to find those that pass.
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct FilteredScanTests {
    @Test(arguments: Share.of(1...12, 4))
    func `files with a row that passes are selected, and hardly more than PyIceberg plans`(
        seed: Int
    ) async throws {
        let folder = try ScratchFolder()
        let made = try await Oracles.run("filter_files.py", [folder.path, "--seed", "\(seed)"])
        let oracle = try #require(made.objectValue)
        let location = Location(try #require(oracle["metadata"]?.stringValue))
        let metadata = try TableMetadata(
            parsing: try await LocalStorage().read(location, limit: 1 << 20))
        let snapshot = try #require(metadata.currentSnapshot)
        let all = try #require(oracle["files"]?.arrayValue)
        var (mine, theirs) = (0, 0)
        for value in try #require(oracle["conditions"]?.arrayValue) {
            let condition = try #require(value.objectValue)
            let text = try #require(condition["text"]?.stringValue)
            let filter = try RowFilter(Condition(parsing: text), metadata: metadata)

            let found = try await SnapshotScan(
                storage: LocalStorage(), metadata: metadata, filter: filter
            ).collect(snapshot, into: Selected())

            let matching = try paths(condition["matching"])
            #expect(matching.isSubset(of: found.paths), "\(text)")
            #expect(found.paths.count + Int(found.leftOut) == all.count, "\(text)")
            guard condition["planned"]?.isNull == false else { continue }
            mine += found.paths.count
            theirs += try paths(condition["planned"]).count
        }
        // Its NaNs are no matches of comparisons, and Spark's are.
        #expect(Double(mine) <= 1.1 * Double(theirs), "\(mine) of ours, \(theirs) of PyIceberg's")
        withExtendedLifetime(folder) {}
    }

    private func paths(_ value: JSONValue?) throws -> Set<String> {
        Set(try #require(value?.arrayValue).compactMap(\.stringValue))
    }
}
