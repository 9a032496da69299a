// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import ParquetFormat

/// Makes a row's place on a Z-order curve, byte for byte as Iceberg's procedure does.
///
/// Each column gives bytes whose order is that of its values, as many for every row: eight, or
/// `var-length-contribution` for text and bytes. The place has the first bit of every column, then
/// the second, and so on; a column whose bits are used up is passed over. Nulls are zeros.
struct ZOrderCurve: Sendable {
    private let columns: [DecidingColumn]
    private let widths: [Int]
    /// The bytes of a place.
    private let size: Int

    /// The longest place, which is held for every row.
    static let longest = 1 << 16
    private static let numberWidth = 8

    /// - Parameters:
    ///   - varLength: `var-length-contribution`.
    ///   - limit: `max-output-size`.
    init(
        _ ids: [Int], _ schema: Schema, _ target: ParquetSchema, varLength: Int, limit: Int
    ) throws(Unsupported) {
        var columns: [DecidingColumn] = []
        for id in ids { columns.append(try DecidingColumn(id, schema, target)) }
        widths = columns.map { Self.varies($0.type) ? varLength : Self.numberWidth }
        size = min(widths.reduce(0) { $0 + $1 }, limit)
        guard size <= Self.longest else {
            throw Unsupported(
                reason: "zorder would make \(size) bytes of each row, and may make "
                    + "\(Self.longest); lower var-length-contribution or max-output-size")
        }
        self.columns = columns
    }

    private static func varies(_ type: PrimitiveType) -> Bool {
        switch type {
        case .string, .binary, .fixed, .uuid: true
        case .boolean, .int, .long, .float, .double, .decimal, .date, .time, .timestamp,
            .timestamptz, .timestampNanoseconds, .timestamptzNanoseconds, .unknown, .geometry,
            .geography:
            false
        }
    }

    func append(_ row: PackedRow, to key: inout [UInt8]) {
        var parts: [[UInt8]] = []
        parts.reserveCapacity(columns.count)
        for (column, width) in zip(columns, widths) {
            parts.append(column.withValue(of: row) { Self.ordered($0, column, width) })
        }
        Self.interleave(parts, widths, size: size, into: &key)
    }

    /// The bytes that a column gives, zeros at the end left out.
    private static func ordered(
        _ bytes: UnsafeRawBufferPointer?, _ column: DecidingColumn, _ width: Int
    ) -> [UInt8] {
        guard let bytes else { return [] }
        var ordered: [UInt8] = []
        switch column.column.type {
        case .boolean: return bytes[0] != 0 ? [0x81] : []
        case .int32: OrderedBytes.append(Int64(PlainBytes.int32(bytes)), to: &ordered)
        case .int64:
            let number = PlainBytes.int64(bytes)
            OrderedBytes.append(seconds(number, column.type) ?? number, to: &ordered)
        case .float: appendNumber(Double(PlainBytes.float(bytes)), to: &ordered)
        case .double: appendNumber(PlainBytes.double(bytes), to: &ordered)
        case .int96, .byteArray, .fixedLengthByteArray:
            var end = min(bytes.count, width)
            // A character that does not fit as a whole is left out.
            while column.type == .string, end > 0, end < bytes.count, bytes[end] & 0xC0 == 0x80 {
                end -= 1
            }
            return Array(bytes[..<end])
        }
        return ordered
    }

    /// Every NaN is the same here.
    private static func appendNumber(_ number: Double, to bytes: inout [UInt8]) {
        OrderedBytes.append(number.isNaN ? .nan : number, to: &bytes)
    }

    /// Whole seconds of a moment, rounded down, which is what the procedure goes by.
    private static func seconds(_ number: Int64, _ type: PrimitiveType) -> Int64? {
        let ticks: Int64
        switch type {
        case .timestamp, .timestamptz: ticks = 1_000_000
        case .timestampNanoseconds, .timestamptzNanoseconds: ticks = 1_000_000_000
        default: return nil
        }
        let (quotient, remainder) = number.quotientAndRemainder(dividingBy: ticks)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// Appends so many bytes that take their bits from the parts in turn.
    ///
    /// - Parameter widths: How many bytes each part has; those that are missing are zeros.
    static func interleave(
        _ parts: [[UInt8]], _ widths: [Int], size: Int, into key: inout [UInt8]
    ) {
        var (byte, bits) = (UInt8(0), 0)
        var left = size
        for place in 0..<(widths.max() ?? 0) {
            for bit in stride(from: UInt8(7), through: 0, by: -1) {
                for (part, width) in zip(parts, widths) where place < width {
                    guard left > 0 else { return }
                    let source = place < part.count ? part[place] : 0
                    byte = byte << 1 | source >> bit & 1
                    bits += 1
                    guard bits == 8 else { continue }
                    key.append(byte)
                    (byte, bits) = (0, 0)
                    left -= 1
                }
            }
        }
    }
}
