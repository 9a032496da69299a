// SPDX-License-Identifier: Apache-2.0

/// Byte strings of any lengths, one after the other.
public struct ByteArrays: Hashable, Sendable {
    /// All bytes.
    public internal(set) var bytes: [UInt8] = []
    /// Where each value ends in `bytes`; it begins where the one before ends.
    public internal(set) var ends: [Int] = []

    /// No values.
    public init() {}

    /// Takes values.
    public init(_ values: some Sequence<some Sequence<UInt8>>) {
        for value in values { append(value) }
    }

    /// Adds a value.
    public mutating func append(_ value: some Sequence<UInt8>) {
        bytes.append(contentsOf: value)
        ends.append(bytes.count)
    }

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

    /// No values of a length, which is at least one.
    public init(width: Int) {
        precondition(width > 0, "values of one length have bytes")
        self.width = width
    }

    /// Adds a value, which must have the right length.
    public mutating func append(_ value: some Collection<UInt8>) {
        precondition(value.count == width, "values of one length have that length")
        bytes.append(contentsOf: value)
    }

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

    /// No values of a column.
    public init(for column: ParquetColumn) {
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

    /// No values of a column.
    public init(for column: ParquetColumn) { values = ColumnValues(for: column) }

    /// Takes values with their levels; ``check(_:)`` tells whether they fit a column.
    ///
    /// - Parameter count: How many values there are, nulls included; by default as many as there
    ///   are definition levels, or values where there are none.
    public init(
        _ values: ColumnValues, definitionLevels: [UInt8] = [], repetitionLevels: [UInt8] = [],
        count: Int? = nil
    ) {
        self.values = values
        self.definitionLevels = definitionLevels
        self.repetitionLevels = repetitionLevels
        self.count = count ?? (definitionLevels.isEmpty ? values.count : definitionLevels.count)
    }
}

/// What stands for some values of a column, with their levels.
public struct TokenBatch: Sendable {
    /// One for each value that is not null; or for each of the dictionary, if there are positions.
    public let tokens: [UInt64]
    /// Which token each value that is not null has.
    public let positions: [UInt32]?
    /// One for each value, nulls included; empty where nothing is missing.
    public let definitionLevels: [UInt8]
    /// One for each value, nulls included; 0 begins a row, and where nothing repeats there is none.
    public let repetitionLevels: [UInt8]
    /// How many values there are, nulls and empty lists included.
    public let count: Int

    /// Takes tokens of the values of a batch.
    public init(_ batch: ColumnBatch, tokens: [UInt64], positions: [UInt32]? = nil) {
        self.tokens = tokens
        self.positions = positions
        definitionLevels = batch.definitionLevels
        repetitionLevels = batch.repetitionLevels
        count = batch.count
    }
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

    /// The bytes that a range of values takes as plain values.
    func plainSize(_ range: Range<Int>) -> Int {
        switch self {
        case .boolean: (range.count + 7) / 8
        case .int32, .float: range.count * 4
        case .int64, .double: range.count * 8
        case .int96(let values), .fixedLengthByteArray(let values): range.count * values.width
        case .byteArray(let values):
            range.isEmpty
                ? 0
                : values.ends[range.upperBound - 1] - values.range(at: range.lowerBound).lowerBound
                    + 4 * range.count
        }
    }

    /// Adds values of the same type, all of them or those of a range.
    mutating func append(_ other: ColumnValues, _ range: Range<Int>? = nil) {
        let range = range ?? 0..<other.count
        // Not a switch over both: a pair of them would keep the array from being unique.
        switch self {
        case .boolean(var mine):
            guard case .boolean(let more) = other else { break }
            self = .boolean([])
            mine += more[range]
            self = .boolean(mine)
            return
        case .int32(var mine):
            guard case .int32(let more) = other else { break }
            self = .int32([])
            mine += more[range]
            self = .int32(mine)
            return
        case .int64(var mine):
            guard case .int64(let more) = other else { break }
            self = .int64([])
            mine += more[range]
            self = .int64(mine)
            return
        case .float(var mine):
            guard case .float(let more) = other else { break }
            self = .float([])
            mine += more[range]
            self = .float(mine)
            return
        case .double(var mine):
            guard case .double(let more) = other else { break }
            self = .double([])
            mine += more[range]
            self = .double(mine)
            return
        case .int96(var mine):
            guard case .int96(let more) = other else { break }
            self = .int96(FixedByteArrays(width: mine.width))
            mine.append(more, range)
            self = .int96(mine)
            return
        case .fixedLengthByteArray(var mine):
            guard case .fixedLengthByteArray(let more) = other else { break }
            self = .fixedLengthByteArray(FixedByteArrays(width: mine.width))
            mine.append(more, range)
            self = .fixedLengthByteArray(mine)
            return
        case .byteArray(var mine):
            guard case .byteArray(let more) = other else { break }
            self = .byteArray(ByteArrays())
            mine.append(more, range)
            self = .byteArray(mine)
            return
        }
        preconditionFailure("only values of the same type are joined")
    }

