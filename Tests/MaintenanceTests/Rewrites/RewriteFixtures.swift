// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import TestSupport
import Testing
import WireFormat

@testable import Maintenance

/// Data files for planners: sizes are small numbers, and the target is 1,000.
enum RewriteFixtures {
    static func partition(_ value: Int64?, spec: Int = 1) -> PartitionKey {
        PartitionKey(specID: spec, tuple: PartitionTuple([value.map { .integer($0) }]))
    }

    static func file(
        _ ordinal: Int64, bytes: Int64, in partition: PartitionKey = partition(1),
        records: Int64 = 100, age: Int64 = 1
    ) -> LiveFile {
        LiveFile(
            path: "file-\(ordinal)", recordCount: records, sizeInBytes: bytes,
            partition: partition, dataSequenceNumber: age, ordinal: ordinal)
    }

    static func metadata(
        _ properties: TableProperties = [:], refs: JSONValue = [:],
        version: FormatVersion = .v2
    ) throws -> TableMetadata {
        try TableMetadata([
            "format-version": .integer(version.rawValue), "next-row-id": 0,
            "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1",
            "location": "/t", "last-sequence-number": 0, "last-updated-ms": 0,
            "last-column-id": 1,
            "schemas": [
                [
                    "type": "struct", "schema-id": 0,
                    "fields": [["id": 1, "name": "id", "required": true, "type": "long"]],
                ]
            ],
            "current-schema-id": 0,
            "partition-specs": [
                ["spec-id": 0, "fields": []],
                [
                    "spec-id": 1,
                    "fields": [
                        [
                            "name": "id", "field-id": 1000, "source-id": 1,
                            "transform": "identity",
                        ]
                    ],
                ],
            ],
            "default-spec-id": 1, "last-partition-id": 1000, "sort-orders": [],
            "default-sort-order-id": 0, "properties": .object(properties.json),
            "current-snapshot-id": -1, "snapshots": [],
        ])
    }

    /// Settings as Iceberg has them, with a target of 1,000 bytes and more on top.
    static func options(_ more: JSONValue = [:]) throws -> ActionOptions {
        var object = JSONObject()
        object["target-file-size-bytes"] = 1000
        object["delete-file-threshold"] = 2_147_483_647
        object["delete-ratio-threshold"] = .double(0.3)
        for member in more.objectValue?.members ?? [] { object[member.key] = member.value }
        return try ActionOptions.validating(.object(object), for: .rewriteDataFiles)
    }

    static func plan(
        _ files: [(LiveFile, AppliedDeletes)], _ more: JSONValue = [:]
    ) throws -> RewriteDataFilesPlan {
        let metadata = try metadata()
        let (settings, _) = try RewriteDataFilesSettings.resolve(
            metadata, options: try options(more))
        var planner = RewriteDataFilesPlanner(settings, metadata: metadata)
        for (file, deletes) in files { planner.add(file, deletes) }
        return planner.plan()
    }

    static func plan(_ files: [LiveFile], _ more: JSONValue = [:]) throws -> RewriteDataFilesPlan {
        try plan(files.map { ($0, .none) }, more)
    }
}
