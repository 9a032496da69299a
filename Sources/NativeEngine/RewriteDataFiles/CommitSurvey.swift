// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// What a snapshot has of the files that are to be replaced.
struct CommitSurvey: LiveFileCollector {
    /// The files that are looked for.
    let wanted: Set<String>
    private(set) var manifests: [ManifestFile] = []
    private(set) var deletes: DeleteFileIndex?
    private(set) var found: [String: LiveFile] = [:]
    /// Files that are listed more than once.
    private(set) var doubled: Set<String> = []

    init(wanted: Set<String>) { self.wanted = wanted }

    mutating func add(manifests: [ManifestFile]) { self.manifests = manifests }

    mutating func add(deleteFiles index: DeleteFileIndex) { deletes = index }

    mutating func add(_ file: LiveFile, _ deletes: AppliedDeletes) {
        guard wanted.contains(file.path) else { return }
        if found.updateValue(file, forKey: file.path) != nil { doubled.insert(file.path) }
    }
}

extension CommitSurvey {
    /// The places of manifests from before the upgrade to version 3 of which nobody knows how many
    /// row ids they need; written anew, they say so.
    func uncountedManifests(_ metadata: TableMetadata) -> [Int] {
        guard metadata.nextRowID != nil else { return [] }
        return manifests.indices.filter { index in
            let row = manifests[index]
            return row.content == .data && row.firstRowID == nil
                && (row.addedRowsCount == nil || row.existingRowsCount == nil)
        }
    }
}

/// Tells which groups may still be committed to a table that may have changed meanwhile.
struct GroupValidation<Storage: ObjectStorage> {
    let survey: CommitSurvey
    let storage: Storage
    /// Whether new files count as old as the snapshot they were made from.
    let usesStartingSequenceNumber: Bool
    let deleteLimit: Int
    /// Delete files that earlier commits of the run removed.
    let removedBefore: Set<DeleteIdentity>

    /// Why a group must not be committed; nil if it may.
    func conflict(_ group: RewrittenGroup) async throws(MaintenanceError) -> String? {
        for file in group.group.files {
            guard let now = survey.found[file.path] else {
                return "\(file.path) was removed meanwhile"
            }
            guard !survey.doubled.contains(file.path) else {
                return "\(file.path) is listed twice"
            }
            guard now.dataSequenceNumber == file.dataSequenceNumber,
                now.partition == file.partition, now.recordCount == file.recordCount,
                now.firstRowID == file.firstRowID || file.firstRowID == nil
            else { return "\(file.path) was added anew meanwhile" }
            if let reason = try await deleteConflict(group, now) { return reason }
        }
        return nil
    }

    /// Deletes that came or went since (P-40, P-41).
    private func deleteConflict(
        _ group: RewrittenGroup, _ file: LiveFile
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
                // They find the new file as they found the old one, unless it counts as newer or
                // is in another partition.
                guard usesStartingSequenceNumber, group.keepsPartition else {
                    return "equality deletes came for \(file.path)"
                }
            case .positionDeletes:
                if try await concerns(delete, file) {
                    return "deletes came for \(file.path)"
                }
            }
        }
        return missing.isEmpty ? nil : "deletes of \(file.path) were removed or written anew"
    }

    /// Whether a delete file that came since deletes from a file.
    private func concerns(
        _ delete: LiveFile, _ file: LiveFile
    ) async throws(MaintenanceError) -> Bool {
        guard delete.referencedDataFile == nil, !delete.isDeletionVector,
            delete.format == .parquet, !delete.isEncrypted
        else { return true }
        let reader = PositionDeleteReader(storage: storage, limit: deleteLimit)
        do throws(GroupFailure) {
            return try await !reader.read(delete, wanted: [], known: [file.path]).named.isEmpty
        } catch {
            switch error {
            // What cannot be understood may be about the file.
            case .unsupported: return true
            case .stopped(let error): throw error
            }
        }
    }
}
