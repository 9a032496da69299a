// SPDX-License-Identifier: Apache-2.0

/// What actions did, in words: the same on every engine.
package enum ReportWording {
    /// A number and its noun: `1 file`, `2 files`.
    package static func count(_ number: some BinaryInteger, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    /// The sentence where no snapshot was due.
    package static let nothingExpired = "No snapshot is due to expire"

    /// An expiry in a sentence; `files` is nil when files stay.
    package static func expired(
        snapshots: some BinaryInteger, files: (some BinaryInteger)?
    ) -> String {
        let rest =
            files.map { "deleted \(count($0, "file"))" }
            ?? "kept their files, because \(ExpireSnapshotsPlanner.gcProperty) is off"
        return "Expired \(count(snapshots, "snapshot")) and \(rest)"
    }

    /// An expiry's impact: `138 snapshots expired`.
    package static func expiredImpact(snapshots: some BinaryInteger) -> String {
        "\(count(snapshots, "snapshot")) expired"
    }

    /// A rewrite in a sentence: `Compacted 847 files into 52 files`.
    package static func rewritten(
        _ action: MaintenanceAction, from before: some BinaryInteger, into after: some BinaryInteger
    ) -> String {
        let (verb, noun) = words(of: action)
        guard before != 0 || after != 0 else { return "No \(noun) is due to be rewritten" }
        let short = action == .rewriteDataFiles ? "file" : noun
        return "\(verb) \(count(before, short)) into \(count(after, short))"
    }

    /// A rewrite's impact: `847 -> 52 data files`.
    package static func rewrittenImpact(
        _ action: MaintenanceAction, from before: some BinaryInteger, into after: some BinaryInteger
    ) -> String {
        "\(before) -> \(count(after, words(of: action).noun))"
    }

    private static func words(of action: MaintenanceAction) -> (verb: String, noun: String) {
        switch action {
        case .rewriteDataFiles: ("Compacted", "data file")
        case .rewritePositionDeleteFiles: ("Compacted", "position delete file")
        case .rewriteManifests: ("Rewrote", "manifest")
        case .expireSnapshots: ("Expired", "snapshot")
        case .removeOrphanFiles: ("Removed", "orphan file")
        }
    }
}
