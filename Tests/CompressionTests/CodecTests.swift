// SPDX-License-Identifier: Apache-2.0

import Compression
import TestSupport
import Testing

@Suite struct CodecTests {
    /// Bytes that compress a little, so that every codec has both literals and copies.
    private func sample(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in UInt8.random(in: 0...15, using: &random) }
    }

    @Test(arguments: Codec.allCases, [0, 1, 7, 1000, 200_000])
    func `what is compressed comes back`(codec: Codec, count: Int) throws {
        let bytes = sample(count, seed: UInt64(count))

        let compressed = try codec.compress(bytes)

        #expect(try codec.decompress(compressed, limit: count) == bytes)
    }

    @Test(arguments: Codec.allCases)
    func `output may be as large as the limit and not a byte larger`(codec: Codec) throws {
        for count in [1, 1024, 4096, 100_000] {
            let bytes = sample(count, seed: 1)
            let compressed = try codec.compress(bytes)

            #expect(try codec.decompress(compressed, limit: count) == bytes)
            #expect(throws: CompressionError.tooLarge(codec, limit: count - 1)) {
                try codec.decompress(compressed, limit: count - 1)
            }
        }
    }

    @Test(arguments: Codec.allCases)
    func `a bomb is refused at the limit`(codec: Codec) throws {
        let compressed = try codec.compress([UInt8](repeating: 0, count: 50_000_000))
        #expect(compressed.count < 3_000_000)

        #expect(throws: CompressionError.tooLarge(codec, limit: 1_000_000)) {
            try codec.decompress(compressed, limit: 1_000_000)
        }
    }

    @Test func `a context compresses and decompresses again and again`() throws {
        let context = try ZstandardContext()
        var output: [UInt8] = []
        for count in [0, 1, 1000, 100_000, 7] {
            let bytes = sample(count, seed: UInt64(count))
            var compressed: [UInt8] = [1, 2, 3]
            try context.compress(bytes.span.bytes, level: 3, appendingTo: &compressed)
            #expect(compressed.prefix(3) == [1, 2, 3])
            let frame = Array(compressed.dropFirst(3))

            try context.decompress(frame.span.bytes, into: &output, size: count)

            #expect(output.prefix(count).elementsEqual(bytes))
            for wrong in [count - 1, count + 1] where wrong >= 0 {
                #expect(throws: CompressionError.self) {
                    try context.decompress(frame.span.bytes, into: &output, size: wrong)
                }
            }
        }
    }

    @Test(arguments: Codec.allCases)
    func `no bytes at all are damaged data`(codec: Codec) {
        #expect(throws: CompressionError.self) { try codec.decompress([], limit: 100) }
    }

    // A raw LZ4 block has no end mark.
    @Test(arguments: Codec.allCases.filter { $0 != .lz4Block })
    func `every way to cut data short is noticed`(codec: Codec) throws {
        let compressed = try codec.compress(sample(300, seed: 2))

        for count in 0..<compressed.count {
            #expect(throws: CompressionError.self) {
                try codec.decompress(Array(compressed.prefix(count)), limit: 1000)
            }
        }
    }

    @Test(arguments: Codec.allCases, UInt64(0)..<20)
    func `damaged data gives an error or bytes within the limit`(codec: Codec, seed: UInt64) throws
    {
        var random = SeededGenerator(seed: seed)
        let compressed = try codec.compress(sample(2000, seed: seed))
        for _ in 0..<200 {
            var damaged = compressed
            for _ in 0...Int.random(in: 0...3, using: &random) {
                let index = Int.random(in: damaged.indices, using: &random)
                damaged[index] = UInt8.random(in: 0...255, using: &random)
            }
            do {
                let bytes = try codec.decompress(damaged, limit: 5000)
                #expect(bytes.count <= 5000)
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
    }

    @Test func `a buffer is used again and its leftovers are not part of the result`() throws {
        var buffer: [UInt8] = []
        let long = try Codec.deflate.compress(sample(5000, seed: 3))
        let short = try Codec.zstandard.compress([1, 2, 3])

        let longCount = try Codec.deflate.decompress(long.span.bytes, into: &buffer, limit: 9999)
        #expect(Array(buffer.prefix(longCount)) == sample(5000, seed: 3))
        let shortCount = try Codec.zstandard.decompress(
            short.span.bytes, into: &buffer, limit: 9999)

        #expect(Array(buffer.prefix(shortCount)) == [1, 2, 3])
        #expect(buffer.count >= longCount)
    }

    @Test func `a gzip file of several members is all of them`() throws {
        let both = try Codec.gzip.compress([1, 2]) + Codec.gzip.compress([3])

        #expect(try Codec.gzip.decompress(both, limit: 3) == [1, 2, 3])
        #expect(throws: CompressionError.tooLarge(.gzip, limit: 2)) {
            try Codec.gzip.decompress(both, limit: 2)
        }
    }

    @Test func `gzip followed by something else is damaged`() throws {
        let compressed = try Codec.gzip.compress([1, 2]) + [0]

        #expect(throws: CompressionError.self) { try Codec.gzip.decompress(compressed, limit: 9) }
    }

    @Test func `a gzip checksum that does not match is noticed`() throws {
        var compressed = try Codec.gzip.compress([1, 2, 3])
        compressed[compressed.count - 8] ^= 1

        #expect(throws: CompressionError.self) { try Codec.gzip.decompress(compressed, limit: 9) }
    }

    @Test func `part of a zlib checksum may follow raw deflate, and no more`() throws {
        let compressed = try Codec.deflate.compress([1, 2, 3])

        #expect(try Codec.deflate.decompress(compressed + [9, 9, 9, 9], limit: 3) == [1, 2, 3])
        #expect(throws: CompressionError.corrupt(.deflate, reason: "5 bytes follow the end")) {
            try Codec.deflate.decompress(compressed + [9, 9, 9, 9, 9], limit: 3)
        }
    }

    @Test func `a Snappy checksum that does not match is noticed`() throws {
        var compressed = try Codec.checkedSnappy.compress([1, 2, 3])
        compressed[compressed.count - 1] ^= 1

        #expect(
            throws: CompressionError.corrupt(
                .checkedSnappy, reason: "its checksum does not match")
        ) { try Codec.checkedSnappy.decompress(compressed, limit: 9) }
    }

    @Test func `a Snappy block that states more than it holds takes no memory`() {
        // It states 4 GiB less one byte, and holds one.
        let claim: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x00, 0x61]
        var buffer: [UInt8] = []

        #expect(throws: CompressionError.self) {
            try Codec.snappy.decompress(claim.span.bytes, into: &buffer, limit: .max)
        }
        #expect(buffer.isEmpty)
    }

    @Test func `several Zstandard frames are all of them`() throws {
        let both = try Codec.zstandard.compress([1, 2]) + Codec.zstandard.compress([3])

        #expect(try Codec.zstandard.decompress(both, limit: 3) == [1, 2, 3])
    }

    @Test func `a Zstandard frame that does not state its size is read within the limit`() throws {
        // python3 -c 'from backports import zstd; c = zstd.ZstdCompressor(options=
        //   {zstd.CompressionParameter.content_size_flag: 0});
        //   print(list(c.compress(b"ab" * 5000) + c.flush()))'
        let unsized: [UInt8] = [
            40, 181, 47, 253, 0, 88, 85, 0, 0, 16, 97, 98, 1, 0, 11, 39, 222, 97, 1,
        ]

        #expect(
            try Codec.zstandard.decompress(unsized, limit: 10_000)
                == (0..<10_000).map { $0 % 2 == 0 ? 0x61 : 0x62 })
        #expect(throws: CompressionError.tooLarge(.zstandard, limit: 9999)) {
            try Codec.zstandard.decompress(unsized, limit: 9999)
        }
    }
}
