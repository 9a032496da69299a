// SPDX-License-Identifier: Apache-2.0

/// Makes values of a wider type of values.
///
/// Every conversion keeps the order of values, so that bounds convert as values do.
enum ValueConversion: Hashable {
    case none
    /// 32-bit integers become 64-bit integers.
    case widenInteger
    /// Single-precision numbers become double-precision numbers.
    case widenNumber
    /// Unscaled integers of any form become 32-bit integers.
    case decimalToInt32
    /// Unscaled integers of any form become 64-bit integers.
    case decimalToInt64
    /// Unscaled integers of any form become two's complement of so many bytes.
    case decimalToFixed(Int)
    /// Unscaled integers of any form become two's complement of as many bytes as they need.
    case decimalToBytes
    /// Integers are multiplied: milliseconds, days and the like become finer units.
    case scale(by: Int64)

    /// How values of one column become values of another.
    ///
    /// - Throws: ``ParquetError/incompatible(reason:)`` where that would lose something.
    init(from source: ParquetColumn, to target: ParquetColumn) throws(ParquetError) {
        if case .decimal(let precision, let scale) = target.logicalType {
            self = try Self.decimal(source, target, precision: precision, scale: scale)
            return
        }
        if let factor = Self.factor(source, target) {
            self = factor == 1 ? .none : .scale(by: factor)
            return
        }
        switch (source.type, target.type) {
        case (.int32, .int64) where Self.isSigned(source) && Self.isSigned(target):
            self = .widenInteger
        case (.float, .double): self = .widenNumber
        default:
            let isSame =
                source.type == target.type && source.typeLength == target.typeLength
                && Self.meansTheSame(source.logicalType, target.logicalType)
            guard isSame else {
                throw .incompatible(
                    reason: "\(source.name) is \(source.typeText) and cannot become "
                        + target.typeText)
            }
            self = .none
        }
    }

    private static func isSigned(_ column: ParquetColumn) -> Bool {
        switch column.logicalType {
        case nil, .integer(_, isSigned: true): true
        case .string, .map, .list, .enumeration, .decimal, .date, .time, .timestamp, .integer,
            .null, .json, .bson, .uuid, .float16, .variant, .geometry, .geography, .interval,
            .unknown:
            false
        }
    }

    /// Annotations that change nothing about what the bytes are to a reader that knows the type.
    private static func meansTheSame(_ left: LogicalType?, _ right: LogicalType?) -> Bool {
        if left == right { return true }
        switch (left, right) {
        case (.integer(_, let mine), .integer(_, let theirs)): return mine == theirs
        case (nil, .integer(_, let isSigned)), (.integer(_, let isSigned), nil): return isSigned
        // Text and bytes are the same bytes; which of them is meant the target says.
        case (nil, .string), (.string, nil), (nil, .json), (.json, nil), (nil, .uuid), (.uuid, nil),
            (.enumeration, .string), (.json, .string), (nil, .bson), (.bson, nil),
            (nil, .geometry), (nil, .geography):
            return true
        default: return false
        }
    }

    private static func decimal(
        _ source: ParquetColumn, _ target: ParquetColumn, precision: Int32, scale: Int32
    ) throws(ParquetError) -> ValueConversion {
        guard case .decimal(let oldPrecision, let oldScale) = source.logicalType,
            oldScale == scale, oldPrecision <= precision
        else {
            throw .incompatible(
                reason: "\(source.name) is \(source.typeText) and cannot become \(target.typeText)")
        }
        guard source.type != target.type || source.typeLength != target.typeLength else {
            return .none
        }
        switch target.type {
        case .int32: return .decimalToInt32
        case .int64: return .decimalToInt64
        case .fixedLengthByteArray: return .decimalToFixed(target.typeLength)
        case .byteArray: return .decimalToBytes
        case .boolean, .int96, .float, .double:
            throw .incompatible(reason: "a decimal is not stored as \(target.type)")
        }
    }

    /// By how much a time is multiplied to be one of the target's unit; nil for other types.
    private static func factor(_ source: ParquetColumn, _ target: ParquetColumn) -> Int64? {
        func perSecond(_ unit: LogicalType.TimeUnit) -> Int64 {
            switch unit {
            case .milliseconds: 1000
            case .microseconds: 1_000_000
            case .nanoseconds: 1_000_000_000
            }
        }
        switch (source.logicalType, target.logicalType) {
        case (.date, .timestamp(let unit, isAdjustedToUTC: false))
        where source.type == .int32 && target.type == .int64:
            return 86_400 * perSecond(unit)
        case (.timestamp(let mine, let adjusted), .timestamp(let wanted, let toUTC))
        where source.type == .int64 && target.type == .int64 && adjusted == toUTC:
            let (old, new) = (perSecond(mine), perSecond(wanted))
            return new >= old ? new / old : nil
        case (.time(let mine, _), .time(let wanted, _)) where target.type == .int64:
            let (old, new) = (perSecond(mine), perSecond(wanted))
            return new > old || new == old && source.type == .int64 ? new / old : nil
        default: return nil
        }
    }

