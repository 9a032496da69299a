// SPDX-License-Identifier: Apache-2.0

/// Walks through a column batch row by row, in pieces as large as is asked for.
struct BatchCursor {
    let batch: ColumnBatch
    private let column: ParquetColumn
    private var entry = 0
    private var value = 0

    init(_ batch: ColumnBatch, _ column: ParquetColumn) {
        self.batch = batch
        self.column = column
    }

    /// Some rows of the batch.
    struct Segment {
        var rowCount: Int
        /// The values with nulls, which is where the levels are.
        var entries: Range<Int>
        /// The values that are not null.
        var values: Range<Int>
    }

    var isAtEnd: Bool { entry == batch.count }

    /// Whether what comes next goes on with a row.
    var isWithinRow: Bool {
        !isAtEnd && !batch.repetitionLevels.isEmpty && batch.repetitionLevels[entry] != 0
    }

    /// The next rows: as many as asked for, or fewer for so many bytes in all, but at least one.
    ///
    /// Of a row that takes more than a page may, the next part; what is left of it comes before
    /// other rows.
    mutating func next(rows: Int, bytes limit: Int) -> Segment? {
        guard !isAtEnd, rows > 0 || isWithinRow else { return nil }
        var wanted = rows
        while true {
            var segment = segment(rows: wanted)
            let isSmall =
                segment.entries.count <= PageAssembler.valueLimit
                && batch.values.plainSize(segment.values) <= limit
            if segment.rowCount <= 1 || isSmall {
                if !isSmall { cut(&segment) }
                (entry, value) = (segment.entries.upperBound, segment.values.upperBound)
                return segment
            }
            wanted = segment.rowCount / 2
        }
    }

    /// Leaves of rows in lists as much as a page may take.
    private func cut(_ segment: inout Segment) {
        guard !batch.repetitionLevels.isEmpty else { return }
        let maximum = UInt8(column.maximumDefinitionLevel)
        let first = segment.entries.lowerBound
        var (end, position, bytes) = (first, segment.values.lowerBound, 0)
        while end < segment.entries.upperBound, end - first < PageAssembler.valueLimit {
            if maximum == 0 || batch.definitionLevels[end] == maximum {
                bytes += batch.values.plainSize(position..<position + 1)
                if bytes > PageBody.largeSize, end > first { break }
                position += 1
            }
            end += 1
        }
        segment.entries = first..<end
        segment.values = segment.values.lowerBound..<position
        segment.rowCount = batch.repetitionLevels[segment.entries].count { $0 == 0 }
    }

    private func segment(rows: Int) -> Segment {
        var end = min(entry + rows, batch.count)
        var count = end - entry
        if column.maximumRepetitionLevel > 0 {
            (end, count) = (entry, 0)
            while end < batch.count {
                if batch.repetitionLevels[end] == 0 {
                    if count == rows { break }
                    count += 1
                }
                end += 1
            }
        }
        var present = end - entry
        if column.maximumDefinitionLevel > 0 {
            let maximum = UInt8(column.maximumDefinitionLevel)
            present = batch.definitionLevels[entry..<end].count { $0 == maximum }
        }
        return Segment(rowCount: count, entries: entry..<end, values: value..<value + present)
    }
}

extension ColumnBatch {
    /// How many rows begin in the batch.
    public var rowCount: Int {
        repetitionLevels.isEmpty ? count : repetitionLevels.count { $0 == 0 }
    }

    /// Checks that values and levels fit each other and a column, and begin with a row.
    ///
    /// - Throws: ``ParquetError/incompatible(reason:)`` with what does not fit.
    public func check(_ column: ParquetColumn) throws(ParquetError) {
        func refuse(_ reason: String) -> ParquetError {
            .incompatible(reason: "a batch of \(column.name) \(reason)")
        }
        guard values.fits(column) else { throw refuse("holds values of another type") }
        var present = count
        if column.maximumDefinitionLevel > 0 {
            let maximum = UInt8(column.maximumDefinitionLevel)
            guard definitionLevels.count == count, definitionLevels.allSatisfy({ $0 <= maximum })
            else { throw refuse("has wrong definition levels") }
            present = definitionLevels.count { $0 == maximum }
        } else if !definitionLevels.isEmpty {
            throw refuse("has definition levels although nothing is optional")
        }
        guard values.count == present else {
            throw refuse("has \(values.count) values and levels for \(present)")
        }
        if column.maximumRepetitionLevel > 0 {
            let maximum = UInt8(column.maximumRepetitionLevel)
            guard repetitionLevels.count == count, repetitionLevels.allSatisfy({ $0 <= maximum }),
                repetitionLevels.first ?? 0 == 0
            else { throw refuse("has wrong repetition levels") }
        } else if !repetitionLevels.isEmpty {
            throw refuse("has repetition levels although nothing is repeated")
        }
    }
}

extension ColumnValues {
    /// Whether the values are of a column's type.
    fileprivate func fits(_ column: ParquetColumn) -> Bool {
        switch (self, column.type) {
        case (.boolean, .boolean), (.int32, .int32), (.int64, .int64), (.int96, .int96),
            (.float, .float), (.double, .double), (.byteArray, .byteArray):
            true
        case (.fixedLengthByteArray(let array), .fixedLengthByteArray):
            array.width == column.typeLength
        case (.boolean, _), (.int32, _), (.int64, _), (.int96, _), (.float, _), (.double, _),
            (.byteArray, _), (.fixedLengthByteArray, _):
            false
        }
    }
}
