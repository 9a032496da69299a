// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import WireFormat

@testable import IcebergSpec

struct ReadingTests {
    @Test func `every member of a version 3 table is read`() throws {
        let metadata = try ExampleTable.metadata(version: 3) { document in
            document["statistics"] = [ExampleTable.statisticsFile(ofSnapshot: 2)]
            document["partition-statistics"] = [ExampleTable.partitionStatisticsFile(ofSnapshot: 2)]
            document["encryption-keys"] = [["key-id": "k"]]
        }

        #expect(metadata.formatVersion == .v3)
        #expect(metadata.tableUUID == ExampleTable.uuid)
        #expect(metadata.location == ExampleTable.location)
        #expect(metadata.lastSequenceNumber == 3)
        #expect(metadata.lastUpdatedMilliseconds == 3_000)
        #expect(metadata.lastColumnID == 3)
        #expect(metadata.lastPartitionID == 1000)
        #expect(metadata.currentSchemaID == 1)
        #expect(metadata.schema(1)?.fields.map(\.name) == ["x"])
        #expect(metadata.partitionSpec(metadata.defaultSpecID)?.fields.map(\.id) == [1000])
        #expect(metadata.properties["owner"] == "somebody")
        #expect(metadata.currentSnapshot?.id == 3)
        #expect(metadata.snapshots.map(\.id) == [1, 2, 3])
        #expect(metadata.snapshotLog.map(\.timestampMilliseconds) == [1_000, 2_000, 3_000])
        #expect(metadata.refs.names == ["main"])
        #expect(metadata.statistics.map(\.fileFooterSizeInBytes) == [42])
        #expect(metadata.partitionStatistics.map(\.path) == ["s3://bucket/db/t/part-2.parquet"])
        #expect(metadata.nextRowID == 30)
        #expect(metadata.encryptionKeys == [["key-id": "k"]])
    }

    @Test func `every member of a snapshot is read`() throws {
        let snapshot = try #require(try ExampleTable.metadata(version: 3).snapshot(2))

        #expect(snapshot.parentID == 1)
        #expect(snapshot.sequenceNumber == 2)
        #expect(snapshot.timestampMilliseconds == 2_000)
        #expect(snapshot.manifestList == "s3://bucket/db/t/metadata/snap-2.avro")
        #expect(snapshot.manifests == nil)
        #expect(snapshot.summary.operation == "append")
        #expect(snapshot.summary["added-records"] == "10")
        #expect(snapshot.schemaID == 1)
        #expect(snapshot.firstRowID == 10)
        #expect(snapshot.addedRows == 10)
        #expect(snapshot.keyID == nil)
    }

    @Test func `members that are not understood come back where they were, numbers as spelled`()
        throws
    {
        let text = """
            {"zeta":1.50,"format-version":2,"table-uuid":"u","location":"l",
            "last-sequence-number":1,"last-updated-ms":1e3,"last-column-id":0,"current-schema-id":0,
            "schemas":[{"type":"struct","colour":"red","fields":[],"schema-id":0}],
            "partition-specs":[{"fields":[],"spec-id":0,"since":null}],"default-spec-id":0,
            "last-partition-id":999,"sort-orders":[],"default-sort-order-id":0,
            "snapshots":[{"mood":[1,2.0],"snapshot-id":5,"timestamp-ms":1,"manifest-list":"m"}],
            "current-snapshot-id":5,"refs":{"main":{"keep":"me","snapshot-id":5,"type":"branch"}},
            "alpha":{"b":1,"a":2}}
            """.filter { $0 != "\n" }

        let metadata = try TableMetadata(parsing: Array(text.utf8))

        #expect(metadata.json.text() == text)
        #expect(metadata.lastUpdatedMilliseconds == 1_000)
    }

    @Test(arguments: [nil, .null, -1] as [JSONValue?])
    func `a table without a current snapshot says so in three ways`(value: JSONValue?) throws {
        let metadata = try ExampleTable.metadata {
            $0["current-snapshot-id"] = value
            $0["refs"] = nil
        }

        #expect(metadata.currentSnapshotID == nil)
        #expect(metadata.currentSnapshot == nil)
        #expect(metadata.refs.isEmpty)
    }

    @Test(
        arguments: [nil, .null, [:], ["old": ["snapshot-id": 1, "type": "tag"]]] as [JSONValue?])
    func `main is there although the document does not list it`(refs: JSONValue?) throws {
        let metadata = try ExampleTable.metadata { $0["refs"] = refs }

        #expect(metadata.refs["main"] == SnapshotReference(snapshotID: 3, kind: .branch))
        #expect(metadata.document["refs"] == refs)
    }

    @Test func `an order that is not listed can only be the unsorted one`() throws {
        let metadata = try ExampleTable.metadata { $0["sort-orders"] = [] }

        #expect(metadata.sortOrder(0)?.isUnsorted == true)
        #expect(metadata.sortOrder(1) == nil)
    }

