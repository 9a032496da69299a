// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance
import WireFormat

/// Puts what a rewrite of position deletes did into words and numbers.
struct RewritePositionDeleteFilesReport {
    let tally: RewriteTally
    let replayed: RemovalCounts

    var report: ActionReport {
        let (before, after) = (rewrittenFiles, tally.change.addedDeleteFiles)
        let sentence = ReportWording.rewritten(
            .rewritePositionDeleteFiles, from: before, into: after)
        return ActionReport(
            message: ([sentence] + asides).joined(separator: "; "),
            impact: ReportWording.rewrittenImpact(
                .rewritePositionDeleteFiles, from: before, into: after),
            metrics: metrics)
    }

    /// Position delete files and vectors that went.
    private var rewrittenFiles: Int64 {
        tally.change.removedPositionDeleteFiles + tally.change.removedDeletionVectors
    }

    private var asides: [String] {
        var asides: [String] = []
        if tally.change.removedEqualityDeleteFiles > 0 {
            let files = ReportWording.count(
                tally.change.removedEqualityDeleteFiles, "equality delete file")
            let rows = ReportWording.count(tally.convertedRows, "row")
            asides.append("turned \(files) into positions of \(rows)")
        }
        if tally.change.addedDeletionVectors > 0 {
            asides.append("the new ones are deletion vectors")
        }
        if tally.droppedDeletes > 0 {
            let count = ReportWording.count(tally.droppedDeletes, "delete")
            asides.append("dropped \(count) that applied to nothing or came twice")
        }
        return asides + tally.asides(replayed)
    }

    /// The columns of Iceberg's procedure, and then our own.
    private var metrics: JSONObject {
        var metrics = JSONObject()
        metrics["rewritten_delete_files_count"] = .integer(rewrittenFiles)
        metrics["added_delete_files_count"] = .integer(tally.change.addedDeleteFiles)
        metrics["rewritten_bytes_count"] = .integer(tally.rewrittenBytes)
        metrics["added_bytes_count"] = .integer(tally.change.addedBytes)
        metrics["added_deletion_vectors_count"] = .integer(tally.change.addedDeletionVectors)
        metrics["converted_equality_delete_files_count"] = .integer(
            tally.change.removedEqualityDeleteFiles)
        metrics["converted_rows_count"] = .integer(tally.convertedRows)
        metrics["kept_deletes_count"] = .integer(tally.keptDeletes)
        metrics["dropped_deletes_count"] = .integer(tally.droppedDeletes)
        metrics["failed_delete_files_count"] = .integer(tally.leftFiles)
        for member in tally.metrics(replayed) { metrics[member.key] = member.value }
        return metrics
    }
}
