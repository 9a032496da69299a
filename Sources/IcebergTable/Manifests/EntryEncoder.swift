// SPDX-License-Identifier: Apache-2.0

public import AvroFormat
public import IcebergSpec

/// Encodes entries in the order of the columns that ``ManifestSchemas`` has.
struct EntryEncoder: Sendable {
    private let version: FormatVersion
    private let content: ManifestContent
    private let partition: [PartitionFieldType]

    /// What Java writes for a column that v1 requires and nobody reads.
    private static let blockSize: Int64 = 64 << 20

    init(_ kind: ManifestKind) {
        version = kind.formatVersion
        content = kind.content
        partition = kind.partition
    }

    /// Why an entry cannot be written; nil if it can.
    func fault(of complete: CompleteEntry) -> String? {
        let entry = complete.entry
        let file = entry.dataFile
        guard (file.content == .data) == (content == .data) else {
            return "is a file of \(file.content), which a manifest of \(content) cannot list"
        }
        if entry.snapshotID == nil, version == .v1 || entry.status == .existing {
            return "lacks the id of its snapshot"
        }
        if version > .v1, entry.status == .existing, entry.sequenceNumber == nil {
            return "is an existing file without a sequence number"
        }
        if version == .v1, file.content != .data {
            return "holds deletes, which format version 1 does not have"
        }
        if version < .v3, file.contentOffset != nil || file.firstRowID != nil {
            return "has what only format version 3 can say"
        }
        guard complete.partition.count == partition.count else {
            return "has \(complete.partition.count) partition values, not \(partition.count)"
        }
        for (value, field) in zip(complete.partition, partition) {
            if let value, !Self.fits(value, field.type) {
                return "has a value of its partition field \(field.name) that is no \(field.type)"
            }
        }
        return nil
    }

    private static func fits(_ value: PartitionValue, _ type: PrimitiveType) -> Bool {
        switch (type, value) {
        case (.boolean, .boolean), (.int, .int), (.date, .int), (.long, .long), (.time, .long),
            (.timestamp, .long), (.timestamptz, .long), (.timestampNanoseconds, .long),
            (.timestamptzNanoseconds, .long), (.float, .float), (.double, .double),
            (.string, .string), (.binary, .bytes):
            true
        case (.uuid, .bytes(let bytes)): bytes.count == 16
        case (.fixed(let length), .bytes(let bytes)): bytes.count == length
        case (.decimal(let precision, _), .decimal(let bytes)):
            bytes.count <= DecimalWidth.bytes(precision: precision)
        default: false
        }
    }

    func encode(_ complete: CompleteEntry, into encoder: inout AvroEncoder) {
        let entry = complete.entry
        encoder.int(entry.status.rawValue)
        switch version {
        case .v1: encoder.long(entry.snapshotID ?? 0)
        case .v2, .v3:
            encoder.optional(entry.snapshotID) { $0.long($1) }
            encoder.optional(entry.sequenceNumber) { $0.long($1) }
            encoder.optional(entry.fileSequenceNumber) { $0.long($1) }
        }
        let file = entry.dataFile
        if version > .v1 { encoder.int(file.content.rawValue) }
        encoder.string(file.filePath)
        encoder.string(file.fileFormat.rawValue.uppercased())
        encode(partition: complete.partition, into: &encoder)
        encoder.long(file.recordCount)
        encoder.long(file.fileSizeInBytes)
        if version == .v1 { encoder.long(Self.blockSize) }
        encode(complete.metrics, into: &encoder)
        encoder.optional(file.keyMetadata) { $0.bytes($1) }
        encoder.optional(file.splitOffsets) { $0.array($1) { $0.long($1) } }
        if version > .v1 { encoder.optional(file.equalityIDs) { $0.array($1) { $0.int($1) } } }
        encoder.optional(file.sortOrderID) { $0.int($1) }
        switch version {
        case .v1: break
        case .v2: encoder.optional(file.referencedDataFile) { $0.string($1) }
        case .v3:
            encoder.optional(file.firstRowID) { $0.long($1) }
            encoder.optional(file.referencedDataFile) { $0.string($1) }
            encoder.optional(file.contentOffset) { $0.long($1) }
            encoder.optional(file.contentSizeInBytes) { $0.long($1) }
        }
    }

