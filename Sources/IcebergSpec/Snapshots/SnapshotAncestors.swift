// SPDX-License-Identifier: Apache-2.0

/// A snapshot and its ancestors, newest first, as far as the table still has them.
///
/// Ends at a snapshot without a parent, at one whose parent was removed, and before a snapshot
/// that was already seen: parents that form a circle are broken metadata, not an endless history.
public struct SnapshotAncestors: Sequence, IteratorProtocol {
    private let metadata: TableMetadata
    private var nextID: Int64?
    private var seen: Set<Int64> = []

    init(metadata: TableMetadata, from id: Int64) {
        self.metadata = metadata
        nextID = id
    }

    /// The next one, or nil at the end.
    public mutating func next() -> Snapshot? {
        guard let id = nextID, seen.insert(id).inserted, let snapshot = metadata.snapshot(id) else {
            nextID = nil
            return nil
        }
        nextID = snapshot.parentID
        return snapshot
    }
}

extension TableMetadata {
    /// The snapshot with this id and its ancestors, newest first; empty when it is unknown.
    public func ancestors(of id: Int64) -> SnapshotAncestors {
        SnapshotAncestors(metadata: self, from: id)
    }
}
