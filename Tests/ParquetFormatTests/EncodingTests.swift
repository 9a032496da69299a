// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import ParquetFormat

@Suite struct EncodingTests {
    /// Bits one at a time, as the format defines them.
    private func naive(_ bytes: [UInt8], width: Int, count: Int) -> [UInt64] {
        (0..<count).map { index in
            (0..<width).reduce(UInt64(0)) { value, bit in
                let place = index * width + bit
                return value | UInt64(bytes[place / 8] >> UInt8(place % 8) & 1) << UInt64(bit)
            }
        }
    }

    @Test(arguments: 0...64)
    func `values of every width unpack, and one byte too few is refused`(width: Int) throws {
        var random = SeededGenerator(seed: UInt64(width))
        for count in [0, 1, 7, 8, 9, 31, 32, 100] {
            let size = (count * width + 7) / 8
            let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
            var values: [UInt64] = []

            let isWhole = BitPacking.unpack(
                bytes.span.bytes, from: 0, width: width, count: count, appendingTo: &values)

            #expect(isWhole && values == naive(bytes, width: width, count: count))
            guard size > 0 else { continue }
            let isCut = BitPacking.unpack(
                Array(bytes.dropLast()).span.bytes, from: 0, width: width, count: count,
                appendingTo: &values)
            #expect(!isCut && values.count == count)
        }
    }

    @Test(arguments: UInt64(0)..<200)
    func `runs and packed values come back`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let width = Int.random(in: 0...32, using: &random)
        let most = width == 0 ? 0 : UInt32.max >> UInt32(32 - width)
        var values: [UInt32] = []
        for _ in 0..<Int.random(in: 0...20, using: &random) {
            let length = Int.random(in: 1...30, using: &random)
            let value = UInt32.random(in: 0...most, using: &random)
            values += (0..<length).map { _ in
                seed % 2 == 0 ? value : UInt32.random(in: 0...most, using: &random)
            }
        }
        var bytes: [UInt8] = []
        HybridEncoder.encode(values, width: width, appendingTo: &bytes)
        var found: [UInt32] = []

        let size = try HybridDecoder.decode(
            bytes.span.bytes, width: width, count: values.count, appendingTo: &found)

        #expect(found == values && size == bytes.count)
        guard !values.isEmpty, width > 0 else { return }
        #expect(throws: DecodeFault.self) {
            var more: [UInt32] = []
            _ = try HybridDecoder.decode(
                bytes.span.bytes, width: width, count: values.count + 8, appendingTo: &more)
        }
    }

    @Test func `a run that does not fit its width is refused`() {
        for bytes: [UInt8] in [[0x10, 0x02], [0x00, 0x01], [0x01], [0x10], []] {
            #expect(throws: DecodeFault.self) {
                var levels: [UInt8] = []
                _ = try HybridDecoder.decode(
                    bytes.span.bytes, width: 1, count: 8, appendingTo: &levels)
            }
        }
    }

    @Test func `differences of the specification's example decode`() throws {
        // Blocks of 128 in 4 parts, 5 values from 7: 5, 3, 1, 2, 3.
        let bytes: [UInt8] = [0x80, 1, 4, 6, 14, 3, 2, 0, 0, 0, 0b1100_0000, 0b0000_1111]
        var values: [Int64] = []

        _ = try DeltaDecoder.decode(bytes.span.bytes, count: 6, appendingTo: &values)

        #expect(values == [7, 5, 3, 1, 2, 3])
        #expect(throws: DecodeFault.self) {
            _ = try DeltaDecoder.decode(bytes.span.bytes, count: 7, appendingTo: &values)
        }
        #expect(throws: DecodeFault.self) {
            _ = try DeltaDecoder.decode(
                Array(bytes.dropLast(2)).span.bytes, count: 6, appendingTo: &values)
        }
    }
}

