// SPDX-License-Identifier: Apache-2.0

/// A file whose footer was read and checked.
///
/// Opening takes one request for the last 64 KiB and, when the footer is longer, one more. After
/// that every offset and length of a chunk is known to lie before the footer, and every row group
/// to have one chunk of the right type for each column.
public struct ParquetFile<Source: ParquetByteSource>: Sendable {
    /// Why reading the file stopped.
    public typealias Failure = ParquetReadError<Source.Failure>

    /// Where the bytes come from.
    public let source: Source
    /// What this reader is ready to hold.
    public let limits: ParquetLimits
    /// The columns and how they nest.
    public let schema: ParquetSchema
    let metadata: FileMetadata
    /// Which program wrote it.
    let writer: WriterVersion
    /// Where the footer begins; pages and indexes lie before it.
    let footerStart: Int64
    /// A part that was taken into memory, and where it begins.
    var memory: (bytes: [UInt8], start: Int64)?

    /// How many rows there are.
    public var rowCount: Int64 { rowGroups.reduce(0) { $0 + $1.rowCount } }
    /// The row groups in their order.
    public var rowGroups: [RowGroup] { metadata.rowGroups }
    /// What the writer noted about the file.
    public var keyValues: [KeyValue] { metadata.keyValues ?? [] }
    /// The writer's name and version, if it says.
    public var createdBy: String? { metadata.createdBy }

    /// Reads the footer.
    public init(
        opening source: Source, limits: ParquetLimits = ParquetLimits()
    ) async throws(Failure) {
        let (bytes, start) = try await FooterBytes.read(source, limits: limits)
        do throws(ParquetError) {
            let place = ParquetPlace(.footer, start)
            var reader = ThriftReader(bytes, place: place)
            let metadata = try FileMetadata(from: &reader, limits: limits)
            guard metadata.encryptionAlgorithm == nil else {
                throw ParquetError.encrypted(column: nil)
            }
            schema = try ParquetSchema(metadata.schema, place: place)
            self.metadata = metadata
            writer = WriterVersion(metadata.createdBy)
            try FooterCheck(schema: schema, footerStart: start).check(metadata)
        } catch {
            throw .format(error)
        }
        self.source = source
        self.limits = limits
        footerStart = start
    }

    /// The bytes of a range that the footer named.
    func read(_ range: Range<Int64>, _ place: ParquetPlace) async throws(Failure) -> [UInt8] {
        if let memory, memory.start <= range.lowerBound,
            range.upperBound <= memory.start + Int64(memory.bytes.count)
        {
            let start = Int(range.lowerBound - memory.start)
            return Array(memory.bytes[start..<start + range.count])
        }
        let bytes: [UInt8]
        do { bytes = try await source.read(range) } catch { throw .source(error) }
        guard bytes.count == range.count else {
            throw .format(.malformed(reason: "the file ends within it", at: place))
        }
        return bytes
    }

    /// Where the data pages of a chunk are, if its writer made an index.
    public func offsetIndex(
        rowGroup: Int, column: Int
    ) async throws(Failure) -> OffsetIndex? {
        let chunk = rowGroups[rowGroup].columns[column]
        return try await index(chunk.offsetIndexOffset, chunk.offsetIndexLength)
    }

    /// The bounds of each data page of a chunk, if its writer made an index.
    public func columnIndex(
        rowGroup: Int, column: Int
    ) async throws(Failure) -> ColumnIndex? {
        let chunk = rowGroups[rowGroup].columns[column]
        return try await index(chunk.columnIndexOffset, chunk.columnIndexLength)
    }

    private func index<Index: ThriftStruct>(
        _ offset: Int64?, _ length: Int32?
    ) async throws(Failure) -> Index? {
        guard let offset, let length else { return nil }
        let place = ParquetPlace(.pageIndex, offset)
        let range = try range(offset, Int64(length), limit: limits.pageIndexBytes, place)
        let bytes = try await read(range, place)
        var reader = ThriftReader(bytes, place: place)
        do { return try Index(from: &reader) } catch { throw .format(error) }
    }

    /// A range that must lie before the footer and be no longer than a limit.
    func range(
        _ offset: Int64, _ length: Int64, limit: Int, _ place: ParquetPlace
    ) throws(Failure) -> Range<Int64> {
        guard offset >= 0, length > 0, offset <= footerStart, length <= footerStart - offset else {
            let reason = "its length of \(length) reaches out of the file"
            throw .format(.malformed(reason: reason, at: place))
        }
        guard length <= limit else {
            throw .format(
                .tooLarge(part: place.part.rawValue, size: length, limit: Int64(limit)))
        }
        return offset..<offset + length
    }

    /// The head of a chunk's bloom filter and where its bits are, if its writer made one.
    public func bloomFilter(
        rowGroup: Int, column: Int
    ) async throws(Failure) -> (header: BloomFilterHeader, bits: Range<Int64>)? {
        guard let chunk = rowGroups[rowGroup].columns[column].metadata,
            let offset = chunk.bloomFilterOffset
        else { return nil }
        let place = ParquetPlace(.bloomFilter, offset)
        guard offset >= 0, offset < footerStart else {
            throw .format(.malformed(reason: "it lies outside the file", at: place))
        }
        // The header takes some twenty bytes.
        let head = try await read(offset..<min(offset + 64, footerStart), place)
        var reader = ThriftReader(head, place: place)
        let header: BloomFilterHeader
        do { header = try BloomFilterHeader(from: &reader) } catch { throw .format(error) }
        let bits = try range(
            offset + Int64(reader.position), Int64(header.byteCount),
            limit: limits.bloomFilterBytes, place)
        return (header, bits)
    }
}
