// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergSpec

/// What a manifest says of itself in its file's metadata.
///
/// Iceberg spec, Manifests.
struct ManifestHeader {
    /// The partition spec of its entries; 0 where a v1 writer left it out, as v1 had one spec.
    let partitionSpecID: Int32
    /// Data or deletes; nil where the writer left it out, which v1 does.
    let content: ManifestContent?

    init(_ header: AvroHeader) throws(AvroError) {
        partitionSpecID =
            try Self.value(of: "partition-spec-id", in: header) { Int32($0) } ?? 0
        content = try Self.value(of: "content", in: header) { text in
            ManifestContent.allCases.first { "\($0)" == text }
        }
    }

    private static func value<Value>(
        of key: String, in header: AvroHeader, _ read: (String) -> Value?
    ) throws(AvroError) -> Value? {
        guard header.metadata[key] != nil else { return nil }
        guard let text = header.text(key), let value = read(text) else {
            throw .invalidValue(
                field: key, reason: "is not one that the specification knows",
                at: AvroPosition(fileOffset: 0))
        }
        return value
    }
}

/// Counts entries as a manifest list does.
struct ManifestEntryCounts {
    private var files: [ManifestEntryStatus: Int32] = [:]
    private var rows: [ManifestEntryStatus: Int64] = [:]
    private var overflows = false

    mutating func add(_ entry: ManifestEntry) {
        add(entry.status, rows: entry.dataFile.recordCount)
    }

    mutating func add(_ status: ManifestEntryStatus, rows count: Int64) {
        let (fileSum, fileOverflow) = files[status, default: 0].addingReportingOverflow(1)
        let (rowSum, rowOverflow) = rows[status, default: 0].addingReportingOverflow(count)
        files[status] = fileSum
        rows[status] = rowSum
        overflows = overflows || fileOverflow || rowOverflow
    }

    /// Writes the counts, or leaves them unknown if they went past what a list can say.
    func write(to manifest: inout ManifestFile) {
        guard !overflows else { return }
        manifest.addedFilesCount = files[.added] ?? 0
        manifest.existingFilesCount = files[.existing] ?? 0
        manifest.deletedFilesCount = files[.deleted] ?? 0
        manifest.addedRowsCount = rows[.added] ?? 0
        manifest.existingRowsCount = rows[.existing] ?? 0
        manifest.deletedRowsCount = rows[.deleted] ?? 0
    }
}
