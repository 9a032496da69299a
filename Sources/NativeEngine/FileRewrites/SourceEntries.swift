// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// What a manifest says of a file that is to be rewritten, beyond what a scan tells.
struct SourceEntry: Sendable {
    let partition: [PartitionValue?]
    /// How many values of floating-point columns are not numbers.
    let nanCounts: [Int32: Int64]
    /// What is known of the columns by which rows are deleted.
    var facts: [Int32: ColumnFacts] = [:]
}

extension SourceEntry {
    /// - Parameter keys: The columns by which rows are deleted.
    init(_ entry: CompleteEntry, _ keys: Set<Int32>) {
        partition = entry.partition
        nanCounts = Dictionary(
            (entry.metrics.nanValueCounts ?? []).map { ($0.id, $0.value) },
            uniquingKeysWith: { first, _ in first })
        guard !keys.isEmpty else { return }
        let metrics = entry.metrics
        func collect<Value>(
            _ list: [ColumnFact<Value>]?, _ set: (inout ColumnFacts, Value) -> Void
        ) {
            for fact in list ?? [] where keys.contains(fact.id) {
                set(&facts[fact.id, default: ColumnFacts()], fact.value)
            }
        }
        collect(metrics.valueCounts) { $0.values = $1 }
        collect(metrics.nullValueCounts) { $0.nulls = $1 }
        collect(metrics.lowerBounds) { $0.lower = $1 }
        collect(metrics.upperBounds) { $0.upper = $1 }
    }
}

/// Reads what manifests say of files that are to be rewritten.
struct SourceEntries<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let metadata: TableMetadata

    /// What the manifests say of the files of some groups, and of equality deletes.
    ///
    /// - Throws: ``MaintenanceError/unreadable(reason:)`` for a file that is live twice.
    func entries(
        of groups: [FileGroup], and deletes: [LiveFile] = [], in manifests: [ManifestFile]
    ) async throws(MaintenanceError) -> [String: SourceEntry] {
        try await entries(of: groups.flatMap(\.files), and: deletes, in: manifests)
    }

    /// The same for files in no group.
    func entries(
        of files: [LiveFile], and deletes: [LiveFile], in manifests: [ManifestFile]
    ) async throws(MaintenanceError) -> [String: SourceEntry] {
        var wanted: [Int: Set<String>] = [:]
        let keys = Set(deletes.flatMap(\.equalityIDs))
        for file in files + deletes {
            wanted[file.manifestPlace, default: []].insert(file.path)
        }
        typealias Found = [(path: String, entry: SourceEntry)]
        var found: Found = []
        let (storage, metadata) = (engine.manifests, metadata)
        try await BoundedTasks.forEach(
            wanted.map { (manifests[$0], $1) }, width: engine.settings.readWidth,
            cancelled: MaintenanceError.cancelled,
            finished: { (some: Found) in found += some },
            { (manifest, paths) async throws(MaintenanceError) -> Found in
                let kind = try metadata.manifestKind(
                    ofSpec: Int(manifest.partitionSpecID), manifest.content)
                let reader = CompleteManifestReader(storage: storage, partition: kind.partition)
                var some: Found = []
                do throws(ManifestError) {
                    try await reader.forEachEntry(in: manifest) { (entry) throws(AvroError) in
                        let path = entry.entry.dataFile.filePath
                        guard entry.entry.isLive, paths.contains(path) else { return }
                        some.append((path, SourceEntry(entry, keys)))
                    }
                } catch {
                    throw MaintenanceError(error)
                }
                return some
            })
        let paths = Set((files + deletes).map(\.path))
        let count = files.count + deletes.count
        guard found.count == count, paths.count == count else {
            throw .unreadable(
                reason: "nothing was changed: the table lists a file more than once")
        }
        return Dictionary(
            found.map { ($0.path, $0.entry) }, uniquingKeysWith: { first, _ in first })
    }
}
