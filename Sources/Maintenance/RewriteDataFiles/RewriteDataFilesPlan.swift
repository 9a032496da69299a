// SPDX-License-Identifier: Apache-2.0

import IcebergTable

/// Which data files are rewritten together, why, and what is left alone.
public struct RewriteDataFilesPlan: Hashable, Sendable {
    /// What decided.
    public let settings: RewriteDataFilesSettings
    /// The groups in the order in which they are rewritten.
    public let groups: [FileGroup]
    /// How many data files the snapshot has, or `where` selects.
    public let fileCount: Int
    /// How many bytes they have.
    public let byteCount: Int64
    /// Files of the right size without too many deletes; every file counts as a group here.
    public let wellSized: LeftAlone
    /// Candidates in groups that are too few and too small to be worth it.
    public let tooFew: LeftAlone
    /// Candidates in groups that would become as many files as they are.
    public let gainless: LeftAlone
    /// Candidates beyond `max-files-to-rewrite`.
    public let beyondLimit: LeftAlone
    /// How many data files `where` leaves out; the other counts are without them.
    public let filteredFiles: Int64
    /// With how many others of its partition some file shares a range of the keys that are sorted
    /// by; nil where nothing is sorted, or no bounds tell.
    public let largestOverlap: Int?
    /// Of how many files bounds do not tell with which others they share a range of those keys.
    public let unknownKeys: Int64
    /// Whether equality deletes apply to any file, whose number is an estimate.
    public let hasEqualityDeletes: Bool
    /// The oldest data that stays in each partition.
    let oldestKept: [PartitionKey: Int64]

    /// Whether there is nothing to rewrite.
    public var isEmpty: Bool { groups.isEmpty }
    /// How many files are rewritten.
    public var rewrittenFiles: Int { groups.reduce(0) { $0 + $1.files.count } }
    /// How many bytes those have.
    public var rewrittenBytes: Int64 { groups.reduce(0) { saturatingSum($0, $1.bytes) } }
    /// How many files they are expected to become.
    public var expectedFiles: Int64 { groups.reduce(0) { saturatingSum($0, $1.expectedFiles) } }
    /// How many deletion vectors go with the files.
    public var removedDeletionVectors: Int { groups.reduce(0) { $0 + $1.deletionVectors } }

    /// Whether deletes still have data to apply to once the plan has been carried out.
    ///
    /// - Parameter rewritten: the paths of the files that the plan rewrites.
    func leavesWork(for delete: LiveFile, rewritten: Set<String>) -> Bool {
        if let path = delete.referencedDataFile { return !rewritten.contains(path) }
        guard let oldest = oldestKept[delete.partition] else { return false }
        return delete.dataSequenceNumber >= oldest
    }

    /// A group of the plan without some of its files, planned anew; nil if the others are not worth
    /// it by themselves.
    public func remainder(of group: FileGroup, without paths: Set<String>) -> FileGroup? {
        GroupPlanner(settings).remainder(of: group, without: paths)
    }

    /// The paths of the files that are rewritten.
    public var rewrittenPaths: Set<String> {
        Set(groups.lazy.flatMap { $0.files.lazy.map(\.path) })
    }
}
