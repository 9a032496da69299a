// SPDX-License-Identifier: Apache-2.0

/// The five things that are done to a table.
public enum MaintenanceAction: String, CaseIterable, Hashable, Sendable {
    /// Removes old snapshots and the files that only they reached.
    case expireSnapshots = "expire_snapshots"
    /// Removes files that no snapshot ever reached.
    case removeOrphanFiles = "remove_orphan_files"
    /// Merges small data files.
    case rewriteDataFiles = "rewrite_data_files"
    /// Merges small position delete files and drops dangling ones.
    case rewritePositionDeleteFiles = "rewrite_position_delete_files"
    /// Merges and clusters manifests.
    case rewriteManifests = "rewrite_manifests"
}
