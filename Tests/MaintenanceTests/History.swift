// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import Maintenance
import TestSupport
import WireFormat

/// A table's history, put together for a test.
struct History {
    struct Entry {
        var id: Int64
        var parent: Int64?
        var time: Int64
        var schema: Int?
        var summary: JSONObject = JSONObject()
    }

    struct Reference {
        var name: String
        var snapshot: Int64
        var kind = "branch"
        var minimum: Int64?
        var snapshotAge: Int64?
        var age: Int64?
    }

    /// The time that ages are counted from.
    static let now = Timestamp(milliseconds: 1_000_000_000)

    var snapshots: [Entry] = []
    var references: [Reference] = []
    var properties: [(String, String)] = []
    var schemas: [Int] = [0]
    var specs: [Int] = [0]
    var statistics: [Int64] = []
    var partitionStatistics: [Int64] = []

    /// A line of snapshots `1, 2, …` of these ages in milliseconds, main at the last.
    init(ages: [Int64] = []) {
        for (index, age) in ages.enumerated() {
            let id = Int64(index + 1)
            snapshots.append(
                Entry(
                    id: id, parent: id == 1 ? nil : id - 1,
                    time: Self.now.milliseconds - age))
        }
        if !ages.isEmpty { references = [Reference(name: "main", snapshot: Int64(ages.count))] }
    }

    func metadata() throws -> TableMetadata {
        let main = references.first { $0.name == "main" }
        let document: JSONValue = [
            "format-version": 2, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1",
            "location": "/t", "last-sequence-number": .integer(snapshots.count),
            "last-updated-ms": 0, "last-column-id": 1,
            "schemas": .array(
                schemas.map { ["type": "struct", "schema-id": .integer($0), "fields": []] }),
            "current-schema-id": .integer(schemas.last ?? 0),
            "partition-specs": .array(
                specs.map { ["spec-id": .integer($0), "fields": []] }),
            "default-spec-id": .integer(specs.last ?? 0), "last-partition-id": 999,
            "sort-orders": [["order-id": 0, "fields": []]], "default-sort-order-id": 0,
            "properties": .object(
                JSONObject(properties.map { .init(key: $0.0, value: .string($0.1)) })),
            "current-snapshot-id": main.map { .integer($0.snapshot) } ?? .null,
            "snapshots": .array(snapshots.enumerated().map(json)),
            "refs": .object(JSONObject(references.map { .init(key: $0.name, value: json($0)) })),
            "statistics": .array(
                statistics.map {
                    [
                        "snapshot-id": .integer($0), "statistics-path": .string("/t/s\($0)"),
                        "file-size-in-bytes": 1, "file-footer-size-in-bytes": 1,
                        "blob-metadata": [],
                    ]
                }),
            "partition-statistics": .array(
                partitionStatistics.map {
                    [
                        "snapshot-id": .integer($0), "statistics-path": .string("/t/p\($0)"),
                        "file-size-in-bytes": 1,
                    ]
                }),
        ]
        return try TableMetadata(document)
    }

    func plan(_ options: ExpireSnapshotsOptions = .init()) throws -> ExpireSnapshotsPlan {
        try ExpireSnapshotsPlanner.plan(metadata(), options: options, now: Self.now)
    }

    private func json(_ index: Int, _ entry: Entry) -> JSONValue {
        var summary = JSONObject([.init(key: "operation", value: "append")])
        for member in entry.summary.members { summary[member.key] = member.value }
        var object = JSONObject([
            .init(key: "snapshot-id", value: .integer(entry.id)),
            .init(key: "sequence-number", value: .integer(index + 1)),
            .init(key: "timestamp-ms", value: .integer(entry.time)),
            .init(key: "manifest-list", value: .string("/t/l\(entry.id)")),
            .init(key: "summary", value: .object(summary)),
        ])
        object["parent-snapshot-id"] = entry.parent.map { .integer($0) }
        object["schema-id"] = entry.schema.map { .integer($0) }
        return .object(object)
    }

    private func json(_ reference: Reference) -> JSONValue {
        var object = JSONObject([
            .init(key: "snapshot-id", value: .integer(reference.snapshot)),
            .init(key: "type", value: .string(reference.kind)),
        ])
        object["min-snapshots-to-keep"] = reference.minimum.map { .integer($0) }
        object["max-snapshot-age-ms"] = reference.snapshotAge.map { .integer($0) }
        object["max-ref-age-ms"] = reference.age.map { .integer($0) }
        return .object(object)
    }
}

extension History {
    /// Branches, tags, rollbacks, cherry-picks and clocks that run backwards, from a seed.
    static func random(using random: inout SeededGenerator) -> History {
        var history = History()
        let count = Int.random(in: 1...24, using: &random)
        for id in 1...count {
            // Any earlier snapshot may be the parent: a rollback and a branch look the same.
            let parent =
                Int.random(in: 0...3, using: &random) > 0
                ? id - 1 : Int.random(in: 0..<id, using: &random)
            history.snapshots.append(
                Entry(
                    id: Int64(id), parent: parent == 0 ? nil : Int64(parent),
                    time: now.milliseconds - Int64.random(in: 0...1000, using: &random)))
        }
        // Some parents were expired earlier.
        for _ in 0..<Int.random(in: 0...3, using: &random) where history.snapshots.count > 1 {
            history.snapshots.remove(
                at: Int.random(in: 0..<history.snapshots.count, using: &random))
        }
        let ids = history.snapshots.map(\.id)
        func optional(_ range: ClosedRange<Int64>) -> Int64? {
            Bool.random(using: &random) ? Int64.random(in: range, using: &random) : nil
        }
        if Int.random(in: 0..<8, using: &random) > 0 {
            history.references.append(
                Reference(
                    name: "main", snapshot: ids.randomElement(using: &random) ?? 1,
                    minimum: optional(1...4), snapshotAge: optional(1...1000),
                    age: optional(1...1000)))
        }
        for index in 0..<Int.random(in: 0...4, using: &random) {
            let isTag = Bool.random(using: &random)
            history.references.append(
                Reference(
                    name: "r\(index)", snapshot: ids.randomElement(using: &random) ?? 1,
                    kind: isTag ? "tag" : "branch", minimum: isTag ? nil : optional(1...4),
                    snapshotAge: isTag ? nil : optional(1...1000), age: optional(1...1000)))
        }
        if let age = optional(0...1000) {
            history.properties.append(("history.expire.max-snapshot-age-ms", "\(age)"))
        }
        if let minimum = optional(1...5) {
            history.properties.append(("history.expire.min-snapshots-to-keep", "\(minimum)"))
        }
        if let age = optional(0...1000) {
            history.properties.append(("history.expire.max-ref-age-ms", "\(age)"))
        }
        return history
    }
}
