// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergSpec

/// How the live files in manifests of one schema and one spec are read.
///
/// Iceberg spec, Manifest Entry Fields and Data File Fields. The metrics are stepped over, but for
/// the path bounds of position deletes and what a filter wants to know of data files.
struct LiveFileFormat: Sendable {
    let program: AvroProgram
    private let specID: Int
    private let content: ManifestContent
    private let status: AvroRequired<Int32>
    private let snapshotID: AvroOptional<Int64>
    private let sequenceNumber: AvroOptional<Int64>
    private let fileSequenceNumber: AvroOptional<Int64>
    private let fileContent: AvroOptional<Int32>
    private let filePath: AvroRequired<String>
    private let fileFormat: AvroRequired<String>
    private let recordCount: AvroRequired<Int64>
    private let fileSizeInBytes: AvroRequired<Int64>
    private let keyMetadata: AvroOptional<[UInt8]>
    private let sortOrderID: AvroOptional<Int32>
    private let firstRowID: AvroOptional<Int64>
    private let partition: PartitionSlots
    private let deletes: DeleteFileSlots?
    private let filter: ScanFilter?
    private let spans: KeySpanMaker?
    private let evidence: EvidenceSlots?

    init(
        _ schema: AvroSchema, spec: PartitionSpec, decimals: Set<Int>, content: ManifestContent,
        filter: ScanFilter?, spans: KeySpanMaker? = nil
    ) throws(AvroError) {
        var fields = AvroProjection()
        specID = spec.id
        self.content = content
        status = fields.required(Int32.self, id: 0, name: "status")
        snapshotID = fields.optional(Int64.self, id: 1, name: "snapshot_id")
        sequenceNumber = fields.optional(Int64.self, id: 3, name: "sequence_number")
        fileSequenceNumber = fields.optional(Int64.self, id: 4, name: "file_sequence_number")
        let file = fields.record(id: 2, name: "data_file")
        fileContent = fields.optional(Int32.self, id: 134, name: "content", in: file)
        filePath = fields.required(String.self, id: 100, name: "file_path", in: file)
        fileFormat = fields.required(String.self, id: 101, name: "file_format", in: file)
        recordCount = fields.required(Int64.self, id: 103, name: "record_count", in: file)
        fileSizeInBytes = fields.required(
            Int64.self, id: 104, name: "file_size_in_bytes", in: file)
        keyMetadata = fields.optional([UInt8].self, id: 131, name: "key_metadata", in: file)
        sortOrderID = fields.optional(Int32.self, id: 140, name: "sort_order_id", in: file)
        firstRowID = fields.optional(Int64.self, id: 142, name: "first_row_id", in: file)
        if spec.fields.isEmpty {
            partition = .unpartitioned
        } else {
            guard let written = schema.partitionFields else {
                throw .schemaMismatch(reason: "its entries have no partition")
            }
            let record = fields.record(id: 102, name: "partition", in: file)
            do {
                partition = try PartitionSlots(
                    spec, written: written, decimals: decimals, in: record, of: &fields)
            } catch {
                throw .schemaMismatch(reason: error.reason)
            }
        }
        deletes = content == .deletes ? DeleteFileSlots(in: file, of: &fields) : nil
        // A filter chooses data files; all deletes are wanted.
        self.filter = content == .data ? filter : nil
        self.spans = content == .data ? spans : nil
        let columns = (self.filter?.columns ?? [:]).merging(self.spans?.columns ?? [:]) { $1 }
        evidence = columns.isEmpty ? nil : EvidenceSlots(columns, in: file, of: &fields)
        program = try AvroProgram.compile(fields, for: schema)
    }

    /// The entry before inheritance; nil if it is not live.
    func entry(
        _ row: borrowing AvroRow, ordinal: Int64
    ) throws(AvroError) -> LiveEntry? {
        let status = try row.manifestEntryStatus(status)
        guard status.isLive else { return nil }
        var file = LiveFile(
            content: try row.dataFileContent(fileContent, in: content),
            path: try row.value(filePath), format: try row.dataFileFormat(fileFormat),
            recordCount: try row.natural(recordCount),
            sizeInBytes: try row.natural(fileSizeInBytes),
            partition: PartitionKey(specID: specID, tuple: partition.tuple(row)),
            dataSequenceNumber: 0, ordinal: ordinal)
        file.firstRowID = row.value(firstRowID)
        file.sortOrderID = row.value(sortOrderID)
        file.isEncrypted = !(row.value(keyMetadata)?.isEmpty ?? true)
        try deletes?.read(row, into: &file)
        let known = try evidence?.evidence(row, recordCount: file.recordCount) ?? [:]
        file.keySpan = spans?.span(known)
        return LiveEntry(
            isWanted: filter?.mayPass(file.partition, known) ?? true, status: status,
            snapshotID: row.value(snapshotID),
            sequenceNumber: row.value(sequenceNumber),
            fileSequenceNumber: row.value(fileSequenceNumber), file: file)
    }

}

