// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergSpec
import IcebergTable
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// Manifests and manifest lists that are written, read by our reader and by fastavro.
@Suite struct ManifestWriterTests {
    private let storage = LocalStorage()
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    static let kinds: [(FormatVersion, ManifestContent, Int)] = [
        (.v1, .data, 0), (.v1, .data, 1), (.v1, .data, 2), (.v2, .data, 0), (.v2, .data, 1),
        (.v2, .deletes, 0), (.v2, .deletes, 2), (.v3, .data, 0), (.v3, .data, 1),
        (.v3, .deletes, 0), (.v3, .deletes, 2),
    ]

    private func kind(
        _ version: FormatVersion, _ content: ManifestContent, _ specID: Int
    ) throws -> ManifestKind {
        let metadata = try RandomEntries.metadata(version)
        let spec = try #require(metadata.partitionSpec(specID))
        return try ManifestKind(of: metadata, spec: spec, content: content)
    }

    private func store(
        _ finished: FinishedManifest, changed bytes: [UInt8]? = nil
    ) async throws -> ManifestFile {
        let location = folder.appending("m0.avro")
        try await storage.write(bytes ?? finished.bytes, to: location, condition: .none)
        var row = finished.row
        row.path = location.rawValue
        row.addedSnapshotID = 77
        return row
    }