    private func encode(_ metrics: ColumnMetrics, into encoder: inout AvroEncoder) {
        func counts(_ facts: [ColumnFact<Int64>]?) {
            encoder.optional(facts) { encoder, facts in
                encoder.array(facts) { encoder, fact in
                    encoder.int(fact.id)
                    encoder.long(fact.value)
                }
            }
        }
        func bounds(_ facts: [ColumnFact<[UInt8]>]?) {
            encoder.optional(facts) { encoder, facts in
                encoder.array(facts) { encoder, fact in
                    encoder.int(fact.id)
                    encoder.bytes(fact.value)
                }
            }
        }
        counts(metrics.columnSizes)
        counts(metrics.valueCounts)
        counts(metrics.nullValueCounts)
        counts(metrics.nanValueCounts)
        bounds(metrics.lowerBounds)
        bounds(metrics.upperBounds)
    }

    /// Encodes a partition tuple.
    func encode(partition values: [PartitionValue?], into encoder: inout AvroEncoder) {
        for (value, field) in zip(values, partition) {
            // A type without values has no union around its null.
            if field.type == .unknown { continue }
            encoder.optional(value) { encode($1, as: field.type, into: &$0) }
        }
    }

    private func encode(
        _ value: PartitionValue, as type: PrimitiveType, into encoder: inout AvroEncoder
    ) {
        switch value {
        case .boolean(let value): encoder.boolean(value)
        case .int(let value): encoder.int(value)
        case .long(let value): encoder.long(value)
        case .float(let value): encoder.float(value)
        case .double(let value): encoder.double(value)
        case .string(let value): encoder.string(value)
        case .bytes(let value):
            if type == .binary { encoder.bytes(value) } else { encoder.fixed(value) }
        case .decimal(let value):
            // `fault(of:)` lets no other type and no longer value through.
            guard case .decimal(let precision, _) = type else { return }
            encoder.fixed(
                DecimalWidth.widened(value, to: DecimalWidth.bytes(precision: precision)))
        }
    }
}

/// An entry in the form in which manifests of one kind have it, and what the manifest list counts.
public struct EncodedEntry: Sendable {
    /// The record.
    public let bytes: [UInt8]
    /// The file's partition; shared between entries of one partition, it takes little memory.
    public var partition: [PartitionValue?]
    let status: ManifestEntryStatus
    let recordCount: Int64
    let sequenceNumber: Int64?
    let hasRowID: Bool

    /// What an entry takes in memory beyond its bytes.
    public static let overheadBytes = 160

    /// Encodes an entry.
    ///
    /// - Throws: ``AvroError/invalidValue(field:reason:at:)`` for one that cannot be in such a
    ///   manifest.
    public init(_ complete: CompleteEntry, in kind: ManifestKind) throws(AvroError) {
        let encoder = EntryEncoder(kind)
        if let fault = encoder.fault(of: complete) {
            throw .invalidValue(
                field: complete.entry.dataFile.filePath, reason: fault,
                at: AvroPosition(fileOffset: 0))
        }
        var output = AvroEncoder()
        encoder.encode(complete, into: &output)
        bytes = output.bytes
        partition = complete.partition
        status = complete.entry.status
        recordCount = complete.entry.dataFile.recordCount
        sequenceNumber = complete.entry.sequenceNumber
        hasRowID = complete.entry.dataFile.firstRowID != nil
    }

    /// A partition tuple as the record has it, which is the same for equal tuples only.
    public static func key(of partition: [PartitionValue?], in kind: ManifestKind) -> [UInt8] {
        var output = AvroEncoder()
        EntryEncoder(kind).encode(partition: partition, into: &output)
        return output.bytes
    }
}
