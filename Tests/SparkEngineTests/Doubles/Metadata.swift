// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import Maintenance
import ObjectStorage
import WireFormat

/// A table for a test: snapshots in a line, main at the last.
struct TestTable {
    struct Entry {
        var id: Int64
        var operation = "append"
        var summary: [String: String] = [:]
        /// How long before ``now`` it was made.
        var age: Int64 = 0
    }

    static let identifier = TableIdentifier(namespace: ["db"], name: "t")
    static let now = Timestamp(milliseconds: 1_700_000_000_000)

    var version = 1
    var firstSequenceNumber: Int64 = 1
    var snapshots: [Entry] = []
    var properties: [(String, String)] = []

    func loaded() throws -> LoadedTable {
        let last = snapshots.last
        let document: JSONValue = [
            "format-version": 2, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1",
            "location": "/t",
            "last-sequence-number": .integer(
                firstSequenceNumber + Int64(snapshots.count) - 1),
            "last-updated-ms": .integer(Self.now.milliseconds), "last-column-id": 1,
            "schemas": [["type": "struct", "schema-id": 0, "fields": []]],
            "current-schema-id": 0,
            "partition-specs": [["spec-id": 0, "fields": []]],
            "default-spec-id": 0, "last-partition-id": 999,
            "sort-orders": [["order-id": 0, "fields": []]], "default-sort-order-id": 0,
            "properties": .object(
                JSONObject(properties.map { .init(key: $0.0, value: .string($0.1)) })),
            "current-snapshot-id": last.map { .integer($0.id) } ?? .null,
            "snapshots": .array(snapshots.enumerated().map(json)),
            "refs": last.map { ["main": ["snapshot-id": .integer($0.id), "type": "branch"]] }
                ?? .object(JSONObject()),
        ]
        return LoadedTable(
            identifier: Self.identifier,
            metadataLocation: Location("/t/metadata/v\(version).metadata.json"),
            metadata: try TableMetadata(document))
    }

    private func json(_ index: Int, _ entry: Entry) -> JSONValue {
        var summary = JSONObject([.init(key: "operation", value: .string(entry.operation))])
        for (key, value) in entry.summary.sorted(by: { $0.key < $1.key }) {
            summary[key] = .string(value)
        }
        return [
            "snapshot-id": .integer(entry.id),
            "parent-snapshot-id": index == 0 ? .null : .integer(snapshots[index - 1].id),
            "sequence-number": .integer(firstSequenceNumber + Int64(index)),
            "timestamp-ms": .integer(Self.now.milliseconds - entry.age),
            "manifest-list": .string("/t/metadata/snap-\(entry.id).avro"),
            "summary": .object(summary), "schema-id": 0,
        ]
    }

    /// A request on the table.
    static func request(
        _ action: MaintenanceAction, _ options: JSONValue = .null
    ) throws -> ActionRequest {
        ActionRequest(
            table: identifier, action: action,
            options: try ActionOptions.validating(options, for: action), now: now)
    }

    static let attempt = AttemptLabel(jobID: "0a1b", attemptID: "2c3d")
    static let earlier = AttemptLabel(jobID: "0a1b", attemptID: "old")
}
