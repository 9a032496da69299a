// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ParquetFormat

@Suite struct CompressionProbeTests {
    private static let rows = 20_000
    private static let fields = [ParquetField.values("at", id: 1, .required, .int64)]

    /// Files of numbers in a sequence, which Zstandard's first level makes twice as large as the
    /// third.
    private static func files(
        _ count: Int, level: Int32
    ) async throws -> [RewriterTests.Input] {
        var settings = ParquetWriteSettings()
        settings.zstandardLevel = level
        settings.dictionarySizeBytes = 0
        var inputs: [RewriterTests.Input] = []
        for index in 0..<count {
            let batch = ColumnBatch(.int64(numbers(of: index)))
            inputs.append(
                RewriterTests.Input(try await ProjectionTests.file(fields, [batch], settings)))
        }
        return inputs
    }

    private static func numbers(of file: Int) -> [Int64] {
        (0..<rows).map { 1_700_000_000_000_000 + Int64(file * rows + $0) * 1_234_567 }
    }

    private static func stitched(
        _ inputs: [RewriterTests.Input]
    ) async throws -> (file: ParquetFile<ParquetMemorySource>, share: Double) {
        let rewriter = try RewriterTests.Rewriter(inputs, way: .stitch)
        let outputs = try await RewriterTests.rewrite(rewriter)
        let file = try await WriterTests.open(try #require(outputs.first).1)
        let before = inputs.reduce(0) { $0 + $1.file.rowGroups[0].storedSize }
        let share = Double(file.rowGroups[0].storedSize) / Double(before)
        let wanted = inputs.indices.flatMap { numbers(of: $0) }
        #expect(try await file.readAll()[0].values == .int64(wanted))
        return (file, share)
    }

    @Test func `pages that another level makes much smaller are compressed anew`() async throws {
        #expect(try await Self.stitched(Self.files(20, level: 1)).share < 0.6)
    }

    @Test func `pages as small as they become move byte for byte`() async throws {
        #expect(try await Self.stitched(Self.files(20, level: 3)).share == 1)
    }

    @Test func `few pages are tried, and fewer the longer nothing changes`() {
        var probe = CompressionProbe()
        var tried: [Int] = []
        for page in 0..<200 {
            probe.begin(100_000)
            guard probe.isAnew else { continue }
            tried.append(page)
            probe.end(stored: 95_000, before: 100_000)
        }
        #expect(tried == [0, 16, 48, 112])
    }

    @Test func `all pages are compressed anew from the first that shows a gain`() {
        var probe = CompressionProbe()
        var tried: [Int] = []
        for page in 0..<100 {
            probe.begin(100_000)
            guard probe.isAnew else { continue }
            tried.append(page)
            // What is at page 16 shows a gain of a tenth, and what comes later none.
            probe.end(stored: page == 16 ? 90_000 : 95_000, before: 100_000)
        }
        #expect(tried == [0] + Array(16...32) + [48, 80])
    }

    @Test func `small and large pages are left as they are`() {
        var probe = CompressionProbe()
        for size in [
            0, CompressionProbe.sizes.lowerBound - 1, CompressionProbe.sizes.upperBound + 1,
        ] {
            probe.begin(size)
            #expect(!probe.isAnew)
        }
        probe.begin(CompressionProbe.sizes.lowerBound)
        #expect(probe.isAnew)
    }
}
