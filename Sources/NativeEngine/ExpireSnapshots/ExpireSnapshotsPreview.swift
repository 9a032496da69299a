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

    /// How many references a plan names.
    private static var listedReferences: Int { 20 }

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
        var summary = JSONObject()
        summary["expired_snapshots_count"] = .integer(plan.expiredSnapshotIDs.count)
        summary["retained_snapshots_count"] = .integer(plan.retained.count)
        summary["retained_because"] = reasons(plan)
        summary["removed_references_count"] = .integer(plan.removedReferences.count)
        summary["removed_references"] = .array(
            plan.removedReferences.prefix(listedReferences).map { .string($0) })
        summary["removed_schema_ids"] = .array(plan.removedSchemaIDs.map { .integer($0) })
        summary["removed_partition_spec_ids"] = .array(
            prepared.unusedPartitionSpecIDs.map { .integer($0) })
        summary["files"] = files(prepared)
        // The manifests name sizes, but a plan need not hold one for every file.
        summary["bytes"] = .null
        summary["policy"] = policy(plan.policy)
        summary["warnings"] = .array(warnings(plan).map { .string($0) })
        return summary
    }

    /// How many snapshots stay for each reason.
    private static func reasons(_ plan: ExpireSnapshotsPlan) -> JSONValue {
        var counts = JSONObject()
        for snapshot in plan.retained {
            let name = snapshot.reason.name
            counts[name] = .integer((counts[name]?.intValue ?? 0) + 1)
        }
        return .object(counts)
    }

    /// How many files of each kind would be removed; null when files stay.
    private static func files(_ prepared: PreparedExpiry) -> JSONValue {
        guard prepared.plan.removesFiles else { return .null }
        let counts = prepared.files?.candidates.counts ?? [:]
        var object = JSONObject()
        for kind in FileKind.removalOrder {
            object[kind.metricName] = .integer(counts[kind] ?? 0)
        }
        return .object(object)
    }

    private static func policy(_ policy: RetentionPolicy) -> JSONValue {
        let oldest = Timestamp(milliseconds: policy.expireOlderThan.value)
        // An age limit of ages ago keeps everything; a time before year 1 has no spelling.
        let isSpellable = oldest > Timestamp(milliseconds: -62_135_596_800_000)
        let age = policy.maxRefAgeMilliseconds
        return [
            "older_than": [
                "value": isSpellable ? .string(oldest.description) : .null,
                "origin": .string(policy.expireOlderThan.origin.text),
            ],
            "retain_last": [
                "value": .integer(policy.minSnapshotsToKeep.value),
                "origin": .string(policy.minSnapshotsToKeep.origin.text),
            ],
            "max_ref_age_ms": [
                "value": age.value == .max ? .null : .integer(age.value),
                "origin": .string(age.origin.text),
            ],
        ]
    }

    private static func warnings(_ plan: ExpireSnapshotsPlan) -> [String] {
        plan.removesFiles
            ? plan.warnings
            : plan.warnings + ["files stay, because \(ExpireSnapshotsPlanner.gcProperty) is off"]
    }
}