@Suite struct BoundsTests {
    private func bytes<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    @Test(arguments: UInt64(0)..<50)
    func `bounds compare as their values do`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let left = Int64.random(in: .min ... .max, using: &random) >> Int64(seed)
        let right = Int64.random(in: .min ... .max, using: &random) >> Int64(seed)
        let unsigned = (UInt64(bitPattern: left), UInt64(bitPattern: right))
        #expect(BoundsOrder.signed(width: 8).isLess(bytes(left), bytes(right)) == (left < right))
        #expect(
            BoundsOrder.unsigned(width: 8).isLess(bytes(left), bytes(right))
                == (unsigned.0 < unsigned.1))
        let (short, other) = (Int32(truncatingIfNeeded: left), Int32(truncatingIfNeeded: right))
        #expect(
            BoundsOrder.signed(width: 4).isLess(bytes(short), bytes(other)) == (short < other))
        let (real, another) = (Double(left) / 7, Double(right) / 7)
        #expect(
            BoundsOrder.floating(width: 8).isLess(
                bytes(real.bitPattern), bytes(another.bitPattern)) == (real < another))
        let decimals = (Array(bytes(left).reversed()), Array(bytes(short).reversed()))
        #expect(
            BoundsOrder.signedBytes.isLess(decimals.0, decimals.1) == (left < Int64(short)))
    }

    @Test func `what is no number is no bound`() {
        let order = BoundsOrder.floating(width: 8)
        #expect(!order.isValid(bytes(Double.nan.bitPattern)))
        #expect(order.isValid(bytes(Double.infinity.bitPattern)))
        #expect(!order.isValid([0, 0, 0, 0]))
        #expect(!BoundsOrder.floating(width: 2).isValid([0x01, 0x7C]))
        #expect(BoundsOrder.floating(width: 2).isValid([0x00, 0x7C]))
    }

    private func known(_ values: [Int32?], hasBounds: Bool = true) -> ValueBounds {
        var statistics = ParquetStatistics()
        statistics.nullCount = Int64(values.count { $0 == nil })
        if hasBounds {
            statistics.minimum = values.compactMap { $0 }.min().map(bytes)
            statistics.maximum = values.compactMap { $0 }.max().map(bytes)
        }
        return ValueBounds(
            statistics, valueCount: Int64(values.count), order: .signed(width: 4))
    }

    @Test(arguments: UInt64(0)..<50)
    func `joined bounds are those of all values`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let parts = (0..<4).map { _ in
            (0..<3).map { _ in
                Bool.random(using: &random) ? nil : Int32.random(in: -9...9, using: &random)
            }
        }
        var joined = ValueBounds()
        for part in parts { joined.add(known(part), order: .signed(width: 4)) }

        #expect(joined == known(parts.flatMap { $0 }))
    }

    @Test func `what is unknown of some is unknown of all`() {
        var joined = known([1, 2])
        joined.add(known([3], hasBounds: false), order: .signed(width: 4))
        #expect(joined.bounds == nil && joined.nullCount == 0)
        joined.add(ValueBounds(nil, valueCount: 2, order: nil), order: .signed(width: 4))
        #expect(joined.nullCount == nil && joined.statistics == nil)
        var nulls = known([nil, nil])
        nulls.add(known([5]), order: .signed(width: 4))
        #expect(nulls.bounds == known([5]).bounds)
    }
}

@Suite struct RewritePlanTests {
    private func group(rows: Int64, size: Int64) -> (rows: Int64, size: Int64) { (rows, size) }

    private func plan(
        _ files: [[(rows: Int64, size: Int64)]], _ settings: ParquetWriteSettings
    ) -> RewritePlan {
        let facts = files.map { groups in
            ParquetRewriteFacts(
                rowGroupBytes: groups.map(\.size), keptRows: groups.map(\.rows),
                allRows: groups.map(\.rows))
        }
        return RewritePlan(facts, settings: settings, stitching: true)
    }

    @Test(arguments: UInt64(0)..<100)
    func `row groups stay in order, within limits, and none is lost`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var settings = ParquetWriteSettings()
        settings.rowGroupSizeBytes = 100
        settings.rowGroupRowLimit = 50
        let files = (0..<Int.random(in: 0...9, using: &random)).map { _ in
            (0..<Int.random(in: 0...4, using: &random)).map { _ in
                group(
                    rows: Int64.random(in: 0...60, using: &random),
                    size: Int64.random(in: 0...120, using: &random))
            }
        }

        let plan = plan(files, settings).files.flatMap { $0 }

