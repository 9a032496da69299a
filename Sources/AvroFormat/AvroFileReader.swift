// SPDX-License-Identifier: Apache-2.0

import Compression

/// Reads a container file block by block.
///
/// Avro specification 1.11, Object Container Files.
///
/// It holds one block and what its source gave beyond it, so memory does not grow with the file:
///
/// ```swift
/// let reader = try await AvroFileReader(source)
/// let program = try AvroProgram.compile(projection, for: reader.schema())
/// while try await reader.nextBlock() {
///     try reader.forEachRow(program) { row in … }
/// }
/// ```
///
/// A class, because it owns buffers that are used again for every block.
public final class AvroFileReader<Source: AvroByteSource> {
    /// What the file says of itself.
    public let header: AvroHeader
    private let limits: AvroLimits
    private var input: AvroInput<Source>
    private var block: AvroBlockHead?
    /// The current block decompressed, in a buffer kept for the next one; unused without a codec.
    private var decoded: [UInt8] = []
    private var decodedCount = 0

    /// Reads the header.
    ///
    /// - Throws: ``AvroError/notAvro(firstBytes:)`` for other files, an empty one among them.
    public init(
        _ source: Source, limits: AvroLimits = AvroLimits()
    ) async throws(AvroReadError<Source.Failure>) {
        self.limits = limits
        input = AvroInput(source)
        header = try await input.header(limit: limits.headerBytes)
    }

    /// The writer's schema.
    public func schema() throws(AvroError) -> AvroSchema {
        try AvroSchema(parsing: header.schemaText)
    }

    /// Where in the file reading stands; its length once there is no next block.
    public var offset: Int64 { input.offset }

    /// How many stored bytes are held now: the current block and what came with it.
    package var bufferedBytes: Int { input.held }

    /// Moves on to the next block; false at the end of the file.
    public func nextBlock() async throws(AvroReadError<Source.Failure>) -> Bool {
        input.consume(block?.wholeSize ?? 0)
        block = nil
        guard let head = try await input.blockHead(limits) else { return false }
        guard try await input.fill(head.wholeSize) else {
            throw .format(.malformed(.endOfData, at: input.position(at: input.available)))
        }
        let end = head.stored.upperBound
        let isMarked = input.withBytes {
            $0[end..<head.wholeSize].elementsEqual(header.syncMarker)
        }
        guard isMarked else {
            throw .format(.malformed(.wrongSyncMarker, at: input.position(at: end)))
        }
        try decompress(head)
        block = head
        return true
    }

    private func decompress(_ head: AvroBlockHead) throws(AvroReadError<Source.Failure>) {
        guard let codec = header.codec else { return }
        do {
            decodedCount = try input.withSpan(of: head.stored) {
                (stored) throws(CompressionError) in
                try codec.decompress(stored, into: &decoded, limit: limits.decodedBlockBytes)
            }
        } catch {
            throw .format(.compression(error, at: input.position()))
        }
    }

    /// Visits the records of the current block in order; none before the first block.
    ///
    /// A record that cannot be read stops the visit, after the records before it were visited.
    public func forEachRow(
        _ program: AvroProgram, _ body: (borrowing AvroRow) throws(AvroError) -> Void
    ) throws(AvroError) {
        try withBlock { (count, bytes, origin) throws(AvroError) in
            try AvroRows(program: program, bytes: bytes, origin: origin, limits: limits)
                .forEachRecord(count: count, body)
        }
    }

    /// Lends the bytes of the current block's records, if there is one.
    func withBlock(
        _ body: (Int64, UnsafeRawBufferPointer, AvroOrigin) throws(AvroError) -> Void
    ) throws(AvroError) {
        guard let block else { return }
        guard header.codec == nil else {
            let origin = AvroOrigin(fileOffset: input.offset, isDecompressed: true)
            return try decoded.withUnsafeBufferPointer { (bytes) throws(AvroError) in
                let bytes = UnsafeRawBufferPointer(
                    UnsafeBufferPointer(rebasing: bytes[..<decodedCount]))
                try body(block.rowCount, bytes, origin)
            }
        }
        let start = input.offset + Int64(block.stored.lowerBound)
        let origin = AvroOrigin(fileOffset: start, isDecompressed: false)
        try input.withBytes { (bytes) throws(AvroError) in
            try body(block.rowCount, UnsafeRawBufferPointer(rebasing: bytes[block.stored]), origin)
        }
    }
}

/// What precedes the records of a block.
struct AvroBlockHead {
    /// The longest head: two integers.
    static let maximumSize = 20

    let rowCount: Int64
    /// Where the records are as stored, counted from the head's first byte.
    let stored: Range<Int>

    var wholeSize: Int { stored.upperBound + AvroHeader.syncMarkerSize }
}

extension AvroInput {
    /// Reads a file's header and is done with it.
    mutating func header(limit: Int) async throws(AvroReadError<Source.Failure>) -> AvroHeader {
        // What the file is instead shows in its first bytes, all of which belong in the error.
        _ = try await fill(AvroHeader.magic.count)
        while true {
            let parsed: (header: AvroHeader, size: Int)?
            do { parsed = try withBytes(AvroHeader.parse) } catch { throw .format(error) }
            if let parsed {
                consume(parsed.size)
                return parsed.header
            }
            let before = available
            guard before < limit else {
                throw .format(
                    .tooLarge(
                        part: "the header", size: Int64(before), limit: Int64(limit),
                        at: position()))
            }
            // Twice as much, so that parsing again from the start stays cheap.
            let isWhole = try await fill(max(1, before * 2))
            guard isWhole || available > before else {
                guard before > 0 else { throw .format(.notAvro(firstBytes: [])) }
                throw .format(.malformed(.endOfData, at: position(at: before)))
            }
        }
    }

    /// Reads a block's head without being done with it; nil at the end of the file.
    mutating func blockHead(
        _ limits: AvroLimits
    ) async throws(AvroReadError<Source.Failure>) -> AvroBlockHead? {
        let isWhole = try await fill(AvroBlockHead.maximumSize)
        guard isWhole || available > 0 else { return nil }
        do {
            return try withBytes { (bytes) throws(AvroError) in
                try blockHead(bytes, limits)
            }
        } catch { throw .format(error) }
    }

    private func blockHead(
        _ bytes: UnsafeRawBufferPointer, _ limits: AvroLimits
    ) throws(AvroError) -> AvroBlockHead? {
        guard let base = bytes.baseAddress else { return nil }
        var cursor = AvroCursor(
            base: base, end: bytes.count, position: 0,
            origin: AvroOrigin(fileOffset: offset, isDecompressed: false))
        let rowCount = try cursor.long()
        guard rowCount >= 0 else { throw cursor.failure(.negativeLength(rowCount)) }
        let size = try cursor.long()
        guard size >= 0 else { throw cursor.failure(.negativeLength(size)) }
        guard size <= Int64(limits.storedBlockBytes) else {
            throw .tooLarge(
                part: "a block", size: size, limit: Int64(limits.storedBlockBytes), at: position())
        }
        let start = cursor.position
        return AvroBlockHead(rowCount: rowCount, stored: start..<(start + Int(size)))
    }
}
