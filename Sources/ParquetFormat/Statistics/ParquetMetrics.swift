// SPDX-License-Identifier: Apache-2.0

/// How much is told of a column's values.
public enum ParquetMetricsMode: Hashable, Sendable {
    /// Its size alone.
    case none
    /// Its size and counts.
    case counts
    /// As well bounds, those of text and bytes shortened to so many characters or bytes.
    case truncated(Int)
    /// As well bounds of any length.
    case full

    /// What Iceberg does where a table does not say.
    public static var standard: ParquetMetricsMode { .truncated(16) }
}

/// What is known of one column of a file, as Iceberg's manifests say it.
///
/// A count or bound that cannot be told honestly is nil. Bounds are in Iceberg's single-value form:
/// numbers lowest byte first, decimals as the shortest two's complement, highest byte first.
public struct ParquetColumnMetrics: Hashable, Sendable {
    /// The column's position in the file's schema.
    public let column: Int
    /// Its field id.
    public let fieldID: Int32?
    /// The bytes of its pages as they are stored, headers included.
    public let size: Int64
    /// How many values there are, nulls included; nil where counts are not told.
    public let valueCount: Int64?
    /// How many values are null.
    public let nullCount: Int64?
    /// How many values are not numbers; nil for what is no floating point.
    public let nanCount: Int64?
    /// No value that is a number comes before it.
    public let lowerBound: [UInt8]?
    /// No value that is a number comes after it.
    public let upperBound: [UInt8]?
}

extension WrittenParquetFile {
    /// What is known of every column.
    ///
    /// - Parameter mode: How much is told of a column.
    public func metrics(
        _ mode: (ParquetColumn) -> ParquetMetricsMode = { _ in .standard }
    ) -> [ParquetColumnMetrics] {
        schema.columns.enumerated().map { index, column in
            metrics(index, column, mode(column))
        }
    }

    private func metrics(
        _ index: Int, _ column: ParquetColumn, _ mode: ParquetMetricsMode
    ) -> ParquetColumnMetrics {
        let chunks = rowGroups.compactMap { $0.columns[index].metadata }
        let order = BoundsOrder(standardFor: column)
        var known = ValueBounds()
        for chunk in chunks {
            known.add(ValueBounds(file: chunk, order: order), order: order)
        }
        let isCounted = mode != .none
        let isFloating = column.type == .float || column.type == .double
        let bounds = bounds(known, column, mode)
        return ParquetColumnMetrics(
            column: index, fieldID: column.fieldID,
            size: chunks.reduce(0) { $0 + $1.compressedSize },
            valueCount: isCounted ? chunks.reduce(0) { $0 + $1.valueCount } : nil,
            nullCount: !isCounted
                ? nil : column.maximumDefinitionLevel == 0 ? 0 : known.nullCount,
            nanCount: isCounted && isFloating ? known.nanCount : nil,
            lowerBound: bounds?.lower, upperBound: bounds?.upper)
    }

    /// Bounds of columns in lists and maps are of no use to anybody, and Iceberg has none.
    private func bounds(
        _ known: ValueBounds, _ column: ParquetColumn, _ mode: ParquetMetricsMode
    ) -> (lower: [UInt8]?, upper: [UInt8]?)? {
        guard column.maximumRepetitionLevel == 0, let bounds = known.bounds else { return nil }
        switch mode {
        case .none, .counts: return nil
        case .full: return column.singleValues(bounds)
        case .truncated(let length):
            guard let values = column.singleValues(bounds) else { return nil }
            switch (column.type, column.logicalType) {
            case (.byteArray, .string), (.byteArray, .json), (.byteArray, .enumeration):
                return (
                    BoundTruncation.minimum(text: values.lower, characters: length),
                    BoundTruncation.maximum(text: values.upper, characters: length)
                )
            case (.byteArray, .decimal), (.fixedLengthByteArray, .decimal): return values
            case (.byteArray, _), (.fixedLengthByteArray, nil):
                return (
                    BoundTruncation.minimum(values.lower, bytes: length, isText: false),
                    BoundTruncation.maximum(values.upper, bytes: length, isText: false)
                )
            case (.boolean, _), (.int32, _), (.int64, _), (.int96, _), (.float, _), (.double, _),
                (.fixedLengthByteArray, _):
                return values
            }
        }
    }
}

extension ValueBounds {
    /// What a footer says of a chunk, the deprecated bounds of signed integers included.
    fileprivate init(file chunk: ColumnMetadata, order: BoundsOrder?) {
        var told = chunk.statistics
        if let old = told, old.minimum == nil, old.maximum == nil, case .signed = order {
            told?.minimum = old.deprecatedMinimum
            told?.maximum = old.deprecatedMaximum
        }
        self.init(told, valueCount: chunk.valueCount, order: order)
    }
}

extension ParquetColumn {
    /// Bounds in the single-value form, times in microseconds if the file has milliseconds.
    fileprivate func singleValues(
        _ bounds: ValueBounds.Bounds
    ) -> (lower: [UInt8], upper: [UInt8])? {
        guard let lower = singleValue(bounds.minimum), let upper = singleValue(bounds.maximum)
        else { return nil }
        return (lower, upper)
    }

    private func singleValue(_ bound: [UInt8]) -> [UInt8]? {
        switch (type, logicalType) {
        case (.int96, _): nil
        case (.int32, .decimal), (.int64, .decimal): Array(bound.reversed()).shortestTwosComplement
        case (.byteArray, .decimal), (.fixedLengthByteArray, .decimal):
            bound.shortestTwosComplement
        case (_, .timestamp(.milliseconds, _)), (_, .time(.milliseconds, _)):
            microseconds(bound)
        case (.float, _), (.double, _): isNumber(bound) ? bound : nil
        case (_, .integer(_, isSigned: false)), (_, .interval), (_, .float16): nil
        case (.boolean, _), (.int32, _), (.int64, _), (.byteArray, _), (.fixedLengthByteArray, _):
            bound
        }
    }

    private func microseconds(_ bound: [UInt8]) -> [UInt8]? {
        let bytes = Array(bound.reversed())
        guard let value = Int64(twosComplement: bytes) else { return nil }
        let (product, overflow) = value.multipliedReportingOverflow(by: 1000)
        return overflow ? nil : withUnsafeBytes(of: product.littleEndian) { Array($0) }
    }

    private func isNumber(_ bound: [UInt8]) -> Bool {
        BoundsOrder(standardFor: self)?.isValid(bound) ?? false
    }
}
