// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergSpec
import ObjectStorage

/// What must be known of a manifest to read which files it keeps alive, in 24 bytes.
///
/// The length and the count of entries are what shows that a manifest was cut off (P-08).
struct ManifestFacts: Hashable, Sendable {
    var length: Int64
    /// How many entries it has; negative where its list does not say.
    var entryCount: Int64
    var partitionSpecID: Int32
    var isDeletes: Bool

    /// The row of the manifest list, as far as it matters here.
    func manifestFile(path: String) -> ManifestFile {
        var manifest = ManifestFile(path: path, length: length, partitionSpecID: partitionSpecID)
        manifest.content = isDeletes ? .deletes : .data
        if let count = Int32(exactly: entryCount), count >= 0 {
            // How they are spread over the three counts does not matter: their sum is checked.
            manifest.addedFilesCount = count
            manifest.existingFilesCount = 0
            manifest.deletedFilesCount = 0
        }
        return manifest
    }

    /// The facts in a whole row.
    init(_ manifest: ManifestFile) {
        length = manifest.length
        entryCount = manifest.entryCount ?? -1
        partitionSpecID = manifest.partitionSpecID
        isDeletes = manifest.content == .deletes
    }

    init(length: Int64, entryCount: Int64, partitionSpecID: Int32, isDeletes: Bool) {
        self.length = length
        self.entryCount = entryCount
        self.partitionSpecID = partitionSpecID
        self.isDeletes = isDeletes
    }
}

/// The fields of a manifest list's row that are needed here.
///
/// Iceberg spec, Manifest Lists. Rows are read without an allocation: a long history has a manifest
/// in hundreds of lists.
struct ManifestFactsFields: Sendable {
    let projection: AvroProjection
    private let path: AvroRequired<String>
    private let length: AvroRequired<Int64>
    private let partitionSpecID: AvroRequired<Int32>
    private let content: AvroOptional<Int32>
    private let addedFilesCount: AvroOptional<Int32>
    private let existingFilesCount: AvroOptional<Int32>
    private let deletedFilesCount: AvroOptional<Int32>
    private let keyMetadata: AvroOptional<[UInt8]>

    init() {
        var fields = AvroProjection()
        path = fields.required(String.self, id: 500, name: "manifest_path")
        length = fields.required(Int64.self, id: 501, name: "manifest_length")
        partitionSpecID = fields.required(Int32.self, id: 502, name: "partition_spec_id")
        content = fields.optional(Int32.self, id: 517, name: "content")
        addedFilesCount = fields.optional(
            Int32.self, id: 504, name: "added_files_count", otherNames: ["added_data_files_count"])
        existingFilesCount = fields.optional(
            Int32.self, id: 505, name: "existing_files_count",
            otherNames: ["existing_data_files_count"])
        deletedFilesCount = fields.optional(
            Int32.self, id: 506, name: "deleted_files_count",
            otherNames: ["deleted_data_files_count"])
        keyMetadata = fields.optional([UInt8].self, id: 519, name: "key_metadata")
        projection = fields
    }

    /// Visits a row: its path, borrowed, and its facts.
    func visit(
        _ row: borrowing AvroRow,
        _ body: (UnsafeRawBufferPointer, ManifestFacts) -> Void
    ) throws(AvroError) {
        let size = row.value(length)
        guard size >= 0 else { throw row.refusal(length, "is \(size)") }
        let number = row.value(content) ?? ManifestContent.data.rawValue
        guard let content = ManifestContent(rawValue: number) else {
            throw row.refusal(self.content, "is \(number), which is no content of a manifest")
        }
        // An empty value is how some writers spell "none".
        guard row.value(keyMetadata)?.isEmpty ?? true else {
            throw row.refusal(keyMetadata, "says that the manifest is encrypted")
        }
        guard let text = row.validText(path) else {
            throw row.refusal(path, "is not UTF-8")
        }
        body(
            text,
            ManifestFacts(
                length: size, entryCount: entryCount(row),
                partitionSpecID: row.value(partitionSpecID), isDeletes: content == .deletes))
    }

    private func entryCount(_ row: borrowing AvroRow) -> Int64 {
        guard let added = row.value(addedFilesCount), let existing = row.value(existingFilesCount),
            let deleted = row.value(deletedFilesCount), min(added, existing, deleted) >= 0
        else { return -1 }
        return Int64(added) + Int64(existing) + Int64(deleted)
    }
}

extension AvroRow {
    /// The bytes of a text, valid as long as the row, or nil if they are not UTF-8.
    borrowing func validText(_ slot: AvroRequired<String>) -> UnsafeRawBufferPointer? {
        let bytes = borrowedBytes(slot)
        return bytes.isValidText ? bytes : nil
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the bytes are UTF-8: quick for ASCII, which nearly all paths are.
    var isValidText: Bool {
        allSatisfy { $0 < 0x80 } || String(validating: self, as: UTF8.self) != nil
    }
}
