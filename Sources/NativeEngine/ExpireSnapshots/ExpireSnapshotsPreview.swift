// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import WireFormat

/// Works out what an expiry would do, with the planner and the walk of the run itself.
struct ExpireSnapshotsPreview<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let request: ActionRequest

    func plan() async throws(MaintenanceError) -> ActionPlan {
        let table = try await engine.load(request.table)
        let preparation = ExpiryPreparation(
            engine: engine, options: ExpireSnapshotsOptions(request.options), now: request.now,
            report: { _ in })
        let prepared = try await preparation.prepare(table, after: nil)
        return ActionPlan(
            snapshotID: table.metadata.currentSnapshotID, hasWork: prepared.hasWork,
            summary: Self.summary(prepared))
    }

    private static func summary(_ prepared: PreparedExpiry) -> JSONObject {
        let plan = prepared.plan
        var summary = plan.summary
        summary["removed_partition_spec_ids"] = .array(
            prepared.unusedPartitionSpecIDs.map { .integer($0) })
        summary["files"] = files(prepared)
        // The manifests name sizes, but a plan need not hold one for every file.
        summary["bytes"] = .null
        summary["policy"] = plan.policy.json
        summary["warnings"] = .array(
            (plan.allWarnings + prepared.placeWarnings).map { .string($0) })
        return summary
    }

    /// How many files of each kind would be removed; null when files stay.
    private static func files(_ prepared: PreparedExpiry) -> JSONValue {
        guard prepared.plan.removesFiles else { return .null }
        let counts = prepared.files?.candidates.counts ?? [:]
        var object = JSONObject()
        for kind in FileKind.expiredKinds {
            object[kind.metricName] = .integer(counts[kind] ?? 0)
        }
        return .object(object)
    }
}
