// SPDX-License-Identifier: Apache-2.0

public import Compression

/// What a container file says before its first block.
public struct AvroHeader: Hashable, Sendable {
    /// The metadata, keys to bytes as they are.
    public let metadata: [String: [UInt8]]
    /// The JSON of the writer's schema.
    public let schemaText: [UInt8]
    /// How the blocks are compressed; nil if they are not.
    public let codec: Codec?
    /// The marker after every block.
    let syncMarker: [UInt8]

    /// A metadata value as text; nil if there is none, or if it is not UTF-8.
    public func text(_ key: String) -> String? {
        metadata[key].flatMap { String(validating: $0, as: UTF8.self) }
    }
}

extension AvroHeader {
    /// What every container file begins with: "Obj" and the version.
    static let magic: [UInt8] = [0x4F, 0x62, 0x6A, 0x01]
    static let syncMarkerSize = 16

    /// Reads a header from the front of a file.
    ///
    /// Returns nil if the bytes end before the header does, so that the caller can bring more.
    static func parse(
        _ bytes: UnsafeRawBufferPointer
    ) throws(AvroError) -> (header: AvroHeader, size: Int)? {
        guard bytes.starts(with: magic.prefix(bytes.count)) else {
            throw .notAvro(firstBytes: Array(bytes.prefix(magic.count)))
        }
        guard bytes.count > magic.count, let base = bytes.baseAddress else { return nil }
        let cursor = AvroCursor(
            base: base, end: bytes.count, position: magic.count,
            origin: AvroOrigin(fileOffset: 0, isDecompressed: false))
        var parser = AvroHeaderParser(cursor: cursor)
        do {
            let header = try parser.header()
            return (header, parser.cursor.position)
        } catch {
            // What reaches past the bytes that are here may lie in those still to come.
            switch error {
            case .malformed(.endOfData, _), .malformed(.lengthBeyondEnd, _): return nil
            default: throw error
            }
        }
    }
}

private struct AvroHeaderParser {
    var cursor: AvroCursor

    mutating func header() throws(AvroError) -> AvroHeader {
        let metadata = try metadata()
        let sync = try bytes(AvroHeader.syncMarkerSize)
        guard let schemaText = metadata["avro.schema"] else { throw cursor.failure(.missingSchema) }
        let codecName = metadata["avro.codec"].map { String(decoding: $0, as: UTF8.self) }
        return AvroHeader(
            metadata: metadata, schemaText: schemaText, codec: try codec(named: codecName),
            syncMarker: sync)
    }

    private mutating func metadata() throws(AvroError) -> [String: [UInt8]] {
        var metadata: [String: [UInt8]] = [:]
        while true {
            let block = try cursor.collectionBlock()
            if block.count == 0 { return metadata }
            var left = block.count
            while left > 0 {
                let key = String(decoding: try bytes(cursor.length()), as: UTF8.self)
                guard metadata[key] == nil else {
                    throw cursor.failure(.duplicateMetadataKey(key))
                }
                metadata[key] = try bytes(cursor.length())
                left -= 1
            }
        }
    }

    private mutating func bytes(_ count: Int) throws(AvroError) -> [UInt8] {
        let start = cursor.position
        try cursor.skip(count)
        return Array(UnsafeRawBufferPointer(start: cursor.base + start, count: count))
    }

    private func codec(named name: String?) throws(AvroError) -> Codec? {
        switch name {
        case nil, "", "null": nil
        case "deflate": .deflate
        case "snappy": .checkedSnappy
        case "zstandard": .zstandard
        case let other?: throw .unsupportedCodec(other)
        }
    }
}
