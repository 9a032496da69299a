// SPDX-License-Identifier: Apache-2.0

import WireFormat

// Properties, statistics, schemas and partition specs.
extension MetadataChange {
    mutating func setProperties(_ properties: TableProperties) {
        var object = document["properties"]?.objectValue ?? JSONObject()
        for member in properties.json.members { object[member.key] = member.value }
        document["properties"] = .object(object)
    }

    mutating func removeProperties(_ keys: [String]) {
        guard var object = document["properties"]?.objectValue else { return }
        for key in keys { object[key] = nil }
        document["properties"] = .object(object)
    }

    func requireSnapshot(_ id: Int64) throws(TableUpdateError) {
        guard snapshotIDs.contains(id) else { throw .notFound(what: "snapshot \(id)") }
    }

    static func removeAll<Element>(
        from list: inout [Element], of snapshotID: Int64, _ key: KeyPath<Element, Int64>,
        _ what: String
    ) throws(TableUpdateError) {
        let count = list.count
        list.removeAll { $0[keyPath: key] == snapshotID }
        guard list.count < count else { throw .notFound(what: "\(what) of snapshot \(snapshotID)") }
    }

    mutating func removeSchemas(_ ids: [Int]) throws(TableUpdateError) {
        if ids.contains(base.currentSchemaID) {
            throw .inUse(what: "the schema \(base.currentSchemaID)", by: "the table")
        }
        try removeEntries(ids, from: "schemas", id: "schema-id", missingID: 0, "schema")
    }

    mutating func removePartitionSpecs(_ ids: [Int]) throws(TableUpdateError) {
        if ids.contains(base.defaultSpecID) {
            throw .inUse(what: "the partition spec \(base.defaultSpecID)", by: "the table")
        }
        try removeEntries(
            ids, from: "partition-specs", id: "spec-id", missingID: nil, "partition spec")
    }

    private mutating func removeEntries(
        _ ids: [Int], from list: String, id member: String, missingID: Int?, _ what: String
    ) throws(TableUpdateError) {
        var entries = document[list]?.arrayValue ?? []
        for id in ids {
            let index = entries.firstIndex {
                ($0.objectValue?[member]?.intValue ?? missingID) == id
            }
            guard let index else { throw .notFound(what: "\(what) \(id)") }
            entries.remove(at: index)
        }
        document[list] = .array(entries)
    }
}
