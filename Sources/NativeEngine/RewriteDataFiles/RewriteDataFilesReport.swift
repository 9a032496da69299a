// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance
import WireFormat

/// Puts what a rewrite of data files did into words and numbers.
struct RewriteDataFilesReport {
    let tally: RewriteTally
    let replayed: RemovalCounts
    let plan: RewriteDataFilesPlan

    var report: ActionReport {
        ActionReport(
            message: ([sentence] + asides).joined(separator: "; "),
            impact: impact, metrics: metrics)
    }

    private var impact: String {
        let deletes = tally.change.removedDeleteFiles
        guard before == 0, after == 0, deletes > 0 else {
            return ReportWording.rewrittenImpact(.rewriteDataFiles, from: before, into: after)
        }
        return "\(ReportWording.count(deletes, "delete file")) removed"
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
        return asides + (unsorted.map { [$0] } ?? []) + tally.asides(replayed)
    }

    /// Why nothing was sorted that should have been (P-45).
    private var unsorted: String? {
        guard plan.settings.strategy.value == .sort, plan.isEmpty, plan.fileCount > 0 else {
            return nil
        }
        guard let overlap = plan.largestOverlap else { return "rewrite-all sorts every file" }
        guard overlap > 0 else {
            guard plan.unknownKeys > 0 else {
                return "no file shares a range of its keys with another"
            }
            return "bounds do not tell of \(ReportWording.count(plan.unknownKeys, "file")) whether "
                + "others share a range of their keys: rewrite-all sorts every file"
        }
        let others = ReportWording.count(Int64(overlap), "other")
        let keys = "the keys of files overlap with those of up to \(others)"
        guard let threshold = plan.settings.overlapThreshold?.value else {
            return keys + ": overlap-threshold sorts such files as well, and rewrite-all every file"
        }
        return overlap < threshold
            ? keys + ", and overlap-threshold is \(threshold)"
            : keys + ", of other groups: a larger max-file-group-size-bytes sorts more at once"
    }

    /// The columns of Iceberg's procedure, and then our own.
    private var metrics: JSONObject {
        var metrics = JSONObject()
        metrics["rewritten_data_files_count"] = .integer(before)
        metrics["added_data_files_count"] = .integer(after)
        metrics["rewritten_bytes_count"] = .integer(tally.rewrittenBytes)
        metrics["failed_data_files_count"] = .integer(tally.leftFiles)
        metrics["removed_delete_files_count"] = .integer(tally.change.removedDeleteFiles)
        metrics["added_bytes_count"] = .integer(tally.change.addedBytes)
        metrics["deleted_records_count"] = .integer(tally.deletedRows)
        metrics["spilled_runs_count"] = .integer(tally.spilledRuns)
        for member in tally.metrics(replayed) { metrics[member.key] = member.value }
        return metrics
    }
}