    /// Makes room for so many more numbers; of byte strings nobody knows how long they are.
    mutating func reserve(_ more: Int) {
        switch self {
        case .int32(var mine):
            self = .int32([])
            mine.reserveCapacity(mine.count + more)
            self = .int32(mine)
        case .int64(var mine):
            self = .int64([])
            mine.reserveCapacity(mine.count + more)
            self = .int64(mine)
        case .float(var mine):
            self = .float([])
            mine.reserveCapacity(mine.count + more)
            self = .float(mine)
        case .double(var mine):
            self = .double([])
            mine.reserveCapacity(mine.count + more)
            self = .double(mine)
        case .boolean, .int96, .fixedLengthByteArray, .byteArray: return
        }
    }

    /// Forgets all values and keeps their memory.
    mutating func removeAll() {
        switch self {
        case .boolean(var mine):
            self = .boolean([])
            mine.removeAll(keepingCapacity: true)
            self = .boolean(mine)
        case .int32(var mine):
            self = .int32([])
            mine.removeAll(keepingCapacity: true)
            self = .int32(mine)
        case .int64(var mine):
            self = .int64([])
            mine.removeAll(keepingCapacity: true)
            self = .int64(mine)
        case .float(var mine):
            self = .float([])
            mine.removeAll(keepingCapacity: true)
            self = .float(mine)
        case .double(var mine):
            self = .double([])
            mine.removeAll(keepingCapacity: true)
            self = .double(mine)
        case .int96(let mine): self = .int96(FixedByteArrays(width: mine.width))
        case .fixedLengthByteArray(let mine):
            self = .fixedLengthByteArray(FixedByteArrays(width: mine.width))
        case .byteArray: self = .byteArray(ByteArrays())
        }
    }
}

extension ByteArrays {
    mutating func append(_ other: ByteArrays, _ range: Range<Int>) {
        guard let last = range.last else { return }
        let start = other.range(at: range.lowerBound).lowerBound
        let offset = bytes.count - start
        bytes += other.bytes[start..<other.ends[last]]
        ends.append(contentsOf: other.ends[range].lazy.map { $0 + offset })
    }
}

extension ColumnValues {
    /// The values of some ranges.
    func keeping(_ ranges: [Range<Int>]) -> ColumnValues {
        switch self {
        case .boolean(let array): return .boolean(array.keeping(ranges))
        case .int32(let array): return .int32(array.keeping(ranges))
        case .int64(let array): return .int64(array.keeping(ranges))
        case .float(let array): return .float(array.keeping(ranges))
        case .double(let array): return .double(array.keeping(ranges))
        case .int96(let array): return .int96(array.keeping(ranges))
        case .fixedLengthByteArray(let array): return .fixedLengthByteArray(array.keeping(ranges))
        case .byteArray(let array):
            var kept = ByteArrays()
            kept.bytes.reserveCapacity(array.bytes.count)
            kept.ends.reserveCapacity(array.count)
            for range in ranges { kept.append(array, range) }
            return .byteArray(kept)
        }
    }
}

extension FixedByteArrays {
    fileprivate func keeping(_ ranges: [Range<Int>]) -> FixedByteArrays {
        var kept = FixedByteArrays(width: width)
        kept.bytes.reserveCapacity(bytes.count)
        for range in ranges { kept.append(self, range) }
        return kept
    }

    mutating func append(_ other: FixedByteArrays, _ range: Range<Int>) {
        bytes += other.bytes[range.lowerBound * width..<range.upperBound * width]
    }
}
