// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance
import WireFormat

/// Puts what a rewrite of manifests did into words and numbers.
struct RewriteManifestsReport {
    /// What was committed; nil when there was nothing to do.
    let prepared: PreparedRewrite?
    let options: RewriteManifestsOptions
    let replayed: RemovalCounts

    var report: ActionReport {
        ActionReport(
            message: ([sentence] + asides).joined(separator: "; "),
            impact: ReportWording.rewrittenImpact(.rewriteManifests, from: before, into: after),
            metrics: metrics)
    }

    private var before: Int { prepared?.replacedCount ?? 0 }
    private var after: Int { prepared?.createdCount ?? 0 }

    private var sentence: String {
        guard let prepared else {
            return ReportWording.rewritten(.rewriteManifests, from: 0, into: 0)
                + " (\(RewriteManifestsPlan.skipReason): each has a good size)"
        }
        return ReportWording.rewritten(
            .rewriteManifests, from: prepared.replacedCount, into: prepared.createdCount)
    }

    private var asides: [String] {
        var asides: [String] = []
        if let kept = prepared?.keptCount, kept > 0 {
            asides.append("kept \(ReportWording.count(kept, "manifest"))")
        }
        if options.usesCaching { asides.append("use_caching has no effect here") }
        if replayed.removedTotal > 0 {
            asides.append(
                "deleted \(ReportWording.count(replayed.removedTotal, "file")) that an earlier "
                    + "attempt left behind")
        }
        return asides
    }

    /// The two columns of Iceberg's procedure, and then our own.
    private var metrics: JSONObject {
        var metrics = JSONObject()
        metrics["rewritten_manifests_count"] = .integer(before)
        metrics["added_manifests_count"] = .integer(after)
        metrics["kept_manifests_count"] = .integer(prepared?.keptCount ?? 0)
        metrics["processed_entries_count"] = .integer(prepared?.entryCount ?? 0)
        metrics["rewritten_bytes_count"] = .integer(prepared?.sourceBytes ?? 0)
        metrics["added_bytes_count"] = .integer(prepared?.createdBytes ?? 0)
        metrics["replayed_files_count"] = .integer(replayed.removedTotal)
        metrics["replayed_failed_files_count"] = .integer(replayed.failed)
        return metrics
    }
}
