// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TestSupport
import Testing

@testable import ParquetFormat

@Suite(.enabled(if: Fixtures.isAvailable, "\(Fixtures.reason)"))
struct FooterTests {
    /// Counts the requests for a file's bytes.
    final class CountingSource: ParquetByteSource {
        private let file: ParquetMemorySource
        private let count = Mutex(0)
        let size: Int64

        init(_ bytes: [UInt8]) {
            file = ParquetMemorySource(bytes)
            size = Int64(bytes.count)
        }

        var requests: Int { count.withLock { $0 } }

        func read(_ range: Range<Int64>) async -> [UInt8] {
            count.withLock { $0 += 1 }
            return await file.read(range)
        }
    }

    private func opened(_ bytes: [UInt8]) async throws -> ParquetFile<ParquetMemorySource> {
        try await ParquetFile(opening: ParquetMemorySource(bytes))
    }

    @Test func `a short footer takes one request and a long one two`() async throws {
        let short = CountingSource(try Fixtures.bytes("parquet/data/alltypes_plain.parquet"))
        _ = try await ParquetFile(opening: short)
        #expect(short.requests == 1)

        var metadata = try await opened(Fixtures.bytes("parquet/data/alltypes_plain.parquet"))
            .metadata
        let note = String(repeating: "n", count: 100_000)
        metadata.keyValues = [KeyValue(key: "note", value: note)]
        let long = CountingSource(try RawFile.bytes(metadata, over: "alltypes_plain.parquet"))
        let file = try await ParquetFile(opening: long)
        #expect(long.requests == 2)
        #expect(file.metadata.keyValues?.first?.value == note)
    }

    @Test func `what is no Parquet file is refused as such`() async throws {
        let good = try Fixtures.bytes("parquet/data/alltypes_plain.parquet")
        let bad: [[UInt8]] = [
            [], Array("PAR1".utf8), Array("PAR1PAR1".utf8), Array(good.dropLast()),
            Array(good.dropFirst()), Array("PAR1".utf8) + [0xFF, 0xFF, 0, 0] + Array("PAR1".utf8),
            Array("PAR1".utf8) + [0, 0, 0, 0] + Array("PAR1".utf8),
        ]
        for bytes in bad {
            let error = await #expect(throws: ParquetReadError<Never>.self) {
                _ = try await opened(bytes)
            }
            guard case .format(.notParquet) = error else {
                Issue.record("\(bytes.count) bytes: \(String(describing: error))")
                continue
            }
        }
    }

    @Test func `an encrypted footer is refused by name`() async throws {
        var bytes = try Fixtures.bytes("parquet/data/alltypes_plain.parquet")
        bytes.replaceSubrange(bytes.count - 4..<bytes.count, with: Array("PARE".utf8))

        await #expect(throws: ParquetReadError<Never>.format(.encrypted(column: nil))) {
            _ = try await opened(bytes)
        }
    }

    @Test func `an encrypted column is refused by its name, whatever is told of it`()
        async throws
    {
        let name = "alltypes_plain.parquet"
        let metadata = try await opened(Fixtures.bytes("parquet/data/" + name)).metadata
        var withKey = metadata
        withKey.rowGroups[0].columns[2].cryptoMetadata = RawThriftStruct(fields: [])
        var hidden = metadata
        hidden.rowGroups[0].columns[2].encryptedMetadata = [1, 2, 3]
        hidden.rowGroups[0].columns[2].metadata = nil
        for footer in [withKey, hidden] {
            let bytes = try RawFile.bytes(footer, over: name)
            let refusal = ParquetError.encrypted(column: "tinyint_col")
            await #expect(throws: ParquetReadError<Never>.format(refusal)) {
                _ = try await opened(bytes)
            }
        }
    }

    @Test func `a footer may be as long as the limit and not a byte longer`() async throws {
        let bytes = try Fixtures.bytes("parquet/data/alltypes_plain.parquet")
        let length = bytes.suffix(8).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        var limits = ParquetLimits()
        limits.footerBytes = length
        let source = ParquetMemorySource(bytes)
        _ = try await ParquetFile(opening: source, limits: limits)

        limits.footerBytes = length - 1
        let refusal = ParquetError.tooLarge(
            part: "the footer", size: Int64(length), limit: Int64(length - 1))
        await #expect(throws: ParquetReadError<Never>.format(refusal)) {
            _ = try await ParquetFile(opening: source, limits: limits)
        }
    }

    @Test func `schemas and column chunks are counted against their limits`() async throws {
        let source = ParquetMemorySource(
            try Fixtures.bytes("parquet/data/alltypes_plain.parquet"))
        var limits = ParquetLimits()
        limits.schemaElements = 12
        limits.columnChunks = 11
        let file = try await ParquetFile(opening: source, limits: limits)
        #expect(file.schema.nodes.count == 12 && file.schema.columns.count == 11)

        limits.schemaElements = 11
        await #expect(throws: ParquetReadError<Never>.self) {
            _ = try await ParquetFile(opening: source, limits: limits)
        }
        limits = ParquetLimits()
        limits.columnChunks = 10
        await #expect(throws: ParquetReadError<Never>.self) {
            _ = try await ParquetFile(opening: source, limits: limits)
        }
    }

    @Test func `levels and field ids follow the schema`() async throws {
        let file = try await opened(Fixtures.bytes("parquet/data/nested_lists.snappy.parquet"))
        let column = try #require(file.schema.columns.first)

        #expect(column.path == ["a", "list", "element", "list", "element", "list", "element"])
        #expect(column.maximumRepetitionLevel == 3 && column.maximumDefinitionLevel == 7)
        #expect(column.logicalType == .string)
        #expect(file.createdBy?.hasPrefix("parquet-mr") == true)
    }

    @Test func `logical types of every kind are known`() async throws {
        let geography = try await opened(
            Fixtures.bytes("parquet/data/geospatial/crs-geography.parquet"))
        let last = try #require(geography.schema.columns.last)
        guard case .geography = last.logicalType else {
            Issue.record("\(String(describing: last.logicalType))")
            return
        }
        let unknown = try await opened(
            Fixtures.bytes("parquet/data/unknown-logical-type.parquet"))
        let types = unknown.schema.columns.map(\.logicalType)
        #expect(types.contains { if case .unknown = $0 { true } else { false } })
    }
}
