// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import TestSupport
import Testing
import WireFormat

/// One fault in an otherwise valid document.
private struct Fault: Sendable, CustomTestStringConvertible {
    let edit: String
    let value: JSONValue?
    let version: Int
    let path: String
    let reason: String

    /// Replaces the value at a path such as `snapshots.1.timestamp-ms`, nil to remove it, and
    /// expects an error about a path (the same one unless another is named).
    init(
        _ edit: String, _ value: JSONValue?, version: Int = 2, at path: String? = nil,
        _ reason: String
    ) {
        self.edit = edit
        self.value = value
        self.version = version
        self.path = path ?? edit
        self.reason = reason
    }

    var testDescription: String { "v\(version) \(edit) = \(value?.text() ?? "removed")" }

    var document: JSONValue {
        JSONValue.object(ExampleTable.document(version: version))
            .replacing(edit.split(separator: ".").map(String.init), with: value)
    }
}

private let huge = JSONValue.number(JSONNumber(literal: "99999999999999999999"))

private let missing: [Fault] = [
    .init("format-version", nil, "is missing"),
    .init("table-uuid", nil, "is missing"),
    .init("location", nil, "is missing"),
    .init("last-sequence-number", nil, "is missing"),
    .init("last-updated-ms", nil, "is missing"),
    .init("last-column-id", nil, "is missing"),
    .init("schemas", nil, "is missing"),
    .init("schemas", nil, version: 1, at: "schema", "is missing"),
    .init("current-schema-id", nil, "is missing"),
    .init("partition-specs", nil, "is missing"),
    .init("partition-specs", nil, version: 1, at: "partition-spec", "is missing"),
    .init("default-spec-id", nil, "is missing"),
    .init("last-partition-id", nil, "is missing"),
    .init("sort-orders", nil, "is missing"),
    .init("default-sort-order-id", nil, "is missing"),
    .init("snapshots.1.snapshot-id", nil, at: "snapshots[1].snapshot-id", "is missing"),
    .init("snapshots.1.timestamp-ms", nil, at: "snapshots[1].timestamp-ms", "is missing"),
    .init("snapshots.1.manifest-list", nil, at: "snapshots[1].manifest-list", "is missing"),
    .init(
        "snapshots.1.manifest-list", nil, version: 1, at: "snapshots[1].manifest-list",
        "is missing"),
    .init("refs.main.type", nil, "is missing"),
    .init("refs.main.snapshot-id", nil, "is missing"),
    .init("schemas.0.type", nil, at: "schemas[0].type", "is missing"),
    .init("schemas.0.fields.0.id", nil, at: "schemas[0].fields[0].id", "is missing"),
    .init("partition-specs.0.spec-id", nil, at: "partition-specs[0].spec-id", "is missing"),
]

