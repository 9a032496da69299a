// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// A group of position deletes whose new files are written and compared, and that no commit has
/// yet.
struct RewrittenDeletes: WrittenFileGroup {
    let group: FileGroup
    let deletes: GroupPositions
    let added: [CompleteEntry]

    var specID: Int { group.partition.specID }

    var concerned: Set<String> {
        Set(deletes.positions.keys).union(deletes.dropped.keys).union(deletes.vectors.keys)
    }

    func count(into tally: inout RewriteTally) {
        let kept = deletes.keptCount
        tally.keptDeletes &+= kept
        tally.droppedDeletes &+= deletes.readCount - kept
    }
}

/// How rewritten position deletes are committed.
struct PositionDeleteRules<Storage: ObjectStorage>: RewriteRules {
    let storage: Storage
    /// The version of the table that the groups were made for.
    let formatVersion: FormatVersion
    let deleteLimit: Int

    var content: ManifestContent { .deletes }

    func replacedDataFiles(by groups: [RewrittenDeletes]) -> Set<String> { [] }

    func named(by groups: [RewrittenDeletes]) -> Set<String> { [] }

    func removedDeletes(
        by groups: [RewrittenDeletes], in survey: CommitSurvey, of metadata: TableMetadata
    ) -> [LiveFile] {
        groups.flatMap(\.group.files).compactMap { survey.foundDeletes[DeleteIdentity($0)] }
    }

    func sequenceNumber(of entry: CompleteEntry, in metadata: TableMetadata) -> Int64? {
        entry.entry.sequenceNumber
    }

    mutating func note(
        committed groups: [RewrittenDeletes], removing deletes: Set<DeleteIdentity>
    ) {}

    func conflict(
        _ group: RewrittenDeletes, in survey: CommitSurvey, of table: LoadedTable
    ) async throws(MaintenanceError) -> String? {
        guard table.metadata.formatVersion == formatVersion else {
            return "the table's format version was raised meanwhile"
        }
        for file in group.group.files {
            guard let now = survey.foundDeletes[DeleteIdentity(file)],
                now.dataSequenceNumber == file.dataSequenceNumber,
                now.partition == file.partition, now.recordCount == file.recordCount
            else { return "\(file.path) was removed or written anew meanwhile" }
        }
        if let reason = Self.revived(group.deletes, survey) { return reason }
        for file in group.deletes.live where group.concerned.contains(file.path) {
            if let reason = try await conflict(file, group, survey) { return reason }
        }
        return nil
    }

    /// Dropped deletes that apply to a data file after all.
    ///
    /// One of another partition counts as well: whether deletes apply across partitions is nothing
    /// to be decided here (P-46).
    private static func revived(_ deletes: GroupPositions, _ survey: CommitSurvey) -> String? {
        for (path, age) in deletes.dropped {
            if let now = survey.found[path], now.dataSequenceNumber <= age {
                return "\(path), from which they delete, is in another partition or came back "
                    + "meanwhile"
            }
        }
        return nil
    }

    /// What became of a data file whose deletes were rewritten.
    private func conflict(
        _ file: LiveFile, _ group: RewrittenDeletes, _ survey: CommitSurvey
    ) async throws(MaintenanceError) -> String? {
        guard let now = survey.found[file.path] else {
            // A delete file may name what is gone; a vector must not (P-43).
            return formatVersion < .v3 ? nil : "\(file.path) was removed meanwhile"
        }
        guard !survey.doubled.contains(file.path) else { return "\(file.path) is listed twice" }
        guard now.dataSequenceNumber == file.dataSequenceNumber, now.partition == file.partition,
            now.recordCount == file.recordCount
        else { return "\(file.path) was added anew meanwhile" }
        return formatVersion < .v3 ? nil : try await vectorConflict(now, group, survey)
    }

    /// Deletes that came since: a new vector would hide them, or be a second one (P-43).
    private func vectorConflict(
        _ file: LiveFile, _ group: RewrittenDeletes, _ survey: CommitSurvey
    ) async throws(MaintenanceError) -> String? {
        let applying: [LiveFile]
        do throws(ScanError) { applying = try survey.deletes?.deleteFiles(for: file) ?? [] } catch {
            throw MaintenanceError(error)
        }
        if let vector = group.deletes.vectors[file.path] {
            return applying.contains { DeleteIdentity($0) == vector }
                ? nil : "the deletion vector of \(file.path) was replaced meanwhile"
        }
        let own = Set(group.group.files.map { DeleteIdentity($0) })
        let reader = PositionDeleteReader(storage: storage, limit: deleteLimit)
        for delete in applying where delete.content == .positionDeletes {
            guard !own.contains(DeleteIdentity(delete)) else { continue }
            if try await reader.mayDelete(delete, from: file.path) {
                return "deletes came for \(file.path)"
            }
        }
        return nil
    }
}
