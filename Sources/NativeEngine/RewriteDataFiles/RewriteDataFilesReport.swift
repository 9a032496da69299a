// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance
import WireFormat

/// Puts what a rewrite of data files did into words and numbers.
struct RewriteDataFilesReport {
    let tally: RewriteTally
    let replayed: RemovalCounts

    /// How many groups are named one by one.
    private static let namedGroups = 3

    /// Why nothing at all was rewritten, where there was something to do.
    static func failure(of tally: RewriteTally) -> MaintenanceError? {
        if !tally.dropped.isEmpty {
            return .conflict(reason: sentences(tally.dropped).joined(separator: "; "))
        }
        guard !tally.refused.isEmpty else { return nil }
        let reasons = sentences(tally.refused) + [RefusedGroup.advice]
        return .refused(
            code: "unsupported_files",
            reason: "nothing was changed: " + reasons.joined(separator: "; "))
    }

    var report: ActionReport {
        ActionReport(
            message: ([sentence] + asides).joined(separator: "; "),
            impact: ReportWording.rewrittenImpact(.rewriteDataFiles, from: before, into: after),
            metrics: metrics)
    }

    private var before: Int64 { tally.change.removedDataFiles }
    private var after: Int64 { tally.change.addedDataFiles }

    private var sentence: String {
        ReportWording.rewritten(.rewriteDataFiles, from: before, into: after)
    }

    private var asides: [String] {
        var asides: [String] = []
        if tally.deletedRows > 0 {
            asides.append("left out \(ReportWording.count(tally.deletedRows, "deleted row"))")
        }
        if tally.change.removedDeleteFiles > 0 {
            asides.append(
                "removed \(ReportWording.count(tally.change.removedDeleteFiles, "delete file"))")
        }
        if !tally.refused.isEmpty {
            asides += Self.sentences(tally.refused) + [RefusedGroup.advice]
        }
        asides += Self.sentences(tally.dropped)
        for loss in tally.losses.sorted() { asides.append("the new files lack \(loss)") }
        if replayed.removedTotal > 0 {
            asides.append(
                "deleted \(ReportWording.count(replayed.removedTotal, "file")) that an earlier "
                    + "attempt left behind")
        }
        return asides
    }

    private static func sentences(_ refused: [RefusedGroup]) -> [String] {
        named(refused.map(\.sentence))
    }

    private static func sentences(_ dropped: [DroppedGroup]) -> [String] {
        named(
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

    /// The columns of Iceberg's procedure, and then our own.
    private var metrics: JSONObject {
        let leftFiles =
            tally.refused.reduce(0) { $0 + $1.files } + tally.dropped.reduce(0) { $0 + $1.files }
        var metrics = JSONObject()
        metrics["rewritten_data_files_count"] = .integer(before)
        metrics["added_data_files_count"] = .integer(after)
        metrics["rewritten_bytes_count"] = .integer(tally.rewrittenBytes)
        metrics["failed_data_files_count"] = .integer(leftFiles)
        metrics["removed_delete_files_count"] = .integer(tally.change.removedDeleteFiles)
        metrics["added_bytes_count"] = .integer(tally.change.addedBytes)
        metrics["deleted_records_count"] = .integer(tally.deletedRows)
        metrics["rewritten_groups_count"] = .integer(tally.groups)
        metrics["refused_groups_count"] = .integer(tally.refused.count)
        metrics["conflicting_groups_count"] = .integer(tally.dropped.count)
        metrics["commits_count"] = .integer(tally.commits.count)
        metrics["failed_commits_count"] = .integer(tally.failedCommits)
        metrics["replayed_files_count"] = .integer(replayed.removedTotal)
        metrics["replayed_failed_files_count"] = .integer(replayed.failed)
        return metrics
    }
}