    @Test func `counts of rows that no table can have do not end the process`() async throws {
        var random = SeededGenerator(seed: 7)
        let manifest = try kind(.v3, .data, 0)
        var writer = try ManifestWriter(manifest)
        var expected = EntriesByStatus()
        for _ in 0..<3 {
            var entry = RandomEntries.entry(.v3, .data, manifest.partition, using: &random)
            entry.entry.status = .added
            entry.entry.dataFile.firstRowID = nil
            entry.entry.dataFile.recordCount = .max
            expected.insert(entry, specID: Int32(manifest.spec.id))
            try writer.append(entry)
        }
        let finished = try writer.finish()
        #expect(finished.unassignedRowCount == .max)
        let row = try await store(finished)
        // No list can say how many rows that are: it is refused, and nothing ends.
        await #expect(throws: VerificationFailure.self) {
            try await ChangedManifestVerification(storage: storage, kind: manifest).check(
                StoredManifest(row: row, unassignedRowCount: .max), has: expected)
        }
    }

    @Test(arguments: kinds, 1...4)
    func `entries of every partition type are read back as they were`(
        kind: (FormatVersion, ManifestContent, Int), seed: UInt64
    ) async throws {
        var random = SeededGenerator(seed: seed)
        let manifest = try self.kind(kind.0, kind.1, kind.2)
        let entries = (0..<40).map { _ in
            RandomEntries.entry(kind.0, kind.1, manifest.partition, using: &random)
        }
        var writer = try ManifestWriter(manifest, blockBytes: 4000)
        for entry in entries { try writer.append(entry) }
        let row = try await store(try writer.finish())

        let reader = CompleteManifestReader(storage: storage, partition: manifest.partition)
        var found: [CompleteEntry] = []
        let end = try await reader.forEachWrittenEntry(in: row) { found.append($0) }

        #expect(found == entries)
        #expect(end.length == row.length && end.specID == row.partitionSpecID)
        #expect(row.entryCount == 40)
        let described = try await ManifestReader(storage: storage).describe(Location(row.path))
        #expect(described.addedRowsCount == row.addedRowsCount)
        #expect(described.existingRowsCount == row.existingRowsCount)
        #expect(described.deletedFilesCount == row.deletedFilesCount)
        #expect(described.partitionSpecID == Int32(kind.2))
        #expect(described.content == kind.1)
        let live = entries.filter(\.entry.isLive)
        #expect(row.minSequenceNumber == live.compactMap(\.entry.sequenceNumber).min() ?? 0)
    }

    @Test func `the same entries give the same bytes`() throws {
        func bytes() throws -> [UInt8] {
            var random = SeededGenerator(seed: 3)
            let kind = try kind(.v3, .data, 0)
            var writer = try ManifestWriter(kind)
            for _ in 0..<20 {
                try writer.append(
                    RandomEntries.entry(.v3, .data, kind.partition, using: &random))
            }
            return try writer.finish().bytes
        }
        #expect(try bytes() == bytes())
    }

    @Test(
        .enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)), arguments: kinds)
    func `fastavro reads the values and the metadata that Java writes`(
        kind: (FormatVersion, ManifestContent, Int)
    ) async throws {
        var random = SeededGenerator(seed: 5)
        let manifest = try self.kind(kind.0, kind.1, kind.2)
        let entries = (0..<10).map { _ in
            RandomEntries.entry(kind.0, kind.1, manifest.partition, using: &random)
        }
        var writer = try ManifestWriter(manifest)
        for entry in entries { try writer.append(entry) }
        let row = try await store(try writer.finish())

        let output = try await Oracles.run("read_avro.py", [row.path])

        let file = try #require(output.arrayValue?.first?.objectValue)
        let metadata = try #require(file["metadata"]?.objectValue)
        #expect(metadata["format-version"] == .string("\(kind.0.rawValue)"))
        #expect(metadata["partition-spec-id"] == .string("\(kind.2)"))
        #expect(metadata["schema-id"] == "3")
        #expect(metadata["content"] == (kind.0 == .v1 ? nil : .string("\(kind.1)")))
        for key in ["schema", "partition-spec", "iceberg.schema"] {
            let text = try #require(metadata[key]?.stringValue)
            _ = try JSONValue(parsing: text)
        }
        let records = try #require(file["records"]?.arrayValue)
        for (record, entry) in zip(records, entries) {
            let file = try #require(record.objectValue?["data_file"]?.objectValue)
            #expect(file["file_path"] == .string(entry.entry.dataFile.filePath))
            let tuple = try #require(file["partition"]?.objectValue)
            #expect(tuple.members.count == manifest.partition.count)
            for (member, value) in zip(tuple.members, entry.partition) {
                #expect(member.value.isNull == (value == nil), "\(member.key)")
                if case .int(let number)? = value, member.value.int64Value != nil {
                    #expect(member.value == .integer(number))
                }
            }
        }
        #expect(records.count == 10)
    }

    @Test func `entries that a manifest cannot hold are refused`() throws {
        var random = SeededGenerator(seed: 1)
        let kind = try kind(.v2, .data, 2)
        let good = RandomEntries.entry(
            .v2, .data, kind.partition, status: .existing, using: &random)
        var writer = try ManifestWriter(kind)
        func refuses(_ change: (inout CompleteEntry) -> Void) {
            var entry = good
            change(&entry)
            #expect(throws: AvroError.self) { try writer.append(entry) }
        }
        refuses { $0.entry.dataFile.content = .positionDeletes }
        refuses { $0.entry.sequenceNumber = nil }
        refuses { $0.entry.snapshotID = nil }
        refuses { $0.entry.dataFile.firstRowID = 1 }
        refuses { $0.entry.dataFile.contentOffset = 1 }
        refuses { $0.partition = [.int(1)] }
        #expect(writer.entryCount == 0)
        try writer.append(good)
    }

    @Test func `P-46: a partition value of another type is refused`() throws {
        var random = SeededGenerator(seed: 1)
        let kind = try kind(.v2, .data, 0)
        for index in kind.partition.indices {
            var entry = RandomEntries.entry(.v2, .data, kind.partition, using: &random)
            entry.partition[index] = index == 0 ? .int(1) : .boolean(true)
            var writer = try ManifestWriter(kind)
            #expect(throws: AvroError.self) { try writer.append(entry) }
        }
    }

    @Test func `a spec with an unknown transform is refused`() throws {
        var document = try RandomEntries.metadata(.v2).document
        document["partition-specs"] = [
            [
                "spec-id": 0,
                "fields": [
                    ["source-id": 1, "field-id": 1000, "name": "p", "transform": "zorder[3]"]
                ],
            ]
        ]
        let metadata = try TableMetadata(.object(document))
        let spec = try #require(metadata.partitionSpec(0))
        #expect(throws: UnknownPartitionType.self) {
            try ManifestKind(of: metadata, spec: spec, content: .data)
        }
    }

    @Test func `P-65: a manifest with a field that is not known is not carried`() async throws {
        // What a later format version may add, written again, would be lost.
        let kind = try kind(.v2, .data, 2)
        var random = SeededGenerator(seed: 1)
        var writer = try ManifestWriter(kind, codec: .none)
        try writer.append(RandomEntries.entry(.v2, .data, kind.partition, using: &random))
        let finished = try writer.finish()
        let text = String(decoding: finished.bytes, as: Unicode.ASCII.self)
        let known = "\"field-id\":140}"
        #expect(text.contains(known))
        var bytes = finished.bytes
        let place = try #require(bytes.firstRange(of: Array(known.utf8)))
        bytes.replaceSubrange(place, with: Array("\"field-id\":147}".utf8))
        let row = try await store(finished, changed: bytes)
        let reader = CompleteManifestReader(storage: storage, partition: kind.partition)

        await #expect(throws: ManifestError.self) { try await reader.entries(in: row) }
        _ = try await ManifestReader(storage: storage).entries(in: row)
    }

    @Test func `P-66: a manifest with key metadata is not carried`() async throws {
        let kind = try kind(.v2, .data, 2)
        var row = try await store(try ManifestWriter(kind).finish())
        row.keyMetadata = [1]
        let encrypted = row
        let reader = CompleteManifestReader(storage: storage, partition: kind.partition)
        await #expect(throws: ManifestError.encrypted(Location(row.path))) {
            try await reader.entries(in: encrypted)
        }
    }
}

