// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Testing
import WireFormat

@testable import Maintenance

/// A table's numbers, made up for a test.
private struct Made {
    var files: [(bytes: Int64, deletes: AppliedDeletes)] = []
    var deletes: [LiveFile] = []
    var manifests: [Int64] = []
    var snapshots = 1
    var metadataBytes: Int64 = 1000
    var oldest: Int64 = 0
    var location: String?
    var properties: [String] = []
    var tags: [String] = []

    static let now = Timestamp(milliseconds: 0)

    func status() throws -> TableStatus {
        let properties = TableProperties(
            [(key: "icepack.target_file_size_bytes", value: "1000")]
                + properties.map { (key: $0, value: "5") })
        var document = try #require(try RewriteFixtures.metadata(properties).json.objectValue)
        if let location { document["location"] = .string(location) }
        document["refs"] = .object(
            JSONObject(
                tags.map { .init(key: $0, value: ["snapshot-id": 1, "type": "tag"]) }))
        document["snapshots"] = .array(
            (1...snapshots).map { id in
                [
                    "snapshot-id": .integer(id), "sequence-number": .integer(id),
                    "timestamp-ms": .integer(id == 1 ? oldest : 0),
                    "manifest-list": .string("l\(id)"),
                ]
            })
        document["current-snapshot-id"] = .integer(snapshots)
        let metadata = try TableMetadata(.object(document))
        var facts = TableFacts(
            sizes: try FileSizes(target: EffectiveValue(1000, .byDefault)))
        facts.add(
            manifests: manifests.enumerated().map {
                ManifestFile(path: "m\($0)", length: $1, partitionSpecID: 0)
            })
        facts.add(
            deleteFiles: try DeleteFileIndex(deletes, specs: metadata.partitionSpecs))
        for (index, file) in files.enumerated() {
            facts.add(RewriteFixtures.file(Int64(index), bytes: file.bytes), file.deletes)
        }
        return TableStatus(
            metadata: metadata, facts: facts, metadataFileBytes: metadataBytes, now: Self.now,
            warnings: [])
    }

    func health() throws -> TableHealth {
        TableHealth(of: try status(), thresholds: HealthThresholds(), now: Self.now)
    }

    func severity(_ code: TableHealth.Code) throws -> TableHealth.Severity? {
        try health().issues.first { $0.code == code }?.severity
    }

    static func delete(
        _ count: Int, content: DataFileContent = .positionDeletes, records: Int64 = 0
    ) -> [LiveFile] {
        (0..<count).map { index in
            var file = RewriteFixtures.file(
                Int64(index), bytes: 1, records: records, age: 9)
            file.content = content
            return file
        }
    }
}

struct TableHealthTests {
    @Test(
        arguments: [(4, 0, nil), (5, 0, .warning), (5, 20, .warning), (5, 21, nil)]
            as [(Int, Int, TableHealth.Severity?)])
    func `small files concern from five and a fifth on`(
        small: Int, others: Int, expected: TableHealth.Severity?
    ) throws {
        var made = Made()
        made.files =
            Array(repeating: (749, .none), count: small)
            + Array(repeating: (750, .none), count: others)

        #expect(try made.severity(.smallFiles) == expected)
    }

    @Test(
        arguments: [
            (999, 0, .warning), (1000, 0, .critical), (1000, 666, .critical),
            (1000, 667, .warning),
        ] as [(Int, Int, TableHealth.Severity?)])
    func `small files are critical from a thousand and three fifths on`(
        small: Int, others: Int, expected: TableHealth.Severity?
    ) throws {
        var made = Made()
        made.files =
            Array(repeating: (749, .none), count: small)
            + Array(repeating: (750, .none), count: others)

        #expect(try made.severity(.smallFiles) == expected)
    }

    @Test(
        arguments: [(100, nil), (101, .warning), (1000, .warning), (1001, .critical)]
            as [(Int, TableHealth.Severity?)])
    func `snapshots and manifests concern beyond a hundred`(
        count: Int, expected: TableHealth.Severity?
    ) throws {
        var made = Made()
        made.snapshots = count
        made.manifests = Array(repeating: 1 << 20, count: count)

        #expect(try made.severity(.tooManySnapshots) == expected)
        #expect(try made.severity(.tooManyManifests) == expected)
    }

    @Test(
        arguments: [(10, 1, nil), (11, 1, .warning), (11, 1 << 20, nil)]
            as [(Int, Int64, TableHealth.Severity?)])
    func `small manifests concern beyond ten`(
        count: Int, bytes: Int64, expected: TableHealth.Severity?
    ) throws {
        var made = Made()
        made.manifests = Array(repeating: bytes, count: count)

        #expect(try made.severity(.tooManyManifests) == expected)
    }

