// SPDX-License-Identifier: Apache-2.0

public import IcebergTable

/// Files of one partition that are rewritten together.
public struct FileGroup: Hashable, Sendable {
    /// Why a group is worth rewriting; more than one reason may hold.
    public enum Reason: String, CaseIterable, Hashable, Sendable {
        /// `rewrite-all` is on.
        case rewriteAll = "rewrite_all"
        /// At least `min-input-files` files are out of size.
        case enoughFiles = "enough_input_files"
        /// Together they fill more than a file of the target size.
        case enoughContent = "enough_content"
        /// They are more than a file of the largest size.
        case tooMuchContent = "too_much_content"
        /// A file has at least `delete-file-threshold` delete files.
        case deleteFiles = "delete_file_threshold"
        /// Of a file's rows at least `delete-ratio-threshold` are deleted.
        case deleteRatio = "delete_ratio_threshold"
        /// A file shares a range of keys with at least `overlap-threshold` others.
        case overlap = "overlap_threshold"
        /// Position deletes that are no deletion vectors, in a table whose version wants those.
        case noVectors = "no_deletion_vectors"
        /// Equality deletes that are to become position deletes.
        case equalityDeletes = "equality_deletes"
    }

    /// What speaks for rewriting a file beside its size.
    struct Merit: Hashable, Sendable {
        let reasons: Set<Reason>
        let deletes: AppliedDeletes
    }

    /// The partition; of the spec that is written, also for files of others.
    public let partition: PartitionKey
    /// The files, in the order of the snapshot's manifests.
    public let files: [LiveFile]
    /// What made each of them a candidate, in the same order; empty where that was not asked.
    var merits: [Merit] = []
    /// Why they are rewritten.
    public let reasons: [Reason]
    /// How many bytes they have.
    public let bytes: Int64
    /// How many files they are expected to become.
    public let expectedFiles: Int64
    /// How much input goes into one of those.
    public let inputSplitSize: Int64
    /// How many deletion vectors go with the files.
    public let deletionVectors: Int
    /// How many rows are known to be deleted.
    public let deletedRecords: Int64
}

/// Groups that were looked at and left alone.
public struct LeftAlone: Hashable, Sendable {
    /// How many groups.
    public private(set) var groups = 0
    /// How many files they have.
    public private(set) var files = 0
    /// How many bytes.
    public private(set) var bytes: Int64 = 0

    /// Counts a group.
    mutating func add(files count: Int, bytes size: Int64) {
        groups += 1
        files += count
        bytes = saturatingSum(bytes, size)
    }

    /// Adds what was counted apart.
    mutating func add(_ other: LeftAlone) {
        groups += other.groups
        files += other.files
        bytes = saturatingSum(bytes, other.bytes)
    }
}

/// A sum that stops at the largest number: sizes come from files that anybody may have written.
func saturatingSum(_ first: Int64, _ second: Int64) -> Int64 {
    let (sum, overflow) = first.addingReportingOverflow(second)
    return overflow ? .max : sum
}
