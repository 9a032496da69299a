// SPDX-License-Identifier: Apache-2.0

public import AvroFormat
public import IcebergSpec
import WireFormat

/// Writes a manifest list in format version 1, 2 or 3.
///
/// Iceberg spec, Manifest Lists. The same snapshot and manifests give the same bytes.
public struct ManifestListWriter: Sendable {
    private let version: FormatVersion
    private var file: AvroFileWriter

    /// Begins the list of a snapshot; `firstRowID` is for format version 3 only.
    public init(
        _ version: FormatVersion, snapshotID: Int64, parentID: Int64?, sequenceNumber: Int64,
        firstRowID: Int64?, codec: AvroCodec = .deflate
    ) throws(AvroError) {
        self.version = version
        let columns = ManifestSchemas.list(version)
        func text(_ number: Int64?) -> String { number.map { String($0) } ?? "null" }
        var metadata = [
            (key: "snapshot-id", value: String(snapshotID)),
            (key: "parent-snapshot-id", value: text(parentID)),
        ]
        if version > .v1 {
            metadata.append((key: "sequence-number", value: String(sequenceNumber)))
        }
        if version == .v3 { metadata.append((key: "first-row-id", value: text(firstRowID))) }
        metadata.append((key: "format-version", value: String(version.rawValue)))
        metadata.append(
            (key: "iceberg.schema", value: IcebergSchemaText.schema(columns).text()))
        file = try AvroFileWriter(
            schema: AvroSchemaText.record(name: "manifest_file", columns), metadata: metadata,
            codec: codec)
    }

    /// Appends a manifest.
    ///
    /// - Throws: ``AvroError/invalidValue(field:reason:at:)`` for a row that lacks what this
    ///   format version requires.
    public mutating func append(_ manifest: ManifestFile) throws(AvroError) {
        if let fault = fault(of: manifest) {
            throw .invalidValue(
                field: manifest.path, reason: fault,
                at: AvroPosition(fileOffset: Int64(file.byteCount)))
        }
        let version = version
        try file.append { Self.encode(manifest, version, into: &$0) }
    }

    /// The whole list.
    public consuming func finish() throws(AvroError) -> [UInt8] { try file.finish() }

    private func fault(of manifest: ManifestFile) -> String? {
        if manifest.addedSnapshotID == nil { return "lacks the snapshot that added it" }
        switch version {
        case .v1:
            return manifest.content == .data
                ? nil : "lists deletes, which format version 1 does not have"
        case .v2, .v3:
            if manifest.entryCount == nil || manifest.addedRowsCount == nil
                || manifest.existingRowsCount == nil || manifest.deletedRowsCount == nil
            {
                return "lacks the counts of its entries and rows"
            }
            if version == .v3, (manifest.firstRowID == nil) == (manifest.content == .data) {
                return "must have a first row id if it lists data, and none if it lists deletes"
            }
            return nil
        }
    }

    private static func encode(
        _ manifest: ManifestFile, _ version: FormatVersion, into encoder: inout AvroEncoder
    ) {
        encoder.string(manifest.path)
        encoder.long(manifest.length)
        encoder.int(manifest.partitionSpecID)
        switch version {
        case .v1:
            encoder.long(manifest.addedSnapshotID ?? 0)
            for count in manifest.fileCounts { encoder.optional(count) { $0.int($1) } }
            encode(manifest.partitions, into: &encoder)
            for count in manifest.rowCounts { encoder.optional(count) { $0.long($1) } }
        case .v2, .v3:
            encoder.int(manifest.content.rawValue)
            encoder.long(manifest.sequenceNumber)
            encoder.long(manifest.minSequenceNumber)
            encoder.long(manifest.addedSnapshotID ?? 0)
            for count in manifest.fileCounts { encoder.int(count ?? 0) }
            for count in manifest.rowCounts { encoder.long(count ?? 0) }
            encode(manifest.partitions, into: &encoder)
        }
        encoder.optional(manifest.keyMetadata) { $0.bytes($1) }
        if version == .v3 { encoder.optional(manifest.firstRowID) { $0.long($1) } }
    }

    private static func encode(
        _ summaries: [PartitionFieldSummary]?, into encoder: inout AvroEncoder
    ) {
        encoder.optional(summaries) { encoder, summaries in
            encoder.array(summaries) { encoder, summary in
                encoder.boolean(summary.containsNull)
                encoder.optional(summary.containsNaN) { $0.boolean($1) }
                encoder.optional(summary.lowerBound) { $0.bytes($1) }
                encoder.optional(summary.upperBound) { $0.bytes($1) }
            }
        }
    }
}

extension ManifestFile {
    fileprivate var fileCounts: [Int32?] {
        [addedFilesCount, existingFilesCount, deletedFilesCount]
    }

    fileprivate var rowCounts: [Int64?] { [addedRowsCount, existingRowsCount, deletedRowsCount] }
}
