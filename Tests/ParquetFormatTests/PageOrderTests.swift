// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import ParquetFormat

/// No page of positions in a dictionary comes after one of values, which Spark's vectorized reader
/// misreads, and on which it fails in lists and maps.
func expectPositionsFirst<Source>(_ file: ParquetFile<Source>, _ comment: String) async throws {
    for group in file.rowGroups.indices {
        for (index, column) in file.schema.columns.enumerated() {
            let kinds = try await PageKind.all(of: file, rowGroup: group, column: index)
            let afterValues = kinds.drop { $0 != .values }
            #expect(
                !afterValues.contains(.positions), "\(comment): \(column.name) of group \(group)")
        }
    }
}

/// What a data page holds, as far as their order matters.
private enum PageKind {
    case positions
    case values
    /// Nulls of a column without lists, which do no harm anywhere.
    case nothing

    static func all<Source>(
        of file: ParquetFile<Source>, rowGroup: Int, column: Int
    ) async throws -> [PageKind] {
        let leaf = file.schema.columns[column]
        var stream = try PageStream(file, rowGroup: rowGroup, column: column)
        var reader = try ColumnReader(file, rowGroup: rowGroup, column: column)
        var kinds: [PageKind] = []
        while let page = try await stream.next() {
            if case .dictionary = page.header.kind { continue }
            let batch = try #require(try await reader.next())
            // In lists not even a page of nothing may come before one of positions.
            let isAny =
                leaf.isRepeated || batch.definitionLevels.isEmpty
                || batch.definitionLevels.contains { Int($0) == leaf.maximumDefinitionLevel }
            let isPositions = page.header.dataCounts.encoding.usesDictionary
            kinds.append(!isAny ? .nothing : isPositions ? .positions : .values)
        }
        return kinds
    }
}

@Suite struct PageOrderTests {
    private static let lists = [
        ParquetField.list(
            "l", id: 1, .optional, element: .values("element", id: 2, .optional, .int32))
    ]

    private static let numbers = [ParquetField.values("n", id: 1, .optional, .int32)]

    /// A file of numbers that are not in lists.
    private static func flat(
        _ numbers: [Int32], isDictionary: Bool
    ) async throws -> RewriterTests.Input {
        let batch = ColumnBatch(
            .int32(numbers.filter { $0 != 0 }), definitionLevels: numbers.map { $0 == 0 ? 0 : 1 })
        var settings = ParquetWriteSettings()
        if !isDictionary { settings.dictionarySizeBytes = 0 }
        return RewriterTests.Input(
            try await ProjectionTests.file(Self.numbers, [batch], settings))
    }

    /// A file of lists of three numbers; 0 stands for a null, and where all are null there is no
    /// dictionary.
    private static func file(
        _ numbers: [Int32], isDictionary: Bool
    ) async throws -> RewriterTests.Input {
        var batch = ColumnBatch(
            .int32(numbers.filter { $0 != 0 }), definitionLevels: numbers.map { $0 == 0 ? 2 : 3 })
        batch.repetitionLevels = numbers.indices.map { $0 % 3 == 0 ? 0 : 1 }
        var settings = ParquetWriteSettings()
        if !isDictionary { settings.dictionarySizeBytes = 0 }
        return RewriterTests.Input(try await ProjectionTests.file(lists, [batch], settings))
    }

