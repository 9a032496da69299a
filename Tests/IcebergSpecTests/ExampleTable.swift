// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import WireFormat

/// Makes metadata documents for tests: a small valid one, and edits to it.
enum ExampleTable {
    static let location = "s3://bucket/db/t"
    static let previousLocation = "s3://bucket/db/t/metadata/00001-a.metadata.json"
    static let uuid = "9c12d441-03fe-4693-9a96-a0705ddf69c1"

    /// A table of this version whose snapshots 1, 2, … follow one another, a second apart.
    static func document(version: Int = 2, snapshots count: Int64 = 3) -> JSONObject {
        let ids = count > 0 ? Array(1...count) : []
        let column: JSONValue = ["id": 1, "name": "x", "required": true, "type": "long"]
        var object = JSONObject()
        object["format-version"] = .integer(version)
        object["table-uuid"] = .string(uuid)
        object["location"] = .string(location)
        if version > 1 { object["last-sequence-number"] = .integer(count) }
        object["last-updated-ms"] = .integer(1_000 * count)
        object["last-column-id"] = 3
        object["schemas"] = [
            ["type": "struct", "schema-id": 0, "fields": [column]],
            ["type": "struct", "schema-id": 1, "fields": [column]],
        ]
        object["current-schema-id"] = 1
        object["partition-specs"] = [
            ["spec-id": 0, "fields": []],
            ["spec-id": 1, "fields": [partitionField]],
        ]
        object["default-spec-id"] = 1
        object["last-partition-id"] = 1000
        object["sort-orders"] = [["order-id": 0, "fields": []]]
        object["default-sort-order-id"] = 0
        object["properties"] = ["owner": "somebody"]
        object["current-snapshot-id"] = .integer(ids.last ?? -1)
        object["snapshots"] = .array(ids.map { snapshot($0, version: version) })
        object["snapshot-log"] = .array(
            ids.map { ["timestamp-ms": .integer(1_000 * $0), "snapshot-id": .integer($0)] })
        object["metadata-log"] = []
        if let last = ids.last {
            object["refs"] = ["main": ["snapshot-id": .integer(last), "type": "branch"]]
        }
        if version > 2 { object["next-row-id"] = .integer(10 * count) }
        return object
    }

    static let partitionField: JSONValue = [
        "name": "x", "transform": "identity", "source-id": 1, "field-id": 1000,
    ]

    static func snapshot(_ id: Int64, version: Int = 2) -> JSONValue {
        var object = JSONObject()
        if version > 1 { object["sequence-number"] = .integer(id) }
        object["snapshot-id"] = .integer(id)
        if id > 1 { object["parent-snapshot-id"] = .integer(id - 1) }
        object["timestamp-ms"] = .integer(1_000 * id)
        object["summary"] = ["operation": "append", "added-records": "10"]
        object["manifest-list"] = .string("\(location)/metadata/snap-\(id).avro")
        object["schema-id"] = 1
        if version > 2 {
            object["first-row-id"] = .integer(10 * (id - 1))
            object["added-rows"] = 10
        }
        return .object(object)
    }

    static func statisticsFile(ofSnapshot id: Int64) -> JSONValue {
        [
            "snapshot-id": .integer(id),
            "statistics-path": .string("\(location)/stats-\(id).puffin"),
            "file-size-in-bytes": 413, "file-footer-size-in-bytes": 42,
            "blob-metadata": [["type": "ndv", "fields": [1]]],
        ]
    }

    static func partitionStatisticsFile(ofSnapshot id: Int64) -> JSONValue {
        [
            "snapshot-id": .integer(id),
            "statistics-path": .string("\(location)/part-\(id).parquet"),
            "file-size-in-bytes": 43,
        ]
    }

    /// The metadata of a document, after an edit.
    static func metadata(
        version: Int = 2, snapshots: Int64 = 3, _ edit: (inout JSONObject) -> Void = { _ in }
    ) throws -> TableMetadata {
        var object = document(version: version, snapshots: snapshots)
        edit(&object)
        return try TableMetadata(.object(object))
    }
}

extension JSONValue {
    /// This value with the one at a path such as `["snapshots", "1", "timestamp-ms"]` replaced, or
    /// removed where the new one is nil.
    func replacing(_ path: some Collection<String>, with value: JSONValue?) -> JSONValue {
        guard let first = path.first else { return value ?? .null }
        let rest = path.dropFirst()
        switch self {
        case .object(var object):
            object[first] =
                rest.isEmpty ? value : (object[first] ?? [:]).replacing(rest, with: value)
            return .object(object)
        case .array(var elements):
            guard let index = Int(first) else { return self }
            if let value, rest.isEmpty, index == elements.count {
                elements.append(value)
            } else if rest.isEmpty, value == nil {
                elements.remove(at: index)
            } else {
                elements[index] = elements[index].replacing(rest, with: value)
            }
            return .array(elements)
        case .null, .bool, .number, .string:
            return self
        }
    }
}
