// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// What a snapshot has of the files that are to be replaced.
struct CommitSurvey: LiveFileCollector {
    /// The data files that are looked for.
    let wanted: Set<String>
    /// The data files that deletes name of which it is asked whether they are there.
    let named: Set<String>
    /// The delete files that are looked for.
    let wantedDeletes: Set<DeleteIdentity>
    private(set) var manifests: [ManifestFile] = []
    private(set) var deletes: DeleteFileIndex?
    private(set) var found: [String: LiveFile] = [:]
    private(set) var foundDeletes: [DeleteIdentity: LiveFile] = [:]
    /// Files that are listed more than once.
    private(set) var doubled: Set<String> = []
    /// Those of the named files that are there.
    private(set) var namedAndLive: Set<String> = []
    /// The least sequence number of other files to which equality deletes apply, by partition.
    private(set) var oldest: [PartitionKey: Int64] = [:]
    /// Which deletes apply to nothing but the wanted files; nil unless that is asked.
    private(set) var dangling: DanglingDeletes?
    /// The table's specs, if it is asked which deletes are dangling.
    private let specs: [PartitionSpec]?

    /// - Parameter specs: The table's, if it is asked which deletes are dangling.
    init(
        wanted: Set<String>, named: Set<String>, deletes: Set<DeleteIdentity>,
        danglingBy specs: [PartitionSpec]? = nil
    ) {
        self.wanted = wanted
        self.named = named
        wantedDeletes = deletes
        self.specs = specs
    }

    mutating func add(manifests: [ManifestFile]) { self.manifests = manifests }

    mutating func add(deleteFiles index: DeleteFileIndex) {
        deletes = index
        dangling = specs.map { DanglingDeletes(index, specs: $0) }
        guard !wantedDeletes.isEmpty else { return }
        for file in index.files {
            let identity = DeleteIdentity(file)
            if wantedDeletes.contains(identity) { foundDeletes[identity] = file }
        }
    }

    mutating func add(_ file: LiveFile, _ deletes: AppliedDeletes) {
        if named.contains(file.path) { namedAndLive.insert(file.path) }
        guard wanted.contains(file.path) else {
            if deletes.equalityDeleteFiles > 0 { Self.note(file, in: &oldest) }
            dangling?.keep(file)
            return
        }
        if found.updateValue(file, forKey: file.path) != nil { doubled.insert(file.path) }
    }
}

extension CommitSurvey {
    /// Which of some delete files is not what it was; nil if each is.
    func change(of deletes: [LiveFile]) -> String? {
        for file in deletes {
            guard let now = foundDeletes[DeleteIdentity(file)], now.isSameFile(as: file) else {
                return "\(file.path) was removed or written anew meanwhile"
            }
        }
        return nil
    }

    /// How a data file that is still live is not the one that it was; nil if it is.
    func change(of file: LiveFile, to now: LiveFile) -> String? {
        if doubled.contains(file.path) { return "\(file.path) is listed twice" }
        return now.isSameFile(as: file) ? nil : "\(file.path) was added anew meanwhile"
    }

    private static func note(_ file: LiveFile, in oldest: inout [PartitionKey: Int64]) {
        oldest[file.partition] = min(
            oldest[file.partition] ?? .max, file.dataSequenceNumber)
    }

    /// Equality delete files that delete from no file any more once some are replaced (P-42).
    ///
    /// - Parameters:
    ///   - candidates: Those that were applied.
    ///   - age: The sequence number of the new files; nil if they are newer than any delete.
    func finishedEqualityDeletes(
        _ candidates: Set<DeleteIdentity>, replaced: Set<String>, newFilesAge age: Int64?,
        _ metadata: TableMetadata
    ) -> [LiveFile] {
        var oldest = oldest
        for file in found.values where !replaced.contains(file.path) {
            Self.note(file, in: &oldest)
        }
        let oldestOfAll = oldest.values.min() ?? .max
        return (deletes?.files ?? []).filter { delete in
            guard delete.content == .equalityDeletes,
                candidates.contains(DeleteIdentity(delete)),
                age.map({ $0 >= delete.dataSequenceNumber }) ?? true
            else { return false }
            return switch EqualityScope(of: delete, metadata) {
            case .everywhere: oldestOfAll >= delete.dataSequenceNumber
            case .partition(let partition):
                (oldest[partition] ?? .max) >= delete.dataSequenceNumber
            }
        }
    }

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

extension LiveFile {
    /// Whether it is what another was under its name: in the same place, as old and as long.
    func isSameFile(as other: LiveFile) -> Bool {
        dataSequenceNumber == other.dataSequenceNumber && partition == other.partition
            && recordCount == other.recordCount
    }
}
