// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// A commit of rewritten groups, worked out on one version of a table.
struct PreparedFileRewrite<Group: WrittenFileGroup>: Sendable {
    let groups: [Group]
    let removedDeletes: Set<DeleteIdentity>
    let snapshot: Snapshot
    let change: SnapshotChange
    /// The new files that are the table's once it is committed, manifests and all.
    let written: Set<String>
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
struct FileRewritePreparation<Tables: Catalog, Storage: ObjectStorage, Rules: RewriteRules> {
    typealias Group = Rules.Group

    let engine: NativeEngine<Tables, Storage>
    let context: RunContext
    private var rules: Rules
    /// The table that the groups were made from.
    let base: TableMetadata
    /// The branch that they were made from, and that gets them.
    let branch: String

    /// The files that were written so far.
    var outputs: OutputFiles<Storage>
    /// The groups that are to be committed.
    private(set) var groups: [Group]
    /// The groups that are not committed, and why.
    private(set) var conflicts: [(group: FileGroup, reason: String)] = []

    private var lastTry: [String] = []
    private var snapshotID: Int64?
    private let stem = UUID().uuidString.lowercased()
    private var attempt = 0

    init(
        engine: NativeEngine<Tables, Storage>, context: RunContext, rules: Rules,
        base: TableMetadata, branch: String, outputs: OutputFiles<Storage>, groups: [Group]
    ) {
        self.engine = engine
        self.context = context
        self.rules = rules
        self.base = base
        self.branch = branch
        self.outputs = outputs
        self.groups = groups
    }

    /// Works out a commit to a table as it was loaded; nil if no group can be committed any more,
    /// nor anything else is due.
    ///
    /// When it is called again, no earlier commit got in: its manifests go, and the new data files
    /// stay good for every group whose old ones are as they were.
    mutating func prepare(
        _ table: LoadedTable
    ) async throws(MaintenanceError) -> PreparedFileRewrite<Group>? {
        try MaintenanceError.checkCancellation()
        try outputs.check(table)
        try RewriteManifestsSource<Tables, Storage>.checkPlain(table)
        try await outputs.remove(lastTry)
        lastTry = []
        guard let parent = table.metadata.head(ofBranch: branch) else {
            let reason =
                branch == SnapshotReference.mainName
                ? "the table has no snapshot any more"
                : "the table has no branch \(branch) any more"
            try await drop(groups.map { ($0, reason) })
            groups = []
            return nil
        }
        if let reason = changeOfHistory(table.metadata, parent) {
            try await drop(groups.map { ($0, reason) })
            groups = []
            return nil
        }
        let survey = try await survey(parent, of: table.metadata)
        try await validate(survey, table)
        guard !groups.isEmpty || rules.removesDanglingDeletes else { return nil }
        return try await complete(table, parent, survey)
    }

    /// Why nothing that was made from the starting snapshot may be committed; nil if it may.
    ///
    /// In another line of history deletes and files may be there that are older than the starting
    /// snapshot, and that it never saw (P-41, P-43).
    private func changeOfHistory(_ metadata: TableMetadata, _ parent: Snapshot) -> String? {
        guard metadata.formatVersion == base.formatVersion else {
            return "the table's format version changed meanwhile"
        }
        guard let starting = base.head(ofBranch: branch) else {
            return "the table had no snapshot that was read"
        }
        // A snapshot may have expired and still be the parent of one that has not.
        let follows = metadata.ancestors(of: parent.id).contains {
            $0.id == starting.id || $0.parentID == starting.id
        }
        return follows
            ? nil
            : "the branch \(branch) was set meanwhile to the snapshot \(parent.id), which does "
                + "not follow the snapshot \(starting.id) that was read"
    }

    private func survey(
        _ parent: Snapshot, of metadata: TableMetadata
    ) async throws(MaintenanceError) -> CommitSurvey {
        let wanted = groups.reduce(into: Set<String>()) { $0.formUnion($1.concerned) }
        let deletes = Set(
            groups.flatMap { $0.group.files.filter { $0.content != .data } }
                .map { DeleteIdentity($0) })
        let named = rules.named(by: groups)
        do throws(ScanError) {
            return try await engine.scan(metadata)
                .collect(
                    parent,
                    into: CommitSurvey(
                        wanted: wanted, named: named, deletes: deletes,
                        danglingBy: rules.removesDanglingDeletes ? metadata.partitionSpecs : nil))
        } catch {
            throw MaintenanceError(error)
        }
    }

