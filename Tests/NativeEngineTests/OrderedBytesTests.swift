// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import ParquetFormat
import TestSupport
import Testing

@testable import NativeEngine

/// Bytes by which rows are sorted, and places on a Z-order curve.
@Suite struct OrderedBytesTests {
    private func key(_ value: ColumnValues, _ field: ParquetField) throws -> [UInt8] {
        let column = try ParquetSchema([field]).columns[0]
        var plain: [UInt8] = []
        try RowLayout(column).append(
            WholeRows(batch: ColumnBatch(value), rowCount: 1), to: &plain)
        var key: [UInt8] = []
        plain.withUnsafeBytes { bytes in
            if let value = RowLayout(column).value(bytes) {
                OrderedBytes.append(value, of: column, to: &key)
            }
        }
        return key
    }

    private func expectOrder(_ keys: [[UInt8]]) {
        for (left, right) in zip(keys, keys.dropFirst()) {
            #expect(left.lexicographicallyPrecedes(right))
        }
    }

    @Test func `numbers are ordered as the specification has it, NaN by its sign`() throws {
        let doubles: [Double] = [
            -.nan, -.infinity, -.greatestFiniteMagnitude, -1.5, -.leastNonzeroMagnitude, -0.0, 0,
            .leastNonzeroMagnitude, 1.5, .infinity, .nan,
        ]
        let double = ParquetField.values("d", id: 1, .required, .double)
        expectOrder(try doubles.map { try key(.double([$0]), double) })
        let floats: [Float] = [-.nan, -.infinity, -1.5, -0.0, 0, 1.5, .infinity, .nan]
        let float = ParquetField.values("f", id: 1, .required, .float)
        expectOrder(try floats.map { try key(.float([$0]), float) })
        let int = ParquetField.values("i", id: 1, .required, .int32)
        expectOrder(try [Int32.min, -1, 0, 1, .max].map { try key(.int32([$0]), int) })
        let long = ParquetField.values("l", id: 1, .required, .int64)
        expectOrder(try [Int64.min, -256, -1, 0, 255, .max].map { try key(.int64([$0]), long) })
        let flag = ParquetField.values("b", id: 1, .required, .boolean)
        expectOrder(try [false, true].map { try key(.boolean([$0]), flag) })
    }

    @Test func `text and bytes are ordered by bytes without a sign, and none begins another`()
        throws
    {
        let texts: [[UInt8]] = [
            [], [0], [0, 0], [0, 1], [0, 255], [1], [1, 0], Array("a".utf8), Array("ab".utf8),
            Array("b".utf8), Array("ä".utf8), Array("\u{FFFF}".utf8), Array("\u{10000}".utf8),
            [255], [255, 255],
        ]
        let binary = ParquetField.values("b", id: 1, .required, .byteArray)
        let keys = try texts.map { try key(.byteArray(ByteArrays([$0])), binary) }
        expectOrder(keys)
        for left in keys {
            #expect(keys.count { $0.starts(with: left) } == 1)
        }
        let field = ParquetField.values("u", id: 1, .required, .fixedLengthByteArray, length: 2)
        let pairs: [[UInt8]] = [[0, 1], [0x7F, 0], [0x80, 0], [0xFF, 0xFF]]
        expectOrder(
            try pairs.map { pair in
                var fixed = FixedByteArrays(width: 2)
                fixed.append(pair)
                return try key(.fixedLengthByteArray(fixed), field)
            })
    }

    @Test func `decimals are ordered by their value in every form`() throws {
        let numbers: [Int64] = [-70_000, -129, -1, 0, 1, 128, 70_000]
        let fields: [(ParquetField, (Int64) -> ColumnValues)] = [
            (decimal(.int32), { .int32([Int32($0)]) }), (decimal(.int64), { .int64([$0]) }),
            (
                decimal(.fixedLengthByteArray, 13),
                { number in
                    var fixed = FixedByteArrays(width: 13)
                    fixed.append(KeyColumn.bigEndian(number, 13))
                    return .fixedLengthByteArray(fixed)
                }
            ),
        ]
        for (field, values) in fields {
            expectOrder(try numbers.map { try key(values($0), field) })
        }
    }

    private func decimal(_ type: PhysicalType, _ length: Int32 = 0) -> ParquetField {
        .values(
            "d", id: 1, .required, type, length: length,
            logicalType: .decimal(precision: 9, scale: 2))
    }

    // MARK: Z-order

    @Test(arguments: UInt64(0)..<50)
    func `a place takes one bit of each column in turn`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let widths = (0..<Int.random(in: 1...4, using: &random)).map { _ in
            Int.random(in: 1...9, using: &random)
        }
        let parts = widths.map { width in
            (0..<Int.random(in: 0...width, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
        }
        let total = widths.reduce(0, +)
        let size = Int.random(in: 1...total, using: &random)
        var texts = zip(parts, widths).map { part, width in
            (part + [UInt8](repeating: 0, count: width - part.count)).map { byte in
                (0..<8).reversed().map { byte >> $0 & 1 == 1 ? "1" : "0" }.joined()
            }.joined()[...]
        }
        var bits = ""
        while bits.count < 8 * total {
            for index in texts.indices where !texts[index].isEmpty {
                bits.append(texts[index].removeFirst())
            }
        }

        var key: [UInt8] = []
        ZOrderCurve.interleave(parts, widths, size: size, into: &key)

        let expected = stride(from: 0, to: 8 * size, by: 8).map { start in
            UInt8(bits.dropFirst(start).prefix(8), radix: 2)
        }
        #expect(key.map { UInt8?($0) } == expected)
    }
}
