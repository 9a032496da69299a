// SPDX-License-Identifier: Apache-2.0

/// The rows of a file as a new file has them: columns found by field ids, rows left out.
public struct ParquetProjection<Source: ParquetByteSource>: Sendable {
    private let input: ParquetRewriteInput<Source>
    private let projection: FileProjection
    private let target: ParquetSchema

    /// Decides where the new file's columns come from; nothing is read yet.
    ///
    /// - Throws: ``ParquetError/incompatible(reason:)`` for what cannot be done without a loss.
    public init(
        _ input: ParquetRewriteInput<Source>, target: ParquetSchema
    ) throws(ParquetError) {
        try input.check()
        self.input = input
        self.target = target
        projection = try FileProjection(
            try input.file.schema.addingFieldIDs(input.fieldIDs), to: target, fills: input.fills,
            filledNulls: input.filledNulls)
    }

    /// How many rows of a row group stay.
    public func rowCount(inRowGroup index: Int) -> Int64 { input.keptRowCount(index) }

    /// Reads a column of the new file, of the rows of a row group that stay.
    public func column(_ index: Int, rowGroup: Int) -> ProjectedColumn<Source> {
        let projection = projection.columns[index]
        let deleted = input.deleted(inRowGroup: rowGroup)
        let part = ColumnPart(
            file: input.file, rowGroup: rowGroup, projection: projection,
            source: projection.source, keepsBounds: false, firstRow: deleted.firstRow,
            deleted: deleted.rows, nanCount: nil)
        return ProjectedColumn(
            PartBatches(part, target: target.columns[index], rowLimit: Self.generatedRows),
            of: target.columns[index], limits: input.file.limits)
    }

    /// How many rows of a column that the file does not have come at once.
    private static var generatedRows: Int { 4096 }
}

/// Reads a column page by page, in whole rows.
public struct ProjectedColumn<Source: ParquetByteSource> {
    private var batches: PartBatches<Source>
    private let column: ParquetColumn
    private let limits: ParquetLimits
    /// What a page ends with may go on in the next: the last row waits for that.
    private var rest: ColumnBatch
    private var isAtEnd = false

    fileprivate init(
        _ batches: PartBatches<Source>, of column: ParquetColumn, limits: ParquetLimits
    ) {
        self.batches = batches
        self.column = column
        self.limits = limits
        rest = ColumnBatch(for: column)
    }

    /// The next rows, which may be none; nil after the last.
    public mutating func next() async throws(ParquetReadError<Source.Failure>) -> WholeRows? {
        guard !isAtEnd else { return nil }
        guard let batch = try await batches.next() else {
            isAtEnd = true
            return column.isRepeated ? WholeRows(batch: rest, rowCount: rest.rowCount) : nil
        }
        guard column.isRepeated else { return WholeRows(batch: batch, rowCount: batch.count) }
        if rest.count == 0 {
            rest = batch
        } else {
            do throws(ParquetError) { try rest.append(batch, limits: limits) } catch {
                throw .format(error)
            }
        }
        let rows = WholeRows(batch: rest, rowCount: max(rest.rowCount - 1, 0))
        rest.keepLastRow(column)
        return rows
    }
}

/// A batch of which the first rows count.
public struct WholeRows: Hashable, Sendable {
    /// The values, perhaps with the beginning of another row behind them.
    public let batch: ColumnBatch
    /// How many rows are whole.
    public let rowCount: Int

    /// Takes both.
    public init(batch: ColumnBatch, rowCount: Int) {
        self.batch = batch
        self.rowCount = rowCount
    }
}

extension ColumnProjection {
    /// The file's column that is read, if one is.
    var source: Int? {
        switch origin {
        case .values(let source): source
        case .levels(let source, _, _): source
        case .nothing: nil
        }
    }
}