    private mutating func validate(
        _ survey: CommitSurvey, _ table: LoadedTable
    ) async throws(MaintenanceError) {
        var good: [Group] = []
        var dropped: [(Group, String)] = []
        try await rules.look(at: survey, for: groups, of: table)
        for group in groups {
            try MaintenanceError.checkCancellation()
            if let reason = try await rules.conflict(group, in: survey, of: table) {
                dropped.append((group, reason))
            } else {
                good.append(group)
            }
        }
        groups = good
        try await drop(dropped)
    }

    /// Gives up groups, and removes their new files: no commit has them.
    private mutating func drop(
        _ dropped: [(Group, String)]
    ) async throws(MaintenanceError) {
        guard !dropped.isEmpty else { return }
        for (group, reason) in dropped { conflicts.append((group.group, reason)) }
        try await outputs.remove(dropped.flatMap(\.0.addedPaths))
    }
}

// MARK: The snapshot

extension FileRewritePreparation {
    private mutating func complete(
        _ table: LoadedTable, _ parent: Snapshot, _ survey: CommitSurvey
    ) async throws(MaintenanceError) -> PreparedFileRewrite<Group>? {
        let deletes = rules.removedDeletes(by: groups, in: survey, of: table.metadata)
        guard !groups.isEmpty || !deletes.isEmpty else { return nil }
        attempt += 1
        let id = newSnapshotID(in: table.metadata)
        let replaced = rules.replacedDataFiles(by: groups)
        let changes = ManifestChanges(
            manifests: engine.manifests, metadata: table.metadata, snapshotID: id,
            replaced: replaced, removedDeletes: Set(deletes.map { DeleteIdentity($0) }))
        var change = SnapshotChange()
        var created: [StoredManifest] = []
        // What earlier snapshots removed is of no use to this one; Iceberg leaves it out as well.
        var touched = Set(survey.manifests.lazy.filter { !$0.mayHaveLiveFiles }.map(\.path))
        var removed = RemovedEntries()
        let places = Set(
            survey.found.values.filter { replaced.contains($0.path) }.map(\.manifestPlace)
                + deletes.map(\.manifestPlace) + survey.uncountedManifests(table.metadata))
        for some in batches(of: places.sorted().map { survey.manifests[$0] }) {
            let divided = try await changes.dividing(some, width: engine.settings.readWidth)
            touched.formUnion(some.map(\.path))
            for entry in divided.lazy.flatMap(\.removed) { change.remove(entry) }
            created += try await store(
                divided.compactMap(\.kept) + removed.take(divided), table.metadata)
        }
        created += try await store(removed.finish(), table.metadata)
        guard removed.count == replaced.count + deletes.count else {
            throw .unreadable(
                reason: "nothing was changed: the manifests list \(removed.count) of "
                    + "\(replaced.count + deletes.count) files that are to be replaced")
        }
        let specs = groups.reduce(into: [Int: [CompleteEntry]]()) { specs, group in
            specs.merge(group.addedBySpec) { $0 + $1 }
        }
        for (specID, entries) in specs.sorted(by: { $0.key < $1.key }) where !entries.isEmpty {
            var added = entries
            for index in added.indices {
                added[index].entry.sequenceNumber = rules.sequenceNumber(
                    of: added[index], in: table.metadata)
            }
            let manifest = try changes.adding(added, specID: specID, rules.content)
            for entry in added { change.add(entry) }
            let inherits = added.contains { $0.entry.sequenceNumber == nil }
            created += try await store(
                [manifest].compactMap(\.self), table.metadata, inheritsNumbers: inherits)
        }
        change.changedPartitions = Int64(
            groups.reduce(into: Set(deletes.map(\.partition))) {
                $0.formUnion($1.group.files.map(\.partition))
                $0.formUnion($1.newPartitions)
            }.count)
        let commit = PendingCommit(
            id: id, touched: touched, created: created, change: change,
            removedDeletes: changes.removedDeletes)
        return try await complete(table, parent, survey, commit)
    }

    /// Manifests that are changed at once: as many as are read at once, and no more than memory has
    /// room for.
    private func batches(of manifests: [ManifestFile]) -> [ArraySlice<ManifestFile>] {
        // As they are stored; what is known of their entries takes some times as much.
        let most = Int64(engine.settings.manifestBytes)
        var batches: [ArraySlice<ManifestFile>] = []
        var start = 0
        var bytes: Int64 = 0
        for (index, manifest) in manifests.enumerated() {
            // A list may say any length.
            let length = min(manifest.length, most)
            if index > start,
                index - start == engine.settings.readWidth || bytes + length > most
            {
                batches.append(manifests[start..<index])
                (start, bytes) = (index, 0)
            }
            bytes += length
        }
        if start < manifests.count { batches.append(manifests[start...]) }
        return batches
    }

