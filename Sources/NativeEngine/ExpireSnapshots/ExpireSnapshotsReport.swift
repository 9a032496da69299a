// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance
import WireFormat

/// Puts what an expiry did into words and numbers.
struct ExpireSnapshotsReport {
    /// What was committed; nil when there was nothing to do.
    let prepared: PreparedExpiry?
    /// What was removed of this job, by an earlier attempt's plan as well.
    let counts: RemovalCounts
    /// What was removed by the plans of other jobs.
    let replayed: RemovalCounts
    private let earlierExpired: Int
    private let hasEarlier: Bool

    /// Takes what this attempt did, what it finished of an earlier attempt of the job, and what it
    /// finished of other jobs.
    init(
        prepared: PreparedExpiry?, counts: RemovalCounts, earlier: RemovalCounts,
        earlierExpired: Int, replayed: RemovalCounts
    ) {
        self.prepared = prepared
        var all = counts
        all.add(earlier)
        self.counts = all
        self.replayed = replayed
        self.earlierExpired = earlierExpired
        hasEarlier = earlierExpired > 0 || earlier.removedTotal > 0
    }

    var report: ActionReport {
        ActionReport(message: message, impact: impact, metrics: metrics)
    }

    private var expiredCount: Int {
        (prepared?.plan.expiredSnapshotIDs.count ?? 0) + earlierExpired
    }

    private var impact: String { ReportWording.expiredImpact(snapshots: expiredCount) }

    private var message: String {
        ([mainSentence] + asides).joined(separator: "; ")
    }

    private var mainSentence: String {
        guard prepared != nil || hasEarlier else { return ReportWording.nothingExpired }
        let files = prepared?.plan.removesFiles ?? true ? counts.removedTotal : nil
        return ReportWording.expired(snapshots: expiredCount, files: files)
    }

    private var asides: [String] {
        var asides: [String] = []
        let references = prepared?.plan.removedReferences.count ?? 0
        if references > 0 {
            asides.append("removed \(ReportWording.count(references, "reference"))")
        }
        if let kept = prepared?.keptOutside, kept > 0 {
            asides.append(
                "kept \(ReportWording.count(kept, "file")) outside ICEPACK_REMOVAL_PREFIXES")
        }
        if let foreign = prepared?.foreign, foreign > 0 {
            asides.append(
                "\(ReportWording.count(foreign, "file")) of the expired snapshots lay outside "
                    + "the table's own folders")
        }
        let failed = counts.failed + replayed.failed
        if failed > 0 {
            let cause = counts.firstFailure ?? replayed.firstFailure ?? ""
            asides.append(
                "\(ReportWording.count(failed, "file")) could not be deleted, which the next job "
                    + "on this table tries again (\(cause))")
        }
        if counts.alreadyGone > 0 {
            asides.append("\(ReportWording.count(counts.alreadyGone, "file")) had gone before")
        }
        if hasEarlier { asides.append("an earlier attempt had committed that, or a part of it") }
        if replayed.removedTotal > 0 {
            asides.append(
                "deleted \(ReportWording.count(replayed.removedTotal, "file")) that an earlier "
                    + "job left behind")
        }
        return asides
    }

    /// The six columns of Iceberg's procedure, and then our own.
    private var metrics: JSONObject {
        var metrics = JSONObject()
        for kind in FileKind.expiredKinds {
            metrics[kind.metricName] = .integer(counts.removed[kind] ?? 0)
        }
        metrics["expired_snapshots_count"] = .integer(expiredCount)
        metrics["removed_references_count"] = .integer(prepared?.plan.removedReferences.count ?? 0)
        metrics["removed_schemas_count"] = .integer(prepared?.plan.removedSchemaIDs.count ?? 0)
        metrics["removed_partition_specs_count"] = .integer(
            prepared?.unusedPartitionSpecIDs.count ?? 0)
        metrics["failed_files_count"] = .integer(counts.failed)
        metrics["already_gone_files_count"] = .integer(counts.alreadyGone)
        metrics["replayed_files_count"] = .integer(replayed.removedTotal)
        metrics["replayed_failed_files_count"] = .integer(replayed.failed)
        return metrics
    }
}

extension FileKind {
    /// What Iceberg's procedure counts: metadata files are never among the expired.
    static let expiredKinds = removalOrder.filter { $0 != .metadataFile }

    /// The column of Iceberg's procedure that counts removed files of this kind.
    var metricName: String {
        switch self {
        case .dataFile: "deleted_data_files_count"
        case .positionDeleteFile: "deleted_position_delete_files_count"
        case .equalityDeleteFile: "deleted_equality_delete_files_count"
        case .manifest: "deleted_manifest_files_count"
        case .manifestList: "deleted_manifest_lists_count"
        case .statisticsFile: "deleted_statistics_files_count"
        case .metadataFile: "deleted_metadata_files_count"
        }
    }
}
