// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergSpec
import ObjectStorage
import Synchronization

/// Reads the live files in manifests, holding one block of a manifest at a time.
final class LiveFileReader<Storage: RangeReading>: Sendable {
    /// What decides how a manifest is read.
    private struct FormatKey: Hashable {
        let schemaText: [UInt8]
        let specID: Int
        let content: ManifestContent
    }

    /// How many formats are kept; past it all are dropped, as with programs.
    private static var capacity: Int { AvroProgramCache.capacity }

    private let storage: Storage
    private let specs: [Int: PartitionSpec]
    private let decimals: Set<Int>
    private let filter: ScanFilter?
    private let spans: KeySpanMaker?
    private let formats = Mutex<[FormatKey: LiveFileFormat]>([:])

    init(
        storage: Storage, metadata: TableMetadata, filter: ScanFilter? = nil,
        spans: KeySpanMaker? = nil
    ) {
        self.storage = storage
        self.filter = filter
        self.spans = spans
        specs = Dictionary(
            metadata.partitionSpecs.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        decimals = metadata.decimalPartitionFields
    }

    /// Visits every live file of a manifest in order, as far as a filter leaves it in.
    ///
    /// - Parameter place: the manifest's place in its list.
    /// - Returns: How many live files the filter leaves out.
    @discardableResult
    func forEachFile(
        in manifest: ManifestFile, place: Int, _ body: (LiveFile) throws(ScanError) -> Void
    ) async throws(ScanError) -> Int64 {
        let location = Location(manifest.path)
        guard let spec = specs[Int(manifest.partitionSpecID)] else {
            throw .corrupt(
                reason: "\(location) has the partition spec \(manifest.partitionSpecID), which "
                    + "the table does not have")
        }
        var inheritance = ManifestInheritance(from: manifest)
        var failure: ScanError?
        var count: Int64 = 0
        var leftOut: Int64 = 0
        // Partitions repeat from entry to entry, and one copy of their values is enough.
        var known: [PartitionKey: PartitionKey] = [:]
        do throws(ManifestError) {
            let reader = try await ManifestFileReader(of: manifest, in: storage)
            let format = try format(for: reader, spec, manifest.content)
            try await reader.forEachRow(format.program) { (row) throws(AvroError) in
                let ordinal = Int64(place) << LiveFile.entryBits + count
                count += 1
                guard failure == nil, let entry = try format.entry(row, ordinal: ordinal) else {
                    return
                }
                do throws(ScanError) {
                    var file = try Self.inheriting(entry, &inheritance, location)
                    guard entry.isWanted else {
                        leftOut += 1
                        return
                    }
                    if let same = known[file.partition] {
                        file.partition = same
                    } else {
                        known[file.partition] = file.partition
                    }
                    try body(file)
                } catch {
                    failure = error
                }
            }
            try reader.checkWholeness(of: manifest, entryCount: count)
        } catch {
            throw .manifest(error)
        }
        if let failure { throw failure }
        return leftOut
    }

    private static func inheriting(
        _ entry: LiveEntry, _ inheritance: inout ManifestInheritance, _ location: Location
    ) throws(ScanError) -> LiveFile {
        let file: LiveFile?
        do throws(RowIDOverflow) { file = try entry.inheriting(&inheritance) } catch {
            throw .manifest(.inconsistent(location, .rowIDs(reason: error.description)))
        }
        guard let file else {
            throw .corrupt(
                reason: "\(location) lists \(entry.file.path) without a sequence number")
        }
        return file
    }

    private func format(
        for reader: ManifestFileReader<Storage>, _ spec: PartitionSpec, _ content: ManifestContent
    ) throws(ManifestError) -> LiveFileFormat {
        let key = FormatKey(
            schemaText: reader.header.schemaText, specID: spec.id, content: content)
        if let known = formats.withLock({ $0[key] }) { return known }
        let format: LiveFileFormat
        do throws(AvroError) {
            format = try LiveFileFormat(
                AvroSchema(parsing: key.schemaText), spec: spec, decimals: decimals,
                content: content, filter: filter, spans: spans)
        } catch {
            throw .malformed(reader.location, error)
        }
        formats.withLock { formats in
            if formats.count >= Self.capacity { formats.removeAll() }
            formats[key] = format
        }
        return format
    }
}

extension TableMetadata {
    /// The partition fields that hold decimals, by field id.
    var decimalPartitionFields: Set<Int> {
        var fields: Set<Int> = []
        for spec in partitionSpecs {
            for field in spec.fields {
                guard case .decimal? = partitionType(of: field) else { continue }
                fields.insert(field.id)
            }
        }
        return fields
    }

    /// The type of a partition field's values; nil when no schema has its column any more, or its
    /// transform is not known.
    func partitionType(of field: PartitionField) -> PrimitiveType? {
        switch field.transform {
        case .bucket, .year, .month, .hour: return .int
        case .day: return .date
        case .void, .unknown: return nil
        case .identity, .truncate:
            guard let source = field.sourceIDs.first else { return nil }
            // The newest schema first: the type may have been promoted.
            let schemas = [schema(currentSchemaID)].compactMap(\.self) + schemas.reversed()
            for schema in schemas {
                if case .primitive(let type)? = schema.field(source)?.type { return type }
            }
            return nil
        }
    }
}