    @Test(
        arguments: [(4, nil), (5, .warning), (99, .warning), (100, .critical)]
            as [(Int, TableHealth.Severity?)])
    func `position deletes concern from five on`(
        count: Int, expected: TableHealth.Severity?
    ) throws {
        var made = Made()
        made.deletes = Made.delete(count)

        #expect(try made.severity(.positionDeletes) == expected)
    }

    @Test(arguments: [(10, nil), (11, .critical)] as [(Int64, TableHealth.Severity?)])
    func `more than a tenth of the rows deleted is critical`(
        deleted: Int64, expected: TableHealth.Severity?
    ) throws {
        var made = Made()
        made.files = [
            (1000, AppliedDeletes(positionDeleteFiles: 1, knownDeletedRecords: deleted))
        ]
        var delete = Made.delete(1)
        delete[0].referencedDataFile = "file-0"
        made.deletes = delete

        #expect(try made.severity(.positionDeletes) == expected)
    }

    @Test(
        arguments: [(0, nil), (1, .warning), (49, .warning), (50, .critical)]
            as [(Int, TableHealth.Severity?)])
    func `equality deletes concern from the first on`(
        count: Int, expected: TableHealth.Severity?
    ) throws {
        var made = Made()
        made.deletes = Made.delete(count, content: .equalityDeletes)

        #expect(try made.severity(.equalityDeletes) == expected)
    }

    @Test(
        arguments: [
            (8 << 20, nil), (8 << 20 + 1, .warning), (64 << 20, .warning),
            (64 << 20 + 1, .critical),
        ] as [(Int64, TableHealth.Severity?)])
    func `large metadata concerns`(bytes: Int64, expected: TableHealth.Severity?) throws {
        var made = Made()
        made.metadataBytes = bytes

        #expect(try made.severity(.metadataSize) == expected)
    }

    @Test(arguments: [(10, nil), (11, .warning)] as [(Int64, TableHealth.Severity?)])
    func `snapshots twice as old as they may be are a sign of no maintenance`(
        days: Int64, expected: TableHealth.Severity?
    ) throws {
        var made = Made()
        made.snapshots = 5
        made.oldest = -days * 86_400_000

        #expect(try made.severity(.staleMaintenance) == expected)
    }

    @Test(arguments: [
        ("s3://2b1f--table-s3/db/t", ["history.expire.max-snapshot-age-ms"], true, true),
        ("s3://2b1f--table-s3", ["history.expire.min-snapshots-to-keep"], false, true),
        ("s3://2b1f--table-s3/db/t", [], true, true),
        ("s3://2b1f--table-s3/db/t", ["write.format.default"], false, false),
        ("s3://bucket/x--table-s3/t", ["history.expire.max-snapshot-age-ms"], true, false),
        ("/2b1f--table-s3/t", ["history.expire.max-snapshot-age-ms"], true, false),
    ])
    func `P-28: a managed table whose store no longer expires snapshots concerns`(
        location: String, properties: [String], isTagged: Bool, isConcerning: Bool
    ) throws {
        var made = Made()
        made.location = location
        made.properties = properties
        made.tags = isTagged ? ["kept"] : []

        let issue = try made.health().issues.first { $0.code == .managedRetentionOff }

        #expect(issue?.severity == (isConcerning ? .warning : nil))
        guard let issue else { return }
        #expect(issue.evidence["refs"] == .array(made.tags.map { .string($0) }))
        #expect(issue.evidence["properties"] == .array(properties.map { .string($0) }))
        #expect(issue.message.contains("branches or tags") == isTagged)
        #expect(issue.message.contains("retention properties") == !properties.isEmpty)
    }

    @Test func `a table without a snapshot is healthy and has zeros`() throws {
        let metadata = try RewriteFixtures.metadata()
        let status = TableAssessment(metadata).status(
            metadataFileBytes: 10, now: Made.now)
        let health = TableHealth(of: status, thresholds: HealthThresholds(), now: Made.now)
        let members = JSONObject(status.members)

        #expect(health.verdict == .healthy)
        let files = try #require(members["files"]?.objectValue)
        #expect(files["data_files"] == 0)
        #expect(files["avg_data_file_bytes"] == 0)
        #expect(files["small_files_pct"]?.doubleValue == 0)
        #expect(members["manifests"]?.objectValue?["avg_bytes"] == 0)
        #expect(members["snapshots"]?.objectValue?["count"] == 0)
    }

    @Test func `the worst issue decides`() throws {
        var made = Made()
        made.deletes = Made.delete(1, content: .equalityDeletes)
        #expect(try made.health().verdict == .warning)
        made.metadataBytes = 1 << 30
        #expect(try made.health().verdict == .critical)
    }
}
