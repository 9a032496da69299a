// SPDX-License-Identifier: Apache-2.0

import Maintenance
import WireFormat

/// What reports of rewritten files have in common, in words and numbers.
extension RewriteTally {
    /// How many groups are named one by one.
    private static let namedGroups = 3

    /// Why nothing at all was rewritten, where there was something to do.
    var failure: MaintenanceError? {
        if !dropped.isEmpty {
            return .conflict(reason: droppedSentences.joined(separator: "; "))
        }
        guard !refused.isEmpty else { return nil }
        let reasons = refusedSentences + remedies
        return .refused(
            code: "unsupported_files",
            reason: "nothing was changed: " + reasons.joined(separator: "; "))
    }

    /// What a message says beside what was rewritten.
    func asides(_ replayed: RemovalCounts) -> [String] {
        var asides: [String] = []
        asides += refusedSentences + remedies
        asides += droppedSentences
        if gainlessFiles > 0 {
            asides.append(
                "\(ReportWording.count(gainlessFiles, "file")) stay as they are: no two of their "
                    + "row groups fit into max-file-size-bytes")
        }
        for loss in losses.sorted() { asides.append("the new files lack \(loss)") }
        if replayed.removedTotal > 0 {
            asides.append(
                "deleted \(ReportWording.count(replayed.removedTotal, "file")) that an earlier "
                    + "attempt left behind")
        }
        return asides
    }

    /// Files of groups that were left.
    var leftFiles: Int {
        refused.reduce(0) { $0 + $1.files } + dropped.reduce(0) { $0 + $1.files }
    }

    /// Our own numbers, which every rewrite of files has.
    func metrics(_ replayed: RemovalCounts) -> [JSONObject.Member] {
        [
            .init(key: "rewritten_groups_count", value: .integer(groups)),
            .init(key: "refused_groups_count", value: .integer(refused.count)),
            .init(key: "conflicting_groups_count", value: .integer(dropped.count)),
            .init(key: "commits_count", value: .integer(commits.count)),
            .init(key: "failed_commits_count", value: .integer(failedCommits)),
            .init(key: "replayed_files_count", value: .integer(replayed.removedTotal)),
            .init(key: "replayed_failed_files_count", value: .integer(replayed.failed)),
        ]
    }

    private var refusedSentences: [String] { Self.named(refused.map(\.sentence)) }

    private var remedies: [String] { Set(refused.map(\.remedy)).sorted() }

    private var droppedSentences: [String] {
        Self.named(
            dropped.map { group in
                let place = group.partition.isEmpty ? "the table" : "partition \(group.partition)"
                return "\(ReportWording.count(group.files, "file")) of \(place) are left for the "
                    + "next run, because \(group.reason)"
            })
    }

    private static func named(_ sentences: [String]) -> [String] {
        guard sentences.count > namedGroups else { return sentences }
        let rest = sentences.count - namedGroups
        return sentences.prefix(namedGroups)
            + ["\(ReportWording.count(rest, "more group")) likewise"]
    }
}
