// SPDX-License-Identifier: Apache-2.0

public import Maintenance

/// What Iceberg's procedures in Spark take, by the version of Iceberg.
///
/// Known before a job is submitted, so that a request fails there and not in Spark.
public struct SparkCapabilities: Hashable, Sendable {
    /// The version of Iceberg in Spark.
    public let iceberg: IcebergVersion

    /// Whether somebody decides about the orphans that Spark lists.
    public let guardsOrphans: Bool

    /// For a version of Iceberg.
    public init(iceberg: IcebergVersion = .assumed, guardsOrphans: Bool = false) {
        self.iceberg = iceberg
        self.guardsOrphans = guardsOrphans
    }

    /// The engine as the router sees it.
    public var capability: EngineCapability {
        EngineCapability(
            name: SparkEngineName.value, actions: Set(MaintenanceAction.allCases), limits: limits)
    }

    /// What the engine does not take, with the reasons.
    public var limits: EngineLimits {
        var refused: [MaintenanceAction: [String: String]] = [:]
        for action in MaintenanceAction.allCases {
            for declaration in action.declarations {
                if let reason = reason(against: declaration, of: action) {
                    refused[action, default: [:]][declaration.name] = reason
                }
            }
        }
        return EngineLimits(
            refusedOptions: refused,
            dryRunOnly: guardsOrphans ? [:] : [.removeOrphanFiles: Self.unguarded])
    }

    private static let unguarded =
        "Spark's own deletion has none of Icepack's guards, so on the spark engine "
        + "remove_orphan_files only looks; ask for a dry run, or set dry_run to true"

    /// Options that came with a version of Iceberg; those not named are older than all of them.
    ///
    /// For 1.9 and 1.10 taken from the released jars; what came later, from the source at
    /// `7f879b1`.
    private static let introduced: [MaintenanceAction: [String: IcebergVersion]] = [
        .expireSnapshots: ["clean_expired_metadata": IcebergVersion(major: 1, minor: 10)],
        .removeOrphanFiles: [
            "prefix_listing": IcebergVersion(major: 1, minor: 10),
            "stream_results": IcebergVersion(major: 1, minor: 11),
        ],
        .rewriteDataFiles: [
            "max-files-to-rewrite": IcebergVersion(major: 1, minor: 10),
            "branch": IcebergVersion(major: 1, minor: 11),
            "max-file-group-input-files": IcebergVersion(major: 1, minor: 12),
        ],
        .rewritePositionDeleteFiles: [
            "max-file-group-input-files": IcebergVersion(major: 1, minor: 12)
        ],
    ]

    private func reason(
        against declaration: OptionDeclaration, of action: MaintenanceAction
    ) -> String? {
        let name = declaration.name
        if declaration.source == .own {
            // What decides about Spark's list takes them all but the one that replaces the list.
            let isForGuard = action == .removeOrphanFiles && guardsOrphans
            if isForGuard, name != "inventory" { return nil }
            return "\(name) is an option of the native engine; Spark's \(action.rawValue) has none "
                + "like it"
        }
        if action == .rewriteManifests, name == "sort_by" {
            return "sort_by needs Spark 4.1, which the spark engine does not support yet; leave it "
                + "out"
        }
        guard let version = Self.introduced[action]?[name], version > iceberg else { return nil }
        return "\(name) came with Iceberg \(version), and Spark's is \(iceberg) "
            + "(ICEPACK_SPARK_ICEBERG_VERSION); leave it out"
    }
}

/// The engine's name, for whoever routes without an engine at hand.
public enum SparkEngineName {
    /// The name.
    public static let value = "spark"
}
