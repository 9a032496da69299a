// SPDX-License-Identifier: Apache-2.0

import AvroFormat
public import IcebergSpec
public import ObjectStorage

/// Reads manifest lists of format versions 1 to 3.
public struct ManifestListReader<Storage: RangeReading>: Sendable {
    private let storage: Storage
    private let fields = ManifestListFields()
    private let programs: AvroProgramCache

    /// Reads from a storage.
    public init(storage: Storage) {
        self.storage = storage
        programs = AvroProgramCache(fields.projection)
    }

    /// Visits every manifest of a list in order, holding one block of the list at a time.
    ///
    /// - Throws: ``ManifestError``, at which the caller must not take what it saw for the whole.
    public func forEachManifest(
        in location: Location, _ body: (ManifestFile) -> Void
    ) async throws(ManifestError) {
        let reader = try await ManifestFileReader(location, in: storage, expectedLength: nil)
        try await reader.forEachRow(programs) { (row) throws(AvroError) in
            body(try fields.manifestFile(row))
        }
    }

    /// Every manifest of a list in order.
    public func manifests(in location: Location) async throws(ManifestError) -> [ManifestFile] {
        var manifests: [ManifestFile] = []
        try await forEachManifest(in: location) { manifests.append($0) }
        return manifests
    }
}

/// The fields of a row.
///
/// Iceberg spec, Manifest Lists.
///
/// The other names of the counts are those of Java before the spec shortened them.
struct ManifestListFields: Sendable {
    let projection: AvroProjection
    private let path: AvroRequired<String>
    private let length: AvroRequired<Int64>
    private let partitionSpecID: AvroRequired<Int32>
    private let content: AvroOptional<Int32>
    private let sequenceNumber: AvroOptional<Int64>
    private let minSequenceNumber: AvroOptional<Int64>
    private let addedSnapshotID: AvroRequired<Int64>
    private let addedFilesCount: AvroOptional<Int32>
    private let existingFilesCount: AvroOptional<Int32>
    private let deletedFilesCount: AvroOptional<Int32>
    private let addedRowsCount: AvroOptional<Int64>
    private let existingRowsCount: AvroOptional<Int64>
    private let deletedRowsCount: AvroOptional<Int64>
    private let summary = PartitionFieldSummaryFields()
    private let partitions: AvroList
    private let keyMetadata: AvroOptional<[UInt8]>
    private let firstRowID: AvroOptional<Int64>

    init() {
        var fields = AvroProjection()
        path = fields.required(String.self, id: 500, name: "manifest_path")
        length = fields.required(Int64.self, id: 501, name: "manifest_length")
        partitionSpecID = fields.required(Int32.self, id: 502, name: "partition_spec_id")
        content = fields.optional(Int32.self, id: 517, name: "content")
        sequenceNumber = fields.optional(Int64.self, id: 515, name: "sequence_number")
        minSequenceNumber = fields.optional(Int64.self, id: 516, name: "min_sequence_number")
        addedSnapshotID = fields.required(Int64.self, id: 503, name: "added_snapshot_id")
        addedFilesCount = fields.optional(
            Int32.self, id: 504, name: "added_files_count", otherNames: ["added_data_files_count"])
        existingFilesCount = fields.optional(
            Int32.self, id: 505, name: "existing_files_count",
            otherNames: ["existing_data_files_count"])
        deletedFilesCount = fields.optional(
            Int32.self, id: 506, name: "deleted_files_count",
            otherNames: ["deleted_data_files_count"])
        addedRowsCount = fields.optional(Int64.self, id: 512, name: "added_rows_count")
        existingRowsCount = fields.optional(Int64.self, id: 513, name: "existing_rows_count")
        deletedRowsCount = fields.optional(Int64.self, id: 514, name: "deleted_rows_count")
        partitions = fields.list(id: 507, name: "partitions", of: summary.projection)
        keyMetadata = fields.optional([UInt8].self, id: 519, name: "key_metadata")
        firstRowID = fields.optional(Int64.self, id: 520, name: "first_row_id")
        projection = fields
    }

    func manifestFile(_ row: borrowing AvroRow) throws(AvroError) -> ManifestFile {
        var manifest = ManifestFile(
            path: try row.value(path), length: row.value(length),
            partitionSpecID: row.value(partitionSpecID))
        guard manifest.length >= 0 else { throw row.refusal(length, "is \(manifest.length)") }
        let contentNumber = row.value(content) ?? ManifestContent.data.rawValue
        guard let known = ManifestContent(rawValue: contentNumber) else {
            throw row.refusal(content, "is \(contentNumber), which is no content of a manifest")
        }
        manifest.content = known
        manifest.sequenceNumber = row.value(sequenceNumber) ?? 0
        manifest.minSequenceNumber = row.value(minSequenceNumber) ?? 0
        manifest.addedSnapshotID = row.value(addedSnapshotID)
        manifest.addedFilesCount = count(row, addedFilesCount)
        manifest.existingFilesCount = count(row, existingFilesCount)
        manifest.deletedFilesCount = count(row, deletedFilesCount)
        manifest.addedRowsCount = row.value(addedRowsCount)
        manifest.existingRowsCount = row.value(existingRowsCount)
        manifest.deletedRowsCount = row.value(deletedRowsCount)
        manifest.partitions = try summaries(row)
        manifest.keyMetadata = row.value(keyMetadata)
        manifest.firstRowID = row.value(firstRowID)
        return manifest
    }

    /// A count; some writers say -1 where they do not know, for which the spec has null.
    private func count(_ row: borrowing AvroRow, _ slot: AvroOptional<Int32>) -> Int32? {
        row.value(slot).flatMap { $0 >= 0 ? $0 : nil }
    }

    private func summaries(
        _ row: borrowing AvroRow
    ) throws(AvroError) -> [PartitionFieldSummary]? {
        guard row.isPresent(partitions) else { return nil }
        var summaries: [PartitionFieldSummary] = []
        try row.forEach(partitions) { (element) throws(AvroError) in
            summaries.append(summary.summary(element))
        }
        return summaries
    }
}

/// The fields of a summary of a partition field.
private struct PartitionFieldSummaryFields: Sendable {
    let projection: AvroProjection
    private let containsNull: AvroRequired<Bool>
    private let containsNaN: AvroOptional<Bool>
    private let lowerBound: AvroOptional<[UInt8]>
    private let upperBound: AvroOptional<[UInt8]>

    init() {
        var fields = AvroProjection()
        containsNull = fields.required(Bool.self, id: 509, name: "contains_null")
        containsNaN = fields.optional(Bool.self, id: 518, name: "contains_nan")
        lowerBound = fields.optional([UInt8].self, id: 510, name: "lower_bound")
        upperBound = fields.optional([UInt8].self, id: 511, name: "upper_bound")
        projection = fields
    }

    func summary(_ row: borrowing AvroRow) -> PartitionFieldSummary {
        PartitionFieldSummary(
            containsNull: row.value(containsNull), containsNaN: row.value(containsNaN),
            lowerBound: row.value(lowerBound), upperBound: row.value(upperBound))
    }
}
