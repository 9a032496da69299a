// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec
public import WireFormat

/// Which manifests of a snapshot are written again, and why.
public struct RewriteManifestsPlan: Sendable {
    /// The size that new manifests should have.
    public let targetBytes: Int64
    /// What is rewritten, by spec and content; empty when nothing is gained.
    public let groups: [ManifestGroup]
    /// Manifests without a live file, which are simply left out of the list.
    public let emptied: [ManifestFile]
    /// How many manifests stay as they are.
    public let keptCount: Int
    /// What was ignored, in sentences.
    public let warnings: [String]

    /// Whether committing it would change the table.
    public var hasWork: Bool { !groups.isEmpty || !emptied.isEmpty }

    /// How many manifests go.
    public var replacedCount: Int {
        emptied.count + groups.reduce(0) { $0 + $1.sources.count }
    }

    /// How many manifests are expected to come in their place.
    public var expectedCount: Int { groups.reduce(0) { $0 + $1.expectedCount } }

    /// A dry run's answer.
    public var summary: JSONObject {
        var summary = JSONObject()
        summary["rewritten_manifests_count"] = .integer(replacedCount)
        summary["added_manifests_count"] = .integer(expectedCount)
        summary["kept_manifests_count"] = .integer(keptCount)
        summary["target_size_bytes"] = .integer(targetBytes)
        summary["groups"] = .array(groups.map(\.json))
        summary["skip_reason"] = hasWork ? .null : .string(Self.skipReason)
        summary["warnings"] = .array(warnings.map { .string($0) })
        return summary
    }

    /// Why a run with no work ends without one.
    public static let skipReason = "nothing_to_do"
}

/// Manifests of one spec and one content that are written again together.
public struct ManifestGroup: Hashable, Sendable {
    /// Why a group is rewritten.
    public enum Reason: String, Hashable, Sendable {
        /// There are fewer manifests afterwards.
        case consolidates
        /// One manifest is much larger than it should be.
        case splits
        /// The order that was asked for is not there.
        case clusters
        /// The list does not say of a manifest what this table's lists must say.
        case completes
    }

    /// What the manifests have in common.
    public let key: ManifestGroupKey
    /// The manifests, in the list's order.
    public let sources: [ManifestFile]
    /// How many manifests are expected to come of it.
    public let expectedCount: Int
    /// Why it is rewritten.
    public let reason: Reason
    /// By which fields of the spec entries are clustered, as indices, before all others.
    public let sortFields: [Int]

    var json: JSONValue {
        [
            "partition_spec_id": .integer(key.specID),
            "content": .string("\(key.content)"),
            "manifests_count": .integer(sources.count),
            "bytes": .integer(sources.reduce(0) { $0 &+ $1.length }),
            "expected_manifests_count": .integer(expectedCount),
            "reason": .string(reason.rawValue),
        ]
    }
}

/// What manifests have in common that may be merged (P-61).
public struct ManifestGroupKey: Hashable, Sendable {
    /// The partition spec.
    public let specID: Int
    /// Data or deletes.
    public let content: ManifestContent

    /// Pairs a spec with a content.
    public init(specID: Int, content: ManifestContent) {
        self.specID = specID
        self.content = content
    }
}
