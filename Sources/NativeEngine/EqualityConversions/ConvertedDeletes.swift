// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance

/// Equality deletes in whose place position deletes or vectors are written and compared, and that
/// no commit has yet.
struct ConvertedDeletes: WrittenFileGroup {
    let group: FileGroup
    /// Every data file to which any of the equality deletes applies.
    let targets: [LiveFile]
    let concerned: Set<String>
    private(set) var addedBySpec: [Int: [CompleteEntry]] = [:]
    /// By the path of a data file that gets a vector, what deleted from it by position before.
    private(set) var replaced: [String: Set<DeleteIdentity>] = [:]
    /// The vectors among those.
    private(set) var replacedVectors: Set<DeleteIdentity> = []
    private(set) var newPartitions: Set<PartitionKey> = []
    private var rowCount: Int64 = 0

    init(_ conversion: EqualityConversion, concerned: Set<String>) {
        group = conversion.group
        targets = conversion.targets
        self.concerned = concerned
    }

    var specID: Int { group.partition.specID }
    var added: [CompleteEntry] { addedBySpec.values.flatMap(\.self) }

    /// Takes note of new delete files of a partition.
    ///
    /// - Parameters:
    ///   - replaced: The position deletes that new vectors stand for, by the data file's path.
    ///   - rows: How many rows are deleted by position now that were not before.
    mutating func add(
        _ entries: [CompleteEntry], of partition: PartitionKey,
        replacing deletes: [String: [LiveFile]], rows: Int64
    ) {
        addedBySpec[partition.specID, default: []] += entries
        if !entries.isEmpty { newPartitions.insert(partition) }
        for (path, files) in deletes {
            replaced[path] = Set(files.map { DeleteIdentity($0) })
            for file in files where file.isDeletionVector {
                replacedVectors.insert(DeleteIdentity(file))
            }
        }
        rowCount += rows
    }

    func count(into tally: inout RewriteTally) { tally.convertedRows &+= rowCount }
}

/// How position deletes are committed that stand for equality deletes.
struct ConversionRules: DeleteFileRules {
    /// The version of the table that they were made for.
    let formatVersion: FormatVersion
    /// The equality delete files that delete from nothing any more once all groups are committed.
    private var finished: Set<DeleteIdentity> = []

    init(formatVersion: FormatVersion) { self.formatVersion = formatVersion }

    /// The equality delete files, and the vectors in whose place others come.
    ///
    /// Worked out anew for the groups that are committed: an equality delete that applies to any
    /// other data file stays (P-42).
    func removedDeletes(
        by groups: [ConvertedDeletes], in survey: CommitSurvey, of metadata: TableMetadata
    ) -> [LiveFile] {
        let vectors = groups.reduce(into: Set<DeleteIdentity>()) {
            $0.formUnion($1.replacedVectors)
        }
        return (survey.deletes?.files ?? []).filter { vectors.contains(DeleteIdentity($0)) }
            + Self.finished(by: groups, in: survey, of: metadata)
    }

    private static func finished(
        by groups: [ConvertedDeletes], in survey: CommitSurvey, of metadata: TableMetadata
    ) -> [LiveFile] {
        survey.finishedEqualityDeletes(
            Set(groups.flatMap(\.group.files).map { DeleteIdentity($0) }),
            replaced: groups.reduce(into: []) { $0.formUnion($1.concerned) }, newFilesAge: nil,
            metadata)
    }

    mutating func look(
        at survey: CommitSurvey, for groups: [ConvertedDeletes], of table: LoadedTable
    ) async throws(MaintenanceError) {
        finished = Set(
            Self.finished(by: groups, in: survey, of: table.metadata).map { DeleteIdentity($0) })
    }

    /// Why a group must not be committed; nil if it may.
    ///
    /// Equality deletes that came since are newer, stay, and find the same rows as before. Data
    /// files that came since are not named by the new deletes; the old deletes must not apply to
    /// them, as they go.
    func conflict(
        _ group: ConvertedDeletes, in survey: CommitSurvey, of table: LoadedTable
    ) async throws(MaintenanceError) -> String? {
        guard table.metadata.formatVersion == formatVersion else {
            return "the table's format version was raised meanwhile"
        }
        if let reason = survey.change(of: group.group.files) { return reason }
        for file in group.group.files where !finished.contains(DeleteIdentity(file)) {
            return "\(file.path) deletes from data files that came meanwhile"
        }
        for file in group.targets {
            try MaintenanceError.checkCancellation()
            if let reason = conflict(file, group, survey) { return reason }
        }
        return nil
    }

    private func conflict(
        _ file: LiveFile, _ group: ConvertedDeletes, _ survey: CommitSurvey
    ) -> String? {
        let replaced = group.replaced[file.path]
        guard let now = survey.found[file.path] else {
            // A delete file may name what is gone; a vector must not (P-43).
            return replaced == nil ? nil : "\(file.path) was removed meanwhile"
        }
        if let reason = survey.change(of: file, to: now) { return reason }
        guard let replaced else { return nil }
        // Deletes that came since: a new vector would hide them, or be a second one (P-43).
        do throws(ScanError) {
            let applying = try survey.deletes?.deleteFiles(for: now) ?? []
            let positions = applying.filter { $0.content == .positionDeletes }
            return Set(positions.map { DeleteIdentity($0) }) == replaced
                ? nil : "deletes of \(file.path) came or were written anew meanwhile"
        } catch {
            return error.description
        }
    }
}