    /// Stores manifests, several at once, and reads them back.
    private mutating func store(
        _ changed: [ChangedManifest], _ metadata: TableMetadata, inheritsNumbers: Bool = false
    ) async throws(MaintenanceError) -> [StoredManifest] {
        try MaintenanceError.checkCancellation()
        guard !changed.isEmpty else { return [] }
        let folder = MetadataFileName.folder(of: metadata)
        var pieces: [(location: Location, bytes: [UInt8])] = []
        for manifest in changed {
            let location = folder.appending("\(stem)-m\(attempt)-\(lastTry.count).avro")
            lastTry.append(location.rawValue)
            pieces.append((location, manifest.finished.bytes))
        }
        let lengths = try await outputs.write(
            pieces, kind: .manifest, width: engine.settings.readWidth)
        var stored: [StoredManifest] = []
        for (index, manifest) in changed.enumerated() {
            var row = manifest.finished.row
            row.path = pieces[index].location.rawValue
            row.length = lengths[index]
            if inheritsNumbers {
                row.minSequenceNumber =
                    metadata.formatVersion == .v1 ? 0 : metadata.lastSequenceNumber &+ 1
            }
            stored.append(
                StoredManifest(
                    row: row, unassignedRowCount: manifest.finished.unassignedRowCount))
        }
        let storage = engine.storage
        try await BoundedTasks.forEach(
            zip(stored, changed.map(\.entries)), width: engine.settings.readWidth,
            cancelled: MaintenanceError.cancelled, finished: { (_: Void) in },
            { (item) async throws(MaintenanceError) in
                let (manifest, entries) = item
                let kind = try metadata.manifestKind(
                    ofSpec: Int(manifest.row.partitionSpecID), manifest.row.content)
                do throws(VerificationFailure) {
                    try await ChangedManifestVerification(storage: storage, kind: kind)
                        .check(manifest, has: entries)
                } catch {
                    throw MaintenanceError(error)
                }
            })
        return stored
    }

    private mutating func complete(
        _ table: LoadedTable, _ parent: Snapshot, _ survey: CommitSurvey, _ commit: PendingCommit
    ) async throws(MaintenanceError) -> PreparedFileRewrite<Group> {
        let (id, touched, created) = (commit.id, commit.touched, commit.created)
        let draft: ReplaceSnapshot
        let bytes: [UInt8]
        do throws(ReplaceSnapshotError) {
            draft = try ReplaceSnapshot(
                of: table.metadata, branch: branch, parent: parent, id: id,
                current: survey.manifests, replacing: touched, by: created,
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
            written: Set(lastTry + groups.flatMap(\.addedPaths)),
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
        addedBytes &+= file.bytesAlone
        switch file.content {
        case .data:
            addedDataFiles += 1
            addedRecords &+= file.recordCount
        case .positionDeletes:
            if file.fileFormat == .puffin {
                addedDeletionVectors += 1
            } else {
                addedPositionDeleteFiles += 1
            }
            addedPositionDeletes &+= file.recordCount
        case .equalityDeletes: break
        }
    }

    /// Counts a file that goes.
    mutating func remove(_ entry: CompleteEntry) {
        let file = entry.entry.dataFile
        switch file.content {
        case .data:
            removedDataFiles += 1
            removedRecords &+= file.recordCount
            removedBytes &+= file.bytesAlone
        case .positionDeletes:
            if file.fileFormat == .puffin {
                removedDeletionVectors += 1
            } else {
                removedPositionDeleteFiles += 1
            }
            removedPositionDeletes &+= file.recordCount
            removedBytes &+= file.bytesAlone
        case .equalityDeletes:
            removedEqualityDeleteFiles += 1
            removedEqualityDeletes &+= file.recordCount
            removedBytes &+= file.bytesAlone
        }
    }
}

extension DataFile {
    /// The bytes that Iceberg counts for it: a vector's own, not those of the file it is in.
    fileprivate var bytesAlone: Int64 {
        fileFormat == .puffin ? contentSizeInBytes ?? 0 : fileSizeInBytes
    }
}