        let wanted = files.enumerated().flatMap { file, groups in
            groups.indices.filter { groups[$0].rows > 0 }.map {
                RewritePlan.Part(file: file, rowGroup: $0)
            }
        }
        #expect(plan.flatMap { $0 } == wanted)
        for parts in plan where parts.count > 1 {
            let groups = parts.map { files[$0.file][$0.rowGroup] }
            #expect(groups.reduce(0) { $0 + $1.rows } <= settings.rowGroupRowLimit)
            #expect(groups.reduce(0) { $0 + $1.size } <= settings.rowGroupSizeBytes)
        }
    }

    @Test func `the limits themselves are reached`() {
        var settings = ParquetWriteSettings()
        settings.rowGroupSizeBytes = 100
        settings.rowGroupRowLimit = 50
        let half = group(rows: 25, size: 50)
        #expect(plan([[half], [half]], settings).groupCount == 1)
        let rows = group(rows: 26, size: 50)
        #expect(plan([[half], [rows]], settings).groupCount == 2)
        let bytes = group(rows: 25, size: 51)
        #expect(plan([[half], [bytes]], settings).groupCount == 2)
    }

    @Test func `P-50: a file that would be too small gets the next row group as well`() {
        var settings = ParquetWriteSettings()
        settings.rowGroupSizeBytes = 100
        settings.fileSizeBytes = 100
        let files = [[group(rows: 5, size: 70)], [group(rows: 5, size: 70)]]
        func counts() -> [Int] { plan(files, settings).files.map(\.count) }
        #expect(counts() == [1, 1])
        settings.smallestFileBytes = 71
        #expect(counts() == [1, 1])
        settings.largestFileBytes = 139
        #expect(counts() == [1, 1])
        settings.largestFileBytes = 140
        #expect(counts() == [2])
        settings.smallestFileBytes = 70
        #expect(counts() == [1, 1])
    }

    @Test func `a row group that is too large for a file is divided by the rows that stay`() {
        var settings = ParquetWriteSettings()
        settings.fileSizeBytes = 100
        settings.largestFileBytes = 180
        func parts(
            size: Int64, kept: Int64, of all: Int64, stitching: Bool = true
        ) -> [Range<Int64>?] {
            let facts = ParquetRewriteFacts(
                rowGroupBytes: [size], keptRows: [kept], allRows: [all])
            let plan = RewritePlan([facts], settings: settings, stitching: stitching)
            #expect(plan.files.allSatisfy { $0.map(\.count) == [1] })
            return plan.files.flatMap { $0.flatMap { $0 } }.map(\.rows)
        }
        #expect(parts(size: 180, kept: 10, of: 10) == [nil])
        #expect(parts(size: 181, kept: 10, of: 10) == [0..<5, 5..<10])
        #expect(parts(size: 301, kept: 10, of: 10) == [0..<2, 2..<5, 5..<7, 7..<10])
        // What rows that are left out take does not count.
        #expect(parts(size: 362, kept: 5, of: 10) == [0..<2, 2..<5])
        #expect(parts(size: 360, kept: 5, of: 10) == [nil])
        // A row is not divided.
        #expect(parts(size: 1000, kept: 2, of: 2) == [0..<1, 1..<2])
        #expect(parts(size: 1000, kept: 10, of: 10, stitching: false) == [nil])
        let most = ParquetWriteSettings.dividedFileLimit
        #expect(parts(size: 100 * most + 1, kept: 2 * most, of: 2 * most).count == most)
        let limit = ParquetWriteSettings.dividedRowLimit
        #expect(parts(size: 200, kept: limit, of: limit).count == 2)
        #expect(parts(size: 200, kept: limit, of: limit + 1) == [nil])
        settings.largestFileBytes = nil
        #expect(parts(size: 1000, kept: 10, of: 10) == [nil])
    }

    @Test func `row groups with too many rows that are left out stay apart`() {
        func groups(leftOut: [Int64]) -> [Int] {
            let facts = ParquetRewriteFacts(
                rowGroupBytes: leftOut.map { _ in 100 }, keptRows: leftOut.map { _ in 1 },
                allRows: leftOut.map { $0 + 1 })
            let plan = RewritePlan([facts], settings: ParquetWriteSettings(), stitching: true)
            return plan.files.flatMap { $0.map(\.count) }
        }
        let limit = ParquetWriteSettings.leftOutRowLimit
        #expect(groups(leftOut: [limit, 0, 0]) == [3])
        #expect(groups(leftOut: [limit - 1, 1, 1, limit]) == [2, 1, 1])
        #expect(groups(leftOut: [limit + 1, 0, limit + 1]) == [1, 1, 1])
    }

    @Test(arguments: UInt64(0)..<50)
    func `the place of a row that stays is found among those that do not`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let first = Int64.random(in: 0...50, using: &random)
        let rows = first..<first + Int64.random(in: 1...40, using: &random)
        let share = Double.random(in: 0...1, using: &random)
        let deleted = rows.filter { _ in Double.random(in: 0...1, using: &random) < share }
        let gone = Set(deleted)
        let kept = rows.filter { !gone.contains($0) }
        for (ordinal, row) in kept.enumerated() {
            #expect(([-1] + deleted)[1...].position(ofKept: Int64(ordinal), from: first) == row)
        }
    }
}

@Suite(.enabled(if: Fixtures.isAvailable, "\(Fixtures.reason)"))
struct MetadataRoundTripTests {
    @Test func `every footer is written as it was read`() async throws {
        for path in try ParquetFixtureTests.paths() {
            let metadata = try await ParquetFixtureTests.open(path).metadata
            var reader = ThriftReader(
                metadata.thriftBytes, place: ParquetPlace(.footer, 0))
            #expect(try FileMetadata(from: &reader) == metadata, "\(path)")
        }
    }

    @Test func `fields that are not known are kept`() throws {
        var writer = ThriftWriter()
        var known = FileMetadata()
        known.schema = [SchemaElement(name: "root")]
        known.unknown = [
            ThriftUnknownField(id: 200, type: ThriftType.list.rawValue, bytes: [0x25, 2, 4]),
            ThriftUnknownField(id: 201, type: ThriftType.yes.rawValue, bytes: []),
        ]
        writer.structure(known)
        var reader = ThriftReader(writer.bytes, place: ParquetPlace(.footer, 0))

        #expect(try FileMetadata(from: &reader) == known)
    }

    @Test func `structures may nest as deeply as the limit and no deeper`() {
        for depth in [ParquetLimits.thriftDepth, ParquetLimits.thriftDepth + 1] {
            // A structure whose field 100 is a structure, and so on.
            let inner = [UInt8](repeating: 0xFC, count: depth - 1)
            let bytes = inner + [UInt8](repeating: 0, count: depth)
            var reader = ThriftReader(bytes, place: ParquetPlace(.footer, 0))
            let isRead = (try? RawThriftStruct(from: &reader)) != nil
            #expect(isRead == (depth <= ParquetLimits.thriftDepth))
        }
    }
}
