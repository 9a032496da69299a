// SPDX-License-Identifier: Apache-2.0

import RowSets
import Testing

@testable import ParquetFormat

/// Texts that a dictionary makes small, and that are many times as large without one.
@Suite struct LargeTextTests {
    typealias File = ParquetFile<ParquetMemorySource>

    private static let rows = 4000
    private static let texts = [ParquetField.values("t", id: 1, .required, .byteArray)]
    private static let lists = [
        ParquetField.list("l", id: 1, element: .values("element", id: 2, .required, .byteArray))
    ]

    /// Texts of 3,400 bytes, of which a file has twenty: 14 MB that take 70 kB.
    private static func values(of file: Int) -> ByteArrays {
        let texts = (0..<20).map {
            Array("\(file)-\($0 + 100)-".utf8) + [UInt8](repeating: 120, count: 3400)
        }
        return ByteArrays((0..<rows).map { texts[$0 % texts.count] })
    }

    /// - Parameter perRow: How many elements the list of a row has; 0 for texts that are in none.
    private static func file(_ index: Int, perRow: Int) async throws -> File {
        var batch = ColumnBatch(.byteArray(values(of: index)))
        if perRow > 0 {
            batch.definitionLevels = [UInt8](repeating: 2, count: rows)
            batch.repetitionLevels = (0..<rows).map { $0 % perRow == 0 ? 0 : 1 }
        }
        let file = try await ProjectionTests.file(perRow > 0 ? lists : texts, [batch])
        #expect(file.rowGroups[0].storedSize < 100_000)
        return file
    }

    /// The values of a file's column, part by part.
    private static func read(_ file: File) async throws -> (values: ByteArrays, most: Int) {
        var all = ByteArrays()
        var most = 0
        var reader = try ColumnReader(file, rowGroup: 0, column: 0)
        while let batch = try await reader.next() {
            guard case .byteArray(let values) = batch.values else { continue }
            most = max(most, values.bytes.count)
            all.append(values, 0..<values.count)
        }
        return (all, most)
    }

    private static func pageSizes(_ file: File) async throws -> [Int] {
        var stream = try PageStream(file, rowGroup: 0, column: 0)
        var sizes: [Int] = []
        while let page = try await stream.next() { sizes.append(Int(page.header.uncompressedSize)) }
        return sizes
    }

    @Test(arguments: [0, 1, 3, Self.rows])
    func `a page of positions is read in parts`(perRow: Int) async throws {
        let file = try await Self.file(0, perRow: perRow)

        let (values, most) = try await Self.read(file)

        #expect(values == Self.values(of: 0))
        #expect(most < UnfoldedPage.partBytes + 4000)
    }

    @Test(arguments: [ParquetRewriteWay.stitch, .encode])
    func `what stands for more than the limit is refused`(_ way: ParquetRewriteWay) async throws {
        let made = try await Self.file(0, perRow: 0)
        var limits = ParquetLimits()
        let size = Self.values(of: 0).bytes.count
        var settings = ParquetWriteSettings()
        settings.dictionarySizeBytes = 10_000
        for limit in [size, size - 1] {
            limits.unfoldedBytes = limit
            let file = try await File(opening: made.source, limits: limits)
            let rewriter = try RewriterTests.Rewriter(
                [.init(file), .init(file)], way: way, settings: settings)
            guard limit < size else {
                #expect(try await RewriterTests.rewrite(rewriter).first?.0.rowCount == 8000)
                continue
            }
            do {
                _ = try await RewriterTests.rewrite(rewriter)
                Issue.record("\(size) bytes passed")
            } catch {
                #expect("\(error)".contains("what a page stands for"))
            }
        }
    }

    /// The merged dictionary is too small for the texts of two files.
    @Test(arguments: [ParquetRewriteWay.stitch, .encode], [0, 3])
    func `values that no dictionary takes go into pages of the usual size`(
        _ way: ParquetRewriteWay, perRow: Int
    ) async throws {
        var inputs: [RewriterTests.Input] = []
        for index in 0..<3 {
            inputs.append(
                RewriterTests.Input(
                    try await Self.file(index, perRow: perRow),
                    deletedRows: index == 1 && perRow == 0 ? [7] : []))
        }
        var settings = ParquetWriteSettings()
        settings.dictionarySizeBytes = 100_000
        let rewriter = try RewriterTests.Rewriter(inputs, way: way, settings: settings)
        let output = try #require(try await RewriterTests.rewrite(rewriter).first)
        let file = try await WriterTests.open(output.1)

        // What is not yet a page takes one part more.
        #expect(try await Self.pageSizes(file).allSatisfy { $0 <= 2 * settings.pageSizeBytes })
        var wanted = Self.values(of: 0)
        let second = Self.values(of: 1)
        wanted.append(second, 0..<(perRow == 0 ? 7 : Self.rows))
        if perRow == 0 { wanted.append(second, 8..<Self.rows) }
        wanted.append(Self.values(of: 2), 0..<Self.rows)
        #expect(try await Self.read(file).values == wanted)
        #expect(try await file.offsetIndex(rowGroup: 0, column: 0) != nil)
    }

    @Test func `a row that is larger than any page goes on in the next`() async throws {
        var inputs: [RewriterTests.Input] = []
        for index in 0..<2 {
            inputs.append(RewriterTests.Input(try await Self.file(index, perRow: Self.rows)))
        }
        var settings = ParquetWriteSettings()
        settings.dictionarySizeBytes = 100_000
        let rewriter = try RewriterTests.Rewriter(inputs, way: .stitch, settings: settings)
        let output = try #require(try await RewriterTests.rewrite(rewriter).first)
        let file = try await WriterTests.open(output.1)

        let sizes = try await Self.pageSizes(file)
        #expect(sizes.allSatisfy { $0 < PageBody.largeSize + 10_000 } && sizes.count > 3)
        #expect(try await file.offsetIndex(rowGroup: 0, column: 0) == nil)
        var wanted = Self.values(of: 0)
        wanted.append(Self.values(of: 1), 0..<Self.rows)
        #expect(try await Self.read(file).values == wanted)
    }

    @Test func `a long constant is not written as one page`() async throws {
        let id = ParquetField.values("id", id: 3, .required, .int64)
        let file = try await ProjectionTests.file(
            [id], [ColumnBatch(.int64((0..<20_000).map(Int64.init)))])
        let constant = [UInt8](repeating: 121, count: 5000)
        var input = RewriterTests.Input(file)
        input.fills[1] = .constant(constant)
        var settings = ParquetWriteSettings()
        settings.dictionarySizeBytes = 0
        let target = try ParquetSchema([id] + Self.texts)
        let rewriter = try RewriterTests.Rewriter(
            [input], target: target, way: .stitch, settings: settings)
        let output = try #require(try await RewriterTests.rewrite(rewriter).first)
        let made = try await WriterTests.open(output.1)

        var stream = try PageStream(made, rowGroup: 0, column: 1)
        var count = 0
        while let page = try await stream.next() {
            #expect(Int(page.header.uncompressedSize) <= 2 * settings.pageSizeBytes)
            count += Int(page.header.dataCounts.count)
        }
        #expect(count == 20_000)
    }
}
