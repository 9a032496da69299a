// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// A manifest that was changed or made, and what it must say.
struct ChangedManifest: Sendable {
    let finished: FinishedManifest
    let entries: EntriesByStatus
    /// The files that it says are removed.
    let removed: [CompleteEntry]
}

/// Makes the manifests of a snapshot that removes and adds files.
struct ManifestChanges<Storage: ObjectStorage>: Sendable {
    let storage: Storage
    let metadata: TableMetadata
    /// The new snapshot's id.
    let snapshotID: Int64
    /// Data files that go.
    let replaced: Set<String>
    /// Delete files and vectors that go.
    let removedDeletes: Set<DeleteIdentity>

    /// What the manifests of a spec have in common.
    func kind(
        ofSpec specID: Int, _ content: ManifestContent
    ) throws(MaintenanceError) -> ManifestKind {
        guard let spec = metadata.partitionSpec(specID) else {
            throw .unreadable(reason: "the table has no partition spec \(specID)")
        }
        do throws(UnknownPartitionType) {
            return try ManifestKind(of: metadata, spec: spec, content: content)
        } catch {
            throw .refused(
                code: "unsupported_partition", reason: "nothing was changed: \(error)")
        }
    }

    private func isRemoved(_ entry: CompleteEntry) -> Bool {
        let file = entry.entry.dataFile
        guard file.content != .data else { return replaced.contains(file.filePath) }
        return removedDeletes.contains(DeleteIdentity(file))
    }

    /// A manifest without the files that go: they are listed as deleted, all others as existing.
    func rewriting(_ manifest: ManifestFile) async throws(MaintenanceError) -> ChangedManifest {
        let kind = try kind(ofSpec: Int(manifest.partitionSpecID), manifest.content)
        let reader = CompleteManifestReader(storage: storage, partition: kind.partition)
        var entries = EntriesByStatus()
        var removed: [CompleteEntry] = []
        do throws(ManifestError) {
            var writer = try Self.manifestError(manifest) { () throws(AvroError) in
                try ManifestWriter(kind)
            }
            try await reader.forEachEntry(in: manifest) { (entry) throws(AvroError) in
                guard entry.entry.isLive else { return }
                var entry = entry.carried(to: kind)
                if isRemoved(entry) {
                    entry.entry.status = .deleted
                    entry.entry.snapshotID = snapshotID
                    removed.append(entry)
                }
                entries.insert(entry, specID: manifest.partitionSpecID)
                try writer.append(entry)
            }
            let finished = try Self.manifestError(manifest) { () throws(AvroError) in
                try writer.finish()
            }
            return ChangedManifest(finished: finished, entries: entries, removed: removed)
        } catch {
            throw MaintenanceError(error)
        }
    }

    /// The same of several, which are read at once, in their order.
    func rewriting(
        _ manifests: ArraySlice<ManifestFile>, width: Int
    ) async throws(MaintenanceError) -> [ChangedManifest] {
        var changed = [ChangedManifest?](repeating: nil, count: manifests.count)
        try await BoundedTasks.forEach(
            manifests.enumerated(), width: width, cancelled: MaintenanceError.cancelled,
            finished: { (made: (Int, ChangedManifest)) in changed[made.0] = made.1 },
            { (item) async throws(MaintenanceError) in
                (item.offset, try await rewriting(item.element))
            })
        return changed.compactMap(\.self)
    }

    private static func manifestError<Value>(
        _ manifest: ManifestFile, _ body: () throws(AvroError) -> Value
    ) throws(ManifestError) -> Value {
        do throws(AvroError) { return try body() } catch {
            throw .malformed(Location(manifest.path), error)
        }
    }

    /// A manifest of files that come, each with the sequence number that it is to have; nil for
    /// that of the snapshot.
    func adding(
        _ added: [CompleteEntry], specID: Int, _ content: ManifestContent
    ) throws(MaintenanceError) -> ChangedManifest {
        let kind = try kind(ofSpec: specID, content)
        var entries = EntriesByStatus()
        do throws(AvroError) {
            var writer = try ManifestWriter(kind)
            for var entry in added {
                entry.entry.snapshotID = snapshotID
                entries.insert(entry, specID: Int32(truncatingIfNeeded: specID))
                try writer.append(entry)
            }
            return ChangedManifest(
                finished: try writer.finish(), entries: entries, removed: [])
        } catch {
            throw .unreadable(
                reason: "nothing was changed: a manifest cannot be written: \(error)")
        }
    }
}

/// What tells one delete file or deletion vector from another.
struct DeleteIdentity: Hashable, Sendable {
    let path: String
    let offset: Int64?

    init(_ file: LiveFile) {
        path = file.path
        offset = file.contentOffset
    }

    init(_ file: DataFile) {
        path = file.filePath
        offset = file.contentOffset
    }
}
