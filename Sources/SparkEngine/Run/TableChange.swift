// SPDX-License-Identifier: Apache-2.0

package import IcebergSpec
package import Maintenance
import WireFormat

/// What became of a table while a statement ran: decided from snapshots, whatever the statement
/// said of itself.
package struct TableChange: Sendable {
    /// How commits of the statement are told from those of others.
    package struct Author: Hashable, Sendable {
        /// The application's id, where it is known.
        package let application: String?
        /// The application's name, if it is the attempt's own.
        package let applicationName: String?

        /// Pairs an id with a name.
        package init(application: String?, applicationName: String?) {
            self.application = application
            self.applicationName = applicationName
        }
    }

    private let base: TableBase
    private let after: TableMetadata
    private let author: Author

    /// Compares two versions of a table.
    package init(base: TableBase, after: TableMetadata, author: Author) {
        self.base = base
        self.after = after
        self.author = author
    }

    /// How many snapshots went.
    package var removedSnapshots: Int {
        let stayed = after.snapshots.count { !base.isNew($0) }
        return max(0, base.snapshotCount - stayed)
    }

    /// The commits that the statement made, in the table's order.
    package var commits: [EngineAftermath.Commit] {
        after.snapshots.filter { base.isNew($0) && isOurs($0) }.map { snapshot in
            EngineAftermath.Commit(
                snapshotID: snapshot.id, operation: snapshot.summary.operation ?? "unknown",
                committedAt: Timestamp(milliseconds: snapshot.timestampMilliseconds))
        }
    }

    private func isOurs(_ snapshot: Snapshot) -> Bool {
        if let name = author.applicationName, let theirs = snapshot.summary["app-name"] {
            return name == theirs
        }
        // Rewrites replace files, or delete dangling ones; others may append in the meantime.
        let operation = snapshot.summary.operation
        guard operation == "replace" || operation == "delete" else { return false }
        // Every commit of Iceberg in Spark names its application.
        if let id = author.application { return id == snapshot.summary["app-id"] }
        // Whose it is cannot be told: the table's lock speaks for us.
        return operation == "replace"
    }
}
