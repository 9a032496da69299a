// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import WireFormat

extension TestTable {
    /// The table's metadata as it stands.
    var document: JSONValue {
        let main = refs.first { $0.name == "main" }
        let members: [(String, JSONValue)] = [
            ("format-version", 2), ("table-uuid", .string(Self.uuid)),
            ("location", .string(location)),
            ("last-sequence-number", .integer(snapshots.count)),
            ("last-updated-ms", .integer(1_000_000_000_000 + snapshots.count)),
            ("last-column-id", 1),
            (
                "schemas",
                .array(
                    schemaIDs.map { ["type": "struct", "schema-id": .integer($0), "fields": []] })
            ),
            ("current-schema-id", .integer(schemaIDs.last ?? 0)),
            (
                "partition-specs",
                .array(specIDs.map { ["spec-id": .integer($0), "fields": []] })
            ),
            ("default-spec-id", .integer(specIDs.last ?? 0)), ("last-partition-id", 999),
            ("sort-orders", [["order-id": 0, "fields": []]]), ("default-sort-order-id", 0),
            (
                "properties",
                .object(
                    JSONObject(
                        properties.sorted { $0.key < $1.key }.map {
                            .init(key: $0.key, value: .string($0.value))
                        }))
            ),
            ("current-snapshot-id", main.map { .integer($0.id) } ?? .null),
            ("snapshots", .array(snapshots.map(json))),
            (
                "refs",
                .object(
                    JSONObject(
                        refs.map {
                            .init(
                                key: $0.name,
                                value: ["snapshot-id": .integer($0.id), "type": .string($0.kind)])
                        }))
            ),
            ("statistics", .array(statistics.map { json($0, footer: 1) })),
            ("partition-statistics", .array(partitionStatistics.map { json($0, footer: nil) })),
        ]
        return .object(JSONObject(members.map { .init(key: $0.0, value: $0.1) }))
    }

    private func json(_ snapshot: SnapshotRow) -> JSONValue {
        var object = JSONObject([
            .init(key: "snapshot-id", value: .integer(snapshot.id)),
            .init(key: "sequence-number", value: .integer(snapshot.id)),
            .init(key: "timestamp-ms", value: .integer(snapshot.time)),
            .init(key: "manifest-list", value: .string(snapshot.list)),
            .init(key: "summary", value: .object(summary(of: snapshot))),
            .init(key: "schema-id", value: .integer(snapshot.schemaID)),
        ])
        object["parent-snapshot-id"] = snapshot.parent.map { .integer($0) }
        return .object(object)
    }

    private func summary(of snapshot: SnapshotRow) -> JSONObject {
        var summary = JSONObject([.init(key: "operation", value: "append")])
        if let total = totals[snapshot.id] { summary["total-data-files"] = .string(total) }
        return summary
    }

    private func json(_ file: (snapshot: Int64, path: String), footer: Int?) -> JSONValue {
        var object = JSONObject([
            .init(key: "snapshot-id", value: .integer(file.snapshot)),
            .init(key: "statistics-path", value: .string(file.path)),
            .init(key: "file-size-in-bytes", value: 1),
        ])
        object["file-footer-size-in-bytes"] = footer.map { .integer($0) }
        if footer != nil { object["blob-metadata"] = [] }
        return .object(object)
    }

    static let manifestSchema: JSONValue = [
        "type": "record", "name": "manifest_entry",
        "fields": [
            AvroWriting.field("status", "int", 0),
            AvroWriting.optionalField("snapshot_id", "long", 1),
            AvroWriting.optionalField("sequence_number", "long", 3),
            AvroWriting.optionalField("file_sequence_number", "long", 4),
            AvroWriting.field(
                "data_file",
                [
                    "type": "record", "name": "r2",
                    "fields": [
                        AvroWriting.field("content", "int", 134),
                        AvroWriting.field("file_path", "string", 100),
                        AvroWriting.field("file_format", "string", 101),
                        AvroWriting.field(
                            "partition", ["type": "record", "name": "r102", "fields": []], 102),
                        AvroWriting.field("record_count", "long", 103),
                        AvroWriting.field("file_size_in_bytes", "long", 104),
                    ],
                ], 2),
        ],
    ]

    static let listSchema: JSONValue = [
        "type": "record", "name": "manifest_file",
        "fields": [
            AvroWriting.field("manifest_path", "string", 500),
            AvroWriting.field("manifest_length", "long", 501),
            AvroWriting.field("partition_spec_id", "int", 502),
            AvroWriting.field("content", "int", 517),
            AvroWriting.field("sequence_number", "long", 515),
            AvroWriting.field("min_sequence_number", "long", 516),
            AvroWriting.field("added_snapshot_id", "long", 503),
            AvroWriting.field("added_files_count", "int", 504),
            AvroWriting.field("existing_files_count", "int", 505),
            AvroWriting.field("deleted_files_count", "int", 506),
            AvroWriting.field("added_rows_count", "long", 512),
            AvroWriting.field("existing_rows_count", "long", 513),
            AvroWriting.field("deleted_rows_count", "long", 514),
        ],
    ]
}
