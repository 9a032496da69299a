// SPDX-License-Identifier: Apache-2.0

package import IcebergSpec

/// One value of a partition tuple, in a form in which equal values are equal whoever wrote them.
public enum PartitionKeyValue: Hashable, Sendable {
    /// True or false.
    case boolean(Bool)
    /// An integer, or whatever Iceberg stores as one: dates, times, buckets.
    case integer(Int64)
    /// A floating-point number by its bits; every NaN has the same bits here.
    case floatingPoint(bits: UInt64)
    /// Text, or bytes; decimals without leading sign bytes.
    case bytes([UInt8])

    /// A floating-point number.
    static func floatingPoint(_ value: Double) -> PartitionKeyValue {
        .floatingPoint(bits: value.isNaN ? Double.nan.bitPattern : value.bitPattern)
    }

    /// A decimal, which writers pad to different lengths.
    static func decimal(_ bytes: [UInt8]) -> PartitionKeyValue {
        var start = 0
        while start + 1 < bytes.count {
            let isPadding =
                bytes[start] == 0x00 && bytes[start + 1] < 0x80
                || bytes[start] == 0xFF && bytes[start + 1] >= 0x80
            guard isPadding else { break }
            start += 1
        }
        return .bytes(Array(bytes[start...]))
    }
}

/// The partition of a file: the values of its spec's fields in their order, nil for null.
public struct PartitionTuple: Hashable, Sendable {
    /// One value for each field of the spec.
    public let values: [PartitionKeyValue?]

    /// Takes the values in the order of the spec's fields.
    public init(_ values: [PartitionKeyValue?]) { self.values = values }

    /// The tuple of an unpartitioned spec.
    public static let empty = PartitionTuple([])
}

/// A partition: tuples of different specs are never the same one.
public struct PartitionKey: Hashable, Sendable {
    /// The spec.
    public let specID: Int
    /// The values.
    public let tuple: PartitionTuple

    /// Pairs a spec with values.
    public init(specID: Int, tuple: PartitionTuple) {
        self.specID = specID
        self.tuple = tuple
    }
}

extension PartitionKeyValue {
    /// The value that a manifest has.
    package init(_ value: PartitionValue) {
        self =
            switch value {
            case .boolean(let truth): .boolean(truth)
            case .int(let number): .integer(Int64(number))
            case .long(let number): .integer(number)
            case .float(let number): .floatingPoint(Double(number))
            case .double(let number): .floatingPoint(number)
            case .string(let text): .bytes(Array(text.utf8))
            case .bytes(let bytes): .bytes(bytes)
            case .decimal(let bytes): .decimal(bytes)
            }
    }
}