    private static func stitched(
        _ inputs: [RewriterTests.Input]
    ) async throws -> (encodings: [ParquetEncoding], values: ColumnValues) {
        let rewriter = try RewriterTests.Rewriter(inputs, way: .stitch)
        let outputs = try await RewriterTests.rewrite(rewriter)
        let file = try await WriterTests.open(try #require(outputs.first).1)
        try await expectPositionsFirst(file, "stitched")
        return (try await encodings(file), try await file.readAll()[0].values)
    }

    /// How the data pages of the only column are encoded, one after the other.
    private static func encodings<Source>(
        _ file: ParquetFile<Source>
    ) async throws -> [ParquetEncoding] {
        var stream = try PageStream(file, rowGroup: 0, column: 0)
        var encodings: [ParquetEncoding] = []
        while let page = try await stream.next() {
            if case .dictionary = page.header.kind { continue }
            encodings.append(page.header.dataCounts.encoding)
        }
        return encodings
    }

    private static let few = (0..<3000).map { Int32($0 % 7 + 1) }
    private static let others = (0..<3000).map { Int32($0 % 9 + 1) }

    @Test func `few values in a dictionary that come after plain ones become plain`() async throws {
        for make in [Self.flat, Self.file] {
            let found = try await Self.stitched([
                try await make(Self.others, true), try await make(Self.few, false),
                try await make(Array(Self.others.prefix(300)), true),
            ])

            #expect(found.encodings == [.rleDictionary, .plain])
            #expect(found.values == .int32(Self.others + Self.few + Self.others.prefix(300)))
        }
    }

    @Test func `values behind a source without a dictionary keep theirs, as all get one`()
        async throws
    {
        for make in [Self.flat, Self.file] {
            let found = try await Self.stitched([
                try await make(Self.others, true), try await make(Self.few, false),
                try await make(Self.others, true),
            ])

            #expect(found.encodings == [.rleDictionary])
            #expect(found.values == .int32(Self.others + Self.few + Self.others))
        }
    }

    @Test(arguments: [(299, ParquetEncoding.plain), (334, .rleDictionary)])
    func `a column is encoded anew for a tenth of its values`(
        _ count: Int, _ expected: ParquetEncoding
    ) async throws {
        let found = try await Self.stitched([
            try await Self.flat(Self.few, isDictionary: false),
            try await Self.flat(Array(Self.others.prefix(count)), isDictionary: true),
        ])

        #expect(Set(found.encodings) == [expected])
        #expect(found.values == .int32(Self.few + Self.others.prefix(count)))
    }

    @Test func `nulls do not keep others out of a dictionary`() async throws {
        let found = try await Self.stitched([
            try await Self.flat([Int32](repeating: 0, count: 3000), isDictionary: false),
            try await Self.flat(Self.few, isDictionary: true),
        ])

        #expect(Set(found.encodings) == [.rleDictionary])
        #expect(found.values == .int32(Self.few))
    }

    @Test func `lists in dictionaries alone stay in one`() async throws {
        let found = try await Self.stitched([
            try await Self.file(Self.few, isDictionary: true),
            try await Self.file(Self.others, isDictionary: true),
        ])

        #expect(Set(found.encodings) == [.rleDictionary])
        #expect(found.values == .int32(Self.few + Self.others))
    }

    @Test func `lists of nulls do not keep others out of a dictionary`() async throws {
        let found = try await Self.stitched([
            try await Self.file([Int32](repeating: 0, count: 3000), isDictionary: true),
            try await Self.file(Self.few, isDictionary: true),
        ])

        #expect(Set(found.encodings) == [.rleDictionary])
        #expect(found.values == .int32(Self.few))
    }

    @Test func `a page of nulls is not followed by positions when lists are encoded`()
        async throws
    {
        var settings = ParquetWriteSettings()
        settings.pageRowLimit = 100
        let numbers = [Int32](repeating: 0, count: 300) + Self.few
        var batch = ColumnBatch(
            .int32(Self.few), definitionLevels: numbers.map { $0 == 0 ? 2 : 3 })
        batch.repetitionLevels = numbers.indices.map { $0 % 3 == 0 ? 0 : 1 }
        let file = try await ProjectionTests.file(Self.lists, [batch], settings)

        try await expectPositionsFirst(file, "encoded")
        #expect(Set(try await Self.encodings(file)) == [.rleDictionary])
        #expect(try await file.readAll()[0].values == .int32(Self.few))
    }

    /// 512 bytes are eight pages, of which two bits are for each entry.
    @Test(arguments: [(1500, ParquetEncoding.rleDictionary), (2500, .plain)])
    func `pages without a value wait for a dictionary up to a limit`(
        _ count: Int, _ expected: ParquetEncoding
    ) async throws {
        var settings = ParquetWriteSettings()
        settings.pageSizeBytes = 64
        settings.pageRowLimit = 200
        // Lists of one null and empty ones, in an order that does not shrink.
        let without = (0..<count).map { UInt8($0 * 7 % 11 < 5 ? 1 : 2) }
        var batch = ColumnBatch(
            .int32(Self.few), definitionLevels: without + Self.few.map { _ in 3 })
        batch.repetitionLevels = batch.definitionLevels.map { _ in 0 }
        let file = try await ProjectionTests.file(Self.lists, [batch], settings)

        try await expectPositionsFirst(file, "encoded")
        #expect(Set(try await Self.encodings(file)) == [expected])
        #expect(try await file.readAll()[0] == batch)
    }
}
