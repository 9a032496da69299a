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

    /// Which of so many pages are compressed anew, when those of 100,000 bytes become as large as
    /// is said of each.
    private static func tried(of count: Int, stored: (_ page: Int) -> Int) -> [Int] {
        var probe = CompressionProbe()
        return (0..<count).filter { page in
            guard probe.next(100_000) else { return false }
            probe.note(stored: stored(page), before: 100_000)
            return true
        }
    }

    @Test func `few pages are tried, and fewer the longer nothing changes`() {
        #expect(Self.tried(of: 200) { _ in 95_000 } == [0, 16, 48, 112])
    }

    @Test func `all pages are compressed anew from the first that shows a gain`() {
        // What is at page 16 shows a gain of a tenth, and what comes later none.
        let tried = Self.tried(of: 100) { $0 == 16 ? 90_000 : 95_000 }
        #expect(tried == [0] + Array(16...32) + [48, 80])
    }

    @Test func `a page that was not compressed by itself after all decides nothing`() {
        var probe = CompressionProbe()
        let tried = (0..<40).filter { _ in probe.next(100_000) }
        #expect(tried == [0, 16, 32])
        // The page at hand is another now, and no trial.
        let isSmallTried = probe.next(0)
        probe.note(stored: 1, before: 100_000)
        let isNextTried = probe.next(100_000)
        #expect(!isSmallTried && !isNextTried)
    }

    @Test func `small and large pages are left as they are`() {
        let sizes = CompressionProbe.sizes
        var probe = CompressionProbe()
        let others = [0, sizes.lowerBound - 1, sizes.upperBound + 1].map { probe.next($0) }
        let first = probe.next(sizes.lowerBound)
        #expect(others == [false, false, false] && first)
    }
}
