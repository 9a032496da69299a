// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import Testing

/// Iceberg spec, Sequence Number Inheritance and First Row ID Inheritance.
@Suite struct ManifestInheritanceTests {
    private func manifest(
        sequenceNumber: Int64 = 5, firstRowID: Int64? = nil, content: ManifestContent = .data
    ) -> ManifestFile {
        var manifest = ManifestFile(path: "m0.avro", length: 1, partitionSpecID: 0)
        manifest.sequenceNumber = sequenceNumber
        manifest.addedSnapshotID = 55
        manifest.firstRowID = firstRowID
        manifest.content = content
        return manifest
    }

    private func entry(
        _ status: ManifestEntryStatus, snapshotID: Int64? = nil, sequenceNumber: Int64? = nil,
        fileSequenceNumber: Int64? = nil, recordCount: Int64 = 10, firstRowID: Int64? = nil
    ) -> ManifestEntry {
        var file = DataFile(
            content: .data, filePath: "f", fileFormat: .parquet, recordCount: recordCount,
            fileSizeInBytes: 1)
        file.firstRowID = firstRowID
        return ManifestEntry(
            status: status, snapshotID: snapshotID, sequenceNumber: sequenceNumber,
            fileSequenceNumber: fileSequenceNumber, dataFile: file)
    }

    private func inherited(
        _ entry: ManifestEntry, from manifest: ManifestFile
    ) throws -> ManifestEntry {
        var inheritance = ManifestInheritance(from: manifest)
        return try inheritance.applied(to: entry)
    }

    @Test func `an added file inherits what its entry leaves out`() throws {
        let entry = try inherited(entry(.added), from: manifest())

        #expect(entry.snapshotID == 55)
        #expect(entry.sequenceNumber == 5)
        #expect(entry.fileSequenceNumber == 5)
    }

    @Test func `what an entry says itself stays`() throws {
        let entry = try inherited(
            entry(.added, snapshotID: 1, sequenceNumber: 2, fileSequenceNumber: 3),
            from: manifest())

        #expect(entry.snapshotID == 1)
        #expect(entry.sequenceNumber == 2)
        #expect(entry.fileSequenceNumber == 3)
    }

    @Test(arguments: [ManifestEntryStatus.existing, .deleted])
    func `only an added file inherits sequence numbers`(status: ManifestEntryStatus) throws {
        let entry = try inherited(entry(status), from: manifest())

        #expect(entry.snapshotID == 55)
        #expect(entry.sequenceNumber == nil)
        #expect(entry.fileSequenceNumber == nil)
    }

    @Test(arguments: ManifestEntryStatus.allCases)
    func `every file of a v1 manifest has the sequence number 0`(
        status: ManifestEntryStatus
    ) throws {
        let entry = try inherited(entry(status), from: manifest(sequenceNumber: 0))

        #expect(entry.sequenceNumber == 0)
        #expect(entry.fileSequenceNumber == 0)
    }

    @Test func `row ids count up over the files that have none`() throws {
        // The manifest `added1` of the specification's row lineage example, and a deleted file.
        var inheritance = ManifestInheritance(from: manifest(firstRowID: 1000))
        let entries = [
            entry(.existing, recordCount: 25, firstRowID: 800), entry(.added, recordCount: 50),
            entry(.deleted, recordCount: 7), entry(.existing, recordCount: 50),
        ]

        let ids = try entries.map { try inheritance.applied(to: $0).dataFile.firstRowID }

        #expect(ids == [800, 1000, nil, 1050])
    }

    @Test func `without a first row id of the manifest no file has one`() throws {
        let entry = try inherited(entry(.existing, firstRowID: 800), from: manifest())

        #expect(entry.dataFile.firstRowID == nil)
    }

    @Test func `delete files never have row ids`() throws {
        let entry = try inherited(
            entry(.added), from: manifest(firstRowID: 1000, content: .deletes))

        #expect(entry.dataFile.firstRowID == nil)
    }

    @Test func `row ids may reach the last number and not pass it`() throws {
        var inheritance = ManifestInheritance(from: manifest(firstRowID: .max - 10))

        #expect(try inheritance.applied(to: entry(.added)).dataFile.firstRowID == .max - 10)
        #expect(throws: RowIDOverflow.self) {
            try inheritance.applied(to: entry(.added, recordCount: 1))
        }
    }
}
