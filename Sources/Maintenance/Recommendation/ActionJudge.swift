// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import WireFormat

/// Asks each action's planner, and puts its numbers into a verdict.
struct ActionJudge {
    typealias Verdict = Recommendation.Verdict

    /// How long after the last removal of orphan files the next one is worth it.
    static let orphanInterval: Duration = .seconds(7 * 86_400)
    /// How many manifests a rewrite must save, and at least half of them.
    static let leastSavedManifests = 2

    let metadata: TableMetadata
    let facts: TableFacts
    let policy: MaintenancePolicy
    let now: Timestamp
    let dataPlan: RewriteDataFilesPlan?
    let dataRefusal: String?
    let deletes: DeleteFileIndex?

    private var deleteFiles: [LiveFile] { deletes?.files ?? [] }
    private var reach: NativeReach { NativeReach(metadata: metadata, deletes: deletes) }

    var expiry: Verdict {
        do throws(ExpireSnapshotsRefusal) {
            let plan = try ExpireSnapshotsPlanner.plan(
                metadata, options: ExpireSnapshotsOptions(), now: now)
            let expired = plan.expiredSnapshotIDs.count
            let all = metadata.snapshots.count
            let text = ReportWording.count(all, "snapshot")
            return Verdict(
                .expireSnapshots, expired > 0,
                expired > 0
                    ? "\(expired) of \(text) can expire" : "none of \(text) can expire",
                [
                    "expirable_snapshots": .integer(expired), "snapshots": .integer(all),
                    "policy": plan.policy.json,
                ])
        } catch {
            return Verdict(.expireSnapshots, false, "it cannot be planned: \(error)")
        }
    }

    func orphans(lastRemoval: Timestamp?) -> Verdict {
        let days = Self.orphanInterval.components.seconds / 86_400
        let evidence: KeyValuePairs<String, JSONValue> = [
            "last_removed_at": .optional(lastRemoval?.description),
            "interval_days": .integer(days),
        ]
        guard ExpireSnapshotsPlanner.removesFiles(metadata.properties) else {
            return Verdict(
                .removeOrphanFiles, false,
                "\(ExpireSnapshotsPlanner.gcProperty) is off, so files may belong to other tables",
                evidence)
        }
        if metadata.properties[NativeReach.encryptionProperty] != nil {
            return Verdict(
                .removeOrphanFiles, false,
                "the table is encrypted (\(NativeReach.encryptionProperty)), so its manifests "
                    + "cannot be read to tell what is an orphan", evidence)
        }
        let expiry = expiry
        if expiry.isRecommended {
            return Verdict(
                .removeOrphanFiles, true,
                "\(expiry.reason), which may leave files behind", evidence)
        }
        guard let lastRemoval else {
            return Verdict(
                .removeOrphanFiles, true, "no removal of orphan files is known of this table",
                evidence)
        }
        let isDue = lastRemoval.advanced(by: Self.orphanInterval) <= now
        return Verdict(
            .removeOrphanFiles, isDue,
            "orphan files were last removed at \(lastRemoval), "
                + (isDue
                    ? "\(days) days or more ago"
                    : "less than \(days) days ago, and no snapshot expires"),
            evidence)
    }

    var dataRewrite: Verdict {
        guard let dataPlan else {
            return Verdict(
                .rewriteDataFiles, false, "it cannot be planned: \(dataRefusal ?? "no plan")")
        }
        let groups = dataPlan.groups
        let reasons = FileGroup.Reason.allCases.filter { reason in
            groups.contains { $0.reasons.contains(reason) }
        }
        let reason =
            groups.isEmpty
            ? "none of \(ReportWording.count(dataPlan.fileCount, "data file")) is worth a rewrite: "
                + "\(dataPlan.wellSized.files) have the right size, and "
                + "\(dataPlan.tooFew.files + dataPlan.gainless.files) are too few in their "
                + "partitions"
            : "\(dataPlan.rewrittenFiles) of "
                + "\(ReportWording.count(dataPlan.fileCount, "data file")) in "
                + "\(ReportWording.count(groups.count, "group")) can become "
                + "\(dataPlan.expectedFiles) (\(reasons.map(\.rawValue).joined(separator: ", ")))"
        return Verdict(
            .rewriteDataFiles, !groups.isEmpty, reason,
            [
                "data_files": .integer(dataPlan.fileCount),
                "small_files": .integer(facts.smallFiles),
                "small_files_bytes": .integer(facts.smallBytes),
                "groups": .integer(groups.count),
                "rewritten_data_files": .integer(dataPlan.rewrittenFiles),
                "rewritten_bytes": .integer(dataPlan.rewrittenBytes),
                "added_data_files": .integer(dataPlan.expectedFiles),
                "min_input_files": .integer(dataPlan.settings.groups.minInputFiles.value),
                "delete_file_threshold": .integer(dataPlan.settings.deleteFileThreshold.value),
                "delete_ratio_threshold": .double(dataPlan.settings.deleteRatioThreshold.value),
                "equality_deletes": .string(
                    dataPlan.hasEqualityDeletes ? "estimated" : "none"),
                "equality_delete_files": .integer(facts.equalityDeleteFiles),
                "orc_files": .integer(facts.orcFiles),
                "encrypted_files": .integer(facts.encryptedFiles),
            ]
        ).beyondNative(
            reach.problem(withAllOf: groups) { dataPlan.remainder(of: $0, without: $1) })
    }

