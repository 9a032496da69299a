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
    let deleteLimit: Int
    /// Delete files that earlier commits of the run removed.
    private var removedBefore: Set<DeleteIdentity> = []

    init(
        storage: Storage, usesStartingSequenceNumber: Bool, starting: Snapshot, schema: Schema?,
        deleteLimit: Int
    ) {
        self.storage = storage
        self.usesStartingSequenceNumber = usesStartingSequenceNumber
        self.starting = starting
        self.schema = schema
        self.deleteLimit = deleteLimit
    }

    var content: ManifestContent { .data }

    func replacedDataFiles(by groups: [RewrittenGroup]) -> Set<String> {
        groups.reduce(into: []) { $0.formUnion($1.concerned) }
    }

    func named(by groups: [RewrittenGroup]) -> Set<String> {
        groups.flatMap(\.deleteFiles).reduce(into: []) { $0.formUnion($1.targets) }
    }

    /// Delete files that have nothing left to delete from once the files are replaced (P-43, P-53).
    ///
    /// Whatever live file one names it stays for, in whatever partition that is: some engines go by
    /// paths alone.
    func removedDeletes(
        by groups: [RewrittenGroup], in survey: CommitSurvey, of metadata: TableMetadata
    ) -> [LiveFile] {
        let replaced = replacedDataFiles(by: groups)
        let staying = survey.namedAndLive.subtracting(replaced)
        let removable = Set(
            groups.flatMap(\.deleteFiles).filter { $0.targets.isDisjoint(with: staying) }.map {
                DeleteIdentity($0.file)
            })
        let applied = groups.reduce(into: Set<DeleteIdentity>()) {
            $0.formUnion($1.equalityDeletes)
        }
        return (survey.deletes?.files ?? []).filter { removable.contains(DeleteIdentity($0)) }
            + survey.finishedEqualityDeletes(
                applied, replaced: replaced, newFilesAge: age(in: metadata), metadata)
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
            if let reason = try await deleteConflict(group, now, survey) { return reason }
        }
        return nil
    }

    /// Deletes that came or went since (P-40, P-41).
    private func deleteConflict(
        _ group: RewrittenGroup, _ file: LiveFile, _ survey: CommitSurvey
    ) async throws(MaintenanceError) -> String? {
        let applying: [LiveFile]
        do throws(ScanError) { applying = try survey.deletes?.deleteFiles(for: file) ?? [] } catch {
            throw MaintenanceError(error)
        }
        let applied = group.applied[file.path] ?? []
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
                let reader = PositionDeleteReader(storage: storage, limit: deleteLimit)
                if try await reader.mayDelete(delete, from: file.path) {
                    return "deletes came for \(file.path)"
                }
            }
        }
        return missing.isEmpty ? nil : "deletes of \(file.path) were removed or written anew"
    }
}
