// SPDX-License-Identifier: Apache-2.0

/// How a run of bytes is compressed.
public enum Codec: String, Hashable, Sendable, CaseIterable {
    /// Raw deflate without any wrapper, RFC 1951: Avro's `deflate`. Up to four bytes may follow
    /// it, because fastavro and PyIceberg leave part of zlib's checksum there.
    case deflate
    /// Gzip, RFC 1952, one or several members: compressed table metadata.
    case gzip
    /// One raw Snappy block.
    case snappy
    /// Avro's `snappy`: one raw block, then the big-endian CRC-32 of what it holds.
    case checkedSnappy
    /// Zstandard, RFC 8878, one or several frames.
    case zstandard
    /// One Brotli stream, RFC 7932.
    case brotli
    /// One raw LZ4 block. It has no end mark, so a block that is cut short may go unnoticed:
    /// compare what comes out with the length that is expected.
    case lz4Block
}

/// Why bytes could not be decompressed or compressed.
public enum CompressionError: Error, Hashable, Sendable {
    /// The output would be larger than the caller is ready to hold: refuse, or raise the limit.
    case tooLarge(Codec, limit: Int)
    /// The input is not what the codec asks for: it is damaged or not of this codec.
    case corrupt(Codec, reason: String)
    /// The library could not work at all, which means that memory ran out.
    case unavailable(Codec, reason: String)
}

extension CompressionError: CustomStringConvertible {
    /// The error in words, for people.
    public var description: String {
        switch self {
        case .tooLarge(let codec, let limit):
            "the \(codec) data expands to more than the limit of \(limit) bytes"
        case .corrupt(let codec, let reason): "the \(codec) data is damaged: \(reason)"
        case .unavailable(let codec, let reason): "the \(codec) library failed: \(reason)"
        }
    }
}

extension Codec {
    /// What compressed bytes hold.
    ///
    /// - Throws: ``CompressionError/tooLarge(_:limit:)`` if that is more than `limit` bytes; no
    ///   more memory than about that is ever taken, whatever the input claims.
    public func decompress(
        _ input: [UInt8], limit: Int
    ) throws(CompressionError) -> [UInt8] {
        var output: [UInt8] = []
        let count = try decompress(input.span.bytes, into: &output, limit: limit)
        output.removeLast(output.count - count)
        return output
    }

    /// Decompresses into a buffer that is kept and grown from call to call.
    ///
    /// Returns how many bytes at the front of `output` are the result; what follows them is left
    /// over from earlier calls.
    ///
    /// - Throws: ``CompressionError/tooLarge(_:limit:)`` if that would be more than `limit`.
    public func decompress(
        _ input: RawSpan, into output: inout [UInt8], limit: Int
    ) throws(CompressionError) -> Int {
        precondition(limit >= 0, "a limit is a number of bytes")
        switch self {
        case .deflate, .gzip: return try inflate(input, into: &output, limit: limit)
        case .snappy: return try unsnap(input, into: &output, limit: limit)
        case .checkedSnappy: return try checkedUnsnap(input, into: &output, limit: limit)
        case .zstandard: return try unzstd(input, into: &output, limit: limit)
        case .brotli: return try unbrotli(input, into: &output, limit: limit)
        case .lz4Block: return try unlz4(input, into: &output, limit: limit)
        }
    }

    /// Compresses bytes with the library's usual effort, as one member, block or frame.
    public func compress(_ input: [UInt8]) throws(CompressionError) -> [UInt8] {
        switch self {
        case .deflate, .gzip: return try deflate(input)
        case .snappy: return try snap(input)
        case .checkedSnappy: return try snap(input) + bigEndianBytes(of: crc32(input.span.bytes))
        case .zstandard: return try zstd(input)
        case .brotli: return try brotli(input)
        case .lz4Block: return try lz4(input)
        }
    }

    /// Makes room for at least `count` bytes, keeping the first `used`.
    func grow(_ output: inout [UInt8], to count: Int, keeping used: Int) {
        guard output.count < count else { return }
        // Appending would copy leftovers beyond `used` as well.
        var larger = [UInt8](repeating: 0, count: count)
        larger.withUnsafeMutableBytes { target in
            output.withUnsafeBytes { target.copyMemory(from: .init(rebasing: $0[..<used])) }
        }
        output = larger
    }
}
