// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance

/// A group whose new files are written and compared, and that no commit has yet.
struct RewrittenGroup: Sendable {
    let group: FileGroup
    /// The spec of the new files.
    let specID: Int
    /// The new files, but for their sequence number.
    let added: [CompleteEntry]
    /// Which deletes were applied to each of the old files.
    let applied: [String: Set<DeleteIdentity>]
    /// The delete files that were read.
    let deleteFiles: [ReadDeleteFile]
    /// How many rows were left out.
    let deletedRows: Int64
    /// How the files were rewritten.
    let way: String
    /// What the old files had and the new ones have not.
    let losses: [String]

    var addedPaths: [String] { added.map(\.entry.dataFile.filePath) }
    var addedBytes: Int64 { added.reduce(0) { $0 &+ $1.entry.dataFile.fileSizeInBytes } }

    /// Whether deletes of values that come later are sure to find the new files where they found
    /// the old ones.
    var keepsPartition: Bool {
        group.files.allSatisfy { $0.partition == group.partition }
    }
}

/// What a manifest says of a file that is to be rewritten, beyond what a scan tells.
struct SourceEntry: Sendable {
    let partition: [PartitionValue?]
    /// How many values of floating-point columns are not numbers.
    let nanCounts: [Int32: Int64]
}
