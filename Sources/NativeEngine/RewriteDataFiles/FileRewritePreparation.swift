// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// A commit of rewritten groups, worked out on one version of a table.
struct PreparedFileRewrite: Sendable {
    let groups: [RewrittenGroup]
    let removedDeletes: Set<DeleteIdentity>
    let snapshot: Snapshot
    let change: SnapshotChange
    let proposal: CommitProposal
}

/// A commit whose manifests are written.
private struct PendingCommit {
    let id: Int64
    /// The manifests that it replaces.
    let touched: Set<String>
    let created: [StoredManifest]
    let change: SnapshotChange
    let removedDeletes: Set<DeleteIdentity>
}

/// Works out commits of rewritten groups, and drops those that another writer got in the way of.
struct FileRewritePreparation<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let options: RewriteDataFilesOptions
    let context: RunContext
    /// The snapshot that the groups were made from.
    let starting: Snapshot
    /// Data files that earlier commits of the run replaced.
    let replacedBefore: Set<String>
    /// Delete files that they removed.
    let removedBefore: Set<DeleteIdentity>

    /// The files that were written so far.
    var outputs: OutputFiles<Storage>
    /// The groups that are to be committed.
    private(set) var groups: [RewrittenGroup]
    /// The groups that are not committed, and why.
    private(set) var conflicts: [(group: FileGroup, reason: String)] = []

    private var lastTry: [String] = []
    private var snapshotID: Int64?
    private let stem = UUID().uuidString.lowercased()
    private var attempt = 0

    init(
        engine: NativeEngine<Tables, Storage>, options: RewriteDataFilesOptions,
        context: RunContext, starting: Snapshot, replacedBefore: Set<String>,
        removedBefore: Set<DeleteIdentity>, outputs: OutputFiles<Storage>, groups: [RewrittenGroup]
    ) {
        self.engine = engine
        self.options = options
        self.context = context
        self.starting = starting
        self.replacedBefore = replacedBefore
        self.removedBefore = removedBefore
        self.outputs = outputs
        self.groups = groups
    }

    /// Works out a commit to a table as it was loaded; nil if no group can be committed any more.
    ///
    /// When it is called again, no earlier commit got in: its manifests go, and the new data files
    /// stay good for every group whose old ones are as they were.
    mutating func prepare(
        _ table: LoadedTable
    ) async throws(MaintenanceError) -> PreparedFileRewrite? {
        try MaintenanceError.checkCancellation()
        try outputs.check(table)
        try RewriteManifestsSource<Tables, Storage>.checkPlain(table)
        try await outputs.remove(lastTry)
        lastTry = []
        guard let parent = table.metadata.currentSnapshot else {
            try await drop(groups.map { ($0, "the table has no snapshot any more") })
            return nil
        }
        let survey = try await survey(parent, of: table.metadata)
        try await validate(survey)
        guard !groups.isEmpty else { return nil }
        return try await complete(table, parent, survey)
    }

    private func survey(
        _ parent: Snapshot, of metadata: TableMetadata
    ) async throws(MaintenanceError) -> CommitSurvey {
        let wanted = Set(groups.flatMap { $0.group.files.map(\.path) })
        do throws(ScanError) {
            return try await SnapshotScan(storage: engine.storage, metadata: metadata)
                .collect(parent, into: CommitSurvey(wanted: wanted))
        } catch {
            throw MaintenanceError(error)
        }
    }

    private mutating func validate(_ survey: CommitSurvey) async throws(MaintenanceError) {
        let validation = GroupValidation(
            survey: survey, storage: engine.storage,
            usesStartingSequenceNumber: options.usesStartingSequenceNumber,
            deleteLimit: RewriteLimits(engine.settings).deletes, removedBefore: removedBefore)
        var dropped: [(RewrittenGroup, String)] = []
        for group in groups {
            if let reason = try await validation.conflict(group) { dropped.append((group, reason)) }
        }
        try await drop(dropped)
    }

    /// Gives up groups, and removes their new files: no commit has them.
    private mutating func drop(
        _ dropped: [(RewrittenGroup, String)]
    ) async throws(MaintenanceError) {
        guard !dropped.isEmpty else { return }
        for (group, reason) in dropped { conflicts.append((group.group, reason)) }
        let gone = Set(dropped.flatMap { $0.0.group.files.map(\.path) })
        groups.removeAll { group in group.group.files.contains { gone.contains($0.path) } }
        try await outputs.remove(dropped.flatMap(\.0.addedPaths))
    }
}

