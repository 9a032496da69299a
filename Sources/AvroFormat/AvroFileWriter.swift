// SPDX-License-Identifier: Apache-2.0

import Compression
public import WireFormat

/// How the blocks of a file are compressed.
public enum AvroCodec: String, Hashable, Sendable, CaseIterable {
    /// Not at all.
    case none = "null"
    /// Deflate without a wrapper: what Iceberg's writers choose.
    case deflate
    /// Snappy and a checksum.
    case snappy
    /// Zstandard.
    case zstandard

    /// The codec that does it.
    var codec: Codec? {
        switch self {
        case .none: nil
        case .deflate: .deflate
        case .snappy: .checkedSnappy
        case .zstandard: .zstandard
        }
    }
}

/// Writes an object container file.
///
/// Avro specification 1.11, Object Container Files.
///
/// The same schema, metadata and records give the same bytes every time: nothing in the file comes
/// from a clock or from chance. It is held in memory until it is finished, compressed but for its
/// last block.
public struct AvroFileWriter: Sendable {
    private let codec: AvroCodec
    private let syncMarker: [UInt8]
    private let blockBytes: Int
    private var file: [UInt8]
    private var block = AvroEncoder()
    private var blockCount: Int64 = 0

    /// How many records were written.
    public private(set) var recordCount: Int64 = 0
    /// How many bytes the records of finished blocks took before they were compressed.
    public private(set) var plainByteCount = 0
    /// How many bytes those blocks take in the file.
    public private(set) var storedByteCount = 0

    /// The size at which a block is finished: what Avro's own library does.
    public static let defaultBlockBytes = 64_000

    /// Begins a file.
    ///
    /// - Parameters:
    ///   - schema: the schema's JSON, written as it is.
    ///   - metadata: the file's own metadata in its order; no key that begins with `avro.`.
    ///   - codec: how blocks are compressed.
    ///   - syncMarker: the 16 bytes after every block; what the header holds decides if there are
    ///     none.
    ///   - blockBytes: the size at which a block is finished.
    /// - Throws: ``AvroError/invalidSchema(reason:)``.
    public init(
        schema: JSONValue, metadata: [(key: String, value: String)] = [],
        codec: AvroCodec = .deflate, syncMarker: [UInt8]? = nil, blockBytes: Int = defaultBlockBytes
    ) throws(AvroError) {
        precondition(
            syncMarker.map { $0.count == AvroHeader.syncMarkerSize } ?? true,
            "a sync marker has 16 bytes")
        let schemaText = schema.bytes()
        _ = try AvroSchema(parsing: schemaText)
        var header = AvroEncoder()
        header.fixed(AvroHeader.magic)
        header.long(Int64(metadata.count + 2))
        header.string("avro.schema")
        header.bytes(schemaText)
        header.string("avro.codec")
        header.string(codec.rawValue)
        for (key, value) in metadata {
            precondition(!key.hasPrefix("avro."), "such keys belong to Avro")
            header.string(key)
            header.string(value)
        }
        header.long(0)
        var digest = Digest128()
        digest.absorb(header.bytes)
        self.syncMarker = syncMarker ?? digest.bytes
        header.fixed(self.syncMarker)
        file = header.bytes
        self.codec = codec
        self.blockBytes = max(1, blockBytes)
    }

    /// Appends a record whose encoding `write` writes.
    public mutating func append(
        _ write: (inout AvroEncoder) -> Void
    ) throws(AvroError) {
        write(&block)
        blockCount += 1
        recordCount += 1
        if block.bytes.count >= blockBytes { try finishBlock() }
    }

    /// How many bytes the file has so far, the records of its last block not compressed yet.
    public var byteCount: Int { file.count + block.bytes.count }

    /// The whole file.
    ///
    /// Nothing can be appended afterwards.
    public consuming func finish() throws(AvroError) -> [UInt8] {
        try finishBlock()
        return file
    }

    private mutating func finishBlock() throws(AvroError) {
        guard blockCount > 0 else { return }
        let stored: [UInt8]
        do throws(CompressionError) {
            stored = try codec.codec?.compress(block.bytes) ?? block.bytes
        } catch {
            throw .compression(error, at: AvroPosition(fileOffset: Int64(file.count)))
        }
        var head = AvroEncoder()
        head.long(blockCount)
        head.long(Int64(stored.count))
        file += head.bytes
        file += stored
        file += syncMarker
        plainByteCount += block.bytes.count
        storedByteCount += stored.count
        block.removeAll()
        blockCount = 0
    }
}
