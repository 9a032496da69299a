// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import Maintenance

/// How many snapshots a commit was about to expire, kept in the journal beside the files, so that
/// the next attempt of a job that died after its commit can say so.
///
/// It names one of those snapshots: that one is gone from the table if the commit was made.
struct ExpiryNote: Hashable {
    /// The journal's kind of a note, which no file has.
    static let kind = "expired_snapshots"

    private static let prefix = "icepack:expired_snapshots/"

    /// How many snapshots.
    let count: Int
    /// One of them.
    let snapshotID: Int64

    /// The note of a plan; nil if it expires nothing.
    init?(_ plan: ExpireSnapshotsPlan) {
        guard let first = plan.expiredSnapshotIDs.first else { return nil }
        count = plan.expiredSnapshotIDs.count
        snapshotID = first
    }

    /// Reads a journal's path; nil for what is no note.
    init?(path: String) {
        guard path.hasPrefix(Self.prefix) else { return nil }
        let parts = path.dropFirst(Self.prefix.count).split(separator: "/")
        guard parts.count == 2, let count = Int(parts[0]), count > 0,
            let snapshotID = Int64(parts[1])
        else { return nil }
        self.count = count
        self.snapshotID = snapshotID
    }

    /// What stands in the journal in place of a file's location.
    var path: String { "\(Self.prefix)\(count)/\(snapshotID)" }

    /// The note as an entry.
    var entry: JournalledFile { JournalledFile(note: path, kindName: Self.kind) }

    /// Whether the snapshots are gone from the table.
    func isCommitted(in metadata: TableMetadata) -> Bool { metadata.snapshot(snapshotID) == nil }
}
