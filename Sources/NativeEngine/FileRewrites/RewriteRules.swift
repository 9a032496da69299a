// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance

/// A group whose new files are written and compared, and that no commit has yet.
protocol WrittenFileGroup: Sendable {
    /// What was to be rewritten.
    var group: FileGroup { get }
    /// The spec of the new files.
    var specID: Int { get }
    /// The new files, but for their sequence numbers where the commit decides them.
    var added: [CompleteEntry] { get }
    /// The partitions of the new files.
    var newPartitions: Set<PartitionKey> { get }
    /// The data files on which it depends whether the group may be committed.
    var concerned: Set<String> { get }
    /// The new files by the spec of each.
    var addedBySpec: [Int: [CompleteEntry]] { get }

    /// Adds what the group did to what the run did.
    func count(into tally: inout RewriteTally)
}

extension WrittenFileGroup {
    var addedBySpec: [Int: [CompleteEntry]] { [specID: added] }

    var newPartitions: Set<PartitionKey> { [group.partition] }

    var addedPaths: [String] { Array(Set(added.map(\.entry.dataFile.filePath))) }
}

/// What the commits of one action's groups have of their own.
protocol RewriteRules: Sendable {
    associatedtype Group: WrittenFileGroup

    /// What the new files hold.
    var content: ManifestContent { get }

    /// Looks at what came to a table since the groups were made, once for all of them.
    mutating func look(
        at survey: CommitSurvey, for groups: [Group], of table: LoadedTable
    ) async throws(MaintenanceError)

    /// Why a group must not be committed to a table as it is now; nil if it may.
    func conflict(
        _ group: Group, in survey: CommitSurvey, of table: LoadedTable
    ) async throws(MaintenanceError) -> String?

    /// The data files that groups replace.
    func replacedDataFiles(by groups: [Group]) -> Set<String>

    /// Data files of which it matters whether they are live, though no group is about them.
    func named(by groups: [Group]) -> Set<String>

    /// The delete files that go with groups.
    func removedDeletes(
        by groups: [Group], in survey: CommitSurvey, of metadata: TableMetadata
    ) -> [LiveFile]

    /// The sequence number of a new file; nil for that of the snapshot.
    func sequenceNumber(of entry: CompleteEntry, in metadata: TableMetadata) -> Int64?

    /// Whether delete files go with the next commit that no group is about; then it may be one
    /// without groups.
    var removesDanglingDeletes: Bool { get }

    /// Takes note that the next commit is the run's last.
    mutating func conclude()

    /// Takes note of groups that are in the table now, for the commits that follow.
    mutating func note(committed groups: [Group], removing deletes: Set<DeleteIdentity>)
}

extension RewriteRules {
    var removesDanglingDeletes: Bool { false }

    mutating func conclude() {}
}

/// What the commits of new delete files have in common: data files stay as they are.
protocol DeleteFileRules: RewriteRules {}

extension DeleteFileRules {
    var content: ManifestContent { .deletes }

    func replacedDataFiles(by groups: [Group]) -> Set<String> { [] }

    func named(by groups: [Group]) -> Set<String> { [] }

    func sequenceNumber(of entry: CompleteEntry, in metadata: TableMetadata) -> Int64? {
        entry.entry.sequenceNumber
    }

    mutating func note(committed groups: [Group], removing deletes: Set<DeleteIdentity>) {}
}

/// Whether a run commits a few groups at a time, and how often that may fail (P-54).
struct PartialProgress: Sendable {
    /// The most commits; nil for one with everything in it.
    let maxCommits: Int?
    /// How many of several commits may fail.
    let maxFailedCommits: Int

    /// How many of so many groups one commit takes.
    func groupsPerCommit(of count: Int) -> Int {
        maxCommits.map { max(1, (count + $0 - 1) / $0) } ?? .max
    }
}
