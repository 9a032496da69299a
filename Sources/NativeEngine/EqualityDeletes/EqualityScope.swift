// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable

/// Where equality deletes delete: in one partition, or everywhere if their spec is unpartitioned
/// (P-42).
enum EqualityScope: Hashable, Sendable {
    case everywhere
    case partition(PartitionKey)

    init(of delete: LiveFile, _ metadata: TableMetadata) {
        let isEverywhere = metadata.partitionSpec(delete.partition.specID)?.isUnpartitioned ?? false
        self = isEverywhere ? .everywhere : .partition(delete.partition)
    }

    /// Whether a data file is within it.
    func contains(_ file: LiveFile) -> Bool {
        switch self {
        case .everywhere: true
        case .partition(let partition): file.partition == partition
        }
    }
}

/// Equality deletes that are looked up together: of one scope, by the same columns.
struct EqualityClass: Hashable, Sendable {
    let scope: EqualityScope
    let ids: [Int32]

    init(_ scope: EqualityScope, ids: [Int32]) {
        self.scope = scope
        self.ids = Set(ids).sorted()
    }
}
