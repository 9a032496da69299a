// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergSpec

/// The fields of an entry.
///
/// Iceberg spec, Manifest Entry Fields.
///
/// The partition tuple (102) and the metrics (108 to 110, 125, 128, 137) are stepped over.
struct ManifestEntryFields: Sendable {
    let projection: AvroProjection
    private let status: AvroRequired<Int32>
    private let snapshotID: AvroOptional<Int64>
    private let sequenceNumber: AvroOptional<Int64>
    private let fileSequenceNumber: AvroOptional<Int64>
    private let dataFile: DataFileFields
    /// The record of the file, for those who want more of it.
    let dataFileRecord: AvroRecord

    init() {
        var fields = AvroProjection()
        status = fields.required(Int32.self, id: 0, name: "status")
        snapshotID = fields.optional(Int64.self, id: 1, name: "snapshot_id")
        sequenceNumber = fields.optional(Int64.self, id: 3, name: "sequence_number")
        fileSequenceNumber = fields.optional(Int64.self, id: 4, name: "file_sequence_number")
        dataFileRecord = fields.record(id: 2, name: "data_file")
        dataFile = DataFileFields(in: dataFileRecord, of: &fields)
        projection = fields
    }

    /// The entry as the manifest has it, before inheritance.
    func entry(
        _ row: borrowing AvroRow, in manifest: ManifestContent
    ) throws(AvroError) -> ManifestEntry {
        ManifestEntry(
            status: try row.manifestEntryStatus(status), snapshotID: row.value(snapshotID),
            sequenceNumber: row.value(sequenceNumber),
            fileSequenceNumber: row.value(fileSequenceNumber),
            dataFile: try dataFile.dataFile(row, in: manifest))
    }
}

/// The fields of the file in an entry.
///
/// Iceberg spec, Data File Fields.
private struct DataFileFields: Sendable {
    private let content: AvroOptional<Int32>
    private let filePath: AvroRequired<String>
    private let fileFormat: AvroRequired<String>
    private let recordCount: AvroRequired<Int64>
    private let fileSizeInBytes: AvroRequired<Int64>
    private let keyMetadata: AvroOptional<[UInt8]>
    private let splitOffset: AvroRequired<Int64>
    private let splitOffsets: AvroList
    private let equalityID: AvroRequired<Int32>
    private let equalityIDs: AvroList
    private let sortOrderID: AvroOptional<Int32>
    private let firstRowID: AvroOptional<Int64>
    private let referencedDataFile: AvroOptional<String>
    private let contentOffset: AvroOptional<Int64>
    private let contentSizeInBytes: AvroOptional<Int64>

    init(in file: AvroRecord, of fields: inout AvroProjection) {
        content = fields.optional(Int32.self, id: 134, name: "content", in: file)
        filePath = fields.required(String.self, id: 100, name: "file_path", in: file)
        fileFormat = fields.required(String.self, id: 101, name: "file_format", in: file)
        recordCount = fields.required(Int64.self, id: 103, name: "record_count", in: file)
        fileSizeInBytes = fields.required(
            Int64.self, id: 104, name: "file_size_in_bytes", in: file)
        keyMetadata = fields.optional([UInt8].self, id: 131, name: "key_metadata", in: file)
        let offsets = AvroProjection.elements(of: Int64.self)
        splitOffset = offsets.slot
        splitOffsets = fields.list(
            id: 132, name: "split_offsets", of: offsets.projection, in: file)
        let ids = AvroProjection.elements(of: Int32.self)
        equalityID = ids.slot
        equalityIDs = fields.list(id: 135, name: "equality_ids", of: ids.projection, in: file)
        sortOrderID = fields.optional(Int32.self, id: 140, name: "sort_order_id", in: file)
        firstRowID = fields.optional(Int64.self, id: 142, name: "first_row_id", in: file)
        referencedDataFile = fields.optional(
            String.self, id: 143, name: "referenced_data_file", in: file)
        contentOffset = fields.optional(Int64.self, id: 144, name: "content_offset", in: file)
        contentSizeInBytes = fields.optional(
            Int64.self, id: 145, name: "content_size_in_bytes", in: file)
    }

