// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec
import WireFormat

/// Spells partitions as their folders are spelled: `day=2026-01-31/bucket=3`.
///
/// For people to read; nothing is found by it.
public struct PartitionNames: Sendable {
    private let specs: [Int: [(name: String, transform: Transform, type: PrimitiveType?)]]

    /// Reads the specs of a table.
    public init(_ metadata: TableMetadata) {
        specs = Dictionary(
            metadata.partitionSpecs.map { spec in
                let fields = spec.fields.map {
                    (name: $0.name, transform: $0.transform, type: metadata.partitionType(of: $0))
                }
                return (spec.id, fields)
            }, uniquingKeysWith: { first, _ in first })
    }

    /// The name of a partition; empty for that of an unpartitioned spec.
    public func name(of partition: PartitionKey) -> String {
        parts(of: partition).map { Self.joined($0) }
            .joined(separator: "/")
    }

    /// The longest folder of a partition; file systems refuse names above 255 bytes.
    static let longestFolder = 200

    /// The folders in which new files of a partition are put, encoded so that any store takes
    /// them; empty for an unpartitioned spec.
    ///
    /// Long ones are cut: nothing is found by them.
    public func folders(of partition: PartitionKey) -> String {
        parts(of: partition).map { part in
            let text = PercentEncoding.encode(part.value)
            let folder = part.name.map { PercentEncoding.encode($0) + "=" + text } ?? text
            return Self.cut(folder)
        }.joined(separator: "/")
    }

    /// The beginning of an encoded folder, without a part of an escape at its end.
    private static func cut(_ folder: String) -> String {
        guard folder.utf8.count > longestFolder else { return folder }
        let start = folder.prefix(longestFolder)
        guard let escape = start.suffix(2).firstIndex(of: "%") else { return String(start) }
        return String(start[..<escape])
    }

    private static func joined(_ part: (name: String?, value: String)) -> String {
        part.name.map { "\($0)=\(part.value)" } ?? part.value
    }

    private func parts(of partition: PartitionKey) -> [(name: String?, value: String)] {
        let fields = specs[partition.specID] ?? []
        return partition.tuple.values.enumerated().map { index, value in
            guard fields.indices.contains(index) else { return (nil, Self.plain(value, nil)) }
            let field = fields[index]
            return (field.name, Self.text(value, field.transform, field.type))
        }
    }

    private static func text(
        _ value: PartitionKeyValue?, _ transform: Transform, _ type: PrimitiveType?
    ) -> String {
        guard case .integer(let number)? = value else { return plain(value, type) }
        let dayMicroseconds: Int64 = 86_400_000_000
        switch transform {
        case .year: return padded(1970 &+ number, 4)
        case .month:
            let year = 1970 &+ floor(number, 12).quotient
            return "\(padded(year, 4))-\(padded(floor(number, 12).remainder + 1, 2))"
        case .day: return time(number, dayMicroseconds, 10)
        case .hour: return time(number, 3_600_000_000, 13).replacing("T", with: "-")
        case .identity, .truncate, .bucket, .void, .unknown:
            switch type {
            case .date?: return time(number, dayMicroseconds, 10)
            case .timestamp?, .timestamptz?: return time(number, 1, 26)
            case .timestampNanoseconds?, .timestamptzNanoseconds?:
                return time(floor(number, 1000).quotient, 1, 26)
            default: return "\(number)"
            }
        }
    }

    /// A time in multiples of some microseconds, as far as years have four digits.
    private static func time(_ number: Int64, _ unit: Int64, _ length: Int) -> String {
        let (microseconds, overflow) = number.multipliedReportingOverflow(by: unit)
        // The years 1 to 9999, beyond which a time has no spelling.
        let spellable = Int64(-62_135_596_800_000_000)...253_402_300_799_999_999
        guard !overflow, spellable.contains(microseconds) else { return "\(number)" }
        return String(Timestamp(microseconds: microseconds).description.prefix(length))
    }

    private static func plain(_ value: PartitionKeyValue?, _ type: PrimitiveType?) -> String {
        switch value {
        case nil: return "null"
        case .boolean(let truth): return "\(truth)"
        case .integer(let number): return "\(number)"
        case .floatingPoint(let bits): return "\(Double(bitPattern: bits))"
        case .bytes(let bytes):
            if case .decimal(_, let scale)? = type { return decimal(bytes, scale: scale) }
            if case .string? = type, let text = String(validating: bytes, as: UTF8.self) {
                return text
            }
            return hexadecimal(bytes)
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        "0x" + bytes.map { padded(String($0, radix: 16), 2) }.joined()
    }

    /// A big-endian two's-complement number of at most 16 bytes, with a point.
    private static func decimal(_ bytes: [UInt8], scale: Int) -> String {
        guard let first = bytes.first, bytes.count <= 16 else { return hexadecimal(bytes) }
        var number: Int128 = first >= 0x80 ? -1 : 0
        for byte in bytes { number = number << 8 | Int128(byte) }
        let digits = String(number.magnitude)
        let sign = number < 0 ? "-" : ""
        guard scale > 0 else { return sign + digits }
        let long = padded(digits, scale + 1)
        return "\(sign)\(long.dropLast(scale)).\(long.suffix(scale))"
    }

    private static func floor(
        _ number: Int64, _ divisor: Int64
    ) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = number.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        padded("\(number)", width)
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
}
