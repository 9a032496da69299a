// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// How rewritten data files are committed.
struct DataFileRules<Storage: ObjectStorage>: RewriteRules {
    let storage: Storage
    /// Whether new files count as old as the snapshot they were made from.
    let usesStartingSequenceNumber: Bool
    /// The snapshot that the groups were made from.
    let starting: Snapshot
    /// The columns that new files have.
    let schema: Schema?
    /// The manifests of the starting snapshot.
    private let manifests: Set<String>
    /// The delete files of the starting snapshot, which were applied.
    private let deletes: DeleteFileIndex?
    private let limits: RewriteLimits
    /// Delete files that earlier commits of the run removed.
    private var removedBefore: Set<DeleteIdentity> = []
    /// Delete files of partitions that came since and were looked into.
    private var newcomers: Set<DeleteIdentity> = []
    /// Which of them name data files of the groups, by the data file's path.
    private var came: [String: String] = [:]
    /// What goes with the last commit though no group is about it; nil if that is not asked.
    private let dangling: DanglingRemoval?
    private var isLastCommit = false

    init(
        storage: Storage, planned: PlannedRewrite, starting: Snapshot,
        usesStartingSequenceNumber: Bool, limits: RewriteLimits
    ) {
        self.storage = storage
        self.usesStartingSequenceNumber = usesStartingSequenceNumber
        self.starting = starting
        self.limits = limits
        let metadata = planned.table.metadata
        schema = metadata.schema(metadata.currentSchemaID)
        manifests = Set(planned.manifests.map(\.path))
        deletes = planned.deletes
        dangling = planned.dangling
    }

    var content: ManifestContent { .data }

    func replacedDataFiles(by groups: [RewrittenGroup]) -> Set<String> {
        groups.reduce(into: []) { $0.formUnion($1.concerned) }
    }

    func named(by groups: [RewrittenGroup]) -> Set<String> {
        let targets = groups.flatMap(\.deleteFiles).map(\.targets)
        let others = removesDanglingDeletes ? dangling?.targets.values.map { $0 } ?? [] : []
        return (targets + others).reduce(into: []) { $0.formUnion($1) }
    }

    var removesDanglingDeletes: Bool { isLastCommit && dangling != nil }

    mutating func conclude() { isLastCommit = true }

    /// Delete files that have nothing left to delete from once the files are replaced (P-43, P-53).
    ///
    /// Whatever live file one names it stays for, in whatever partition that is: some engines go by
    /// paths alone.
    func removedDeletes(
        by groups: [RewrittenGroup], in survey: CommitSurvey, of metadata: TableMetadata
    ) -> [LiveFile] {
        let replaced = replacedDataFiles(by: groups)
        let staying = survey.namedAndLive.subtracting(replaced)
        var removable = Set(
            groups.flatMap(\.deleteFiles).filter { $0.targets.isDisjoint(with: staying) }.map {
                DeleteIdentity($0.file)
            })
        let applied = groups.reduce(into: Set<DeleteIdentity>()) {
            $0.formUnion($1.equalityDeletes)
        }
        removable.formUnion(
            survey.finishedEqualityDeletes(
                applied, replaced: replaced, newFilesAge: age(in: metadata), metadata
            ).map { DeleteIdentity($0) })
        if let dangling, let left = left(by: groups, in: survey, of: metadata) {
            removable.formUnion(dangling.removable(left, live: staying))
        }
        return (survey.deletes?.files ?? []).filter { removable.contains(DeleteIdentity($0)) }
    }

    /// Which deletes are dangling in what the commit leaves; nil if that is not asked, or not sure.
    ///
    /// Beside other files it leaves those of groups that are not committed, and the new ones.
    private func left(
        by groups: [RewrittenGroup], in survey: CommitSurvey, of metadata: TableMetadata
    ) -> DanglingDeletes? {
        guard removesDanglingDeletes, survey.doubled.isEmpty, var left = survey.dangling else {
            return nil
        }
        let replaced = replacedDataFiles(by: groups)
        for file in survey.found.values where !replaced.contains(file.path) { left.keep(file) }
        // Newer than any delete, they keep none.
        guard let age = age(in: metadata) else { return left }
        for partition in groups.flatMap(\.newPartitions) {
            left.keep(dataOf: partition, since: age)
        }
        return left
    }

    func sequenceNumber(of entry: CompleteEntry, in metadata: TableMetadata) -> Int64? {
        age(in: metadata)
    }

    /// The sequence number of new files; nil for that of the snapshot.
    private func age(in metadata: TableMetadata) -> Int64? {
        guard metadata.formatVersion > .v1, usesStartingSequenceNumber else { return nil }
        return starting.sequenceNumber
    }

    mutating func note(
        committed groups: [RewrittenGroup], removing deletes: Set<DeleteIdentity>
    ) {
        removedBefore.formUnion(deletes)
    }
}

