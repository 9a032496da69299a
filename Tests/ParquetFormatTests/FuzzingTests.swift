// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import ParquetFormat

extension FuzzTarget {
    /// How many inputs a test feeds: about a second's work without optimisation.
    fileprivate var inputCount: Int {
        switch self {
        case .file: 60
        case .rewrite: 12
        case .footer, .index, .header, .values, .levels, .codec: 600
        }
    }

    /// Sound inputs, from which damaged ones are made.
    fileprivate func seeds(using random: inout SeededGenerator) async throws -> [[UInt8]] {
        switch self {
        case .file, .rewrite: try await Self.files(using: &random)
        case .footer: try await Self.parsed(using: &random).map(\.metadata.thriftBytes)
        case .index: try await Self.indexes(using: &random)
        case .header: try await Self.headers(using: &random)
        case .values: try Self.values(using: &random)
        case .levels: Self.levels(using: &random)
        case .codec: try Self.pages(using: &random)
        }
    }

    /// Files of others, if there are any, and of ours.
    private static func files(using random: inout SeededGenerator) async throws -> [[UInt8]] {
        var files: [[UInt8]] = []
        for _ in 0..<4 {
            let table = try RandomTable(seed: random.next(), rowCount: 40)
            var settings = ParquetWriteSettings(using: &random)
            settings.chooseEncodings(table.schema, using: &random)
            settings.chooseFilters(table.schema, using: &random)
            files.append(try await table.written(settings, using: &random).1)
        }
        guard Fixtures.isAvailable else { return files }
        for path in try ParquetFixtureTests.paths().shuffled(using: &random).prefix(20) {
            let bytes = try Fixtures.bytes(path)
            if bytes.count < 20_000 { files.append(bytes) }
        }
        return files
    }

    private static func parsed(
        using random: inout SeededGenerator
    ) async throws -> [ParquetFile<ParquetMemorySource>] {
        var parsed: [ParquetFile<ParquetMemorySource>] = []
        for bytes in try await files(using: &random) {
            // Some fixtures are there to be refused.
            guard let file = try? await RewritingFixtureTests.opened(bytes) else { continue }
            parsed.append(file)
        }
        return parsed
    }

    private static func indexes(using random: inout SeededGenerator) async throws -> [[UInt8]] {
        let filter = BloomFilterHeader(byteCount: 32, algorithm: 1, hash: 1, compression: 1)
        var seeds = [[2] + filter.thriftBytes]
        for file in try await parsed(using: &random) where !file.rowGroups.isEmpty {
            for column in file.schema.columns.indices.prefix(3) {
                if let index = try? await file.offsetIndex(rowGroup: 0, column: column) {
                    seeds.append([0] + index.thriftBytes)
                }
                if let index = try? await file.columnIndex(rowGroup: 0, column: column) {
                    seeds.append([1] + index.thriftBytes)
                }
            }
        }
        return seeds
    }

    private static func headers(using random: inout SeededGenerator) async throws -> [[UInt8]] {
        var seeds: [[UInt8]] = []
        for file in try await parsed(using: &random) where !file.rowGroups.isEmpty {
            guard var stream = try? PageStream(file, rowGroup: 0, column: 0) else { continue }
            while seeds.count < 100, let page = try? await stream.next() {
                seeds.append(page.header.thriftBytes)
            }
        }
        return seeds
    }

    /// Every encoding of every type that it encodes.
    private static func values(using random: inout SeededGenerator) throws -> [[UInt8]] {
        var seeds: [[UInt8]] = []
        for (number, encoding) in ParquetEncoding.allCases.enumerated() {
            for (kind, type) in PhysicalType.allCases.filter({ $0 != .int96 }).enumerated()
            where ValueEncoder.encodes(encoding, type) {
                let field = ParquetField.values("v", .required, type, length: 3)
                let column = try ParquetSchema([field]).columns[0]
                var values = ColumnValues(for: column)
                for _ in 0..<40 {
                    values.append(fill: .constant(RandomTable.value(column, &random)), 0)
                }
                var bytes = [UInt8(number), UInt8(kind), 5]
                try ValueEncoder.encode(values, encoding, appendingTo: &bytes)
                seeds.append(bytes)
            }
        }
        return seeds
    }

    private static func levels(using random: inout SeededGenerator) -> [[UInt8]] {
        (1...8).map { width in
            let values = (0..<128).map { _ in
                UInt32.random(in: 0..<1 << UInt32(width), using: &random)
            }
            var bytes: [UInt8] = [UInt8(width), 2]
            HybridEncoder.encode(values, width: width, appendingTo: &bytes)
            return bytes
        }
    }

    private static func pages(using random: inout SeededGenerator) throws -> [[UInt8]] {
        var seeds: [[UInt8]] = []
        for (number, codec) in ParquetCodec.allCases.enumerated()
        where codec != .lzo && codec != .lz4Hadoop {
            let content = (0..<600).map { UInt8($0 % 7) &+ UInt8.random(in: 0...1, using: &random) }
            var bytes = [UInt8(number), 2, 88]
            try PageCodec().compress(
                content, codec, level: 3, appendingTo: &bytes, place: ParquetPlace(.page, 0))
            seeds.append(bytes)
        }
        return seeds
    }
}

/// What `make fuzz` feeds for longer, for a moment and without a search for new paths: whatever the
/// bytes are, they are taken or refused with an error.
@Suite struct FuzzingTests {
    @Test(arguments: FuzzTarget.allCases, UInt64(0)..<2)
    func `damaged bytes are taken or refused`(target: FuzzTarget, seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let seeds = try await target.seeds(using: &random)
        try #require(!seeds.isEmpty)
        // What is sound is taken, too.
        for bytes in seeds.prefix(5) { await target.run(bytes) }
        for _ in 0..<target.inputCount {
            let bytes = seeds.randomElement(using: &random) ?? []
            await target.run(bytes.mutated(using: &random))
        }
    }
}