/// Manifest lists that are written.
@Suite struct ManifestListWriterTests {
    private let storage = LocalStorage()
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    private func row(_ version: FormatVersion, _ content: ManifestContent) -> ManifestFile {
        var row = ManifestFile(path: "s3://b/\(content)", length: 1 << 33, partitionSpecID: 3)
        row.content = content
        row.sequenceNumber = version == .v1 ? 0 : 9
        row.minSequenceNumber = version == .v1 ? 0 : 2
        row.addedSnapshotID = .max
        (row.addedFilesCount, row.existingFilesCount, row.deletedFilesCount) = (1, 2, 3)
        (row.addedRowsCount, row.existingRowsCount, row.deletedRowsCount) = (4, 5, 6)
        row.partitions = [
            PartitionFieldSummary(containsNull: true),
            PartitionFieldSummary(
                containsNull: false, containsNaN: true, lowerBound: [], upperBound: [1, 2]),
        ]
        row.keyMetadata = [7]
        row.firstRowID = version == .v3 && content == .data ? 1000 : nil
        return row
    }

    private func write(_ version: FormatVersion, _ rows: [ManifestFile]) throws -> [UInt8] {
        var writer = try ManifestListWriter(
            version, snapshotID: 5, parentID: nil, sequenceNumber: 9, firstRowID: 1000)
        for row in rows { try writer.append(row) }
        return try writer.finish()
    }

    @Test(arguments: FormatVersion.allCases)
    func `rows are read back as they were, and key metadata is carried`(
        version: FormatVersion
    ) async throws {
        let contents: [ManifestContent] = version == .v1 ? [.data] : [.data, .deletes]
        let rows = contents.map { row(version, $0) }
        let location = folder.appending("snap.avro")
        try await storage.write(try write(version, rows), to: location, condition: .none)
        #expect(try await ManifestListReader(storage: storage).manifests(in: location) == rows)
        #expect(try write(version, rows) == write(version, rows))
    }

    @Test func `a version 1 list may leave counts out, a later one may not`() throws {
        var bare = row(.v1, .data)
        bare.addedRowsCount = nil
        _ = try write(.v1, [bare])
        for version in [FormatVersion.v2, .v3] {
            #expect(throws: AvroError.self) { try write(version, [bare]) }
        }
    }

    @Test func `a version 3 list gives row ids to data only`() throws {
        #expect(throws: AvroError.self) { try write(.v3, [row(.v2, .data)]) }
        var deletes = row(.v3, .deletes)
        deletes.firstRowID = 4
        #expect(throws: AvroError.self) { try write(.v3, [deletes]) }
        #expect(throws: AvroError.self) { try write(.v1, [row(.v1, .deletes)]) }
    }

    @Test(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
    func `fastavro reads the list and its metadata`() async throws {
        let location = folder.appending("snap.avro")
        try await storage.write(try write(.v3, [row(.v3, .data)]), to: location, condition: .none)
        let output = try await Oracles.run("read_avro.py", [location.rawValue])
        let file = try #require(output.arrayValue?.first?.objectValue)
        let metadata = try #require(file["metadata"]?.objectValue)
        #expect(metadata["snapshot-id"] == "5")
        #expect(metadata["parent-snapshot-id"] == "null")
        #expect(metadata["sequence-number"] == "9")
        #expect(metadata["first-row-id"] == "1000")
        #expect(metadata["format-version"] == "3")
        let record = try #require(file["records"]?.arrayValue?.first?.objectValue)
        #expect(record["first_row_id"] == 1000)
        #expect(record["deleted_rows_count"] == 6)
    }
}
