// SPDX-License-Identifier: Apache-2.0

import Compression

/// Decompresses and compresses pages, keeping its working memory from page to page.
///
/// It is for one caller at a time, which is why it is not `Sendable`.
final class PageCodec {
    private var zstandard: ZstandardContext?

    private func context() throws(CompressionError) -> ZstandardContext {
        if let zstandard { return zstandard }
        let made = try ZstandardContext()
        zstandard = made
        return made
    }

    /// Puts exactly `size` bytes at the front of `output`.
    func decompress(
        _ input: RawSpan, _ codec: ParquetCodec, size: Int, into output: inout [UInt8],
        place: ParquetPlace
    ) throws(ParquetError) {
        let count: Int
        do throws(CompressionError) {
            switch codec {
            case .uncompressed, .lzo:
                output.removeAll(keepingCapacity: true)
                PlainBytes.append(input, 0..<input.byteCount, to: &output)
                count = input.byteCount
            case .zstandard:
                try context().decompress(input, into: &output, size: size)
                count = size
            case .snappy: count = try Codec.snappy.decompress(input, into: &output, limit: size)
            case .gzip: count = try Codec.gzip.decompress(input, into: &output, limit: size)
            case .brotli: count = try Codec.brotli.decompress(input, into: &output, limit: size)
            case .lz4Raw: count = try Codec.lz4Block.decompress(input, into: &output, limit: size)
            case .lz4Hadoop: count = try hadoop(input, into: &output, size: size)
            }
        } catch {
            throw .compression(error, at: place)
        }
        guard codec != .lzo else { throw .unsupported(feature: "the codec LZO") }
        guard count == size else {
            throw .malformed(reason: "it holds \(count) bytes instead of \(size)", at: place)
        }
    }

    /// Decompresses LZ4 as Hadoop frames it, or one raw block where it is none.
    ///
    /// Hadoop puts two sizes before each raw block: decompressed and stored, highest byte first.
    private func hadoop(
        _ input: RawSpan, into output: inout [UInt8], size: Int
    ) throws(CompressionError) -> Int {
        var whole: [UInt8] = []
        var position = 0
        while input.byteCount - position >= 8 {
            let plain = bigEndian(input, position)
            let stored = bigEndian(input, position + 4)
            let isFrame =
                stored <= input.byteCount - position - 8 && plain <= size - whole.count
            guard isFrame else { break }
            var block: [UInt8] = []
            let start = position + 8
            let count: Int
            do throws(CompressionError) {
                count = try Codec.lz4Block.decompress(
                    input.extracting(start..<start + stored), into: &block, limit: plain)
            } catch {
                // It only looked like a frame.
                break
            }
            guard count == plain else { break }
            whole += block.prefix(count)
            position = start + stored
        }
        guard position == input.byteCount, whole.count == size else {
            return try Codec.lz4Block.decompress(input, into: &output, limit: size)
        }
        output = whole
        return size
    }

    private func bigEndian(_ input: RawSpan, _ offset: Int) -> Int {
        Int(UInt32(bigEndian: input.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }

    /// Compresses bytes behind what `output` holds.
    func compress(
        _ input: [UInt8], _ codec: ParquetCodec, level: Int32, appendingTo output: inout [UInt8],
        place: ParquetPlace
    ) throws(ParquetError) {
        do throws(CompressionError) {
            switch codec {
            case .uncompressed: output += input
            case .zstandard:
                try context().compress(input.span.bytes, level: level, appendingTo: &output)
            case .snappy: output += try Codec.snappy.compress(input)
            case .gzip: output += try Codec.gzip.compress(input)
            case .brotli: output += try Codec.brotli.compress(input)
            case .lz4Raw: output += try Codec.lz4Block.compress(input)
            case .lz4Hadoop, .lzo: break
            }
        } catch {
            throw .compression(error, at: place)
        }
        guard codec != .lz4Hadoop, codec != .lzo else {
            throw .unsupported(feature: "writing the codec \(codec)")
        }
    }
}
