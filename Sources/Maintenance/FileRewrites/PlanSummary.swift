// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
public import IcebergTable
public import WireFormat

/// Names a partition for people; nil values and bytes included.
public typealias PartitionNaming = @Sendable (PartitionKey) -> String

/// How many groups or partitions a plan lists one by one.
public enum PlanLimits {
    /// The largest ones; the rest is in the totals.
    public static let listedPartitions = 20
}

extension LeftAlone {
    /// The counts, in numbers.
    var json: JSONValue {
        [
            "groups": .integer(groups), "files": .integer(files), "bytes": .integer(bytes),
        ]
    }

    /// The counts where every file is a group of its own.
    var fileJSON: JSONValue { ["files": .integer(files), "bytes": .integer(bytes)] }
}

extension EffectiveValue<Int64> {
    var json: JSONValue {
        ["value": .integer(value), "origin": .string(origin.text)]
    }
}

extension EffectiveValue<Int> {
    var json: JSONValue { ["value": .integer(value), "origin": .string(origin.text)] }
}

extension EffectiveValue<Double> {
    var json: JSONValue { ["value": .double(value), "origin": .string(origin.text)] }
}

extension EffectiveValue<Bool> {
    var json: JSONValue { ["value": .bool(value), "origin": .string(origin.text)] }
}

extension EffectiveValue<String> {
    var json: JSONValue { ["value": .string(value), "origin": .string(origin.text)] }
}

extension GroupSettings {
    /// The settings by their published names, each with its origin.
    var members: [JSONObject.Member] {
        [
            .init(key: "target-file-size-bytes", value: sizes.target.json),
            .init(key: "min-file-size-bytes", value: sizes.minimum.json),
            .init(key: "max-file-size-bytes", value: sizes.maximum.json),
            .init(key: "min-input-files", value: minInputFiles.json),
            .init(key: "rewrite-all", value: rewritesAll.json),
            .init(key: "max-file-group-size-bytes", value: maxGroupBytes.json),
            .init(key: "max-file-group-input-files", value: maxGroupFiles.json),
            .init(
                key: "rewrite-job-order",
                value: EffectiveValue(jobOrder.value.rawValue, jobOrder.origin).json),
        ]
    }
}

/// What is rewritten of one partition.
private struct PartitionTotal {
    var groups = 0
    var files = 0
    var bytes: Int64 = 0
    var expected: Int64 = 0
    var reasons: Set<FileGroup.Reason> = []
}

extension [FileGroup] {
    /// How many groups each reason holds for.
    var reasonCounts: JSONValue {
        var counts = JSONObject()
        for reason in FileGroup.Reason.allCases {
            let count = self.count { $0.reasons.contains(reason) }
            if count > 0 { counts[reason.rawValue] = .integer(count) }
        }
        return .object(counts)
    }

    /// The partitions with the most bytes to rewrite.
    func largestPartitions(_ name: PartitionNaming) -> JSONValue {
        var totals: [PartitionKey: PartitionTotal] = [:]
        for group in self {
            var total = totals[group.partition] ?? PartitionTotal()
            total.groups += 1
            total.files += group.files.count
            total.bytes = saturatingSum(total.bytes, group.bytes)
            total.expected = saturatingSum(total.expected, group.expectedFiles)
            total.reasons.formUnion(group.reasons)
            totals[group.partition] = total
        }
        let largest =
            totals.map { (partition: name($0), total: $1) }
            .sorted {
                ($1.total.bytes, $0.partition) < ($0.total.bytes, $1.partition)
            }
            .prefix(PlanLimits.listedPartitions)
        return .array(
            largest.map { partition, total in
                [
                    "partition": .string(partition), "groups": .integer(total.groups),
                    "files": .integer(total.files), "bytes": .integer(total.bytes),
                    "expected_files": .integer(total.expected),
                    "reasons": .array(
                        FileGroup.Reason.allCases.filter(total.reasons.contains).map {
                            .string($0.rawValue)
                        }),
                ]
            })
    }
}

