// SPDX-License-Identifier: Apache-2.0

public import AvroFormat
public import IcebergSpec
import WireFormat

/// What the entries of a manifest have in common.
public struct ManifestKind: Sendable {
    /// The format version of the table.
    public let formatVersion: FormatVersion
    /// Data files or delete files.
    public let content: ManifestContent
    /// The table's schema.
    public let schema: Schema
    /// The spec of the partition tuples.
    public let spec: PartitionSpec
    /// The types of the tuples' values.
    public let partition: [PartitionFieldType]

    /// The kind of manifests of a table's spec; their schema is the table's current one.
    ///
    /// - Throws: ``UnknownPartitionType`` if tuples of the spec cannot be read or written.
    public init(
        of metadata: TableMetadata, spec: PartitionSpec, content: ManifestContent
    ) throws(UnknownPartitionType) {
        formatVersion = metadata.formatVersion
        self.content = content
        self.spec = spec
        partition = try metadata.partitionType(of: spec)
        // The metadata's own check: its current schema is one of its schemas.
        guard let schema = metadata.schema(metadata.currentSchemaID) else {
            throw UnknownPartitionType(
                specID: spec.id, field: "", reason: "belongs to a table without a current schema")
        }
        self.schema = schema
    }

    /// What the file says of itself, in Java's words and order.
    func metadata(_ columns: [FileColumn]) -> [(key: String, value: String)] {
        var metadata = [
            (key: "schema", value: JSONValue.object(schema.json).text()),
            (key: "schema-id", value: String(schema.id)),
            (key: "partition-spec", value: spec.fieldsJSON.text()),
            (key: "partition-spec-id", value: String(spec.id)),
            (key: "format-version", value: String(formatVersion.rawValue)),
        ]
        if formatVersion > .v1 { metadata.append((key: "content", value: "\(content)")) }
        metadata.append(
            (key: "iceberg.schema", value: IcebergSchemaText.schema(columns).text()))
        return metadata
    }
}

/// Writes a manifest in format version 1, 2 or 3.
///
/// Iceberg spec, Manifests. The same kind and entries give the same bytes.
public struct ManifestWriter: Sendable {
    private let kind: ManifestKind
    private var file: AvroFileWriter
    private var summaries: PartitionSummaries
    private var counts = ManifestEntryCounts()
    private var minSequenceNumber: Int64?
    private var minDeletedSequenceNumber: Int64?
    private var unassigned: Int64 = 0

    /// Begins a manifest.
    ///
    /// - Throws: ``AvroError/invalidSchema(reason:)`` if the table's names make no Avro schema.
    public init(
        _ kind: ManifestKind, codec: AvroCodec = .deflate,
        blockBytes: Int = AvroFileWriter.defaultBlockBytes
    ) throws(AvroError) {
        self.kind = kind
        let columns = ManifestSchemas.entry(kind.formatVersion, partition: kind.partition)
        file = try AvroFileWriter(
            schema: AvroSchemaText.record(name: "manifest_entry", columns),
            metadata: kind.metadata(columns), codec: codec, blockBytes: blockBytes)
        summaries = PartitionSummaries(fieldCount: kind.partition.count)
    }

    /// Appends an entry.
    ///
    /// - Throws: ``AvroError/invalidValue(field:reason:at:)`` for one that cannot be in such a
    ///   manifest.
    public mutating func append(_ entry: CompleteEntry) throws(AvroError) {
        try append(EncodedEntry(entry, in: kind))
    }

    /// Appends an entry that was encoded for manifests of this kind.
    public mutating func append(_ entry: EncodedEntry) throws(AvroError) {
        try file.append { $0.fixed(entry.bytes) }
        counts.add(entry.status, rows: entry.recordCount)
        summaries.add(entry.partition)
        guard entry.status.isLive else {
            if let number = entry.sequenceNumber {
                minDeletedSequenceNumber = min(minDeletedSequenceNumber ?? .max, number)
            }
            return
        }
        if let number = entry.sequenceNumber {
            minSequenceNumber = min(minSequenceNumber ?? .max, number)
        }
        if kind.content == .data, !entry.hasRowID { unassigned.addSaturating(entry.recordCount) }
    }

    /// How many entries were written.
    public var entryCount: Int64 { file.recordCount }
    /// How many bytes the file has so far, the entries of its last block not compressed yet.
    public var byteCount: Int { file.byteCount }
    /// How many bytes the entries of finished blocks took before they were compressed.
    public var plainByteCount: Int { file.plainByteCount }
    /// How many bytes those blocks take in the file.
    public var storedByteCount: Int { file.storedByteCount }

    /// The whole manifest, and its row in a manifest list.
    ///
    /// The row says nothing yet of where the manifest is and who added it, and its length is that
    /// of the bytes here: the store's answer decides (P-62).
    public consuming func finish() throws(AvroError) -> FinishedManifest {
        var row = ManifestFile(
            path: "", length: 0, partitionSpecID: Int32(truncatingIfNeeded: kind.spec.id))
        row.content = kind.content
        counts.write(to: &row)
        // Iceberg's own writer leaves deleted files out of it, and the specification does not:
        // theirs are told where there are no others.
        row.minSequenceNumber = minSequenceNumber ?? minDeletedSequenceNumber ?? 0
        row.partitions = summaries.summaries
        let unassigned = unassigned
        let bytes = try file.finish()
        row.length = Int64(bytes.count)
        return FinishedManifest(bytes: bytes, row: row, unassignedRowCount: unassigned)
    }
}

/// A manifest that is complete and not stored yet.
public struct FinishedManifest: Sendable {
    /// The file.
    public let bytes: [UInt8]
    /// Its row in a manifest list, but for its path and what the commit decides.
    public var row: ManifestFile
    /// How many rows are in live data files without a row id of their own; they inherit theirs
    /// from the manifest (v3).
    public let unassignedRowCount: Int64
}

extension PartitionSpec {
    /// The fields as manifests name them.
    ///
    /// Iceberg spec, Appendix C: Partition Specs.
    var fieldsJSON: JSONValue {
        .array(
            fields.map { field in
                var object = JSONObject()
                object["name"] = .string(field.name)
                object["transform"] = .string(field.transform.description)
                if field.sourceIDs.count == 1, let id = field.sourceIDs.first {
                    object["source-id"] = .integer(id)
                } else {
                    object["source-ids"] = .array(field.sourceIDs.map { .integer($0) })
                }
                object["field-id"] = .integer(field.id)
                return .object(object)
            })
    }
}
