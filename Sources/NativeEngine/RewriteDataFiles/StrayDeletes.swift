// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// Finds data files that position deletes of another partition name (P-43).
///
/// By the specification such deletes do not apply, and engines that go by paths alone apply them
/// all the same. A new file has another path: for those engines the deleted rows would be back.
struct StrayDeletes<Storage: ObjectStorage> {
    let storage: Storage
    let metadata: TableMetadata
    /// The snapshot's manifests, and their delete files.
    let manifests: [ManifestFile]
    let index: DeleteFileIndex?
    let width: Int
    /// The most deletes that are held.
    let limit: Int

    /// The least and the greatest path that a delete file names.
    private typealias Bounds = (lower: [UInt8], upper: [UInt8])
    private typealias Suspect = (delete: LiveFile, files: [LiveFile])

    /// The delete files that name data files of some groups, by the data file's path.
    ///
    /// Only those are read whose bounds in the manifest leave it open.
    func find(in groups: [FileGroup]) async throws(MaintenanceError) -> [String: String] {
        let suspects = try await suspects(of: groups.flatMap(\.files))
        let reader = PositionDeleteReader(storage: storage, limit: limit)
        var found: [String: String] = [:]
        try await BoundedTasks.forEach(
            suspects, width: width, cancelled: MaintenanceError.cancelled,
            finished: { (some: [String: String]) in
                found.merge(some) { first, _ in first }
            },
            { (suspect) async throws(MaintenanceError) -> [String: String] in
                var files = suspect.files
                do throws(GroupFailure) {
                    let named = try await reader.read(suspect.delete, wanted: []).named
                    files = files.filter { named.contains($0.path) }
                } catch {
                    switch error {
                    // What cannot be understood may be about each of them.
                    case .unsupported: break
                    case .stopped(let error): throw error
                    }
                }
                return Dictionary(
                    files.map { ($0.path, suspect.delete.path) },
                    uniquingKeysWith: { first, _ in first })
            })
        return found
    }

    /// Delete files that may name some of the files although they are of another partition.
    private func suspects(
        of files: [LiveFile]
    ) async throws(MaintenanceError) -> [Suspect] {
        let partitions = Set(files.map(\.partition))
        // Those that name one file are not of another partition: the index would not have them.
        let deletes = (index?.files ?? []).filter { delete in
            delete.content == .positionDeletes && delete.format.holdsReadableDeletes
                && !delete.isEncrypted
                && delete.referencedDataFile == nil
                && partitions.contains { $0 != delete.partition }
        }
        guard !deletes.isEmpty else { return [] }
        let bounds = try await bounds(of: deletes)
        let sorted = files.map { (path: Array($0.path.utf8), file: $0) }
            .sorted { $0.path.lexicographicallyPrecedes($1.path) }
        return deletes.compactMap { delete in
            let bounds = bounds[delete.path]
            let start = bounds.map { bounds in
                sorted.partitioningIndex { !$0.path.lexicographicallyPrecedes(bounds.lower) }
            }
            let near = sorted[(start ?? 0)...].prefix { item in
                bounds.map { !$0.upper.lexicographicallyPrecedes(item.path) } ?? true
            }
            let files = near.map(\.file).filter {
                $0.partition != delete.partition
                    && $0.dataSequenceNumber <= delete.dataSequenceNumber
            }
            return files.isEmpty ? nil : (delete, files)
        }
    }

    /// What the manifests say of the paths in delete files.
    private func bounds(
        of deletes: [LiveFile]
    ) async throws(MaintenanceError) -> [String: Bounds] {
        let places = Set(deletes.map(\.manifestPlace))
        let changes = ManifestChanges(
            storage: storage, metadata: metadata, snapshotID: 0, replaced: [], removedDeletes: [])
        var found: [String: Bounds] = [:]
        try await BoundedTasks.forEach(
            places.map { manifests[$0] }, width: width, cancelled: MaintenanceError.cancelled,
            finished: { (some: [(String, Bounds)]) in
                found.merge(some) { first, _ in first }
            },
            { [storage] (manifest) async throws(MaintenanceError) -> [(String, Bounds)] in
                let kind = try changes.kind(
                    ofSpec: Int(manifest.partitionSpecID), manifest.content)
                let reader = CompleteManifestReader(storage: storage, partition: kind.partition)
                var some: [(String, Bounds)] = []
                do throws(ManifestError) {
                    try await reader.forEachEntry(in: manifest) { (entry) throws(AvroError) in
                        guard entry.entry.isLive,
                            let lower = Self.path(entry.metrics.lowerBounds),
                            let upper = Self.path(entry.metrics.upperBounds)
                        else { return }
                        some.append((entry.entry.dataFile.filePath, (lower, upper)))
                    }
                } catch {
                    throw MaintenanceError(error)
                }
                return some
            })
        return found
    }

    private static func path(_ bounds: [ColumnFact<[UInt8]>]?) -> [UInt8]? {
        bounds?.first { $0.id == PositionDeleteColumns.path }?.value
    }
}

extension Array {
    /// The first index of which a condition holds that holds for all after it too.
    fileprivate func partitioningIndex(_ holds: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
