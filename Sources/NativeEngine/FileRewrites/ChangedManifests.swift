// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// A manifest that was made, and what it must say.
struct ChangedManifest: Sendable {
    let finished: FinishedManifest
    let entries: EntriesByStatus
}

/// What becomes of a manifest of which files go.
struct DividedManifest: Sendable {
    /// The files that stay; nil if none does.
    let kept: ChangedManifest?
    /// The files that go.
    let removed: [CompleteEntry]
    let kind: ManifestKind
}

/// Makes the manifests of a snapshot that removes and adds files.
struct ManifestChanges<Manifests: RangeReading>: Sendable {
    /// Where the table's manifests are read.
    let manifests: Manifests
    let metadata: TableMetadata
    /// The new snapshot's id.
    let snapshotID: Int64
    /// Data files that go.
    let replaced: Set<String>
    /// Delete files and vectors that go.
    let removedDeletes: Set<DeleteIdentity>

    private func isRemoved(_ entry: CompleteEntry) -> Bool {
        let file = entry.entry.dataFile
        guard file.content != .data else { return replaced.contains(file.filePath) }
        return removedDeletes.contains(DeleteIdentity(file))
    }

    /// A manifest without the files that go; all others are listed as existing.
    func dividing(_ manifest: ManifestFile) async throws(MaintenanceError) -> DividedManifest {
        let kind = try metadata.manifestKind(
            ofSpec: Int(manifest.partitionSpecID), manifest.content)
        let reader = CompleteManifestReader(storage: manifests, partition: kind.partition)
        var kept = ManifestDraft(kind)
        var removed: [CompleteEntry] = []
        do throws(ManifestError) {
            try await reader.forEachEntry(in: manifest) { (entry) throws(AvroError) in
                guard entry.entry.isLive else { return }
                var entry = entry.carried(to: kind)
                guard isRemoved(entry) else { return try kept.append(entry) }
                entry.entry.status = .deleted
                entry.entry.snapshotID = snapshotID
                removed.append(entry)
            }
        } catch {
            throw MaintenanceError(error)
        }
        do throws(AvroError) {
            return DividedManifest(kept: try kept.finish(), removed: removed, kind: kind)
        } catch {
            throw MaintenanceError(ManifestError.malformed(Location(manifest.path), error))
        }
    }

    /// The same of several, which are read at once, in their order.
    func dividing(
        _ manifests: ArraySlice<ManifestFile>, width: Int
    ) async throws(MaintenanceError) -> [DividedManifest] {
        var divided = [DividedManifest?](repeating: nil, count: manifests.count)
        try await BoundedTasks.forEach(
            manifests.enumerated(), width: width, cancelled: MaintenanceError.cancelled,
            finished: { (made: (Int, DividedManifest)) in divided[made.0] = made.1 },
            { (item) async throws(MaintenanceError) in
                (item.offset, try await dividing(item.element))
            })
        return divided.compactMap(\.self)
    }

    /// A manifest of files that come, each with the sequence number that it is to have; nil for
    /// that of the snapshot.
    func adding(
        _ added: [CompleteEntry], specID: Int, _ content: ManifestContent
    ) throws(MaintenanceError) -> ChangedManifest? {
        var draft = ManifestDraft(try metadata.manifestKind(ofSpec: specID, content))
        do throws(AvroError) {
            for var entry in added {
                entry.entry.snapshotID = snapshotID
                try draft.append(entry)
            }
            return try draft.finish()
        } catch {
            throw MaintenanceError(unwritable: error)
        }
    }
}

/// A manifest that is being made; nothing if nothing is put into it.
struct ManifestDraft {
    private let kind: ManifestKind
    private var writer: ManifestWriter?
    private var entries = EntriesByStatus()

    init(_ kind: ManifestKind) { self.kind = kind }

    /// About how many bytes it has so far.
    var byteCount: Int { writer?.byteCount ?? 0 }

    mutating func append(_ entry: CompleteEntry) throws(AvroError) {
        if writer == nil { writer = try ManifestWriter(kind) }
        try writer?.append(entry)
        entries.insert(entry, specID: Int32(truncatingIfNeeded: kind.spec.id))
    }

    /// The manifest, or nil if there is nothing in it.
    ///
    /// What comes next begins another.
    mutating func finish() throws(AvroError) -> ChangedManifest? {
        guard let writer = writer.take() else { return nil }
        defer { entries = EntriesByStatus() }
        return ChangedManifest(finished: try writer.finish(), entries: entries)
    }
}

/// Lists the files that go, those of all manifests of a kind together.
///
/// Once another snapshot follows nobody needs these entries, so it does not matter which manifest
/// they are in; one for each manifest that they came from would be more to write and to keep.
struct RemovedEntries {
    /// As large as Iceberg lets manifests become (`commit.manifest.target-size-bytes`).
    static let defaultManifestBytes = 8 << 20

    private struct Key: Hashable {
        let specID: Int
        let content: ManifestContent
    }

    private let manifestBytes: Int
    private var drafts: [Key: ManifestDraft] = [:]
    /// How many entries were taken in.
    private(set) var count = 0

    /// - Parameter manifestBytes: How large manifests together become before they are handed out.
    init(manifestBytes: Int = defaultManifestBytes) { self.manifestBytes = manifestBytes }

    /// Takes in what goes of some manifests.
    ///
    /// - Returns: Manifests that are full.
    mutating func take(
        _ divided: [DividedManifest]
    ) throws(MaintenanceError) -> [ChangedManifest] {
        do throws(AvroError) {
            for manifest in divided {
                let kind = manifest.kind
                let key = Key(specID: kind.spec.id, content: kind.content)
                for entry in manifest.removed {
                    try drafts[key, default: ManifestDraft(kind)].append(entry)
                }
                count += manifest.removed.count
            }
        } catch {
            throw MaintenanceError(unwritable: error)
        }
        let bytes = drafts.values.reduce(0) { $0 + $1.byteCount }
        return bytes < manifestBytes ? [] : try finish()
    }

    /// The manifests of what was taken in and not handed out yet.
    mutating func finish() throws(MaintenanceError) -> [ChangedManifest] {
        var finished: [ChangedManifest] = []
        do throws(AvroError) {
            for key in drafts.keys.sorted(by: {
                ($0.specID, $0.content.rawValue) < ($1.specID, $1.content.rawValue)
            }) {
                if let manifest = try drafts[key]?.finish() { finished.append(manifest) }
            }
        } catch {
            throw MaintenanceError(unwritable: error)
        }
        return finished
    }
}

extension MaintenanceError {
    fileprivate init(unwritable error: AvroError) {
        self = .unreadable(reason: "nothing was changed: a manifest cannot be written: \(error)")
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