extension DataFileRules {
    /// Why a group must not be committed; nil if it may.
    func conflict(
        _ group: RewrittenGroup, in survey: CommitSurvey, of table: LoadedTable
    ) async throws(MaintenanceError) -> String? {
        for file in group.group.files {
            guard let now = survey.found[file.path] else {
                return "\(file.path) was removed meanwhile"
            }
            guard !survey.doubled.contains(file.path) else {
                return "\(file.path) is listed twice"
            }
            guard now.dataSequenceNumber == file.dataSequenceNumber,
                now.partition == file.partition, now.recordCount == file.recordCount,
                // P-44: rows that got ids since, as those of an upgraded table do with its first
                // commit, would get others in a file that was written without.
                now.firstRowID == file.firstRowID
            else { return "\(file.path) was added anew or got row ids meanwhile" }
            if let reason = try deleteConflict(group, file, now, survey) { return reason }
        }
        return newPartitionConflict(group, survey)
    }

    /// Equality deletes that came for a partition that rows go into from another: they were not
    /// meant for those rows, and would find them there.
    private func newPartitionConflict(_ group: RewrittenGroup, _ survey: CommitSurvey) -> String? {
        guard usesStartingSequenceNumber, !group.keepsPartition else { return nil }
        let came = (survey.deletes?.files ?? []).contains {
            $0.content == .equalityDeletes && $0.dataSequenceNumber > starting.sequenceNumber
                && group.newPartitions.contains($0.partition)
        }
        return came ? "equality deletes came for a partition that its rows go into" : nil
    }

    /// Looks which position delete files came since, and which data files they name.
    ///
    /// Also those of other partitions: engines that go by paths alone apply them (P-43).
    mutating func look(
        at survey: CommitSurvey, for groups: [RewrittenGroup], of table: LoadedTable
    ) async throws(MaintenanceError) {
        var newcomers = (survey.deletes?.files ?? []).filter {
            $0.isPartitionDelete && !manifests.contains(survey.manifests[$0.manifestPlace].path)
        }
        if !newcomers.isEmpty {
            // Another manifest may list a delete file as it was.
            let known = Set((deletes?.files ?? []).map { PlacedDelete($0) })
            newcomers.removeAll { known.contains(PlacedDelete($0)) }
        }
        self.newcomers = Set(newcomers.map { DeleteIdentity($0) })
        came = try await DeleteNaming(
            storage: storage, metadata: table.metadata, manifests: survey.manifests,
            width: limits.width, limit: limits.deleteBytes
        ).find(
            groups.flatMap(\.group.files).compactMap { survey.found[$0.path] }, in: newcomers,
            scope: .everyPartition)
    }

    /// Deletes that came or went since (P-40, P-41).
    ///
    /// - Parameters:
    ///   - old: The data file as the group was made from it.
    ///   - file: The same as it is now.
    private func deleteConflict(
        _ group: RewrittenGroup, _ old: LiveFile, _ file: LiveFile, _ survey: CommitSurvey
    ) throws(MaintenanceError) -> String? {
        try MaintenanceError.checkCancellation()
        guard came[file.path] == nil else { return "deletes came for \(file.path)" }
        let before: [LiveFile]
        let applying: [LiveFile]
        do throws(ScanError) {
            before = try deletes?.deleteFiles(for: old) ?? []
            applying = try survey.deletes?.deleteFiles(for: file) ?? []
        } catch {
            return error.description
        }
        let applied = Set(before.map { DeleteIdentity($0) })
        var missing = applied.subtracting(removedBefore)
        for delete in applying {
            let identity = DeleteIdentity(delete)
            missing.remove(identity)
            guard !applied.contains(identity) else { continue }
            switch delete.content {
            case .data: return "\(delete.path) is listed among deletes"
            case .equalityDeletes:
                // They find the new file as they found the old one, unless it counts as newer, is
                // in another partition, or lacks a column that the table has dropped.
                guard usesStartingSequenceNumber, group.keepsPartition,
                    delete.dataSequenceNumber > starting.sequenceNumber,
                    delete.equalityIDs.allSatisfy({ schema?.field(Int($0)) != nil })
                else {
                    return "equality deletes came for \(file.path)"
                }
            case .positionDeletes:
                // What names one data file applies to that; the others were looked into.
                guard delete.isPartitionDelete, newcomers.contains(identity) else {
                    return "deletes came for \(file.path)"
                }
            }
        }
        return missing.isEmpty ? nil : "deletes of \(file.path) were removed or written anew"
    }
}

/// A delete file as an index has it: what it applies to is another where any of this is.
private struct PlacedDelete: Hashable {
    let identity: DeleteIdentity
    let sequenceNumber: Int64
    let partition: PartitionKey

    init(_ file: LiveFile) {
        identity = DeleteIdentity(file)
        sequenceNumber = file.dataSequenceNumber
        partition = file.partition
    }
}
