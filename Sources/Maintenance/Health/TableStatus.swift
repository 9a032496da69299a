// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec
import IcebergTable
public import WireFormat

/// What a table looks like: observed facts, without a judgement of them.
///
/// Pure: metadata and counts in, numbers out.
public struct TableStatus: Sendable {
    /// The table's metadata.
    public let metadata: TableMetadata
    /// What its manifests tell.
    public let facts: TableFacts
    /// How large the metadata file is.
    public let metadataFileBytes: Int64
    /// How many snapshots could expire now; nil where the retention cannot be read.
    public let expirableSnapshots: Int?
    /// What was ignored, in sentences.
    public let warnings: [String]
    /// The size that manifests should have; the default where the property makes no sense.
    let manifestTarget: Int64

    /// How many partitions are listed one by one.
    public static let listedPartitions = 20
    /// Manifests below this part of the target size are small.
    public static let smallManifestRatio = 0.5

    /// Works out the status of a table at a time.
    public init(
        metadata: TableMetadata, facts: TableFacts, metadataFileBytes: Int64, now: Timestamp,
        warnings: [String]
    ) {
        self.metadata = metadata
        self.facts = facts
        self.metadataFileBytes = metadataFileBytes
        var warnings = warnings
        do throws(ExpireSnapshotsRefusal) {
            let plan = try ExpireSnapshotsPlanner.plan(
                metadata, options: ExpireSnapshotsOptions(), now: now)
            expirableSnapshots = plan.expiredSnapshotIDs.count
            for warning in plan.warnings where !warnings.contains(warning) {
                warnings.append(warning)
            }
        } catch {
            expirableSnapshots = nil
            warnings.append("how many snapshots could expire is not known: \(error)")
        }
        // The defaults are of no matter: what is wrong is in the table's own properties.
        let policy = MaintenancePolicy(metadata.properties, defaults: PolicyDefaults())
        for warning in policy.warnings where !warnings.contains(warning) {
            warnings.append(warning)
        }
        do throws(RewriteManifestsRefusal) {
            manifestTarget = try RewriteManifestsPlanner.target(of: metadata)
        } catch {
            manifestTarget = RewriteManifestsPlanner.defaultTargetBytes
            warnings.append("manifest sizes are judged by the default target: \(error)")
        }
        self.warnings = warnings
    }
}

extension TableStatus {
    /// The members of the REST contract's status but `table` and `collection`.
    public var members: [JSONObject.Member] {
        [
            .init(key: "snapshots", value: snapshots), .init(key: "files", value: files),
            .init(key: "manifests", value: manifests),
            .init(key: "partitions", value: partitions),
            .init(
                key: "metadata",
                value: [
                    "metadata_file_bytes": .integer(metadataFileBytes),
                    "metadata_log_entries": .integer(metadata.metadataLog.count),
                ]),
            .init(key: "properties", value: properties),
        ]
    }

    private var snapshots: JSONValue {
        let times = metadata.snapshots.map(\.timestampMilliseconds)
        return [
            "count": .integer(metadata.snapshots.count),
            "current_id": .optional(metadata.currentSnapshotID),
            "current_timestamp": Self.time(metadata.currentSnapshot?.timestampMilliseconds),
            "oldest_timestamp": Self.time(times.min()),
            "refs": [
                "branches": .integer(metadata.refs.count { $0.reference.kind == .branch }),
                "tags": .integer(metadata.refs.count { $0.reference.kind == .tag }),
            ],
            "expirable_count": .optional(expirableSnapshots.map { Int64($0) }),
        ]
    }

    private var files: JSONValue {
        [
            "data_files": .integer(facts.dataFiles),
            "position_delete_files": .integer(facts.positionDeleteFiles),
            "equality_delete_files": .integer(facts.equalityDeleteFiles),
            "deletion_vectors": .integer(facts.deletionVectors),
            "total_data_bytes": .integer(facts.dataBytes),
            "total_delete_bytes": .integer(facts.deleteBytes),
            "records": .integer(facts.records),
            "deleted_records_estimate": .integer(facts.deletedRecordsEstimate),
            "avg_data_file_bytes": .integer(facts.averageFileBytes),
            "small_files": .integer(facts.smallFiles),
            "small_files_pct": .double(facts.smallFilesPercentage),
            "large_files": .integer(facts.largeFiles),
            "size_histogram": .array(histogram),
        ]
    }

