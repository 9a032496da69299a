// SPDX-License-Identifier: Apache-2.0

/// Makes batches of the new file's column of one file's batches, row group by row group.
struct BatchTransform {
    let projection: ColumnProjection
    /// The column that is read; nil if none is.
    let source: ParquetColumn?
    let target: ParquetColumn
    /// The ordinal in the file of the next row that begins.
    private(set) var nextRow: Int64
    let deleted: ArraySlice<Int64>

    init(
        _ projection: ColumnProjection, source: ParquetColumn?, target: ParquetColumn,
        firstRow: Int64, deleted: ArraySlice<Int64>
    ) {
        self.projection = projection
        self.source = source
        self.target = target
        self.deleted = deleted
        nextRow = firstRow
    }

    /// What stays of a batch, as the new file has it.
    mutating func apply(_ batch: ColumnBatch) throws(ParquetError) -> ColumnBatch {
        let first = nextRow
        let cut = RowCut(
            repetition: batch.repetitionLevels, definition: batch.definitionLevels,
            count: batch.count, maximumDefinition: source?.maximumDefinitionLevel ?? 0,
            nextRow: &nextRow, deleted: deleted)
        if case .nothing = projection.origin { return generated(Self.ordinals(cut, from: first)) }
        let isWhole = cut.entries == [0..<batch.count] || batch.count == 0
        let kept = isWhole ? batch : batch.keeping(cut)
        if case .levels(_, let repetition, let definition) = projection.origin {
            return try skeleton(kept, repetition: repetition, definition: definition)
        }
        let values = try converted(kept)
        return projection.fillsNulls ? filled(values, Self.ordinals(cut, from: first)) : values
    }

    /// The ordinals in the file of the rows that stay, where rows are flat.
    private static func ordinals(_ cut: RowCut, from first: Int64) -> [Int64] {
        cut.entries.flatMap { range in range.map { first + Int64($0) } }
    }

    private func converted(_ batch: ColumnBatch) throws(ParquetError) -> ColumnBatch {
        var batch = batch
        if projection.conversion != .none {
            batch.values = try projection.conversion.convert(batch.values)
        }
        guard let map = projection.levels else { return batch }
        batch.definitionLevels = try Self.mapped(
            batch.definitionLevels, count: batch.count, map, target)
        return batch
    }

    /// Levels on the target's path; where nothing is optional in the source there are none.
    static func mapped(
        _ levels: [UInt8], count: Int, _ map: LevelMap, _ target: ParquetColumn
    ) throws(ParquetError) -> [UInt8] {
        let levels = levels.isEmpty ? [UInt8](repeating: 0, count: count) : levels
        let mapped = try map.map(levels, target)
        return target.maximumDefinitionLevel == 0 ? [] : mapped
    }

    /// Fills the nulls of a column at the top of the schema.
    private func filled(
        _ batch: ColumnBatch, _ ordinals: [Int64]
    ) -> ColumnBatch {
        guard !batch.definitionLevels.isEmpty else { return batch }
        var result = ColumnBatch(for: target)
        result.count = batch.count
        result.definitionLevels = [UInt8](repeating: projection.filledLevel, count: batch.count)
        var value = 0
        for (level, ordinal) in zip(batch.definitionLevels, ordinals) {
            if level == projection.filledLevel {
                result.values.append(batch.values, value..<value + 1)
                value += 1
            } else {
                result.values.append(fill: projection.fill, ordinal)
            }
        }
        return result
    }

    /// A null or the same value wherever the group above is there.
    private func skeleton(
        _ batch: ColumnBatch, repetition: UInt8, definition: UInt8
    ) throws(ParquetError) -> ColumnBatch {
        var result = ColumnBatch(for: target)
        let hasRepetition = target.maximumRepetitionLevel > 0
        for index in 0..<batch.count {
            let level = batch.repetitionLevels.isEmpty ? 0 : batch.repetitionLevels[index]
            guard level <= repetition else { continue }
            let defined = batch.definitionLevels.isEmpty ? 0 : batch.definitionLevels[index]
            result.count += 1
            if hasRepetition { result.repetitionLevels.append(level) }
            let isThere = defined >= definition
            if isThere, projection.fill != .null {
                result.values.append(fill: projection.fill, 0)
            }
            let mapped = projection.levels?.definitions[Int(min(defined, definition))]
            guard let mapped else {
                throw .incompatible(
                    reason: "\(target.name) is in a required group, and a file has a null for that")
            }
            let own = isThere ? projection.filledLevel : mapped
            if target.maximumDefinitionLevel > 0 { result.definitionLevels.append(own) }
        }
        return result
    }

    private func generated(_ ordinals: [Int64]) -> ColumnBatch {
        var result = ColumnBatch(for: target)
        result.count = ordinals.count
        if target.maximumRepetitionLevel > 0 {
            result.repetitionLevels = [UInt8](repeating: 0, count: ordinals.count)
        }
        if target.maximumDefinitionLevel > 0 {
            result.definitionLevels = [UInt8](
                repeating: projection.filledLevel, count: ordinals.count)
        }
        switch projection.fill {
        case .null: break
        case .rowOrdinals(let start): result.values = .int64(ordinals.map { start &+ $0 })
        case .constant: for _ in ordinals { result.values.append(fill: projection.fill, 0) }
        }
        return result
    }
}

extension ColumnBatch {
    /// The values that stay.
    func keeping(_ cut: RowCut) -> ColumnBatch {
        var kept = self
        kept.count = cut.entries.reduce(0) { $0 + $1.count }
        if !definitionLevels.isEmpty {
            kept.definitionLevels = definitionLevels.keeping(cut.entries)
        }
        if !repetitionLevels.isEmpty {
            kept.repetitionLevels = repetitionLevels.keeping(cut.entries)
        }
        kept.values = values.keeping(cut.values)
        return kept
    }
}

extension ColumnValues {
    /// Adds the value of a fill that was checked against the column, for a row.
    mutating func append(fill: ColumnFill, _ ordinal: Int64) {
        switch fill {
        case .null: return
        case .rowOrdinals(let start):
            if case .int64(var array) = self {
                self = .int64([])
                array.append(start &+ ordinal)
                self = .int64(array)
            }
        case .constant(let bytes): append(constant: bytes)
        }
    }

    private mutating func append(constant bytes: [UInt8]) {
        let word = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        switch self {
        case .boolean(var array):
            self = .boolean([])
            array.append(word != 0)
            self = .boolean(array)
        case .int32(var array):
            self = .int32([])
            array.append(Int32(truncatingIfNeeded: word))
            self = .int32(array)
        case .int64(var array):
            self = .int64([])
            array.append(Int64(bitPattern: word))
            self = .int64(array)
        case .float(var array):
            self = .float([])
            array.append(Float(bitPattern: UInt32(truncatingIfNeeded: word)))
            self = .float(array)
        case .double(var array):
            self = .double([])
            array.append(Double(bitPattern: word))
            self = .double(array)
        case .int96(var array):
            self = .int96(FixedByteArrays(width: array.width))
            array.append(bytes)
            self = .int96(array)
        case .fixedLengthByteArray(var array):
            self = .fixedLengthByteArray(FixedByteArrays(width: array.width))
            array.append(bytes)
            self = .fixedLengthByteArray(array)
        case .byteArray(var array):
            self = .byteArray(ByteArrays())
            array.append(bytes)
            self = .byteArray(array)
        }
    }
}