    @Test func `a snapshot of an upgraded table has the sequence number zero`() throws {
        let document = JSONValue.object(ExampleTable.document())
            .replacing(["snapshots", "0", "sequence-number"], with: nil)

        #expect(try TableMetadata(document).snapshot(1)?.sequenceNumber == 0)
    }

    @Test func `minus one is no parent`() throws {
        let document = JSONValue.object(ExampleTable.document())
            .replacing(["snapshots", "1", "parent-snapshot-id"], with: -1)

        #expect(try TableMetadata(document).snapshot(2)?.parentID == nil)
    }

    @Test func `a text is read up to the limit of bytes and not beyond`() throws {
        let bytes = JSONValue.object(ExampleTable.document()).bytes()

        #expect(throws: Never.self) {
            try TableMetadata(parsing: bytes, maximumByteCount: bytes.count)
        }
        #expect(
            throws: TableMetadataError.tooLarge(byteCount: bytes.count, limit: bytes.count - 1)
        ) { try TableMetadata(parsing: bytes, maximumByteCount: bytes.count - 1) }
    }
}

struct LegacyReadingTests {
    private func legacy(_ edit: (inout JSONObject) -> Void) throws -> TableMetadata {
        try ExampleTable.metadata(version: 1, edit)
    }

    @Test func `a table may lack a uuid`() throws {
        #expect(try legacy { $0["table-uuid"] = nil }.tableUUID == nil)
    }

    @Test func `schema alone is the only and current schema`() throws {
        let metadata = try legacy {
            $0["schemas"] = nil
            $0["current-schema-id"] = nil
            $0["schema"] = ["type": "struct", "fields": []]
        }

        #expect(metadata.schemas.map(\.id) == [0])
        #expect(metadata.currentSchemaID == 0)
    }

    @Test func `schema says which one of schemas is current when no id does`() throws {
        let y: JSONValue = ["id": 2, "name": "y", "required": false, "type": "int"]

        let metadata = try legacy {
            $0["schemas"] = [
                ["type": "struct", "schema-id": 4, "fields": []],
                ["type": "struct", "schema-id": 7, "fields": [y]],
            ]
            $0["current-schema-id"] = nil
            $0["schema"] = ["type": "struct", "fields": [y]]
        }

        #expect(metadata.currentSchemaID == 7)
    }

    @Test func `a schema that is none of schemas is refused when no id decides`() {
        #expect(throws: TableMetadataError.self) {
            try legacy {
                $0["current-schema-id"] = nil
                $0["schema"] = ["type": "struct", "fields": []]
            }
        }
    }

    @Test func `partition fields without ids are counted from 1000`() throws {
        let metadata = try legacy {
            $0["partition-specs"] = nil
            $0["default-spec-id"] = nil
            $0["last-partition-id"] = nil
            $0["partition-spec"] = [
                ["name": "x", "transform": "identity", "source-id": 1],
                ["name": "x_bucket", "transform": "bucket[4]", "source-id": 1],
            ]
        }

        #expect(metadata.partitionSpec(0)?.fields.map(\.id) == [1000, 1001])
        #expect(metadata.defaultSpecID == 0)
        #expect(metadata.lastPartitionID == 1001)
    }

    @Test func `partition fields of which only some have ids are refused`() {
        #expect(throws: TableMetadataError.self) {
            try legacy {
                $0["partition-specs"] = nil
                $0["partition-spec"] = [
                    ["name": "x", "transform": "identity", "source-id": 1],
                    ["name": "y", "transform": "year", "source-id": 1, "field-id": 1000],
                ]
            }
        }
    }

    @Test func `an unpartitioned table has given out the ids up to 999`() throws {
        let metadata = try legacy {
            $0["partition-specs"] = nil
            $0["last-partition-id"] = nil
            $0["partition-spec"] = []
        }

        #expect(metadata.lastPartitionID == 999)
        #expect(metadata.partitionSpec(0)?.isUnpartitioned == true)
    }

    @Test func `the newest spec is the default when nothing says which`() throws {
        #expect(try legacy { $0["default-spec-id"] = nil }.defaultSpecID == 1)
    }

    @Test func `partition-spec says which spec is the default when no id does`() throws {
        let metadata = try legacy {
            $0["default-spec-id"] = nil
            $0["partition-spec"] = []
        }

        #expect(metadata.defaultSpecID == 0)
    }

    @Test func `a table without sort orders is unsorted`() throws {
        let metadata = try legacy {
            $0["sort-orders"] = nil
            $0["default-sort-order-id"] = nil
        }

        #expect(metadata.sortOrder(metadata.defaultSortOrderID)?.isUnsorted == true)
    }

    @Test func `a snapshot may name its manifests itself`() throws {
        let document = JSONValue.object(ExampleTable.document(version: 1))
            .replacing(["snapshots", "0", "manifest-list"], with: nil)
            .replacing(["snapshots", "0", "manifests"], with: ["m1.avro", "m2.avro"])

        let snapshot = try #require(try TableMetadata(document).snapshot(1))

        #expect(snapshot.manifestList == nil)
        #expect(snapshot.manifests == ["m1.avro", "m2.avro"])
        #expect(snapshot.sequenceNumber == 0)
    }
}
