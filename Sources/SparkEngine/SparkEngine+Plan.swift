// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
public import Maintenance
import ObjectStorage
import WireFormat

extension SparkEngine {
    /// What the action would do now.
    ///
    /// Expiry is planned by the planner that every engine shares. Rewrites are planned by Spark
    /// when they run, so of them the plan tells the statement and the table's totals. For orphan
    /// files Spark's dry run is run, which may take a while; cancelling the task stops it.
    public func plan(_ request: ActionRequest) async throws(MaintenanceError) -> ActionPlan {
        let table = try await load(request.table)
        switch request.action {
        case .expireSnapshots:
            return try expiryPlan(request, on: table)
        case .removeOrphanFiles:
            return try await orphanPlan(request, on: table)
        case .rewriteDataFiles, .rewritePositionDeleteFiles, .rewriteManifests:
            return try rewritePlan(request, on: table)
        }
    }

    /// What a plan's statement names instead of a job and an attempt.
    private var label: AttemptLabel {
        var digits = ""
        for _ in 0..<2 {
            let half = String(UInt64.random(in: 0 ... .max), radix: 16)
            digits += String(repeating: "0", count: 16 - half.count) + half
        }
        return AttemptLabel(jobID: StatementMark.planning, attemptID: digits)
    }

    private func expiryPlan(
        _ request: ActionRequest, on table: LoadedTable
    ) throws(MaintenanceError) -> ActionPlan {
        let plan = try checkExpiry(request, on: table)
        let (statement, _) = try call(request, on: table, for: label)
        var summary = plan.summary
        summary["removed_partition_spec_ids"] = .null
        summary["files"] = .null
        summary["bytes"] = .null
        summary["policy"] = plan.policy.json
        summary["statement"] = .string(statement)
        summary["warnings"] = .array(plan.allWarnings.map { .string($0) })
        return ActionPlan(
            snapshotID: table.metadata.currentSnapshotID, hasWork: !plan.isEmpty, summary: summary)
    }

    private func rewritePlan(
        _ request: ActionRequest, on table: LoadedTable
    ) throws(MaintenanceError) -> ActionPlan {
        let (statement, warnings) = try call(request, on: table, for: label)
        let current = table.metadata.currentSnapshot
        var summary = JSONObject()
        summary["groups"] = .null
        summary["note"] = "Spark plans the rewrite itself, when it runs"
        for name in [
            "total-data-files", "total-delete-files", "total-files-size", "total-records",
        ] {
            let total = current?.summary[name].flatMap(Int64.init)
            summary[name.replacing("-", with: "_")] = total.map { .integer($0) } ?? .null
        }
        summary["statement"] = .string(statement)
        summary["warnings"] = .array(warnings.map { .string($0) })
        return ActionPlan(
            snapshotID: current?.id, hasWork: current != nil, summary: summary)
    }

    private func orphanPlan(
        _ request: ActionRequest, on table: LoadedTable
    ) async throws(MaintenanceError) -> ActionPlan {
        let label = label
        let context = RunContext(
            confirmLease: { _ throws(MaintenanceError) in }, report: { _ in },
            journal: NoJournal(), attempt: label)
        let (statement, warnings) = try call(request, on: table, for: label)
        let (result, _) = try await execute(request, on: table, in: context)
        if let orphanGuard {
            let plan = try await orphanGuard.plan(request, among: orphans(in: result))
            var summary = plan.summary
            summary["statement"] = .string(statement)
            return ActionPlan(
                snapshotID: plan.snapshotID, hasWork: plan.hasWork, summary: summary)
        }
        let files = result.rows.compactMap { $0.first?.textValue }
        var summary = JSONObject()
        summary["orphan_files_count"] = .integer(result.rows.count)
        summary["orphan_files"] = .array(
            files.prefix(SparkReport.listedFiles).map { .string($0) })
        // The procedure lists names without sizes.
        summary["bytes"] = .null
        summary["statement"] = .string(statement)
        summary["warnings"] = .array(warnings.map { .string($0) })
        return ActionPlan(
            snapshotID: table.metadata.currentSnapshotID, hasWork: !result.rows.isEmpty,
            summary: summary)
    }
}

/// For statements that change nothing, and so have nothing to journal.
private struct NoJournal: MaintenanceJournal {
    func plan(
        _ files: [JournalledFile], tableUUID: String
    ) async throws(MaintenanceError) {}

    func close(paths: [String]) async throws(MaintenanceError) {}

    func markUnknown() async throws(MaintenanceError) {}

    func openEntries(
        tableUUID: String, after id: Int64, limit: Int
    ) async throws(MaintenanceError) -> [OpenJournalledFile] { [] }

    func closeReplayed(_ ids: [Int64]) async throws(MaintenanceError) {}
}