// MARK: The snapshot

extension FileRewritePreparation {
    private mutating func complete(
        _ table: LoadedTable, _ parent: Snapshot, _ survey: CommitSurvey
    ) async throws(MaintenanceError) -> PreparedFileRewrite {
        attempt += 1
        let id = newSnapshotID(in: table.metadata)
        let replaced = Set(groups.flatMap { $0.group.files.map(\.path) })
        let deletes = removableDeletes(replaced, survey)
        let changes = ManifestChanges(
            storage: engine.storage, metadata: table.metadata, snapshotID: id,
            replaced: replaced, removedDeletes: Set(deletes.map { DeleteIdentity($0) }))
        var change = SnapshotChange()
        var created: [StoredManifest] = []
        var touched: Set<String> = []
        var removedCount = 0
        let places = Set(
            survey.found.values.map(\.manifestPlace) + deletes.map(\.manifestPlace)
                + survey.uncountedManifests(table.metadata))
        for place in places.sorted() {
            let manifest = survey.manifests[place]
            let changed = try await changes.rewriting(manifest)
            touched.insert(manifest.path)
            removedCount += changed.removed.count
            for entry in changed.removed { change.remove(entry) }
            created.append(try await store(changed, changes, table.metadata, nil))
        }
        guard removedCount == replaced.count + deletes.count else {
            throw .unreadable(
                reason: "nothing was changed: the manifests list \(removedCount) of "
                    + "\(replaced.count + deletes.count) files that are to be replaced")
        }
        let specs = Dictionary(grouping: groups, by: \.specID).sorted { $0.key < $1.key }
        for (specID, groups) in specs {
            let added = groups.flatMap(\.added)
            guard !added.isEmpty else { continue }
            let number = sequenceNumber(of: table.metadata)
            let changed = try changes.adding(added, specID: specID, sequenceNumber: number)
            for entry in added { change.add(entry) }
            created.append(try await store(changed, changes, table.metadata, number))
        }
        change.changedPartitions = Int64(
            Set(groups.flatMap { $0.group.files.map(\.partition) + [$0.group.partition] }).count)
        let commit = PendingCommit(
            id: id, touched: touched, created: created, change: change,
            removedDeletes: changes.removedDeletes)
        return try await complete(table, parent, survey, commit)
    }

    /// Which deletes apply to the new files; nil for those of the snapshot and later ones.
    private func sequenceNumber(of metadata: TableMetadata) -> Int64? {
        guard metadata.formatVersion > .v1, options.usesStartingSequenceNumber else { return nil }
        return starting.sequenceNumber
    }

    /// Delete files that have nothing left to delete from once the files are replaced (P-43, P-53).
    private func removableDeletes(
        _ replaced: Set<String>, _ survey: CommitSurvey
    ) -> [LiveFile] {
        let gone = replaced.union(replacedBefore)
        let removable = Set(
            groups.flatMap(\.deleteFiles).filter { $0.targets.isSubset(of: gone) }.map {
                DeleteIdentity($0.file)
            })
        return (survey.deletes?.files ?? []).filter { removable.contains(DeleteIdentity($0)) }
    }

