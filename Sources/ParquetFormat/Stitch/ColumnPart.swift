// SPDX-License-Identifier: Apache-2.0

/// What one row group of a file gives to a column of the new file.
struct ColumnPart<Source: ParquetByteSource> {
    let file: ParquetFile<Source>
    let rowGroup: Int
    /// How the column comes about.
    let projection: ColumnProjection
    /// The file's column that is read, if one is.
    let source: Int?
    /// Whether bounds mean in the new file what they mean in this one.
    let keepsBounds: Bool
    /// The ordinal in the file of the row group's first row.
    let firstRow: Int64
    /// The ordinals in the file of the row group's rows that are left out.
    let deleted: ArraySlice<Int64>
    /// How many values of the chunk are not numbers, where that is known beside the file.
    let nanCount: Int64?
    /// What the footer says of the chunk that is read.
    let chunk: ColumnMetadata?

    init(
        file: ParquetFile<Source>, rowGroup: Int, projection: ColumnProjection, source: Int?,
        keepsBounds: Bool, firstRow: Int64, deleted: ArraySlice<Int64>, nanCount: Int64?
    ) {
        self.file = file
        self.rowGroup = rowGroup
        self.projection = projection
        self.source = source
        self.keepsBounds = keepsBounds
        self.firstRow = firstRow
        self.deleted = deleted
        self.nanCount = nanCount
        chunk = source.flatMap { file.rowGroups[rowGroup].columns[$0].metadata }
    }

    /// The file's column that is read.
    var leaf: ParquetColumn? { source.map { file.schema.columns[$0] } }

    /// Whether pages of values surely come of it, and not of positions in a dictionary alone.
    func hasPagesOfValues(isMerged: Bool) -> Bool {
        guard projection.isByPage else {
            if case .null = projection.fill { return projection.fillsNulls }
            return !isMerged
        }
        guard let chunk, chunk.statistics?.nullCount != chunk.valueCount else { return false }
        return !isMerged
            || chunk.encodingStatistics?.contains {
                $0.pageType != PageType.dictionary.rawValue
                    && ParquetEncoding(rawValue: $0.encoding)?.usesDictionary != true
            } ?? false
    }

    /// Of about how many values the chunk's dictionary is the dictionary, by its pages.
    var coveredValues: Double {
        guard let chunk else { return 0 }
        var (inDictionary, others) = (0.0, 0.0)
        for pages in chunk.encodingStatistics ?? []
        where pages.pageType != PageType.dictionary.rawValue {
            if ParquetEncoding(rawValue: pages.encoding)?.usesDictionary == true {
                inDictionary += Double(pages.count)
            } else {
                others += Double(pages.count)
            }
        }
        guard others > 0 else { return Double(chunk.valueCount) }
        return Double(chunk.valueCount) * inDictionary / (inDictionary + others)
    }

    /// How many rows stay.
    var keptRowCount: Int64 { file.rowGroups[rowGroup].rowCount - Int64(deleted.count) }

    /// Whether values, levels and statistics are those of the source.
    var isWhole: Bool { deleted.isEmpty && projection.isVerbatim }

    /// The pages of the chunk.
    func stream(windowSize: Int) throws(ParquetReadError<Source.Failure>) -> PageStream<Source> {
        do {
            return try PageStream(
                file, rowGroup: rowGroup, column: source ?? 0, windowSize: windowSize,
                loaded: file.memory)
        } catch { throw .format(error) }
    }

    /// How the source's bounds compare, if they are of use; the order is that of the new column.
    func sourceOrder(_ order: BoundsOrder?) -> BoundsOrder? {
        guard keepsBounds else { return nil }
        return projection.conversion == .none ? order : leaf.flatMap { .init(standardFor: $0) }
    }

    /// What the footer says of the values of all rows, converted as they are.
    func footerBounds(_ order: BoundsOrder?) -> ValueBounds {
        guard let chunk, let leaf else { return ValueBounds() }
        var known = ValueBounds(
            chunk.statistics, valueCount: chunk.valueCount, order: sourceOrder(order))
        if known.nanCount == nil { known.nanCount = nanCount }
        if projection.conversion != .none { known.convert(projection.conversion, leaf) }
        return known
    }

    /// The values of the file's column, a page at a time, as the new file has them.
    func transform(_ target: ParquetColumn) -> BatchTransform {
        BatchTransform(
            projection, source: leaf, target: target, firstRow: firstRow, deleted: deleted)
    }
}

extension ValueBounds {
    /// Makes the bounds those of converted values, or forgets them where that is not possible.
    mutating func convert(_ conversion: ValueConversion, _ source: ParquetColumn) {
        guard let old = bounds else { return }
        bounds = nil
        let isSound = [old.minimum, old.maximum].allSatisfy {
            source.plainWidth == nil || $0.count == source.plainWidth
        }
        guard isSound else { return }
        var values = ColumnValues(for: source)
        do {
            values.append(fill: .constant(old.minimum), 0)
            values.append(fill: .constant(old.maximum), 0)
            let converted = try conversion.convert(values)
            var plain = [[UInt8]]()
            for index in 0..<converted.count { plain.append(try converted.plainValue(index)) }
            guard plain.count == 2 else { return }
            bounds = Bounds(
                minimum: plain[0], maximum: plain[1], isMinimumExact: old.isMinimumExact,
                isMaximumExact: old.isMaximumExact)
        } catch {
            // A bound that does not convert bounds nothing: there is none then.
            bounds = nil
        }
    }
}

extension ColumnValues {
    /// The plain bytes of one value, of a byte string without its length.
    func plainValue(_ index: Int) throws(ParquetError) -> [UInt8] {
        if case .byteArray(let array) = self { return Array(array[index]) }
        if case .boolean(let array) = self { return [array[index] ? 1 : 0] }
        var one = self
        one.removeAll()
        one.append(self, index..<index + 1)
        var bytes: [UInt8] = []
        try ValueEncoder.encode(one, .plain, appendingTo: &bytes)
        return bytes
    }
}

extension BoundsOrder {
    /// The order that the type itself defines.
    init?(standardFor column: ParquetColumn) {
        self.init(column, order: Self.standard)
    }

    /// What a footer says for a column whose type defines the order.
    static var standard: RawThriftStruct {
        RawThriftStruct(fields: [
            ThriftUnknownField(id: 1, type: ThriftType.structure.rawValue, bytes: [0])
        ])
    }
}