private let mistyped: [Fault] = [
    .init("format-version", "2", "must be a 64-bit integer, not a string"),
    .init("location", 7, "must be a string, not a number"),
    .init("location", "", "must not be empty"),
    .init("last-updated-ms", huge, "must be a 64-bit integer, not 99999999999999999999"),
    .init("last-updated-ms", .double(1.5), "must be a 64-bit integer, not 1.5"),
    .init("last-column-id", 2_147_483_648, "must be a 32-bit integer, not 2147483648"),
    .init("last-sequence-number", -1, "must not be negative, but is -1"),
    .init("schemas", [:], "must be an array, not an object"),
    .init("schemas.0", [], at: "schemas[0]", "must be an object, not an array"),
    .init("properties", [], "must be an object, not an array"),
    .init("properties.owner", 5, "must be a string, not a number"),
    .init("properties.owner", .null, "must be a string, not null"),
    .init("snapshots", [:], "must be an array, not an object"),
    .init("snapshots.0", .null, at: "snapshots[0]", "must be an object, not null"),
    .init(
        "snapshots.0.snapshot-id", -7, at: "snapshots[0].snapshot-id",
        "must not be negative, but is -7"),
    .init(
        "snapshots.0.manifest-list", "", at: "snapshots[0].manifest-list", "must not be empty"),
    .init(
        "snapshots.0.summary.operation", 1, at: "snapshots[0].summary.operation",
        "must be a string, not a number"),
    .init(
        "snapshots.0.manifests", ["a", 1], version: 1, at: "snapshots[0].manifests[1]",
        "must be a string, not a number"),
    .init("refs", [], "must be an object, not an array"),
    .init("refs.main.type", "twig", #"must be "branch" or "tag", not "twig""#),
    .init("snapshot-log.0.snapshot-id", "1", at: "snapshot-log[0].snapshot-id", "must be a 64-bit"),
    .init(
        "metadata-log", [["timestamp-ms": 1]], at: "metadata-log[0].metadata-file", "is missing"),
    .init("statistics", [["snapshot-id": 1]], at: "statistics[0].statistics-path", "is missing"),
    .init(
        "partition-statistics", [["snapshot-id": 1, "statistics-path": "p"]],
        at: "partition-statistics[0].file-size-in-bytes", "is missing"),
    .init("next-row-id", -1, version: 3, "must not be negative, but is -1"),
    .init("encryption-keys", [:], version: 3, "must be an array, not an object"),
]

private let contradictory: [Fault] = [
    .init("current-schema-id", 9, "is 9, which is none of `schemas`"),
    .init("default-spec-id", 9, "is 9, which is none of `partition-specs`"),
    .init("default-sort-order-id", 9, "is 9, which is none of `sort-orders`"),
    .init("schemas.0.schema-id", 1, at: "schemas[1].schema-id", "is there twice: 1"),
    .init("partition-specs.0.spec-id", 1, at: "partition-specs[1].spec-id", "is there twice: 1"),
    .init(
        "sort-orders.1", ["order-id": 0, "fields": []], at: "sort-orders[1].order-id",
        "is there twice: 0"),
    .init("snapshots.0.snapshot-id", 2, at: "snapshots[1].snapshot-id", "is there twice: 2"),
    .init("current-snapshot-id", 9, "is 9, which is none of `snapshots`"),
    .init("current-snapshot-id", -2, "is -2, which is none of `snapshots`"),
    .init(
        "current-snapshot-id", 2, at: "refs.main.snapshot-id",
        "is 3, but `current-snapshot-id` is 2"),
    .init("current-snapshot-id", -1, at: "refs.main.snapshot-id", "is not set"),
    .init("refs.main.type", "tag", #"must be "branch""#),
    .init(
        "refs.old", ["snapshot-id": 9, "type": "tag"], at: "refs.old.snapshot-id",
        "is 9, which is none of `snapshots`"),
    .init(
        "refs.old", ["snapshot-id": 1, "type": "tag", "min-snapshots-to-keep": 1],
        at: "refs.old.min-snapshots-to-keep", "is only for branches"),
    .init("refs.main.min-snapshots-to-keep", 0, "must be above zero, but is 0"),
    .init("refs.main.max-snapshot-age-ms", -5, "must be above zero, but is -5"),
    .init("refs.main.max-ref-age-ms", 0, "must be above zero, but is 0"),
    .init(
        "schemas.1.fields.1", ["id": 1, "name": "y", "required": false, "type": "int"],
        at: "schemas[1]", "has two fields with the id 1"),
    .init(
        "schemas.1.fields.1", ["id": 2, "name": "x", "required": false, "type": "int"],
        at: "schemas[1].fields[1].name", #"is there twice: "x""#),
    .init(
        "schemas.0.fields.0.type", "quaternion", at: "schemas[0].fields[0].type",
        #"is the unknown type "quaternion""#),
    .init(
        "partition-specs.1.fields.1", ExampleTable.partitionField,
        at: "partition-specs[1].fields", "has two fields with the same field-id"),
]

struct BrokenMetadataTests {
    @Test(arguments: missing + mistyped + contradictory)
    private func `a fault is refused and its place is named`(fault: Fault) throws {
        let error = #expect(throws: TableMetadataError.self) { try TableMetadata(fault.document) }

        guard case .invalid(let path, let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(path == fault.path)
        #expect(reason.contains(fault.reason), "\(reason)")
        #expect(error?.description == "the table metadata's \(path) \(reason)")
    }

    @Test(arguments: [0, 4, 42, -1, Int64.max])
    func `another format version is refused by its number, P-65`(version: Int64) {
        var document = ExampleTable.document()
        document["format-version"] = .integer(version)

        #expect(throws: TableMetadataError.unsupportedFormatVersion(version)) {
            try TableMetadata(.object(document))
        }
    }

    @Test func `text that is not JSON is refused with the byte`() {
        let error = #expect(throws: TableMetadataError.self) {
            try TableMetadata(parsing: Array("{\"a\":".utf8))
        }
        #expect(error?.description.contains("byte 5") == true)
    }

    @Test func `a document that is no object is refused`() {
        #expect(
            throws: TableMetadataError.invalid(path: "", reason: "must be an object, not an array")
        ) { try TableMetadata([]) }
    }

    @Test func `a member that is there twice is refused`() {
        let text = JSONValue.object(ExampleTable.document()).text().dropLast()
        #expect(throws: TableMetadataError.self) {
            try TableMetadata(parsing: Array((text + ",\"location\":\"s3://other\"}").utf8))
        }
    }

    @Test(arguments: UInt64(0)..<300)
    func `a document with one value swapped reads or is refused, and never crashes`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let document = JSONValue.object(
            ExampleTable.document(version: Int.random(in: 1...3, using: &random)))
        let odd: [JSONValue] = [
            .null, 0, -1, "", [], [:], huge, true, "x", [[:]], .integer(Int64.max),
            .integer(Int64.min),
        ]

        let path = randomPath(in: document, using: &random)
        let value = odd[Int.random(in: odd.indices, using: &random)]
        let broken = document.replacing(path, with: value)

        if let metadata = try? TableMetadata(broken) {
            #expect(metadata.json == broken, "\(path) = \(value.text())")
        }
    }

    private func randomPath(in value: JSONValue, using random: inout SeededGenerator) -> [String] {
        var path: [String] = []
        var value = value
        while true {
            switch value {
            case .object(let object) where !object.isEmpty:
                let member = object.members[Int.random(in: object.members.indices, using: &random)]
                path.append(member.key)
                value = member.value
            case .array(let elements) where !elements.isEmpty:
                let index = Int.random(in: elements.indices, using: &random)
                path.append(String(index))
                value = elements[index]
            case .null, .bool, .number, .string, .object, .array:
                return path
            }
            if Int.random(in: 0..<4, using: &random) == 0 { return path }
        }
    }
}