    /// - Parameter followsData: Whether data files are rewritten before.
    func deleteRewrite(followsData: Bool) -> Verdict {
        let dataPlan = followsData ? dataPlan : nil
        let paths = dataPlan?.rewrittenPaths ?? []
        let positions = deleteFiles.filter { $0.content == .positionDeletes }
        let remaining = positions.filter { file in
            dataPlan?.leavesWork(for: file, rewritten: paths) ?? true
        }
        let count = remaining.count { !$0.isDeletionVector }
        let threshold = policy.deleteFileThreshold.value
        do throws(RewriteRefusal) {
            let plan = RewritePositionDeleteFilesPlanner.plan(
                remaining,
                settings: try .resolve(metadata, options: .none), metadata: metadata)
            let noun = "position delete file"
            let isEnough = Int64(count) >= threshold && count > 0
            let reason =
                !isEnough
                ? "\(ReportWording.count(count, noun)) would remain after the data rewrite, and "
                    + "\(threshold) make a rewrite of them worth it"
                : plan.isEmpty
                    ? "\(ReportWording.count(count, noun)) would remain after the data rewrite, "
                        + "but no \(plan.settings.groups.minInputFiles.value) of them are out of "
                        + "size in one partition"
                    : "\(plan.rewrittenFiles) of \(ReportWording.count(count, noun)) that would "
                        + "remain after the data rewrite can become \(plan.expectedFiles)"
            return Verdict(
                .rewritePositionDeleteFiles, isEnough && !plan.isEmpty, reason,
                [
                    "position_delete_files": .integer(facts.positionDeleteFiles),
                    "remaining_position_delete_files": .integer(count),
                    "delete_file_threshold": .integer(threshold),
                    "groups": .integer(plan.groups.count),
                    "rewritten_delete_files": .integer(plan.rewrittenFiles),
                    "rewritten_bytes": .integer(plan.rewrittenBytes),
                    "added_delete_files": .integer(plan.expectedFiles),
                    "deletion_vectors": .integer(facts.deletionVectors),
                ]
            ).beyondNative(reach.problem(withAllOf: plan.groups) { _, _ in nil })
        } catch {
            return Verdict(.rewritePositionDeleteFiles, false, "it cannot be planned: \(error)")
        }
    }

    var manifestRewrite: Verdict {
        do throws(RewriteManifestsRefusal) {
            let plan = try RewriteManifestsPlanner.plan(metadata, manifests: facts.manifests)
            let count = facts.manifests.count
            let saved = max(0, plan.replacedCount - plan.expectedCount)
            let isWorthIt = saved >= Self.leastSavedManifests && saved * 2 >= count
            let all = ReportWording.count(count, "manifest")
            let average = "\(facts.averageManifestBytes) bytes on average"
            let reason =
                plan.hasWork
                ? "\(plan.replacedCount) of \(all) of \(average) can become "
                    + "\(plan.expectedCount), which saves \(saved)"
                    + (isWorthIt
                        ? "" : ": less than \(Self.leastSavedManifests) or than half of them")
                : "none of \(all) of \(average) is worth writing again"
            return Verdict(
                .rewriteManifests, isWorthIt, reason,
                [
                    "manifests": .integer(count),
                    "rewritten_manifests": .integer(plan.replacedCount),
                    "added_manifests": .integer(plan.expectedCount),
                    "saved": .integer(saved), "target_bytes": .integer(plan.targetBytes),
                    "avg_bytes": .integer(facts.averageManifestBytes),
                ]
            ).beyondNative(reach.tableProblem)
        } catch {
            return Verdict(.rewriteManifests, false, "it cannot be planned: \(error)")
        }
    }
}
