// SPDX-License-Identifier: Apache-2.0

package import WireFormat

extension ExpireSnapshotsPlan {
    /// How many references a summary names.
    private static var listedReferences: Int { 20 }

    /// What metadata alone tells of the plan, in numbers.
    package var summary: JSONObject {
        var summary = JSONObject()
        summary["expired_snapshots_count"] = .integer(expiredSnapshotIDs.count)
        summary["retained_snapshots_count"] = .integer(retained.count)
        summary["retained_because"] = reasons
        summary["removed_references_count"] = .integer(removedReferences.count)
        summary["removed_references"] = .array(
            removedReferences.prefix(Self.listedReferences).map { .string($0) })
        summary["removed_schema_ids"] = .array(removedSchemaIDs.map { .integer($0) })
        return summary
    }

    /// How many snapshots stay for each reason.
    private var reasons: JSONValue {
        var counts = JSONObject()
        for snapshot in retained {
            let name = snapshot.reason.name
            counts[name] = .integer((counts[name]?.intValue ?? 0) + 1)
        }
        return .object(counts)
    }

    /// The warnings, with one more when files stay.
    package var allWarnings: [String] {
        removesFiles
            ? warnings
            : warnings + ["files stay, because \(ExpireSnapshotsPlanner.gcProperty) is off"]
    }
}

extension RetentionPolicy {
    /// The policy as plans show it: each value with its origin.
    package var json: JSONValue {
        let oldest = Timestamp(milliseconds: expireOlderThan.value)
        // An age limit of ages ago keeps everything; a time before year 1 has no spelling.
        let isSpellable = oldest > Timestamp(milliseconds: -62_135_596_800_000)
        let age = maxRefAgeMilliseconds
        return [
            "older_than": [
                "value": isSpellable ? .string(oldest.description) : .null,
                "origin": .string(expireOlderThan.origin.text),
            ],
            "retain_last": [
                "value": .integer(minSnapshotsToKeep.value),
                "origin": .string(minSnapshotsToKeep.origin.text),
            ],
            "max_ref_age_ms": [
                "value": age.value == .max ? .null : .integer(age.value),
                "origin": .string(age.origin.text),
            ],
        ]
    }
}
