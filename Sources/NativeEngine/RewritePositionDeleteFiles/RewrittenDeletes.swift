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
    let added: [CompleteEntry]
    /// The data files on which it depends whether the group may be committed.
    let concerned: Set<String>
    /// Those of them that were live.
    let live: [LiveFile]
    /// As ``GroupPositions/dropped``.
    let dropped: [String: Int64]
    /// As ``GroupPositions/vectors``.
    let vectors: [String: DeleteIdentity]
    private let keptCount: Int64
    private let readCount: Int64

    var specID: Int { group.partition.specID }

    /// Positions are not kept: they were compared, and many groups may wait for one commit (P-49).
    init(group: FileGroup, deletes: GroupPositions, added: [CompleteEntry]) {
        self.group = group
        self.added = added
        let concerned = Set(deletes.positions.keys).union(deletes.dropped.keys)
            .union(deletes.vectors.keys)
        self.concerned = concerned
        live = deletes.live.filter { concerned.contains($0.path) }
        dropped = deletes.dropped
        vectors = deletes.vectors
        keptCount = deletes.keptCount
        readCount = deletes.readCount
    }

    func count(into tally: inout RewriteTally) {
        tally.keptDeletes &+= keptCount
        tally.droppedDeletes &+= readCount &- keptCount
    }
}

/// How rewritten position deletes are committed.
struct PositionDeleteRules<Storage: ObjectStorage>: DeleteFileRules {
    let storage: Storage
    /// The version of the table that the groups were made for.
    let formatVersion: FormatVersion
    let limits: RewriteLimits
    /// Delete files of partitions that name data files of the groups, and are none of theirs, by
    /// the data file's path.
    private var others: [String: String] = [:]

    init(storage: Storage, formatVersion: FormatVersion, limits: RewriteLimits) {
        self.storage = storage
        self.formatVersion = formatVersion
        self.limits = limits
    }

    func removedDeletes(
        by groups: [RewrittenDeletes], in survey: CommitSurvey, of metadata: TableMetadata
    ) -> [LiveFile] {
        groups.flatMap(\.group.files).compactMap { survey.foundDeletes[DeleteIdentity($0)] }
    }

    /// Looks which delete files that are not rewritten name data files that get a vector.
    mutating func look(
        at survey: CommitSurvey, for groups: [RewrittenDeletes], of table: LoadedTable
    ) async throws(MaintenanceError) {
        guard formatVersion >= .v3 else { return }
        let own = Set(groups.flatMap(\.group.files).map { DeleteIdentity($0) })
        let deletes = (survey.deletes?.files ?? []).filter {
            $0.isPartitionDelete && !own.contains(DeleteIdentity($0))
        }
        others = try await DeleteNaming(
            storage: storage, metadata: table.metadata, manifests: survey.manifests,
            width: limits.width, limit: limits.deleteBytes
        ).find(
            groups.flatMap(\.live).compactMap { survey.found[$0.path] }, in: deletes,
            scope: .ownPartition)
    }

    func conflict(
        _ group: RewrittenDeletes, in survey: CommitSurvey, of table: LoadedTable
    ) async throws(MaintenanceError) -> String? {
        guard table.metadata.formatVersion == formatVersion else {
            return "the table's format version was raised meanwhile"
        }
        if let reason = survey.change(of: group.group.files) { return reason }
        if let reason = Self.revived(group, survey) { return reason }
        for file in group.live {
            try MaintenanceError.checkCancellation()
            if let reason = try conflict(file, group, survey) { return reason }
        }
        return nil
    }

    /// Dropped deletes that apply to a data file after all.
    ///
    /// One of another partition counts as well: whether deletes apply across partitions is nothing
    /// to be decided here (P-46).
    private static func revived(_ group: RewrittenDeletes, _ survey: CommitSurvey) -> String? {
        for (path, age) in group.dropped {
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
    ) throws(MaintenanceError) -> String? {
        guard let now = survey.found[file.path] else {
            // A delete file may name what is gone; a vector must not (P-43).
            return formatVersion < .v3 ? nil : "\(file.path) was removed meanwhile"
        }
        if let reason = survey.change(of: file, to: now) { return reason }
        return formatVersion < .v3 ? nil : try vectorConflict(now, group, survey)
    }

    /// Deletes that came since: a new vector would hide them, or be a second one (P-43).
    private func vectorConflict(
        _ file: LiveFile, _ group: RewrittenDeletes, _ survey: CommitSurvey
    ) throws(MaintenanceError) -> String? {
        let applying: [LiveFile]
        do throws(ScanError) { applying = try survey.deletes?.deleteFiles(for: file) ?? [] } catch {
            return error.description
        }
        if let vector = group.vectors[file.path] {
            return applying.contains { DeleteIdentity($0) == vector }
                ? nil : "the deletion vector of \(file.path) was replaced meanwhile"
        }
        let own = Set(group.group.files.map { DeleteIdentity($0) })
        // What names one data file applies to that; the others were looked into.
        let isAlone = applying.allSatisfy { delete in
            delete.content != .positionDeletes || delete.isPartitionDelete
                || own.contains(DeleteIdentity(delete))
        }
        return isAlone && others[file.path] == nil ? nil : "deletes came for \(file.path)"
    }
}
