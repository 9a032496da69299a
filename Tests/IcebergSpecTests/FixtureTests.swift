// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import TestSupport
import Testing
import WireFormat

/// What is to become of a file, and why.
private enum Expectation {
    case reads(because: String)
    case refused(path: String, because: String)
    case unsupported(version: Int64)
}

/// Metadata files of Apache Iceberg and iceberg-rust.
///
/// An alarming name is no proof of a fault: some were written to show that a reader of format
/// version 1 copes.
private let expectations: KeyValuePairs<String, Expectation> = [
    "TableMetadataPartitionStatisticsFiles": .reads(because: "partition-statistics is optional"),
    "TableMetadataStatisticsFiles": .reads(because: "statistics is optional"),
    "TableMetadataUnsupportedVersion": .unsupported(version: 42),
    "TableMetadataV1Compat": .reads(
        because: "Glue writes version 1 with lists and refs; an unknown member is kept"),
    "TableMetadataV1MissingSchemaType": .refused(
        path: "schema.type", because: "a schema is a struct and says so"),
    "TableMetadataV1NoValidSchema": .refused(
        path: "current-schema-id",
        because: "version 1 needs schema, or schemas with current-schema-id: nothing says which"),
    "TableMetadataV1PartitionSpecsWithoutDefaultId": .reads(
        because: "default-spec-id is optional in version 1; the newest spec is the default"),
    "TableMetadataV1SchemasWithoutCurrentId": .reads(
        because: "current-schema-id is optional in version 1; schema is the current one"),
    "TableMetadataV1Valid": .reads(because: "it has all that version 1 requires"),
    "TableMetadataV2CurrentSchemaNotFound": .refused(
        path: "current-schema-id", because: "it has to be one of schemas"),
    "TableMetadataV2MissingLastPartitionId": .refused(
        path: "last-partition-id", because: "version 2 requires it"),
    "TableMetadataV2MissingPartitionSpecs": .refused(
        path: "partition-specs", because: "version 2 requires it and forbids partition-spec"),
    "TableMetadataV2MissingSchemas": .refused(
        path: "schemas", because: "version 2 requires it and forbids schema"),
    "TableMetadataV2MissingSortOrder": .refused(
        path: "sort-orders", because: "version 2 requires it"),
    "TableMetadataV2Valid": .reads(because: "it has all that version 2 requires"),
    "TableMetadataV2ValidMinimal": .reads(
        because: "properties, snapshots, logs and refs are optional"),
    "TableMetadataV3ValidEncryption": .reads(because: "keys are kept, not used"),
    "TableMetadataV3ValidMinimal": .reads(because: "it has all that version 3 requires"),
]

@Suite(.enabled(if: Fixtures.isAvailable, "\(Fixtures.reason)"))
struct FixtureTests {
    @Test(arguments: expectations.map(\.key))
    func `a metadata file reads or is refused for the fault it has`(name: String) throws {
        let bytes = try Fixtures.bytes("table-metadata/\(name).json")
        let expectation = try #require(expectations.first { $0.key == name }?.value)

        switch expectation {
        case .reads(let reason):
            let metadata = try TableMetadata(parsing: bytes)
            #expect(metadata.json == (try JSONValue(parsing: bytes)), "\(reason)")
        case .refused(let path, let reason):
            let error = #expect(throws: TableMetadataError.self, "\(reason)") {
                try TableMetadata(parsing: bytes)
            }
            guard case .invalid(path, _) = error else {
                Issue.record("\(String(describing: error)) is not about \(path): \(reason)")
                return
            }
        case .unsupported(let version):
            #expect(throws: TableMetadataError.unsupportedFormatVersion(version)) {
                try TableMetadata(parsing: bytes)
            }
        }
    }

    @Test func `no metadata file is without an expectation`() throws {
        let files = try Fixtures.files(below: "table-metadata").map { path in
            String(path.split(separator: "/")[1].dropLast(".json".count))
        }

        #expect(files == expectations.map(\.key).sorted())
    }
}

@Suite(.enabled(if: Fixtures.isAvailable, "\(Fixtures.reason)"))
struct WrittenTableTests {
    @Test func `metadata that Spark, PyIceberg and others wrote survives unchanged`() throws {
        // Compressed ones are the catalogs' affair, and read in their tests.
        let paths = try Fixtures.files(below: "iceberg-tables").filter {
            $0.hasSuffix(".metadata.json") && !$0.hasSuffix(".gz.metadata.json")
        }
        #expect(paths.count > 40)

        for path in paths where !path.contains("equality_delete_cross_partition") {
            let bytes = try Fixtures.bytes(path)
            let metadata = try TableMetadata(parsing: bytes)
            #expect(metadata.json == (try JSONValue(parsing: bytes)), "\(path)")
            #expect(metadata.json.bytes() == (try JSONValue(parsing: bytes)).bytes(), "\(path)")
        }
    }

    @Test func `a snapshot id that no long can hold is refused`() throws {
        // Made by hand with a snapshot id above 2^63; the specification says `long`, and manifests
        // of that snapshot could not even name it.
        let bytes = try Fixtures.bytes(
            "iceberg-tables/data/persistent/equality_delete_cross_partition/warehouse/ns/t/"
                + "metadata/vfinal.metadata.json")

        #expect(
            throws: TableMetadataError.invalid(
                path: "snapshots[1].snapshot-id",
                reason: "must be a 64-bit integer, not 9876543210123456789")
        ) { try TableMetadata(parsing: bytes) }
    }
}
