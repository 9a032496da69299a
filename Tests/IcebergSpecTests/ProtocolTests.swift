// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import Testing
import WireFormat

struct TableUpdateTests {
    static let updates: [(TableUpdate, String)] = [
        (.removeSnapshots([1, 2]), #"{"action":"remove-snapshots","snapshot-ids":[1,2]}"#),
        (.removeSnapshotRef(name: "t"), #"{"action":"remove-snapshot-ref","ref-name":"t"}"#),
        (
            .setSnapshotRef(
                name: "b",
                SnapshotReference(
                    snapshotID: 1, kind: .branch, minSnapshotsToKeep: 2,
                    maxSnapshotAgeMilliseconds: 3, maxRefAgeMilliseconds: 4)),
            #"{"action":"set-snapshot-ref","ref-name":"b","snapshot-id":1,"type":"branch","#
                + #""min-snapshots-to-keep":2,"max-snapshot-age-ms":3,"max-ref-age-ms":4}"#
        ),
        (
            .addSnapshot(
                Snapshot(
                    id: 7, parentID: 6, sequenceNumber: 5, timestampMilliseconds: 4,
                    manifestList: "l", summary: SnapshotSummary(operation: "replace"), schemaID: 3,
                    firstRowID: 2, addedRows: 1, keyID: "k")),
            #"{"action":"add-snapshot","snapshot":{"sequence-number":5,"snapshot-id":7,"#
                + #""parent-snapshot-id":6,"timestamp-ms":4,"summary":{"operation":"replace"},"#
                + #""manifest-list":"l","schema-id":3,"first-row-id":2,"added-rows":1,"#
                + #""key-id":"k"}}"#
        ),
        (.setProperties(["a": "b"]), #"{"action":"set-properties","updates":{"a":"b"}}"#),
        (.removeProperties(["a"]), #"{"action":"remove-properties","removals":["a"]}"#),
        (.removeStatistics(snapshotID: 1), #"{"action":"remove-statistics","snapshot-id":1}"#),
        (
            .removePartitionStatistics(snapshotID: 1),
            #"{"action":"remove-partition-statistics","snapshot-id":1}"#
        ),
        (.removeSchemas([1]), #"{"action":"remove-schemas","schema-ids":[1]}"#),
        (.removePartitionSpecs([1]), #"{"action":"remove-partition-specs","spec-ids":[1]}"#),
    ]

    @Test(arguments: updates)
    func `an update is sent as the REST protocol has it`(update: TableUpdate, text: String) {
        #expect(update.json.text() == text)
    }

    @Test func `statistics are sent as they were read`() throws {
        let file = ExampleTable.statisticsFile(ofSnapshot: 1)
        let part = ExampleTable.partitionStatisticsFile(ofSnapshot: 1)

        #expect(
            TableUpdate.setStatistics(try StatisticsFile(file)).json
                == ["action": "set-statistics", "snapshot-id": 1, "statistics": file])
        #expect(
            TableUpdate.setPartitionStatistics(try PartitionStatisticsFile(part)).json
                == ["action": "set-partition-statistics", "partition-statistics": part])
    }
}

struct TableRequirementTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let requirement: TableRequirement
        let json: String
        let failure: String?
        var testDescription: String { json }
    }

    static let cases: [Case] = [
        .init(
            requirement: .assertCreate, json: #"{"type":"assert-create"}"#,
            failure: "the table exists already"),
        .init(
            requirement: .assertTableUUID(ExampleTable.uuid.uppercased()),
            json: #"{"type":"assert-table-uuid","uuid":"9C12D441-03FE-4693-9A96-A0705DDF69C1"}"#,
            failure: nil),
        .init(
            requirement: .assertTableUUID("other"),
            json: #"{"type":"assert-table-uuid","uuid":"other"}"#,
            failure: "the table's uuid is \(ExampleTable.uuid), not other"),
        .init(
            requirement: .assertRefSnapshotID(ref: "main", snapshotID: 3),
            json: #"{"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":3}"#, failure: nil),
        .init(
            requirement: .assertRefSnapshotID(ref: "main", snapshotID: 2),
            json: #"{"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":2}"#,
            failure: "the reference main is 3, not 2"),
        .init(
            requirement: .assertRefSnapshotID(ref: "main", snapshotID: nil),
            json: #"{"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":null}"#,
            failure: "the reference main is 3, not absent"),
        .init(
            requirement: .assertRefSnapshotID(ref: "x", snapshotID: nil),
            json: #"{"type":"assert-ref-snapshot-id","ref":"x","snapshot-id":null}"#, failure: nil),
        .init(
            requirement: .assertRefSnapshotID(ref: "x", snapshotID: 1),
            json: #"{"type":"assert-ref-snapshot-id","ref":"x","snapshot-id":1}"#,
            failure: "the reference x is absent, not 1"),
        .init(
            requirement: .assertLastAssignedFieldID(3),
            json: #"{"type":"assert-last-assigned-field-id","last-assigned-field-id":3}"#,
            failure: nil),
        .init(
            requirement: .assertLastAssignedFieldID(4),
            json: #"{"type":"assert-last-assigned-field-id","last-assigned-field-id":4}"#,
            failure: "the last assigned field id is 3, not 4"),
        .init(
            requirement: .assertCurrentSchemaID(1),
            json: #"{"type":"assert-current-schema-id","current-schema-id":1}"#, failure: nil),
        .init(
            requirement: .assertCurrentSchemaID(0),
            json: #"{"type":"assert-current-schema-id","current-schema-id":0}"#,
            failure: "the current schema is 1, not 0"),
        .init(
            requirement: .assertLastAssignedPartitionID(999),
            json: #"{"type":"assert-last-assigned-partition-id","last-assigned-partition-id":999}"#,
            failure: "the last assigned partition field id is 1000, not 999"),
        .init(
            requirement: .assertDefaultSpecID(0),
            json: #"{"type":"assert-default-spec-id","default-spec-id":0}"#,
            failure: "the default partition spec is 1, not 0"),
        .init(
            requirement: .assertDefaultSortOrderID(1),
            json: #"{"type":"assert-default-sort-order-id","default-sort-order-id":1}"#,
            failure: "the default sort order is 0, not 1"),
    ]

    @Test(arguments: cases)
    func `a requirement is sent as the REST protocol has it and holds or says why not`(
        example: Case
    ) throws {
        let metadata = try ExampleTable.metadata()

        #expect(example.requirement.json.text() == example.json)
        #expect(example.requirement.failure(on: metadata) == example.failure)
    }

    @Test func `a uuid is required of a table that has none`() throws {
        let metadata = try ExampleTable.metadata(version: 1) { $0["table-uuid"] = nil }

        #expect(
            TableRequirement.assertTableUUID("u").failure(on: metadata)
                == "the table's uuid is not set, not u")
    }
}
