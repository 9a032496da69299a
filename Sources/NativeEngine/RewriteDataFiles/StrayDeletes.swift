// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// Finds data files that position deletes of another partition name (P-43).
///
/// By the specification such deletes do not apply, and engines that go by paths alone apply them
/// all the same. A new file has another path: for those engines the deleted rows would be back.
struct StrayDeletes<Storage: ObjectStorage> {
    let naming: DeleteNaming<Storage>
    /// The snapshot's delete files.
    let index: DeleteFileIndex?

    /// The delete files that name data files of some groups, by the data file's path.
    func find(in groups: [FileGroup]) async throws(MaintenanceError) -> [String: String] {
        try await find(among: groups.flatMap(\.files))
    }

    /// The delete files that name some data files, by the data file's path.
    func find(among files: [LiveFile]) async throws(MaintenanceError) -> [String: String] {
        // Of those that name one data file the index says so, and its group is left.
        let deletes = (index?.files ?? []).filter(\.isPartitionDelete)
        return try await naming.find(files, in: deletes, scope: .otherPartitions)
    }
}

extension LiveFile {
    /// Whether it is a position delete file that may be about any data file of its partition.
    var isPartitionDelete: Bool {
        content == .positionDeletes && !isDeletionVector && referencedDataFile == nil
    }
}