/// A live entry as its manifest has it, before inheritance.
struct LiveEntry {
    /// Whether a filter leaves it in.
    let isWanted: Bool
    let status: ManifestEntryStatus
    let snapshotID: Int64?
    let sequenceNumber: Int64?
    let fileSequenceNumber: Int64?
    let file: LiveFile

    /// The file with what it inherits; nil if it has no sequence number even then.
    func inheriting(
        _ inheritance: inout ManifestInheritance
    ) throws(RowIDOverflow) -> LiveFile? {
        var bare = DataFile(
            content: file.content, filePath: file.path, fileFormat: file.format,
            recordCount: file.recordCount, fileSizeInBytes: file.sizeInBytes)
        bare.firstRowID = file.firstRowID
        let entry = try inheritance.applied(
            to: ManifestEntry(
                status: status, snapshotID: snapshotID, sequenceNumber: sequenceNumber,
                fileSequenceNumber: fileSequenceNumber, dataFile: bare))
        guard let sequenceNumber = entry.sequenceNumber else { return nil }
        var file = file
        file.dataSequenceNumber = sequenceNumber
        file.fileSequenceNumber = entry.fileSequenceNumber
        file.snapshotID = entry.snapshotID
        file.firstRowID = entry.dataFile.firstRowID
        return file
    }
}

/// What only delete files have.
private struct DeleteFileSlots: Sendable {
    private let equalityID: AvroRequired<Int32>
    private let equalityIDs: AvroList
    private let referencedDataFile: AvroOptional<String>
    private let contentOffset: AvroOptional<Int64>
    private let contentSize: AvroOptional<Int64>
    private let lowerBounds: BoundSlots
    private let upperBounds: BoundSlots

    init(in file: AvroRecord, of fields: inout AvroProjection) {
        let ids = AvroProjection.elements(of: Int32.self)
        equalityID = ids.slot
        equalityIDs = fields.list(id: 135, name: "equality_ids", of: ids.projection, in: file)
        referencedDataFile = fields.optional(
            String.self, id: 143, name: "referenced_data_file", in: file)
        contentOffset = fields.optional(Int64.self, id: 144, name: "content_offset", in: file)
        contentSize = fields.optional(
            Int64.self, id: 145, name: "content_size_in_bytes", in: file)
        lowerBounds = BoundSlots(id: 125, "lower_bounds", keyID: 126, in: file, of: &fields)
        upperBounds = BoundSlots(id: 128, "upper_bounds", keyID: 129, in: file, of: &fields)
    }

    func read(_ row: borrowing AvroRow, into file: inout LiveFile) throws(AvroError) {
        switch file.content {
        case .data: return
        case .equalityDeletes:
            var ids: [Int32] = []
            try row.forEach(equalityIDs) { (row) throws(AvroError) in
                ids.append(row.value(equalityID))
            }
            file.equalityIDs = ids
        case .positionDeletes:
            file.referencedDataFile = try row.value(referencedDataFile)
            if file.referencedDataFile == nil { file.referencedDataFile = try boundedPath(row) }
            guard file.isDeletionVector else { return }
            file.contentOffset = row.value(contentOffset)
            guard let size = row.value(contentSize), size >= 0 else {
                throw row.refusal(contentSize, "is missing for a deletion vector")
            }
            file.sizeInBytes = size
        }
    }

    /// The path that both bounds have, which then is the only one in the file.
    private func boundedPath(_ row: borrowing AvroRow) throws(AvroError) -> String? {
        guard let lower = try lowerBounds.path(row), let upper = try upperBounds.path(row),
            lower == upper
        else { return nil }
        return String(validating: lower, as: UTF8.self)
    }
}

/// The bounds of the columns, of which only that of the path in a position delete is wanted.
private struct BoundSlots: Sendable {
    /// The reserved field id of `file_path` in position delete files.
    private static var pathID: Int32 { 2_147_483_546 }

    private let key: AvroRequired<Int32>
    private let value: AvroRequired<[UInt8]>
    private let list: AvroList

    init(
        id: Int32, _ name: String, keyID: Int32, in file: AvroRecord,
        of fields: inout AvroProjection
    ) {
        var element = AvroProjection()
        key = element.required(Int32.self, id: keyID, name: "key")
        value = element.required([UInt8].self, id: keyID + 1, name: "value")
        list = fields.list(id: id, name: name, of: element, in: file)
    }

    func path(_ row: borrowing AvroRow) throws(AvroError) -> [UInt8]? {
        var path: [UInt8]?
        try row.forEach(list) { (row) throws(AvroError) in
            if row.value(key) == Self.pathID { path = row.value(value) }
        }
        return path
    }
}
