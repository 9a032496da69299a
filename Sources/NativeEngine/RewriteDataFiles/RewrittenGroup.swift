// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance

/// A group whose new files are written and compared, and that no commit has yet.
struct RewrittenGroup: WrittenFileGroup {
    let group: FileGroup
    /// The spec of the new files.
    let specID: Int
    /// The new files, but for their sequence number.
    let added: [CompleteEntry]
    /// The partitions of the new files.
    let newPartitions: Set<PartitionKey>
    /// The position delete files and vectors that were read.
    let deleteFiles: [ReadDeleteFile]
    /// The equality delete files that were applied.
    let equalityDeletes: Set<DeleteIdentity>
    /// How many rows were left out.
    let deletedRows: Int64
    /// How the files were rewritten.
    let way: String
    /// How many sorted runs of rows did not fit into memory.
    let spilledRuns: Int
    /// What the old files had and the new ones have not.
    let losses: [String]

    var concerned: Set<String> { Set(group.files.map(\.path)) }

    var partitions: Set<PartitionKey> { newPartitions.union(group.files.map(\.partition)) }

    func count(into tally: inout RewriteTally) {
        tally.deletedRows &+= deletedRows
        tally.ways[way, default: 0] += 1
        tally.spilledRuns += spilledRuns
        tally.losses.formUnion(losses)
    }

    /// Whether deletes of values that come later are sure to find the new files where they found
    /// the old ones.
    var keepsPartition: Bool {
        group.files.allSatisfy { $0.partition == group.partition }
    }
}