extension RewriteDataFilesPlan {
    /// The plan in numbers, as the REST contract shows it.
    public func summary(naming name: PartitionNaming) -> JSONObject {
        var summary = JSONObject()
        summary["data_files_count"] = .integer(fileCount)
        summary["data_files_bytes"] = .integer(byteCount)
        summary["groups_count"] = .integer(groups.count)
        summary["rewritten_data_files_count"] = .integer(rewrittenFiles)
        summary["rewritten_bytes_count"] = .integer(rewrittenBytes)
        summary["added_data_files_count"] = .integer(expectedFiles)
        summary["removed_delete_files_count"] = .integer(removedDeletionVectors)
        summary["estimated_bytes_read"] = .integer(rewrittenBytes)
        summary["estimated_bytes_written"] = .integer(rewrittenBytes)
        summary["reasons"] = groups.reasonCounts
        summary["partitions"] = groups.largestPartitions(name)
        summary["left_alone"] = [
            "right_size": wellSized.fileJSON, "too_few_to_be_worth_it": tooFew.json,
            "no_fewer_files_afterwards": gainless.json,
            "beyond_max_files_to_rewrite": beyondLimit.json,
            "outside_where": ["files": .integer(filteredFiles)],
        ]
        summary["equality_deletes"] = .string(hasEqualityDeletes ? "estimated" : "none")
        if let largestOverlap { summary["largest_overlap"] = .integer(largestOverlap) }
        summary["settings"] = .object(JSONObject(settings.members))
        return summary
    }
}

extension RewriteDataFilesSettings {
    /// The settings by their published names, each with its origin.
    var members: [JSONObject.Member] {
        var members = groups.members
        members.append(
            .init(
                key: "strategy",
                value: EffectiveValue(strategy.value.rawValue, strategy.origin).json))
        if let sortOrder { members.append(.init(key: "sort_order", value: sortOrder.json)) }
        if case .zorder? = order {
            members.append(
                .init(key: "var-length-contribution", value: varLengthContribution.json))
            members.append(.init(key: "max-output-size", value: maxOutputSize.json))
        }
        if let overlapThreshold {
            members.append(.init(key: "overlap-threshold", value: overlapThreshold.json))
        }
        members.append(.init(key: "delete-file-threshold", value: deleteFileThreshold.json))
        members.append(.init(key: "delete-ratio-threshold", value: deleteRatioThreshold.json))
        members.append(.init(key: "output-spec-id", value: outputSpecID.json))
        if let maxFiles {
            members.append(.init(key: "max-files-to-rewrite", value: maxFiles.json))
        }
        members.append(.init(key: "branch", value: branch.json))
        if let filter { members.append(filter.member) }
        return members
    }
}

extension RewritePositionDeleteFilesPlan {
    /// The plan in numbers, as the REST contract shows it.
    public func summary(naming name: PartitionNaming) -> JSONObject {
        var summary = JSONObject()
        summary["position_delete_files_count"] = .integer(counts.positionDeleteFiles)
        summary["deletion_vectors_count"] = .integer(counts.deletionVectors)
        summary["equality_delete_files_count"] = .integer(counts.equalityDeleteFiles)
        summary["delete_files_bytes"] = .integer(counts.bytes)
        summary["groups_count"] = .integer(groups.count)
        summary["rewritten_delete_files_count"] = .integer(rewrittenFiles)
        summary["rewritten_bytes_count"] = .integer(rewrittenBytes)
        summary["added_delete_files_count"] = .integer(expectedFiles)
        summary["estimated_bytes_read"] = .integer(rewrittenBytes)
        summary["estimated_bytes_written"] = .integer(rewrittenBytes)
        summary["reasons"] = groups.reasonCounts
        summary["partitions"] = groups.largestPartitions(name)
        summary["left_alone"] = [
            "right_size": wellSized.fileJSON, "too_few_to_be_worth_it": tooFew.json,
            "no_fewer_files_afterwards": gainless.json,
            "outside_where": ["files": .integer(counts.filtered)],
        ]
        summary["settings"] = .object(JSONObject(settings.members))
        return summary
    }
}

extension RewritePositionDeleteFilesSettings {
    /// The settings by their published names, each with its origin.
    var members: [JSONObject.Member] {
        let granularity = EffectiveValue<String>(granularity.value.rawValue, granularity.origin)
        var members = groups.members
        members.append(.init(key: Self.granularityProperty, value: granularity.json))
        members.append(.init(key: Self.conversionOption, value: convertsEqualityDeletes.json))
        if let filter { members.append(filter.member) }
        return members
    }
}

extension RowFilter {
    fileprivate var member: JSONObject.Member {
        .init(key: "where", value: EffectiveValue(text, .request).json)
    }
}
