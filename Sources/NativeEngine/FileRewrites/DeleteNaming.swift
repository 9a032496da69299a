// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// Finds the data files that position delete files of partitions name.
///
/// A delete file is read once, and only if its bounds in the manifest leave open what it names.
struct DeleteNaming<Storage: ObjectStorage> {
    /// Which data files a delete file may be about.
    enum Scope {
        case ownPartition
        case otherPartitions
        case everyPartition
    }

    let storage: Storage
    let metadata: TableMetadata
    /// The manifests that list the delete files.
    let manifests: [ManifestFile]
    let width: Int
    /// The most deletes that are held.
    let limit: Int

    /// The least and the greatest path that a delete file names.
    private typealias Bounds = (lower: [UInt8], upper: [UInt8])
    /// A delete file, and the places of the data files that its bounds leave.
    private typealias Suspect = (delete: LiveFile, places: Range<Int>)

    /// A delete file that names each data file, or may do so, by the data file's path.
    ///
    /// What cannot be understood may be about each data file; where its format or encryption is
    /// the cause, about those of its own partition.
    ///
    /// - Parameter deletes: Position delete files that are bound to no single data file.
    func find(
        _ files: [LiveFile], in deletes: [LiveFile], scope: Scope
    ) async throws(MaintenanceError) -> [String: String] {
        let targets = NamedTargets(files, scope: scope)
        let deletes = deletes.filter { targets.mayHold(any: $0) }
        guard !deletes.isEmpty else { return [:] }
        let bounds = try await bounds(of: deletes)
        var suspects: [Suspect] = []
        for delete in deletes {
            try MaintenanceError.checkCancellation()
            let bounds = bounds[delete.path]
            let places = targets.places(from: bounds?.lower, through: bounds?.upper)
            if targets.hasConcern(of: delete, at: places) { suspects.append((delete, places)) }
        }
        let wanted = DeleteTargets(
            wanted: files.lazy.map { (path: $0.path, since: $0.dataSequenceNumber) })
        let reader = PositionDeleteReader(storage: storage, limit: limit)
        var found: [String: String] = [:]
        try await BoundedTasks.forEach(
            suspects, width: width, cancelled: MaintenanceError.cancelled,
            finished: { (some: [String: String]) in found.merge(some) { first, _ in first } },
            { (suspect) async throws(MaintenanceError) -> [String: String] in
                let delete = suspect.delete
                let named = try await reader.names(in: delete, of: wanted)
                return Dictionary(
                    targets.paths(concernedBy: delete, at: suspect.places)
                        .filter { named?.contains($0) ?? true }.map { ($0, delete.path) },
                    uniquingKeysWith: { first, _ in first })
            })
        return found
    }

    /// What the manifests say of the paths in delete files.
    private func bounds(
        of deletes: [LiveFile]
    ) async throws(MaintenanceError) -> [String: Bounds] {
        let places = Set(deletes.map(\.manifestPlace))
        var found: [String: Bounds] = [:]
        try await BoundedTasks.forEach(
            places.map { manifests[$0] }, width: width, cancelled: MaintenanceError.cancelled,
            finished: { (some: [(String, Bounds)]) in
                found.merge(some) { first, _ in first }
            },
            { [storage, metadata] (manifest) async throws(MaintenanceError) -> [(String, Bounds)] in
                let kind = try metadata.manifestKind(
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

extension DeleteNaming {
    /// The data files that are looked for, by the bytes of their paths; one list for all delete
    /// files.
    private struct NamedTargets: Sendable {
        private let files: [(path: [UInt8], file: LiveFile)]
        private let scope: Scope
        /// The least sequence number of each partition's files.
        private let oldest: [PartitionKey: Int64]
        /// The partitions of the two least sequence numbers.
        private let twoOldest: [(partition: PartitionKey, number: Int64)]

        init(_ files: [LiveFile], scope: Scope) {
            self.files = files.map { (path: Array($0.path.utf8), file: $0) }
                .sorted { $0.path.lexicographicallyPrecedes($1.path) }
            self.scope = scope
            let oldest = files.reduce(into: [PartitionKey: Int64]()) { oldest, file in
                oldest[file.partition] = min(
                    oldest[file.partition] ?? .max, file.dataSequenceNumber)
            }
            self.oldest = oldest
            twoOldest = oldest.map { (partition: $0.key, number: $0.value) }
                .sorted { $0.number < $1.number }.prefix(2).map { $0 }
        }

        /// Whether any data file is old enough, wherever it is within the bounds.
        func mayHold(any delete: LiveFile) -> Bool {
            let least =
                switch scope {
                case .ownPartition: oldest[delete.partition]
                case .everyPartition: twoOldest.first?.number
                case .otherPartitions:
                    twoOldest.first { $0.partition != delete.partition }?.number
                }
            return least.map { $0 <= delete.dataSequenceNumber } ?? false
        }

        func places(from lower: [UInt8]?, through upper: [UInt8]?) -> Range<Int> {
            let start = lower.map { lower in
                files.partitioningIndex { !$0.path.lexicographicallyPrecedes(lower) }
            }
            let end = upper.map { upper in
                files.partitioningIndex { upper.lexicographicallyPrecedes($0.path) }
            }
            return (start ?? 0)..<max(start ?? 0, end ?? files.count)
        }

        func hasConcern(of delete: LiveFile, at places: Range<Int>) -> Bool {
            files[places].contains { concerns(delete, $0.file) }
        }

        func paths(concernedBy delete: LiveFile, at places: Range<Int>) -> [String] {
            files[places].lazy.map(\.file).filter { concerns(delete, $0) }.map(\.path)
        }

        private func concerns(_ delete: LiveFile, _ file: LiveFile) -> Bool {
            guard file.dataSequenceNumber <= delete.dataSequenceNumber else { return false }
            return switch (scope, file.partition == delete.partition) {
            case (.ownPartition, let isSame): isSame
            case (.otherPartitions, true): false
            case (.everyPartition, true): true
            case (.otherPartitions, false), (.everyPartition, false): delete.isReadableDelete
            }
        }
    }
}

extension LiveFile {
    /// Whether the deletes in it can be read here.
    fileprivate var isReadableDelete: Bool { format.holdsReadableDeletes && !isEncrypted }
}

extension PositionDeleteReader {
    /// Which of some data files a delete file names; nil if it cannot be understood.
    fileprivate func names(
        in delete: LiveFile, of targets: DeleteTargets
    ) async throws(MaintenanceError) -> Set<String>? {
        guard delete.isReadableDelete else { return nil }
        do throws(GroupFailure) { return try await named(by: delete, of: targets) } catch {
            switch error {
            // It may name any of them, as far as can be told.
            case .unsupported, .unsupportedFiles, .gainless, .stopped(.unreadable): return nil
            case .stopped(let error): throw error
            }
        }
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