    func dataFile(
        _ row: borrowing AvroRow, in manifest: ManifestContent
    ) throws(AvroError) -> DataFile {
        var file = DataFile(
            content: try row.dataFileContent(content, in: manifest),
            filePath: try row.value(filePath), fileFormat: try row.dataFileFormat(fileFormat),
            recordCount: try row.natural(recordCount),
            fileSizeInBytes: try row.natural(fileSizeInBytes))
        file.keyMetadata = row.value(keyMetadata)
        file.splitOffsets = try list(row, splitOffsets) { $0.value(splitOffset) }
        file.equalityIDs = try list(row, equalityIDs) { $0.value(equalityID) }
        file.sortOrderID = row.value(sortOrderID)
        file.firstRowID = row.value(firstRowID)
        file.referencedDataFile = try row.value(referencedDataFile)
        file.contentOffset = row.value(contentOffset)
        file.contentSizeInBytes = row.value(contentSizeInBytes)
        return file
    }

    private func list<Element>(
        _ row: borrowing AvroRow, _ slot: AvroList, _ element: (borrowing AvroRow) -> Element
    ) throws(AvroError) -> [Element]? {
        guard row.isPresent(slot) else { return nil }
        var elements: [Element] = []
        try row.forEach(slot) { (row) throws(AvroError) in elements.append(element(row)) }
        return elements
    }
}

/// The three fields that say which files an entry keeps alive.
struct LiveFileFields: Sendable {
    let projection: AvroProjection
    private let status: AvroRequired<Int32>
    private let content: AvroOptional<Int32>
    private let filePath: AvroRequired<String>

    init() {
        var fields = AvroProjection()
        status = fields.required(Int32.self, id: 0, name: "status")
        let file = fields.record(id: 2, name: "data_file")
        content = fields.optional(Int32.self, id: 134, name: "content", in: file)
        filePath = fields.required(String.self, id: 100, name: "file_path", in: file)
        projection = fields
    }

    /// Passes the file's content and path on if the entry is live.
    func visit(
        _ row: borrowing AvroRow, in manifest: ManifestContent,
        _ body: (DataFileContent, UnsafeRawBufferPointer) -> Void
    ) throws(AvroError) {
        guard try row.manifestEntryStatus(status).isLive else { return }
        body(try row.dataFileContent(content, in: manifest), row.borrowedBytes(filePath))
    }
}

extension AvroRow {
    /// The status of an entry.
    func manifestEntryStatus(
        _ slot: AvroRequired<Int32>
    ) throws(AvroError) -> ManifestEntryStatus {
        guard let status = ManifestEntryStatus(rawValue: value(slot)) else {
            throw refusal(slot, "is \(value(slot)), which is no status of an entry")
        }
        return status
    }

    /// The content of a file, which must be of the kind that its manifest is for.
    func dataFileContent(
        _ slot: AvroOptional<Int32>, in manifest: ManifestContent
    ) throws(AvroError) -> DataFileContent {
        let number = value(slot) ?? DataFileContent.data.rawValue
        guard let content = DataFileContent(rawValue: number) else {
            throw refusal(slot, "is \(number), which is no content of a file")
        }
        guard (content == .data) == (manifest == .data) else {
            throw refusal(slot, "is \(number) in a manifest of \(manifest)")
        }
        return content
    }

    /// The format of a file.
    func dataFileFormat(_ slot: AvroRequired<String>) throws(AvroError) -> FileFormat {
        let name = try value(slot)
        guard let format = FileFormat(name: name) else {
            throw refusal(slot, "is \(name), which is no format of a data file")
        }
        return format
    }

    /// A count or a size.
    func natural(_ slot: AvroRequired<Int64>) throws(AvroError) -> Int64 {
        let number = value(slot)
        guard number >= 0 else { throw refusal(slot, "is \(number)") }
        return number
    }
}
