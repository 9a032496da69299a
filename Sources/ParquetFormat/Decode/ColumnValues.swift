// SPDX-License-Identifier: Apache-2.0

/// Byte strings of any lengths, one after the other.
public struct ByteArrays: Hashable, Sendable {
    /// All bytes.
    public internal(set) var bytes: [UInt8] = []
    /// Where each value ends in `bytes`; it begins where the one before ends.
    public internal(set) var ends: [Int] = []

    init() {}

    /// How many values there are.
    public var count: Int { ends.count }

    /// Where a value lies in `bytes`.
    public func range(at index: Int) -> Range<Int> {
        (index == 0 ? 0 : ends[index - 1])..<ends[index]
    }

    /// The bytes of a value.
    public subscript(index: Int) -> ArraySlice<UInt8> { bytes[range(at: index)] }
}

/// Byte strings of one length, one after the other.
public struct FixedByteArrays: Hashable, Sendable {
    /// The length of a value.
    public let width: Int
    /// All bytes.
    public internal(set) var bytes: [UInt8] = []

    init(width: Int) { self.width = width }

    /// How many values there are.
    public var count: Int { bytes.count / width }

    /// The bytes of a value.
    public subscript(index: Int) -> ArraySlice<UInt8> {
        bytes[index * width..<(index + 1) * width]
    }
}

/// The values of a column that are not null, one after the other, by their physical type.
public enum ColumnValues: Hashable, Sendable {
    /// Booleans.
    case boolean([Bool])
    /// 32-bit integers.
    case int32([Int32])
    /// 64-bit integers.
    case int64([Int64])
    /// Twelve bytes each.
    case int96(FixedByteArrays)
    /// Single-precision numbers.
    case float([Float])
    /// Double-precision numbers.
    case double([Double])
    /// Byte strings of any lengths.
    case byteArray(ByteArrays)
    /// Byte strings of one length.
    case fixedLengthByteArray(FixedByteArrays)

    init(for column: ParquetColumn) {
        switch column.type {
        case .boolean: self = .boolean([])
        case .int32: self = .int32([])
        case .int64: self = .int64([])
        case .int96: self = .int96(FixedByteArrays(width: 12))
        case .float: self = .float([])
        case .double: self = .double([])
        case .byteArray: self = .byteArray(ByteArrays())
        case .fixedLengthByteArray:
            self = .fixedLengthByteArray(FixedByteArrays(width: column.typeLength))
        }
    }

    /// How many values there are.
    public var count: Int {
        switch self {
        case .boolean(let values): values.count
        case .int32(let values): values.count
        case .int64(let values): values.count
        case .int96(let values): values.count
        case .float(let values): values.count
        case .double(let values): values.count
        case .byteArray(let values): values.count
        case .fixedLengthByteArray(let values): values.count
        }
    }
}

/// Some values of a column with their levels: what nesting and nulls become.
public struct ColumnBatch: Hashable, Sendable {
    /// The values that are not null.
    public internal(set) var values: ColumnValues
    /// One for each value, nulls included; empty where the column is required throughout.
    public internal(set) var definitionLevels: [UInt8] = []
    /// One for each value, nulls included; 0 begins a row, and where nothing repeats there is none.
    public internal(set) var repetitionLevels: [UInt8] = []
    /// How many values there are, nulls and empty lists included.
    public internal(set) var count: Int = 0

    init(for column: ParquetColumn) { values = ColumnValues(for: column) }
}

extension ColumnValues {
    /// The bytes that byte strings take; 0 for other types.
    var byteCount: Int {
        switch self {
        case .boolean, .int32, .int64, .float, .double: 0
        case .int96(let values), .fixedLengthByteArray(let values): values.bytes.count
        case .byteArray(let values): values.bytes.count
        }
    }

    /// Adds values of the same type.
    mutating func append(_ other: ColumnValues) {
        switch (self, other) {
        case (.boolean(var mine), .boolean(let more)):
            self = .boolean([])
            mine += more
            self = .boolean(mine)
        case (.int32(var mine), .int32(let more)):
            self = .int32([])
            mine += more
            self = .int32(mine)
        case (.int64(var mine), .int64(let more)):
            self = .int64([])
            mine += more
            self = .int64(mine)
        case (.float(var mine), .float(let more)):
            self = .float([])
            mine += more
            self = .float(mine)
        case (.double(var mine), .double(let more)):
            self = .double([])
            mine += more
            self = .double(mine)
        case (.int96(var mine), .int96(let more)):
            self = .int96(FixedByteArrays(width: mine.width))
            mine.bytes += more.bytes
            self = .int96(mine)
        case (.fixedLengthByteArray(var mine), .fixedLengthByteArray(let more)):
            self = .fixedLengthByteArray(FixedByteArrays(width: mine.width))
            mine.bytes += more.bytes
            self = .fixedLengthByteArray(mine)
        case (.byteArray(var mine), .byteArray(let more)):
            self = .byteArray(ByteArrays())
            let offset = mine.bytes.count
            mine.bytes += more.bytes
            mine.ends.append(contentsOf: more.ends.lazy.map { $0 + offset })
            self = .byteArray(mine)
        default: preconditionFailure("only values of the same type are joined")
        }
    }
}