    private var histogram: [JSONValue] {
        let bounds = [0] + TableFacts.histogramBounds
        return bounds.indices.map { index in
            let upper = index + 1 < bounds.count ? JSONValue.integer(bounds[index + 1]) : .null
            return [
                "from_bytes": .integer(bounds[index]), "below_bytes": upper,
                "files": .integer(facts.histogram[index]),
            ]
        }
    }

    private var manifests: JSONValue {
        let count = facts.manifests.count
        let limit = Int64(
            clampingDouble: Double(manifestTarget) * Self.smallManifestRatio)
        return [
            "count": .integer(count), "total_bytes": .integer(facts.manifestBytes),
            "avg_bytes": .integer(facts.averageManifestBytes),
            "data_manifests": .integer(facts.manifests.count { $0.content == .data }),
            "delete_manifests": .integer(facts.manifests.count { $0.content == .deletes }),
            "small_manifests": .integer(facts.manifests.count { $0.length < limit }),
        ]
    }

    private var partitions: JSONValue {
        let spec = metadata.partitionSpec(metadata.defaultSpecID)
        guard spec?.isUnpartitioned == false || facts.specIDs.count > 1 else { return .null }
        let names = PartitionNames(metadata)
        let top = facts.partitions
            .filter { $0.value.smallFiles > 0 }
            .map { (key: $0.key, name: names.name(of: $0.key), counts: $0.value) }
            .sorted {
                ($1.counts.smallFiles, $0.name, $0.key.specID)
                    < ($0.counts.smallFiles, $1.name, $1.key.specID)
            }
            .prefix(Self.listedPartitions)
        return [
            "spec_id": .integer(metadata.defaultSpecID),
            "specs_in_use": .array(facts.specIDs.sorted().map { .integer($0) }),
            "count": .integer(facts.partitions.count),
            "top": .array(
                top.map { key, name, counts in
                    [
                        "partition": .string(name), "spec_id": .integer(key.specID),
                        "files": .integer(counts.files),
                        "small_files": .integer(counts.smallFiles),
                        "bytes": .integer(counts.bytes),
                    ]
                }),
        ]
    }

    /// What steers maintenance: this product's properties and Iceberg's.
    private var properties: JSONValue {
        let wanted = [PolicyReader.prefix, PolicyReader.aliasPrefix]
        let members = metadata.properties.json.members.filter { member in
            wanted.contains { member.key.hasPrefix($0) }
                || Self.steeringProperties.contains(member.key)
        }
        return .object(JSONObject(members))
    }

    /// Iceberg's properties that steer maintenance, and the one of this product without a prefix.
    private static let steeringProperties: Set<String> = [
        "compaction_skip", "gc.enabled", "write.target-file-size-bytes",
        "write.delete.target-file-size-bytes", "history.expire.max-snapshot-age-ms",
        "history.expire.min-snapshots-to-keep", "history.expire.max-ref-age-ms",
        "commit.manifest.target-size-bytes", "commit.manifest.min-count-to-merge",
        "commit.manifest-merge.enabled", "write.metadata.delete-after-commit.enabled",
        "write.metadata.previous-versions-max", "write.delete.granularity",
    ]

    private static func time(_ milliseconds: Int64?) -> JSONValue {
        .optional(milliseconds.map { Timestamp(milliseconds: $0).description })
    }
}

extension TableFacts {
    /// The average size of a data file; 0 without any.
    public var averageFileBytes: Int64 { dataFiles == 0 ? 0 : dataBytes / Int64(dataFiles) }

    /// The average size of a manifest; 0 without any.
    public var averageManifestBytes: Int64 {
        manifests.isEmpty ? 0 : manifestBytes / Int64(manifests.count)
    }

    /// The part of small files in all data files, in percent with two decimals.
    public var smallFilesPercentage: Double { Self.percentage(smallFiles, of: dataFiles) }

    static func percentage(_ part: some BinaryInteger, of whole: some BinaryInteger) -> Double {
        guard whole != 0 else { return 0 }
        return (Double(part) / Double(whole) * 10_000).rounded() / 100
    }
}

extension JSONValue {
    /// A number, or null.
    static func optional(_ number: Int64?) -> JSONValue { number.map { .integer($0) } ?? .null }
}
