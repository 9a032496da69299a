// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import ObjectStorage

/// What reading a table back tells about a commit whose reply never came.
enum CommitEvidence: Hashable, Sendable {
    /// The commit is in the table.
    case applied
    /// It is not, and cannot get there any more.
    case refused
    /// Nothing for certain.
    case inconclusive

    /// Judges by the metadata log, which names every file that was current, in order.
    ///
    /// A commit swaps from its base and from nothing else. So if the base is still current, the
    /// commit may yet arrive; if another file than ours followed the base, it never will. A log
    /// that was cut off behind the base proves nothing.
    init(of location: Location, base: Location, in table: LoadedTable) {
        let history =
            table.metadata.metadataLog.map { Location($0.metadataFile) } + [table.metadataLocation]
        if history.contains(location) {
            self = .applied
        } else if let index = history.lastIndex(of: base), index + 1 < history.count {
            self = .refused
        } else {
            self = .inconclusive
        }
    }
}