    /// Converts values; those that the wider type cannot hold are refused.
    func convert(_ values: ColumnValues) throws(ParquetError) -> ColumnValues {
        switch self {
        case .none: return values
        case .widenInteger:
            guard case .int32(let array) = values else { throw misfit }
            return .int64(array.map { Int64($0) })
        case .widenNumber:
            guard case .float(let array) = values else { throw misfit }
            return .double(array.map { Double($0) })
        case .scale(let factor):
            return .int64(try scaled(values, by: factor))
        case .decimalToInt32:
            var array: [Int32] = []
            try unscaled(values) { bytes throws(ParquetError) in
                guard let value = Int64(twosComplement: bytes).flatMap({ Int32(exactly: $0) })
                else { throw tooLong(bytes) }
                array.append(value)
            }
            return .int32(array)
        case .decimalToInt64:
            var array: [Int64] = []
            try unscaled(values) { bytes throws(ParquetError) in
                guard let value = Int64(twosComplement: bytes) else { throw tooLong(bytes) }
                array.append(value)
            }
            return .int64(array)
        case .decimalToFixed(let width):
            var array = FixedByteArrays(width: width)
            try unscaled(values) { bytes throws(ParquetError) in
                guard let padded = bytes.twosComplement(width: width) else { throw tooLong(bytes) }
                array.append(padded)
            }
            return .fixedLengthByteArray(array)
        case .decimalToBytes:
            var array = ByteArrays()
            try unscaled(values) { bytes throws(ParquetError) in
                array.append(bytes.shortestTwosComplement)
            }
            return .byteArray(array)
        }
    }

    private var misfit: ParquetError {
        .incompatible(reason: "values are not of the type that their column has")
    }

    private func tooLong(_ bytes: [UInt8]) -> ParquetError {
        .incompatible(reason: "a decimal of \(bytes.count) bytes does not fit the wider type")
    }

    private func scaled(
        _ values: ColumnValues, by factor: Int64
    ) throws(ParquetError) -> [Int64] {
        let array: [Int64]
        switch values {
        case .int32(let narrow): array = narrow.map { Int64($0) }
        case .int64(let wide): array = wide
        case .boolean, .int96, .float, .double, .byteArray, .fixedLengthByteArray: throw misfit
        }
        var result: [Int64] = []
        result.reserveCapacity(array.count)
        for value in array {
            let (product, overflow) = value.multipliedReportingOverflow(by: factor)
            guard !overflow else {
                throw .incompatible(reason: "the time \(value) does not fit the finer unit")
            }
            result.append(product)
        }
        return result
    }

    private func unscaled(
        _ values: ColumnValues, _ body: ([UInt8]) throws(ParquetError) -> Void
    ) throws(ParquetError) {
        switch values {
        case .int32(let array):
            for value in array { try body(withUnsafeBytes(of: value.bigEndian, Array.init)) }
        case .int64(let array):
            for value in array { try body(withUnsafeBytes(of: value.bigEndian, Array.init)) }
        case .fixedLengthByteArray(let array):
            for index in 0..<array.count { try body(Array(array[index])) }
        case .byteArray(let array):
            for index in 0..<array.count { try body(Array(array[index])) }
        case .boolean, .int96, .float, .double: throw misfit
        }
    }
}

extension Int64 {
    /// The number that bytes are, the highest first; nil if it has more than 64 bits.
    init?(twosComplement bytes: [UInt8]) {
        guard let padded = bytes.twosComplement(width: 8) else { return nil }
        self = padded.reduce(0) { $0 << 8 | Int64($1) }
    }
}

extension [UInt8] {
    /// The same number in so many bytes, the highest first; nil if it does not fit.
    func twosComplement(width: Int) -> [UInt8]? {
        let shortest = shortestTwosComplement
        guard shortest.count <= width else { return nil }
        let fill: UInt8 = (shortest.first ?? 0) >= 0x80 ? 0xFF : 0
        return [UInt8](repeating: fill, count: width - shortest.count) + shortest
    }

    /// The same number without bytes that only repeat the sign, the highest first; one at least.
    var shortestTwosComplement: [UInt8] {
        var start = 0
        while start + 1 < count {
            let isRedundant =
                self[start] == 0 && self[start + 1] < 0x80
                || self[start] == 0xFF && self[start + 1] >= 0x80
            guard isRedundant else { break }
            start += 1
        }
        return isEmpty ? [0] : Array(self[start...])
    }
}