    private mutating func store(
        _ changed: ChangedManifest, _ changes: ManifestChanges<Storage>, _ metadata: TableMetadata,
        _ number: Int64?
    ) async throws(MaintenanceError) -> StoredManifest {
        let location = MetadataFileName.folder(of: metadata)
            .appending("\(stem)-m\(attempt)-\(lastTry.count).avro")
        var row = changed.finished.row
        row.path = location.rawValue
        lastTry.append(row.path)
        row.length = try await outputs.write(
            changed.finished.bytes, to: location, kind: .manifest)
        if (row.addedFilesCount ?? 0) > 0, number == nil {
            row.minSequenceNumber =
                metadata.formatVersion == .v1 ? 0 : metadata.lastSequenceNumber &+ 1
        }
        let stored = StoredManifest(
            row: row, unassignedRowCount: changed.finished.unassignedRowCount)
        let kind = try changes.kind(ofSpec: Int(row.partitionSpecID), row.content)
        do throws(VerificationFailure) {
            try await ChangedManifestVerification(storage: engine.storage, kind: kind)
                .check(stored, has: changed.entries)
        } catch {
            throw MaintenanceError(error)
        }
        return stored
    }

    private mutating func complete(
        _ table: LoadedTable, _ parent: Snapshot, _ survey: CommitSurvey, _ commit: PendingCommit
    ) async throws(MaintenanceError) -> PreparedFileRewrite {
        let (id, touched, created) = (commit.id, commit.touched, commit.created)
        let draft: ReplaceSnapshot
        let bytes: [UInt8]
        do throws(ReplaceSnapshotError) {
            draft = try ReplaceSnapshot(
                of: table.metadata, parent: parent, id: id, current: survey.manifests,
                replacing: touched, by: created,
                nowMilliseconds: Int64(Date().timeIntervalSince1970 * 1000))
            bytes = try draft.manifestList()
        } catch {
            throw .unreadable(reason: "nothing was changed: \(error)")
        }
        let location = MetadataFileName.folder(of: table.metadata)
            .appending("snap-\(id)-\(attempt)-\(stem).avro")
        lastTry.append(location.rawValue)
        _ = try await outputs.write(bytes, to: location, kind: .manifestList)
        do throws(VerificationFailure) {
            try await ManifestListVerification(storage: engine.storage).check(
                location, current: survey.manifests, replacing: touched, by: created, in: draft)
        } catch {
            throw MaintenanceError(error)
        }
        let snapshot = draft.snapshot(
            manifestList: location.rawValue, change: commit.change,
            summary: [
                ("icepack.job-id", context.attempt.jobID),
                ("icepack.attempt-id", context.attempt.attemptID),
            ])
        return PreparedFileRewrite(
            groups: groups, removedDeletes: commit.removedDeletes, snapshot: snapshot,
            change: commit.change,
            proposal: CommitProposal(
                updates: draft.updates(adding: snapshot), requirements: draft.requirements,
                isApplied: { $0.metadata.snapshot(id) != nil }))
    }

    /// The commit's snapshot id, unless another snapshot has got it meanwhile.
    private mutating func newSnapshotID(in metadata: TableMetadata) -> Int64 {
        var id = snapshotID ?? Int64.random(in: 1...Int64.max)
        while metadata.snapshot(id) != nil { id = Int64.random(in: 1...Int64.max) }
        snapshotID = id
        return id
    }
}

extension SnapshotChange {
    /// Counts a file that comes.
    mutating func add(_ entry: CompleteEntry) {
        let file = entry.entry.dataFile
        addedDataFiles += 1
        addedRecords &+= file.recordCount
        addedBytes &+= file.fileSizeInBytes
    }

    /// Counts a file that goes.
    mutating func remove(_ entry: CompleteEntry) {
        let file = entry.entry.dataFile
        switch file.content {
        case .data:
            removedDataFiles += 1
            removedRecords &+= file.recordCount
            removedBytes &+= file.fileSizeInBytes
        case .positionDeletes:
            if file.fileFormat == .puffin {
                removedDeletionVectors += 1
                // Iceberg counts a vector's own length, not that of the file it is in.
                removedBytes &+= file.contentSizeInBytes ?? 0
            } else {
                removedPositionDeleteFiles += 1
                removedBytes &+= file.fileSizeInBytes
            }
            removedPositionDeletes &+= file.recordCount
        case .equalityDeletes: break
        }
    }
}
