// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import Compression
import Testing

/// The container around the records: header, blocks, markers, limits.
@Suite struct AvroContainerTests {
    private typealias File = AvroTestFile

    private let long = AvroTestFile(field: #""long""#)

    private func expect(
        _ error: AvroError, from bytes: [UInt8], limits: AvroLimits = AvroLimits(),
        sourceLocation: SourceLocation = #_sourceLocation
    ) async {
        for size in [3, Int.max] {
            await #expect(throws: error, sourceLocation: sourceLocation) {
                try await rows(of: bytes, AvroProjection(), by: size, limits: limits) { _ in 1 }
            }
        }
    }

    private func position(_ offset: Int) -> AvroPosition {
        AvroPosition(fileOffset: Int64(offset))
    }

    @Test func `what does not begin as Avro is told apart`() async {
        await expect(.notAvro(firstBytes: []), from: [])
        await expect(.notAvro(firstBytes: Array("PAR1".utf8)), from: Array("PAR1 and more".utf8))
        await #expect(throws: AvroError.notAvro(firstBytes: [0x50, 0x4B])) {
            try await rows(of: [0x50, 0x4B], AvroProjection()) { _ in 1 }
        }
    }

    @Test func `a header that ends early is damaged`() async {
        for count in [1, 4, 5, 20, long.bytes.count - 1] {
            let bytes = Array(long.bytes.prefix(count))
            await expect(.malformed(.endOfData, at: position(count)), from: bytes)
        }
    }

    @Test func `a header without a schema, or with a key twice, is damaged`() async {
        let head: [UInt8] = [0x4F, 0x62, 0x6A, 0x01]
        let none = head + [0] + File.sync
        await expect(.malformed(.missingSchema, at: position(none.count)), from: none)
        let pair = File.text("k") + File.text("v")
        let twice = head + File.integer(2) + pair + pair + [0] + File.sync
        await expect(
            .malformed(.duplicateMetadataKey("k"), at: position(head.count + 1 + 4 + 2)),
            from: twice)
    }

    @Test func `metadata may come in several blocks that state their sizes`() async throws {
        let schema = File.text("avro.schema") + File.text(File.record(field: #""long""#))
        let note = File.text("note") + File.text("here")
        let head =
            [0x4F, 0x62, 0x6A, 0x01] + File.integer(-1) + File.integer(Int64(schema.count)) + schema
            + File.integer(1) + note + [0] + File.sync

        let reader = try await AvroFileReader(AvroMemorySource(head))

        #expect(reader.header.text("note") == "here")
    }

    @Test func `a header may be as long as the limit`() async throws {
        var limits = AvroLimits()
        limits.headerBytes = long.bytes.count + 1
        #expect(
            try await rows(of: long.bytes, AvroProjection(), by: 1, limits: limits) { _ in 1 } == []
        )
        limits.headerBytes = 20
        await #expect(throws: AvroError.self) {
            try await rows(of: long.bytes, AvroProjection(), by: 1, limits: limits) { _ in 1 }
        }
    }

    @Test func `an unknown codec is named`() async {
        let file = File(schema: File.record(field: #""long""#), codec: "xz")

        await expect(.unsupportedCodec("xz"), from: file.bytes)
    }

    @Test func `a wrong marker after a block is noticed`() async {
        var bytes = long.with(block: [2])
        bytes[bytes.count - 1] ^= 1

        let marker = position(bytes.count - 16)
        await expect(.malformed(.wrongSyncMarker, at: marker), from: bytes)
    }

    @Test func `a block that ends early is damaged`() async {
        let bytes = long.with(block: [2])
        for count in 1..<(bytes.count - long.bytes.count) {
            let cut = Array(bytes.prefix(long.bytes.count + count))
            await expect(.malformed(.endOfData, at: position(cut.count)), from: cut)
        }
    }

    @Test func `counts and sizes of a block are not negative`() async {
        let start = long.bytes.count
        await expect(
            .malformed(.negativeLength(-1), at: position(start + 1)),
            from: long.bytes + File.integer(-1) + File.integer(0) + File.sync)
        await expect(
            .malformed(.negativeLength(-1), at: position(start + 2)),
            from: long.bytes + File.integer(1) + File.integer(-1) + File.sync)
    }

    @Test func `a block has as many records as it says`() async {
        let start = long.bytes.count + 2
        await expect(
            .malformed(.leftoverBytes(1), at: position(start + 1)), from: long.with(block: [2, 4]))
        await expect(
            .malformed(.endOfData, at: position(start + 1)),
            from: long.with(block: [2], count: 2))
        await expect(
            .malformed(.endOfData, at: position(start + 10)),
            from: long.bytes + File.integer(.max) + [2, 2] + File.sync)
    }

    @Test func `a block without records is legal`() async throws {
        var file = long
        file.append(block: [], count: 0)
        file.append(block: [2])

        #expect(try await rows(of: file.bytes, AvroProjection()) { _ in 1 } == [1])
    }

    @Test func `a stored block may be as large as the limit and not a byte larger`() async throws {
        var limits = AvroLimits()
        limits.storedBlockBytes = 5
        let fits = long.with(block: [0, 0, 0, 0, 0], count: 5)
        let larger = long.with(block: [0, 0, 0, 0, 0, 0], count: 6)

        #expect(try await rows(of: fits, AvroProjection(), limits: limits) { _ in 1 }.count == 5)
        await expect(
            .tooLarge(part: "a block", size: 6, limit: 5, at: position(long.bytes.count)),
            from: larger, limits: limits)
    }

    @Test func `a claim of a huge block is refused before any of it is read`() async {
        let bytes = long.bytes + File.integer(1) + File.integer(.max)

        await #expect(throws: AvroError.self) {
            try await rows(of: bytes, AvroProjection()) { _ in 1 }
        }
    }

    @Test func `a decompressed block may be as large as the limit and not a byte larger`()
        async throws
    {
        var limits = AvroLimits()
        limits.decodedBlockBytes = 1000
        let file = File(schema: File.record(field: #""long""#), codec: "deflate")
        func block(_ count: Int) throws -> [UInt8] {
            try Codec.deflate.compress([UInt8](repeating: 2, count: count))
        }
        let fits = file.with(block: try block(1000), count: 1000)

        #expect(
            try await rows(of: fits, AvroProjection(), limits: limits) { _ in 1 }.count == 1000)
        await expect(
            .compression(.tooLarge(.deflate, limit: 1000), at: position(file.bytes.count)),
            from: file.with(block: try block(1001), count: 1001), limits: limits)
    }

    @Test func `a place within a compressed block is given by both offsets`() async throws {
        let file = File(schema: File.record(field: #""boolean""#), codec: "snappy")
        var fields = AvroProjection()
        _ = fields.required(Bool.self, id: 1, name: "f")
        let bytes = file.with(block: try Codec.checkedSnappy.compress([1, 0, 7]), count: 3)

        let place = AvroPosition(fileOffset: Int64(file.bytes.count), decodedOffset: 2)
        await #expect(throws: AvroError.malformed(.invalidBoolean(7), at: place)) {
            try await rows(of: bytes, fields) { _ in 1 }
        }
    }

    @Test func `memory does not grow with the file`() async throws {
        let block = [UInt8](repeating: 2, count: 1000)
        var source = EndlessSource(head: long.bytes, block: block, blocks: 500)
        source.sync = File.sync
        let reader = try await AvroFileReader(source)
        let program = try AvroProgram.compile(AvroProjection(), for: reader.schema())
        var count = 0
        while try await reader.nextBlock() {
            try reader.forEachRow(program) { _ in count += 1 }
            // The reader holds what it was given beyond the block, never what is behind it.
            #expect(reader.bufferedBytes <= 2 * 1020)
        }

        #expect(count == 500_000)
    }
}

/// Makes blocks as they are asked for.
private struct EndlessSource: AvroByteSource {
    var head: [UInt8]?
    let block: [UInt8]
    var blocks: Int
    var sync: [UInt8] = []

    init(head: [UInt8], block: [UInt8], blocks: Int) {
        self.head = head
        self.block = block
        self.blocks = blocks
    }

    mutating func next() async -> [UInt8]? {
        if let head {
            self.head = nil
            return head
        }
        guard blocks > 0 else { return nil }
        blocks -= 1
        let count = Int64(block.count)
        return AvroTestFile.integer(count) + AvroTestFile.integer(count) + block + sync
    }
}
