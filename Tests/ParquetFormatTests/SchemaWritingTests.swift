// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ParquetFormat

@Suite struct SchemaWritingTests {
    static let logicalTypes: [LogicalType] = [
        .string, .map, .list, .enumeration, .decimal(precision: 38, scale: 10), .date,
        .time(.milliseconds, isAdjustedToUTC: true), .time(.nanoseconds, isAdjustedToUTC: false),
        .timestamp(.microseconds, isAdjustedToUTC: true),
        .timestamp(.nanoseconds, isAdjustedToUTC: false), .integer(bitWidth: 8, isSigned: false),
        .integer(bitWidth: 64, isSigned: true), .null, .json, .bson, .uuid, .float16,
        .variant(specificationVersion: nil), .variant(specificationVersion: 1),
        .geometry(crs: "OGC:CRS84"), .geometry(crs: nil),
        .geography(crs: "EPSG:4326", algorithm: 2),
    ]

    @Test(arguments: logicalTypes)
    func `a logical type reads as it was written`(type: LogicalType) throws {
        let place = ParquetPlace(.footer, 0)
        let union = try #require(type.union)

        #expect(try LogicalType(union, place: place) == type)
        guard let converted = type.converted else { return }
        let older = LogicalType(converted: converted, precision: 38, scale: 10)
        #expect(older == type)
    }

    @Test func `an interval has only its older annotation`() {
        #expect(LogicalType.interval.union == nil && LogicalType.interval.converted == 21)
    }

    @Test func `a chunk states no more values than its pages can have`() throws {
        let schema = try ParquetSchema([.values("a", .required, .int32)])
        // Seven bytes are one page at most.
        for (count, isSound) in [(Int64(Int32.max), true), (Int64(Int32.max) + 1, false)] {
            let chunk = ColumnMetadata(
                type: .int32, encodings: [], path: ["a"], codec: .uncompressed, valueCount: count,
                uncompressedSize: 7, compressedSize: 7, dataPageOffset: 4)
            var metadata = FileMetadata(new: schema, settings: .init())
            metadata.rowGroups = [
                RowGroup(
                    columns: [ColumnChunk(metadata: chunk)], totalByteSize: 7, rowCount: count)
            ]
            metadata.rowCount = count
            let check = FooterCheck(schema: schema, footerStart: 100)
            if isSound {
                #expect(throws: Never.self) { try check.check(metadata) }
            } else {
                #expect(throws: ParquetError.self) { try check.check(metadata) }
            }
        }
    }

    @Test func `a budget lowers what takes memory, and only that`() {
        var settings = ParquetWriteSettings()
        settings.fit(memory: 64 << 20)
        #expect(settings.rowGroupSizeBytes == 32 << 20 && settings.loadedBytes == 24 << 20)
        #expect(settings.dictionarySizeBytes == 2 << 20 && settings.pageSizeBytes == 1 << 20)
        var large = ParquetWriteSettings()
        large.fit(memory: 1 << 40)
        #expect(large == ParquetWriteSettings())
    }
}
